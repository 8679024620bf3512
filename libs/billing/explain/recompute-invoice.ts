import { Injectable } from '@nestjs/common';
import { assembleInvoice, CodedError } from '@tare/core';
import type { AssembledInvoice } from '@tare/core';
import { SubscriptionStore } from '@tare/customers';
import type { TenantTransaction } from '@tare/database';
import { BillingPeriodStore } from '../periods/billing-period.store.ts';
import { InvoiceStore } from '../invoices/invoice.store.ts';
import type { Invoice } from '../invoices/invoice.ts';
import { instantOf } from '../periods/issued-instant.ts';
import { PeriodFacts } from '../periods/period-facts.ts';

/** Assembles finalized invoices again from usage (SEMANTICS 8.4). */
@Injectable()
export class InvoiceRecomputation {
  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly periods: BillingPeriodStore,
    private readonly invoices: InvoiceStore,
    private readonly facts: PeriodFacts,
  ) {}

  /**
   * The invoice as its events give it: with the usage that it had seen, the versions and discounts of then and the recorded credit allocations it is the
   * same to the cent, line by line. @throws CodedError INVOICE_NOT_FINAL
   */
  async recompute(tx: TenantTransaction, invoice: Invoice): Promise<AssembledInvoice> {
    const { subscriptionId, number } = invoice;
    if (subscriptionId === null || number === null)
      throw new CodedError('INVOICE_NOT_FINAL', 'Only a finalized invoice of a subscription is recomputed.');
    const segments = await this.subscriptions.segments(tx, { subscriptionIds: [subscriptionId] });
    const lines = invoice.kind === 'THRESHOLD' ? (await this.invoices.linesOf(tx, [invoice.id])).get(invoice.id) : [];
    const instant = instantOf(invoice, segments, await this.periods.ofSubscription(tx, subscriptionId), lines);
    const soFar = invoice.kind === 'THRESHOLD' ? { usageUntil: instant.at, closing: false, late: 'NONE' as const } : {};
    const { invoices } = await this.facts.load(tx, { subscriptionId, instant, asIssued: invoice, ...soFar });
    const facts = invoices.find(({ currency }) => currency === invoice.currency);
    if (facts === undefined)
      throw new CodedError('INVARIANT_BROKEN', `The facts of invoice ${number} lead to no invoice in ${invoice.currency}.`);
    return assembleInvoice(facts);
  }
}

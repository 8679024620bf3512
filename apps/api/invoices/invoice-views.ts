import { Injectable } from '@nestjs/common';
import type { InvoiceView } from '@tare/billing';
import { Decimal } from '@tare/core';
import { Database } from '@tare/database';
import { StripeSync, type InvoiceSync } from '@tare/stripe';
import type { Invoice, InvoiceLine } from './invoices.types.ts';

const NOT_SYNCED: InvoiceSync = { state: 'NOT_SYNCED', stripeInvoiceId: null };

/** Invoices as the API shows them: billing's, with where Stripe stands. */
@Injectable()
export class InvoiceViews {
  constructor(
    private readonly database: Database,
    private readonly sync: StripeSync,
  ) {}

  /** One query more, however many invoices there are. */
  async of(tenantId: string, invoices: readonly InvoiceView[]): Promise<Invoice[]> {
    const finalized = invoices.filter(({ number }) => number !== null).map(({ id }) => id);
    const states = finalized.length === 0 ? null : await this.database.withTenant(tenantId, (tx) => this.sync.syncStates(tx, finalized));
    return invoices.map((invoice) => invoiceOf(invoice, states?.get(invoice.id) ?? NOT_SYNCED));
  }
}

function invoiceOf(invoice: InvoiceView, { state, stripeInvoiceId }: InvoiceSync): Invoice {
  const { detail, lines, credited, ...fields } = invoice;
  return {
    ...fields,
    sync: state,
    stripeInvoiceId,
    taxes: detail.taxes,
    untaxedBurns: detail.untaxedBurns,
    credited: credited?.total ?? Decimal.ZERO,
    amountDue: amountDue(invoice),
    balanceApplied: detail.balanceApplied,
    balanceCarried: detail.balanceCarried,
    lines: lines.map((line): InvoiceLine => ({ ...line, periodStart: line.period.start, periodEnd: line.period.end })),
  };
}

function amountDue({ status, total, credited }: InvoiceView): Decimal {
  return status === 'PAID' || status === 'VOID' ? Decimal.ZERO : total.minus(credited?.offInvoice ?? Decimal.ZERO);
}

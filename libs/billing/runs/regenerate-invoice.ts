import { Injectable } from '@nestjs/common';
import { AuditLog } from '@tare/access';
import { CodedError } from '@tare/core';
import type { Instant } from '@tare/core';
import { Database } from '@tare/database';
import { BillingStep } from './billing-step.ts';
import { InvoiceStore } from '../invoices/invoice.store.ts';
import { InvoicesService, type InvoiceView } from '../invoices/invoices.service.ts';

/** Bills again what a voided invoice had billed. */
@Injectable()
export class InvoiceRegeneration {
  constructor(
    private readonly database: Database,
    private readonly invoices: InvoiceStore,
    private readonly standing: InvoicesService,
    private readonly step: BillingStep,
    private readonly audit: AuditLog,
  ) {}

  /**
   * A new invoice for the periods of a voided one, with what is known now, final at once. It comes at the next sequence of the same billing instant, says
   * which one it replaces, and takes off what corrections of the voided one have billed or given on other invoices (SEMANTICS 8.2, 8.5). A second call answers
   * the invoice that is there. @throws CodedError NOT_FOUND | INVOICE_NOT_VOID | NOT_REGENERABLE | NOTHING_TO_BILL
   */
  async regenerate(tenantId: string, id: string, actor = 'tare', now: Instant = Date.now() * 1_000): Promise<InvoiceView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const voided = await this.standing.lockedIn(tx, id);
      if (voided.status !== 'VOID') throw new CodedError('INVOICE_NOT_VOID', 'Void the invoice first: what stands is not billed again.');
      if (voided.subscriptionId === null || voided.kind === 'THRESHOLD')
        throw new CodedError(
          'NOT_REGENERABLE',
          'What it billed is billed anyway: by the next invoice of its period, or by a new purchase.',
        );
      const there = await this.invoices.replacementOf(tx, id);
      if (there !== null) return this.standing.viewIn(tx, there);
      const asOf = Math.max(now, voided.finalizedAt ?? voided.billingAt);
      const replacement = await this.step.billAgain(tx, voided, asOf);
      await this.audit.record(tx, { actor, action: 'invoice.regenerate', subject: id, detail: { number: voided.number, replacement } });
      return this.standing.viewIn(tx, replacement);
    });
  }
}

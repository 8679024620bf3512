import { Injectable } from '@nestjs/common';
import { AuditLog, SettingsService, TenantsService } from '@tare/access';
import { CodedError } from '@tare/core';
import type { Instant } from '@tare/core';
import { Database } from '@tare/database';
import { BillingStep } from './billing-step.ts';
import { InvoicesService, type InvoiceView } from '../invoices/invoices.service.ts';

/** Finalizes a draft before its grace period is over. */
@Injectable()
export class EarlyFinalization {
  constructor(
    private readonly database: Database,
    private readonly tenants: TenantsService,
    private readonly settings: SettingsService,
    private readonly standing: InvoicesService,
    private readonly step: BillingStep,
    private readonly audit: AuditLog,
  ) {}

  /**
   * DRAFT -> FINALIZED with what is known now; what comes later for its period is a correction (SEMANTICS 8.3). Everything of the customer that is due up to its
   * instant and not final comes first, since each invoice builds on those before. A second call changes nothing. `at`: billing time; none: now, for a test
   * tenant the time of the run that made the draft.
   * @throws CodedError NOT_FOUND | INVOICE_VOID | NOTHING_TO_BILL | AT_IN_FUTURE | OUT_OF_RANGE
   */
  async finalize(
    tenantId: string,
    id: string,
    at: Instant | null,
    actor = 'tare',
    now: Instant = Date.now() * 1_000,
  ): Promise<InvoiceView> {
    const isLive = await this.tenants.isLive(tenantId);
    const { graceSeconds } = await this.settings.settings(tenantId);
    return this.database.withTenant(tenantId, async (tx) => {
      const draft = await this.standing.lockedIn(tx, id);
      if (draft.status === 'VOID') throw new CodedError('INVOICE_VOID', 'The draft was voided and is not finalized.', 'invoice');
      if (draft.status !== 'DRAFT') return this.standing.viewIn(tx, id);
      const asOf = at ?? (isLive ? now : Math.max(draft.draftedAt, draft.billingAt));
      if (isLive && asOf > now) throw new CodedError('AT_IN_FUTURE', 'A live tenant bills by the clock: `at` is not ahead of it.', 'at');
      if (asOf < draft.billingAt) throw new CodedError('OUT_OF_RANGE', 'An invoice is not finalized before its billing instant.', 'at');
      const request = { asOf, graceSeconds, mode: 'FINAL' as const, until: draft.billingAt };
      for (let isDone = false; !isDone;) isDone = (await this.step.bill(tx, [draft.customerId], request)).unfinished.length === 0;
      const invoice = await this.standing.findIn(tx, id);
      if (invoice?.status !== 'FINALIZED')
        throw new CodedError('NOTHING_TO_BILL', 'With what is known now there is nothing on this invoice any more.', 'invoice');
      await this.audit.record(tx, { actor, action: 'invoice.finalize', subject: id, detail: { number: invoice.number } });
      return this.standing.viewIn(tx, id);
    });
  }
}

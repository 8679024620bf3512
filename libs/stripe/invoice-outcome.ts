import { Injectable, Logger } from '@nestjs/common';
import { InvoicesService } from '@tare/billing';
import { CodedError, instantOfDate, type Instant } from '@tare/core';
import { Database } from '@tare/database';
import type Stripe from 'stripe';
import { SyncAlerts } from './sync-alerts.ts';

export type RemoteStatus = 'draft' | 'open' | 'uncollectible' | 'paid' | 'void';

const RANK: Readonly<Record<RemoteStatus, number>> = { draft: 0, open: 1, uncollectible: 2, paid: 3, void: 3 };

/** Where an invoice stands after Stripe said something: forward only, and what is paid or void stays so. */
export function laterStatus(known: string | null, heard: RemoteStatus): RemoteStatus {
  const before = (known ?? 'draft') as RemoteStatus;
  return RANK[heard] > RANK[before] ? heard : before;
}

/** What becomes of our invoice when its copy at Stripe was paid, written off or voided. */
@Injectable()
export class InvoiceOutcome {
  private readonly logger = new Logger(InvoiceOutcome.name);

  constructor(
    private readonly database: Database,
    private readonly invoices: InvoicesService,
    private readonly alerts: SyncAlerts,
  ) {}

  /** Can run twice. What our invoice does not allow (it was voided here meanwhile) becomes an alert. */
  async apply(tenantId: string, invoiceId: string, remote: Stripe.Invoice, status: RemoteStatus, now: Instant): Promise<void> {
    try {
      await this.applyStatus(tenantId, invoiceId, remote, status, now);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.logger.warn(`invoice ${invoiceId} is ${status} at Stripe: ${error.message}`);
      await this.database.withTenant(tenantId, (tx) => this.alerts.disagreement(tx, invoiceId, status, error.message));
    }
  }

  private async applyStatus(
    tenantId: string,
    invoiceId: string,
    remote: Stripe.Invoice,
    status: RemoteStatus,
    now: Instant,
  ): Promise<void> {
    const { paid_at: paidAt, voided_at: voidedAt } = remote.status_transitions;
    switch (status) {
      case 'draft':
      case 'open':
        return;
      case 'paid':
        await this.database.withTenant(tenantId, (tx) => this.invoices.payIn(tx, invoiceId, instantOfSeconds(paidAt) ?? now));
        return;
      case 'uncollectible':
        await this.database.withTenant(tenantId, (tx) => this.invoices.markUncollectibleIn(tx, invoiceId));
        return;
      case 'void':
        await this.invoices.voidInvoice(tenantId, invoiceId, instantOfSeconds(voidedAt) ?? now);
    }
  }
}

const instantOfSeconds = (seconds: number | null): Instant | null => (seconds === null ? null : instantOfDate(new Date(seconds * 1_000)));

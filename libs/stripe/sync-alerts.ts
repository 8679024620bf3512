import { Injectable } from '@nestjs/common';
import { AlertsService } from '@tare/alerts';
import type { TenantTransaction } from '@tare/database';

const FAILED = 'STRIPE_SYNC_FAILED';
const DELAYED = 'STRIPE_SYNC_DELAYED';
const DISAGREEMENT = 'STRIPE_DISAGREES';

/** What a person has to hear of the sync. One open alert per kind and invoice. */
@Injectable()
export class SyncAlerts {
  constructor(private readonly alerts: AlertsService) {}

  /** The sync of an invoice has stopped. */
  async failed(tx: TenantTransaction, invoiceId: string, reason: string): Promise<void> {
    await this.alerts.raise(tx, {
      kind: FAILED,
      subject: invoiceId,
      message: `An invoice is not in Stripe: ${reason}`,
      detail: { invoiceId, reason },
    });
  }

  /** It goes on trying, and has for a while. */
  async delayed(tx: TenantTransaction, invoiceId: string, reason: string): Promise<void> {
    await this.alerts.raise(tx, {
      kind: DELAYED,
      subject: invoiceId,
      message: `An invoice has not reached Stripe yet: ${reason}`,
      detail: { invoiceId, reason },
    });
  }

  /** Stripe's invoice went a way that ours cannot follow. */
  async disagreement(tx: TenantTransaction, invoiceId: string, status: string, reason: string): Promise<void> {
    const message = `An invoice is ${status} in Stripe, which ours cannot become: ${reason}`;
    await this.alerts.raise(tx, { kind: DISAGREEMENT, subject: invoiceId, message, detail: { invoiceId, status, reason } });
  }

  async resolve(tx: TenantTransaction, invoiceId: string): Promise<void> {
    await this.alerts.resolve(tx, FAILED, invoiceId);
    await this.alerts.resolve(tx, DELAYED, invoiceId);
  }
}

import { Injectable } from '@nestjs/common';
import { AlertsService } from '@tare/alerts';
import type { TenantTransaction } from '@tare/database';

const FAILED = 'STRIPE_SYNC_FAILED';
const DELAYED = 'STRIPE_SYNC_DELAYED';
const DISAGREEMENT = 'STRIPE_DISAGREES';

/** What is synced: an invoice or a credit note, by its id. */
export type Synced = { readonly invoiceId: string } | { readonly creditNoteId: string };

/** What a person has to hear of the sync. One open alert per kind and object. */
@Injectable()
export class SyncAlerts {
  constructor(private readonly alerts: AlertsService) {}

  /** The sync has stopped. `code`: why, for programs. */
  async failed(tx: TenantTransaction, synced: Synced, { code, reason }: { readonly code: string; readonly reason: string }): Promise<void> {
    await this.alerts.raise(tx, {
      kind: FAILED,
      subject: idOf(synced),
      message: `${nameOf(synced)} is not in Stripe: ${reason}`,
      detail: { ...synced, code, reason },
    });
  }

  /** It goes on trying, and has for a while. */
  async delayed(tx: TenantTransaction, synced: Synced, reason: string): Promise<void> {
    await this.alerts.raise(tx, {
      kind: DELAYED,
      subject: idOf(synced),
      message: `${nameOf(synced)} has not reached Stripe yet: ${reason}`,
      detail: { ...synced, reason },
    });
  }

  /** Stripe's invoice went a way that ours cannot follow. */
  async disagreement(tx: TenantTransaction, invoiceId: string, status: string, reason: string): Promise<void> {
    const message = `An invoice is ${status} in Stripe, which ours cannot become: ${reason}`;
    await this.alerts.raise(tx, { kind: DISAGREEMENT, subject: invoiceId, message, detail: { invoiceId, status, reason } });
  }

  async resolve(tx: TenantTransaction, subject: string): Promise<void> {
    await this.alerts.resolve(tx, FAILED, subject);
    await this.alerts.resolve(tx, DELAYED, subject);
  }
}

const idOf = (synced: Synced): string => ('invoiceId' in synced ? synced.invoiceId : synced.creditNoteId);
const nameOf = (synced: Synced): string => ('invoiceId' in synced ? 'An invoice' : 'A credit note');

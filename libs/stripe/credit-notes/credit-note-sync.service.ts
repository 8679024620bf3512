import { Injectable } from '@nestjs/common';
import { CodedError } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import { HeldSync } from '../held-sync.ts';
import { settleAttempt } from '../settle-attempt.ts';
import type { SyncState } from '../sync-rows.store.ts';
import { SyncAlerts } from '../sync-alerts.ts';
import { after, SyncTiming } from '../sync-timing.ts';
import { CreditNoteSteps } from './credit-note-steps.ts';
import { CreditNoteSyncStore, type CreditNoteSyncRow } from './credit-note-sync.store.ts';

/** What `CreditNote.sync` and its neighbours show. */
export interface CreditNoteSyncView {
  readonly state: SyncState;
  readonly stripeCreditNoteId: string | null;
  /** What it waits for or has stopped at; null: nothing. */
  readonly problem: { readonly code: string; readonly message: string } | null;
}

const BATCH = 64;
const NONE: CreditNoteSyncView = { state: 'NOT_SYNCED', stripeCreditNoteId: null, problem: null };

/** Brings credit notes to Stripe, each exactly once and after its invoice. Whose tenant is served is its caller's business. */
@Injectable()
export class CreditNoteSync {
  constructor(
    private readonly database: Database,
    private readonly timing: SyncTiming,
    private readonly store: CreditNoteSyncStore,
    private readonly steps: CreditNoteSteps,
    private readonly alerts: SyncAlerts,
  ) {}

  /** Takes a credit note as far as it goes now; harmless for one that is not due or that another worker has. Problems are in its row. */
  async step(tenantId: string, creditNoteId: string): Promise<void> {
    await this.pull(tenantId);
    await this.advance(tenantId, creditNoteId);
  }

  /** All of a tenant's that are due, one after the other; answers how many were looked at. */
  async syncTenant(tenantId: string): Promise<number> {
    await this.pull(tenantId);
    const seen = new Set<string>();
    for (;;) {
      const due = await this.database.withTenant(tenantId, (tx) => this.store.due(tx, this.timing.now(), BATCH + seen.size));
      const next = due.filter((id) => !seen.has(id));
      if (next.length === 0) return seen.size;
      for (const creditNoteId of next) {
        seen.add(creditNoteId);
        await this.advance(tenantId, creditNoteId);
      }
    }
  }

  /** @throws CodedError NOT_FOUND when it has not failed */
  async restart(tenantId: string, creditNoteId: string): Promise<void> {
    const restarted = await this.database.withTenant(tenantId, (tx) => this.store.restart(tx, creditNoteId, this.timing.now()));
    if (!restarted) throw new CodedError('NOT_FOUND', `no failed Stripe sync of a credit note with id "${creditNoteId}"`);
  }

  /** For many credit notes at once; each of them has an entry. */
  async views(tx: TenantTransaction, ids: readonly string[]): Promise<Map<string, CreditNoteSyncView>> {
    const views = new Map<string, CreditNoteSyncView>(ids.map((id) => [id, NONE]));
    for (const row of await this.store.byCreditNotes(tx, ids)) views.set(row.creditNoteId, viewOf(row));
    return views;
  }

  private async pull(tenantId: string): Promise<void> {
    await this.database.withTenant(tenantId, (tx) => this.store.takeOutbox(tx, this.timing.now()));
  }

  private async advance(tenantId: string, creditNoteId: string): Promise<void> {
    const now = this.timing.now();
    const lease = { owner: randomUUID(), until: after(now, this.timing.leaseMs) };
    const row = await this.database.withTenant(tenantId, (tx) => this.store.lease(tx, creditNoteId, lease, now));
    if (row === null) return;
    const held = new HeldSync<CreditNoteSyncRow>(this.database, this.store, this.timing, lease.owner, tenantId, row);
    try {
      while (await this.steps.take(held));
    } catch (error) {
      await settleAttempt(held, { creditNoteId }, error, { timing: this.timing, alerts: this.alerts });
    }
  }
}

function viewOf({ state, stripeCreditNoteId, errorCode, lastError }: CreditNoteSyncRow): CreditNoteSyncView {
  return { state, stripeCreditNoteId, problem: errorCode === null ? null : { code: errorCode, message: lastError ?? '' } };
}

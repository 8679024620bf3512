import { Injectable, Logger } from '@nestjs/common';
import { InvoiceStore } from '@tare/billing';
import { CodedError } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import { HeldSync } from './held-sync.ts';
import { StripeConfiguration } from './stripe-configuration.ts';
import { CreditNoteSync } from './credit-notes/credit-note-sync.service.ts';
import { settleAttempt } from './settle-attempt.ts';
import { sentenceOf } from './stripe-failure.ts';
import { StripeSyncStore, type SyncRow } from './stripe-sync.store.ts';
import type { SyncState } from './sync-rows.store.ts';
import { SyncAlerts } from './sync-alerts.ts';
import { SyncSteps } from './sync-steps.ts';
import { after, SyncTiming } from './sync-timing.ts';

/** What `Invoice.sync` and `Invoice.stripeInvoiceId` show. */
export interface InvoiceSync {
  readonly state: SyncState;
  readonly stripeInvoiceId: string | null;
}

const BATCH = 64;
/** Invoices of a tenant that are sent at the same time. */
const LANES = 4;
const TENANTS_AT_ONCE = 1_000;

/** Brings finalized invoices to Stripe, each exactly once, and what becomes of them there back (DESIGN: Stripe, exactly once). */
@Injectable()
export class StripeSync {
  private readonly logger = new Logger(StripeSync.name);

  constructor(
    private readonly database: Database,
    private readonly configuration: StripeConfiguration,
    private readonly timing: SyncTiming,
    private readonly store: StripeSyncStore,
    private readonly steps: SyncSteps,
    private readonly alerts: SyncAlerts,
    private readonly invoices: InvoiceStore,
    private readonly creditNotes: CreditNoteSync,
  ) {}

  /**
   * Takes an invoice as far as it goes now. Harmless for one that is not due, that another worker has, or that there is nothing to do about.
   * Problems do not throw: they are in its row, and it is tried again when its time comes.
   */
  async step(tenantId: string, invoiceId: string): Promise<void> {
    if (!(await this.serves(tenantId))) return;
    await this.pull(tenantId);
    await this.advance(tenantId, invoiceId);
  }

  /** Takes all of a tenant's invoices that are due as far as they go now, then its credit notes; answers how many were looked at. */
  async syncTenant(tenantId: string): Promise<{ invoices: number; creditNotes: number }> {
    if (!(await this.serves(tenantId))) return { invoices: 0, creditNotes: 0 };
    await this.pull(tenantId);
    return { invoices: await this.syncInvoices(tenantId), creditNotes: await this.creditNotes.syncTenant(tenantId) };
  }

  private async syncInvoices(tenantId: string): Promise<number> {
    const seen = new Set<string>();
    for (;;) {
      const lanes = await this.dueLanes(tenantId, seen);
      if (lanes.length === 0) return seen.size;
      await inParallel(LANES, lanes, async (lane) => {
        for (const invoiceId of lane) await this.advance(tenantId, invoiceId);
      });
    }
  }

  /**
   * Everything that is due, of all tenants: invoices just finalized, attempts whose wait is over, rows whose worker died, and finalized invoices that
   * have not been looked at for a while, in case webhooks were dropped. A tenant that fails does not stop the others.
   */
  async sweep(): Promise<{ tenants: number; invoices: number; creditNotes: number }> {
    const looked = { tenants: 0, invoices: 0, creditNotes: 0 };
    if (!this.configuration.isOn) return looked;
    for (const tenantId of await this.tenantsWithWork()) {
      looked.tenants += 1;
      try {
        const { invoices, creditNotes } = await this.syncTenant(tenantId);
        looked.invoices += invoices;
        looked.creditNotes += creditNotes;
      } catch (error) {
        this.logger.error(`the Stripe sync of tenant ${tenantId} failed: ${sentenceOf(error)}`);
      }
    }
    return looked;
  }

  /** Starts a failed sync again where it stopped, after a person has looked at it. @throws CodedError NOT_FOUND when it has not failed */
  async retry(tenantId: string, invoiceId: string): Promise<void> {
    const restarted = await this.database.withTenant(tenantId, (tx) => this.store.restart(tx, invoiceId, this.timing.now()));
    if (!restarted) throw new CodedError('NOT_FOUND', `no failed Stripe sync of an invoice with id "${invoiceId}"`);
    await this.step(tenantId, invoiceId);
  }

  /** The same of a credit note. */
  async stepCreditNote(tenantId: string, creditNoteId: string): Promise<void> {
    if (!(await this.serves(tenantId))) return;
    await this.pull(tenantId);
    await this.creditNotes.step(tenantId, creditNoteId);
  }

  /** Starts a failed credit note again where it stopped. @throws CodedError NOT_FOUND when it has not failed */
  async retryCreditNote(tenantId: string, creditNoteId: string): Promise<void> {
    await this.creditNotes.restart(tenantId, creditNoteId);
    await this.stepCreditNote(tenantId, creditNoteId);
  }

  /** For many invoices at once; each of them has an entry. */
  async syncStates(tx: TenantTransaction, invoiceIds: readonly string[]): Promise<Map<string, InvoiceSync>> {
    const states = new Map<string, InvoiceSync>(invoiceIds.map((id) => [id, { state: 'NOT_SYNCED', stripeInvoiceId: null }]));
    for (const { invoiceId, state, stripeInvoiceId } of await this.store.byInvoices(tx, invoiceIds)) {
      states.set(invoiceId, { state, stripeInvoiceId });
    }
    return states;
  }

  /** How far one invoice has come, with its last error; null when it has not started. */
  async progress(tenantId: string, invoiceId: string): Promise<SyncRow | null> {
    return this.database.withTenant(tenantId, async (tx) => (await this.store.byInvoices(tx, [invoiceId]))[0] ?? null);
  }

  private async serves(tenantId: string): Promise<boolean> {
    if (!this.configuration.isOn) return false;
    const tenant = await this.database.withoutTenant((tx) => this.store.tenant(tx, tenantId));
    return tenant !== null && this.configuration.serves(tenant);
  }

  private async pull(tenantId: string): Promise<void> {
    await this.database.withTenant(tenantId, (tx) => this.store.takeOutbox(tx, this.timing.now()));
  }

  /** Invoices of one customer stay in one lane, so that they do not wait for each other's making of it. */
  private async dueLanes(tenantId: string, seen: Set<string>): Promise<string[][]> {
    return this.database.withTenant(tenantId, async (tx) => {
      const due = (await this.store.due(tx, this.timing.now(), BATCH + seen.size)).filter((id) => !seen.has(id)).slice(0, BATCH);
      const invoices = await this.invoices.byIds(tx, due);
      const lanes = new Map<string, string[]>();
      for (const id of due) {
        seen.add(id);
        const customer = invoices.get(id)?.customerId ?? id;
        lanes.set(customer, [...(lanes.get(customer) ?? []), id]);
      }
      return [...lanes.values()];
    });
  }

  private async tenantsWithWork(): Promise<string[]> {
    const now = this.timing.now();
    const { due, all } = await this.database.withoutTenant(async (tx) => ({
      due: await this.store.dueTenants(tx, now),
      all: await this.store.allTenants(tx),
    }));
    const tenants = new Set(due);
    for (let from = 0; from < all.length; from += TENANTS_AT_ONCE) {
      const some = all.slice(from, from + TENANTS_AT_ONCE);
      for (const id of await this.database.withTenants(some, (tx) => this.store.tenantsWithOutbox(tx, some))) tenants.add(id);
    }
    return [...tenants];
  }

  private async advance(tenantId: string, invoiceId: string): Promise<void> {
    const now = this.timing.now();
    const lease = { owner: randomUUID(), until: after(now, this.timing.leaseMs) };
    const row = await this.database.withTenant(tenantId, (tx) => this.store.lease(tx, invoiceId, lease, now));
    if (row === null) return;
    const held = new HeldSync(this.database, this.store, this.timing, lease.owner, tenantId, row);
    try {
      while (await this.steps.take(held));
    } catch (error) {
      await settleAttempt(held, { invoiceId }, error, { timing: this.timing, alerts: this.alerts });
    }
  }
}

async function inParallel<Item>(width: number, items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const lane = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
}

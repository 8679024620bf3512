import type { Database, TenantTransaction } from '@tare/database';
import { LeaseLost } from './stripe-failure.ts';
import type { StripeSyncStore, SyncPatch, SyncRow } from './stripe-sync.store.ts';
import { after, type SyncTiming } from './sync-timing.ts';

/** A sync row under our lease. Whoever has lost the lease can save nothing any more. */
export class HeldSync {
  constructor(
    private readonly database: Database,
    private readonly store: StripeSyncStore,
    private readonly timing: SyncTiming,
    private readonly owner: string,
    readonly tenantId: string,
    private held: SyncRow,
  ) {}

  get row(): SyncRow {
    return this.held;
  }

  /** Commits the change and prolongs the lease. @throws LeaseLost */
  async save(patch: SyncPatch): Promise<void> {
    const now = this.timing.now();
    const lease = { owner: this.owner, until: after(now, this.timing.leaseMs) };
    await this.database.withTenant(this.tenantId, async (tx) => {
      this.held = this.stillOurs(await this.store.save(tx, { ...this.held, ...patch }, lease, now));
    });
  }

  /** Commits the change and gives the row back; `also` joins the transaction. @throws LeaseLost */
  async release(patch: SyncPatch, also: (tx: TenantTransaction) => Promise<void> = () => Promise.resolve()): Promise<void> {
    const now = this.timing.now();
    await this.database.withTenant(this.tenantId, async (tx) => {
      this.held = this.stillOurs(await this.store.save(tx, { ...this.held, ...patch }, { owner: this.owner, until: null }, now));
      await also(tx);
      await this.store.wakeForLateEvents(tx, this.held.invoiceId, now);
      await this.store.wakeForVoid(tx, this.held.invoiceId, now);
      await this.store.refreshDueWork(tx);
    });
  }

  private stillOurs(saved: SyncRow | null): SyncRow {
    if (saved === null) throw new LeaseLost(`another worker has taken over invoice ${this.held.invoiceId}`);
    return saved;
  }
}

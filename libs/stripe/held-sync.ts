import type { Database, TenantTransaction } from '@tare/database';
import { LeaseLost } from './stripe-failure.ts';
import type { SyncRow } from './stripe-sync.store.ts';
import type { Lease } from './sync-rows.store.ts';
import { after, type SyncTiming } from './sync-timing.ts';

/** Where rows of a sync are kept. */
export interface SyncTable<Row> {
  /** Saves for the owner of the lease only, and prolongs it. Null: it has lost the row. */
  save(tx: TenantTransaction, row: Row, lease: Lease, now: number): Promise<Row | null>;
  /** What was not to be slept over while the row was held; last in the transaction that gives it back. */
  released(tx: TenantTransaction, row: Row, now: number): Promise<void>;
}

/** A row of a sync under our lease. Whoever has lost the lease can save nothing any more. */
export class HeldSync<Row extends object = SyncRow> {
  constructor(
    private readonly database: Database,
    private readonly table: SyncTable<Row>,
    private readonly timing: SyncTiming,
    private readonly owner: string,
    readonly tenantId: string,
    private held: Row,
  ) {}

  get row(): Row {
    return this.held;
  }

  /** Commits the change and prolongs the lease. @throws LeaseLost */
  async save(patch: Partial<Row>): Promise<void> {
    const now = this.timing.now();
    const lease = { owner: this.owner, until: after(now, this.timing.leaseMs) };
    await this.database.withTenant(this.tenantId, async (tx) => {
      this.held = this.stillOurs(await this.table.save(tx, { ...this.held, ...patch }, lease, now));
    });
  }

  /** Commits the change and gives the row back; `also` joins the transaction. @throws LeaseLost */
  async release(patch: Partial<Row>, also: (tx: TenantTransaction) => Promise<void> = () => Promise.resolve()): Promise<void> {
    const now = this.timing.now();
    await this.database.withTenant(this.tenantId, async (tx) => {
      this.held = this.stillOurs(await this.table.save(tx, { ...this.held, ...patch }, { owner: this.owner, until: null }, now));
      await also(tx);
      await this.table.released(tx, this.held, now);
    });
  }

  private stillOurs(saved: Row | null): Row {
    if (saved === null) throw new LeaseLost('another worker has taken over');
    return saved;
  }
}

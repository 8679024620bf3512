import { Injectable } from '@nestjs/common';
import { TenantsService } from '@tare/access';
import { Database } from '@tare/database';
import { UsageReader } from '@tare/usage';
import { CreditSweepStore } from './credit-sweep.store.ts';
import { DrawDown } from './draw-down.ts';

interface Tenant {
  readonly id: string;
  /** Numbers of customers whose usage has moved. */
  moved: Set<number>;
  /** Customers who burn credits, by number; read again now and then. */
  burning: ReadonlyMap<number, string>;
  readAt: number;
  isLive: boolean | null;
}

/** For so long a plan with burn rates that is new may wait for its first draw by announcement; the sweep and every bill draw it anyway. */
const BURNING_LASTS_MS = 5_000;
/** Wallets rest for at least this long between draws, and for as long as the last round took: a hot wallet is drawn once for many commits. */
const REST_MS = 250;

/**
 * Draws wallets as usage arrives: a hint that a commit moved somebody's usage leads to one draw soon after it. Nothing depends on a hint being heard: cursors
 * are rows, and `sweep` finds what was missed.
 */
@Injectable()
export class UsageFollower {
  /** Told of draws that failed; the sweep does them again. */
  onFailure: (error: unknown) => void = () => undefined;
  private readonly tenants = new Map<string, Tenant>();
  private running: Promise<void> | null = null;

  constructor(
    private readonly database: Database,
    private readonly tenantsService: TenantsService,
    private readonly reader: UsageReader,
    private readonly sweeps: CreditSweepStore,
    private readonly drawDown: DrawDown,
  ) {}

  hear(tenantId: string, customerNos: readonly number[]): void {
    const known = this.tenants.get(tenantId);
    const tenant = known ?? { id: tenantId, moved: new Set(), burning: new Map(), readAt: 0, isLive: null };
    if (known === undefined) this.tenants.set(tenantId, tenant);
    for (const no of customerNos) tenant.moved.add(no);
    this.running ??= this.follow().finally(() => {
      this.running = null;
    });
  }

  /** Resolves when everything that was heard is drawn. */
  async drain(): Promise<void> {
    while (this.running !== null) await this.running;
  }

  /** Draws whoever has moved since the last sweep of the tenant, whoever committed it. Run again, it goes on where it stopped. */
  async sweep(tenantId: string): Promise<void> {
    const { seq, wanted } = await this.database.withTenant(tenantId, async (tx) => {
      const since = await this.sweeps.seq(tx);
      const current = await this.reader.currentSeq(tx);
      if (current === since) return { seq: null, wanted: [] };
      const moved = await this.reader.customersChangedSince(tx, since);
      const burning = await this.sweeps.burning(tx);
      return { seq: current, wanted: moved.flatMap(({ customerNo }) => burning.get(customerNo) ?? []) };
    });
    if (seq === null) return;
    const now = (await this.tenantsService.isLive(tenantId)) ? Date.now() * 1_000 : null;
    for (const customerId of wanted) await this.draw(tenantId, customerId, now);
    await this.database.withTenant(tenantId, (tx) => this.sweeps.advance(tx, seq));
  }

  private async follow(): Promise<void> {
    while ([...this.tenants.values()].some(({ moved }) => moved.size > 0)) {
      const began = Date.now();
      for (const tenant of this.tenants.values()) if (tenant.moved.size > 0) await this.followTenant(tenant).catch(this.onFailure);
      await new Promise((resolve) => setTimeout(resolve, Math.max(REST_MS, Date.now() - began)));
    }
    this.tenants.clear();
  }

  private async followTenant(tenant: Tenant): Promise<void> {
    const moved = tenant.moved;
    tenant.moved = new Set();
    tenant.isLive ??= await this.tenantsService.isLive(tenant.id);
    if (Date.now() - tenant.readAt > BURNING_LASTS_MS) {
      tenant.burning = await this.database.withTenant(tenant.id, (tx) => this.sweeps.burning(tx));
      tenant.readAt = Date.now();
    }
    for (const no of moved) {
      const customerId = tenant.burning.get(no);
      const now = tenant.isLive ? Date.now() * 1_000 : null;
      if (customerId !== undefined) await this.draw(tenant.id, customerId, now).catch(this.onFailure);
    }
  }

  private draw(tenantId: string, customerId: string, now: number | null): Promise<void> {
    return this.database.withTenant(tenantId, (tx) => this.drawDown.draw(tx, { customerId, ...(now === null ? {} : { now }) }));
  }
}

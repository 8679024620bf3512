import { Injectable } from '@nestjs/common';
import { TenantsService } from '@tare/access';
import { NeededUsage } from '@tare/billing';
import { instantOfDate } from '@tare/core';
import { UsageCompaction, UsageRetention } from '@tare/usage';

/** Keeps the tables of usage small: tenant by tenant, each a bounded turn, so that none waits for another's backlog. */
@Injectable()
export class UsageUpkeep {
  constructor(
    private readonly tenants: TenantsService,
    private readonly compaction: UsageCompaction,
    private readonly retention: UsageRetention,
    private readonly needed: NeededUsage,
  ) {}

  compact(): Promise<void> {
    return this.forEachTenant((tenantId) => this.compaction.run(tenantId));
  }

  retain(): Promise<void> {
    return this.forEachTenant(async (tenantId) => {
      const now = instantOfDate(new Date());
      if (await this.retention.isIdle(tenantId, now)) return;
      await this.retention.run(tenantId, { now, keepFrom: await this.needed.from(tenantId, now) });
    });
  }

  /** @throws AggregateError after all had their turn, of those whose turn failed: the next run takes it up again */
  private async forEachTenant(turn: (tenantId: string) => Promise<unknown>): Promise<void> {
    const errors: unknown[] = [];
    for (const { id } of await this.tenants.list()) await turn(id).catch((error: unknown) => errors.push(error));
    if (errors.length > 0)
      throw new AggregateError(errors, `the turn of ${errors.length} tenants failed, the first with: ${String(errors[0])}`);
  }
}

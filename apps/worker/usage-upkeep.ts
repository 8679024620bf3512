import { Injectable } from '@nestjs/common';
import { TenantsService } from '@tare/access';
import { NeededUsage } from '@tare/billing';
import { instantOfDate } from '@tare/core';
import { MeterRollups, UsageCompaction, UsageRetention } from '@tare/usage';

/** After that the job comes again by itself: a worker that is stopped waits for the end of its jobs. */
const MOST_ROUNDS = 20;

/** Keeps the tables of usage small: tenant by tenant, each a bounded turn, so that none waits for another's backlog. */
@Injectable()
export class UsageUpkeep {
  constructor(
    private readonly tenants: TenantsService,
    private readonly compaction: UsageCompaction,
    private readonly retention: UsageRetention,
    private readonly needed: NeededUsage,
    private readonly rollups: MeterRollups,
  ) {}

  /** A long history of one tenant holds up no other. */
  rollUp(): Promise<void> {
    return this.inRounds((tenantId) => this.rollups.run(tenantId));
  }

  compact(): Promise<void> {
    return this.inRounds(async (tenantId) => (await this.compaction.run(tenantId)).hasMore);
  }

  retain(): Promise<void> {
    return this.forEachTenant(async (tenantId) => {
      const now = instantOfDate(new Date());
      if (await this.retention.isIdle(tenantId, now)) return;
      const needed = [await this.needed.from(tenantId, now), await this.rollups.eventsNeededFrom(tenantId)].filter((from) => from !== null);
      await this.retention.run(tenantId, { now, keepFrom: needed.length === 0 ? null : Math.min(...needed) });
    });
  }

  /** Round after round while a tenant has more to do, which its turn answers. */
  private async inRounds(turn: (tenantId: string) => Promise<boolean>): Promise<void> {
    let hasMore = true;
    for (let round = 0; hasMore && round < MOST_ROUNDS; round += 1) {
      hasMore = false;
      await this.forEachTenant(async (tenantId) => {
        if (await turn(tenantId)) hasMore = true;
      });
    }
  }

  /** @throws AggregateError after all had their turn, of those whose turn failed: the next run takes it up again */
  private async forEachTenant(turn: (tenantId: string) => Promise<unknown>): Promise<void> {
    const errors: unknown[] = [];
    for (const { id } of await this.tenants.list()) await turn(id).catch((error: unknown) => errors.push(error));
    if (errors.length > 0)
      throw new AggregateError(errors, `the turn of ${errors.length} tenants failed, the first with: ${String(errors[0])}`);
  }
}

import { Injectable } from '@nestjs/common';
import { SettingsService, TenantsService } from '@tare/access';
import { MICROS_PER_DAY, type Instant } from '@tare/core';
import { Database } from '@tare/database';
import { retentionHorizons } from './retention-horizon.ts';
import { SharedRead } from './shared-read.ts';

interface Limits {
  readonly backdatingDays: number | null;
  readonly retentionDays: number | null;
  /** Events from before it were dropped, or are about to be. */
  readonly refusedBefore: Instant | null;
}

/**
 * How far back events are taken (SEMANTICS 2.4, 3.1). What was dropped is refused for ever, whatever the settings say now: its keys are forgotten, so a
 * replay would count twice. The settings' own limits move back when they are raised or taken away; the horizon that retention has announced never does.
 */
@Injectable()
export class IngestLimits {
  private readonly reads = new SharedRead((tenantId: string) => this.read(tenantId));

  constructor(
    private readonly settings: SettingsService,
    private readonly tenants: TenantsService,
    private readonly database: Database,
  ) {}

  /** The oldest time that the tenant takes: the latest of its window (live tenants only, a backfill lifts it) and its retention horizons; null: any. */
  async oldest(tenantId: string, now: Instant, isBackfill = false): Promise<Instant | null> {
    const { backdatingDays, retentionDays, refusedBefore } = await this.reads.of(tenantId);
    const days = Math.min(isBackfill ? Infinity : (backdatingDays ?? Infinity), retentionDays ?? Infinity);
    const oldest = Math.max(now - days * MICROS_PER_DAY, refusedBefore ?? -Infinity);
    return oldest === -Infinity ? null : oldest;
  }

  /** In one transaction, whose statements are sent together: every request asks. */
  private read(tenantId: string): Promise<Limits> {
    return this.database.withTenant(tenantId, async (tx) => {
      const [live, { backdatingDays, retentionDays }, { refused }] = await Promise.all([
        this.tenants.isLiveIn(tx),
        this.settings.settingsIn(tx),
        retentionHorizons(tx),
      ]);
      return { backdatingDays: live ? backdatingDays : null, retentionDays, refusedBefore: refused };
    });
  }
}

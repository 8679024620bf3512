import { Injectable } from '@nestjs/common';
import { SettingsService, TenantsService } from '@tare/access';
import { MICROS_PER_DAY, type Instant } from '@tare/core';
import { Database } from '@tare/database';
import { BoundedCache } from '../bounded-cache.ts';
import { retentionHorizons } from '../retention/retention-horizon.ts';
import { SharedRead } from '../shared-read.ts';

interface Limits {
  readonly backdatingDays: number | null;
  readonly retentionDays: number | null;
  /** Events from before it were dropped, or are about to be. */
  readonly refusedBefore: Instant | null;
}

/** A change of the settings is heeded within this time, by every process. */
const REMEMBERED_MS = 1_000;
const REMEMBERED_TENANTS = 10_000;

/**
 * How far back events are taken (SEMANTICS 2.4, 3.1). What was dropped is refused for ever, whatever the settings say now: its keys are forgotten, so a
 * replay would count twice. The settings' own limits move back when they are raised or taken away; the horizon that retention has announced never does.
 */
@Injectable()
export class IngestLimits {
  private readonly reads = new SharedRead((tenantId: string) => this.read(tenantId));
  private readonly remembered = new BoundedCache<{ readonly limits: Limits; readonly until: number }>(REMEMBERED_TENANTS);

  constructor(
    private readonly settings: SettingsService,
    private readonly tenants: TenantsService,
    private readonly database: Database,
  ) {}

  /** The oldest time that the tenant takes: the latest of its window (live tenants only, a backfill lifts it) and its retention horizons; null: any. */
  async oldest(tenantId: string, now: Instant, isBackfill = false): Promise<Instant | null> {
    const { backdatingDays, retentionDays, refusedBefore } = await this.limitsOf(tenantId);
    const days = Math.min(isBackfill ? Infinity : (backdatingDays ?? Infinity), retentionDays ?? Infinity);
    const oldest = Math.max(now - days * MICROS_PER_DAY, refusedBefore ?? -Infinity);
    return oldest === -Infinity ? null : oldest;
  }

  /** For who has changed them: this process heeds it at once. */
  forget(tenantId: string): void {
    this.remembered.delete(tenantId);
  }

  private async limitsOf(tenantId: string): Promise<Limits> {
    const remembered = this.remembered.get(tenantId);
    if (remembered !== undefined && performance.now() < remembered.until) return remembered.limits;
    const limits = await this.reads.of(tenantId);
    this.remembered.set(tenantId, { limits, until: performance.now() + REMEMBERED_MS });
    return limits;
  }

  /** In one transaction, whose statements are sent together. */
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

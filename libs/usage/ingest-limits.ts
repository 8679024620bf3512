import { Injectable } from '@nestjs/common';
import { SettingsService, TenantsService } from '@tare/access';
import { MICROS_PER_DAY, type Instant } from '@tare/core';
import { SharedRead } from './shared-read.ts';

interface Limits {
  readonly backdatingDays: number | null;
  readonly retentionDays: number | null;
}

/** How far back events are taken (SEMANTICS 2.4, 3.1). */
@Injectable()
export class IngestLimits {
  private readonly reads = new SharedRead((tenantId: string) => this.read(tenantId));

  constructor(
    private readonly settings: SettingsService,
    private readonly tenants: TenantsService,
  ) {}

  /** The oldest time that the tenant takes, by the later of its window (live tenants only, a backfill lifts it) and its retention horizon; null: any. */
  async oldest(tenantId: string, now: Instant, isBackfill = false): Promise<Instant | null> {
    const { backdatingDays, retentionDays } = await this.reads.of(tenantId);
    const days = Math.min(isBackfill ? Infinity : (backdatingDays ?? Infinity), retentionDays ?? Infinity);
    return days === Infinity ? null : now - days * MICROS_PER_DAY;
  }

  private async read(tenantId: string): Promise<Limits> {
    const [live, settings] = await Promise.all([this.tenants.isLive(tenantId), this.settings.settings(tenantId)]);
    return { backdatingDays: live ? settings.backdatingDays : null, retentionDays: settings.retentionDays };
  }
}

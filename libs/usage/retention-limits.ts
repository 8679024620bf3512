import { Injectable } from '@nestjs/common';
import { SettingsService, TenantsService } from '@tare/access';
import type { Instant } from '@tare/core';
import { Database } from '@tare/database';
import { IngestLimits } from './ingest-limits.ts';
import { retentionHorizons } from './retention-horizon.ts';
import { SharedRead } from './shared-read.ts';

/**
 * What was dropped is refused for ever, whatever the settings say now: its keys are forgotten, so a replay would count twice (SEMANTICS 3.1). The settings'
 * own limit moves back when retention is raised or taken away; the horizon that retention has announced never does.
 */
@Injectable()
export class RetentionLimits extends IngestLimits {
  private readonly horizons = new SharedRead((tenantId: string) => this.database.withTenant(tenantId, retentionHorizons));

  constructor(
    settings: SettingsService,
    tenants: TenantsService,
    private readonly database: Database,
  ) {
    super(settings, tenants);
  }

  override async oldest(tenantId: string, now: Instant, isBackfill = false): Promise<Instant | null> {
    const [bySettings, { refused }] = await Promise.all([super.oldest(tenantId, now, isBackfill), this.horizons.of(tenantId)]);
    return bySettings === null || refused === null ? (bySettings ?? refused) : Math.max(bySettings, refused);
  }
}

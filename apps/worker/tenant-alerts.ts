import { Injectable } from '@nestjs/common';
import { TenantsService } from '@tare/access';
import { LimitAlerts } from '@tare/entitlements';
import { NameAlerts } from '@tare/usage';
import { log } from './log.ts';

/** Tells of limits and of names that mean nothing, tenant by tenant: one that fails holds up no other, and what is not done comes again with the next run. */
@Injectable()
export class TenantAlerts {
  constructor(
    private readonly tenants: TenantsService,
    private readonly limits: LimitAlerts,
    private readonly names: NameAlerts,
  ) {}

  async run(): Promise<void> {
    for (const { id: tenantId } of await this.tenants.list()) {
      await this.limits
        .run(tenantId)
        .catch((error: unknown) => log('warn', 'limits were not looked at', { tenantId, error: String(error) }));
      await this.names
        .run(tenantId)
        .catch((error: unknown) => log('warn', 'names of subscriptions were not looked at', { tenantId, error: String(error) }));
    }
  }
}

import { Injectable } from '@nestjs/common';
import { CodedError } from '@tare/core';
import { Database } from '@tare/database';
import { TenantStore, type Tenant } from './tenant.store.ts';

/** Which tenants there are. */
@Injectable()
export class TenantsService {
  constructor(
    private readonly database: Database,
    private readonly tenants: TenantStore,
  ) {}

  /** Oldest first. For sweeps. */
  list(): Promise<Tenant[]> {
    return this.database.withoutTenant((tx) => this.tenants.all(tx));
  }

  /** @throws CodedError NOT_FOUND */
  async byId(tenantId: string): Promise<Tenant> {
    const tenant = await this.database.withoutTenant((tx) => this.tenants.byId(tx, tenantId));
    if (tenant === null) throw new CodedError('NOT_FOUND', `There is no tenant with id "${tenantId}".`);
    return tenant;
  }

  /** @throws CodedError NOT_FOUND */
  async isLive(tenantId: string): Promise<boolean> {
    return (await this.byId(tenantId)).live;
  }
}

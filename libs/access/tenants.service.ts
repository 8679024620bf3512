import { Injectable } from '@nestjs/common';
import { CodedError } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
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
    return found(await this.database.withoutTenant((tx) => this.tenants.byId(tx, tenantId)), tenantId);
  }

  /** @throws CodedError NOT_FOUND */
  async isLive(tenantId: string): Promise<boolean> {
    return (await this.byId(tenantId)).live;
  }

  /** The same inside a transaction. @throws CodedError NOT_FOUND */
  async isLiveIn(tx: TenantTransaction): Promise<boolean> {
    return found(await this.tenants.byId(tx, tx.tenantId), tx.tenantId).live;
  }
}

function found(tenant: Tenant | null, tenantId: string): Tenant {
  if (tenant === null) throw new CodedError('NOT_FOUND', `There is no tenant with id "${tenantId}".`);
  return tenant;
}

import { Injectable } from '@nestjs/common';
import type { Instant } from '@tare/core';
import { CATALOGUE_TENANT_ID, type TenantTransaction, type Transaction } from '@tare/database';

/** A company that uses Tare. Nothing of one is ever seen by another. */
export interface Tenant {
  readonly id: string;
  readonly name: string;
  readonly live: boolean;
  readonly createdAt: Instant;
}

interface TenantRow {
  readonly id: string;
  readonly name: string;
  readonly live: boolean;
  readonly created_at: Instant;
}

/** SQL of tenants: a global table without business data. */
@Injectable()
export class TenantStore {
  /** The tenant with the rows that every tenant has. */
  async insert(tx: TenantTransaction, name: string, live: boolean): Promise<void> {
    await tx.query('INSERT INTO tenant (id, name, live) VALUES ($1, $2, $3)', [tx.tenantId, name, live]);
    await tx.query('INSERT INTO tenant_settings (tenant_id) VALUES ($1)', [tx.tenantId]);
    await tx.query('INSERT INTO usage_clock (tenant_id) VALUES ($1)', [tx.tenantId]);
  }

  async byId(tx: Transaction, id: string): Promise<Tenant | null> {
    const [row] = await tx.query<TenantRow>('SELECT id, name, live, created_at FROM tenant WHERE id = $1', [id]);
    return row ? tenantOfRow(row) : null;
  }

  /** Oldest first; not the reserved tenant of the catalogue. */
  async all(tx: Transaction): Promise<Tenant[]> {
    const rows = await tx.query<TenantRow>('SELECT id, name, live, created_at FROM tenant WHERE id <> $1 ORDER BY created_at, id', [
      CATALOGUE_TENANT_ID,
    ]);
    return rows.map(tenantOfRow);
  }

  /** Whether a tenant exists, seen by one process at a time: held until the transaction ends. */
  async anyWhileLocked(tx: Transaction): Promise<boolean> {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('first tenant', 0))`);
    const rows = await tx.query('SELECT 1 FROM tenant WHERE id <> $1 LIMIT 1', [CATALOGUE_TENANT_ID]);
    return rows.length > 0;
  }
}

function tenantOfRow({ id, name, live, created_at: createdAt }: TenantRow): Tenant {
  return { id, name, live, createdAt };
}

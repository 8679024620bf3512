import { Injectable } from '@nestjs/common';
import type { Instant } from '@tare/core';
import { sqlInstant, sqlInstantOrNull, type TenantTransaction } from '@tare/database';
import type { StoredRequest } from './remote-call.ts';
import type { Lease } from './sync-rows.store.ts';

/** One of our customers at Stripe. */
export interface StripeCustomerRow {
  readonly customerId: string;
  /** Null until it is known to be there. */
  readonly stripeId: string | null;
  readonly generation: number;
  readonly request: StoredRequest | null;
  readonly createdAt: Instant;
}

interface Row {
  readonly customer_id: string;
  readonly stripe_id: string | null;
  readonly generation: number;
  readonly request: StoredRequest | null;
  readonly created_at: Instant;
}

const COLUMNS = 'customer_id, stripe_id, generation, request, created_at';

/** SQL of our customers at Stripe. */
@Injectable()
export class StripeCustomerStore {
  async stripeId(tx: TenantTransaction, customerId: string): Promise<string | null> {
    const [row] = await tx.query<{ stripe_id: string | null }>(
      'SELECT stripe_id FROM stripe_customer WHERE tenant_id = $1 AND customer_id = $2',
      [tx.tenantId, customerId],
    );
    return row?.stripe_id ?? null;
  }

  /** Takes the row, made if need be, unless another worker has it. */
  async lease(tx: TenantTransaction, customerId: string, lease: Lease, now: Instant): Promise<StripeCustomerRow | null> {
    await tx.query('INSERT INTO stripe_customer (tenant_id, customer_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      tx.tenantId,
      customerId,
    ]);
    const [row] = await tx.query<Row>(
      `UPDATE stripe_customer SET lease_owner = $3, lease_until = $4
       WHERE tenant_id = $1 AND customer_id = $2 AND (lease_until IS NULL OR lease_until <= $5) RETURNING ${COLUMNS}`,
      [tx.tenantId, customerId, lease.owner, sqlInstantOrNull(lease.until), sqlInstant(now)],
    );
    return row ? customerOfRow(row) : null;
  }

  /** For the owner of the lease only; false: it has lost the row. */
  async save(
    tx: TenantTransaction,
    row: Pick<StripeCustomerRow, 'customerId' | 'stripeId' | 'generation' | 'request'>,
    lease: Lease,
  ): Promise<boolean> {
    const rows = await tx.query(
      `UPDATE stripe_customer SET stripe_id = $4, generation = $5, request = $6, lease_until = $7
       WHERE tenant_id = $1 AND customer_id = $2 AND lease_owner = $3 RETURNING 1`,
      [
        tx.tenantId,
        row.customerId,
        lease.owner,
        row.stripeId,
        row.generation,
        row.request && JSON.stringify(row.request),
        sqlInstantOrNull(lease.until),
      ],
    );
    return rows.length > 0;
  }

  async release(tx: TenantTransaction, customerId: string, owner: string): Promise<void> {
    await tx.query('UPDATE stripe_customer SET lease_until = NULL WHERE tenant_id = $1 AND customer_id = $2 AND lease_owner = $3', [
      tx.tenantId,
      customerId,
      owner,
    ]);
  }
}

function customerOfRow(row: Row): StripeCustomerRow {
  const { customer_id: customerId, stripe_id: stripeId, generation, request, created_at: createdAt } = row;
  return { customerId, stripeId, generation, request, createdAt };
}

import type { TenantTransaction, Transaction } from '@tare/database';

/** The transaction of several tenants, seen as one tenant's. Its prototype stays the transaction: reading `prisma` here would open it. */
export function heldTo(tx: Transaction, tenantId: string): TenantTransaction {
  return Object.create(tx, { tenantId: { value: tenantId, enumerable: true } }) as TenantTransaction;
}

import { Injectable } from '@nestjs/common';
import { slotStart, type Period } from '@tare/core';
import { plainArray, sqlInstant, type TenantTransaction } from '@tare/database';

/** Whose usage it is: a customer, or a key that usage came for before there was one. */
export interface UsageCustomer {
  readonly no: number;
  readonly key: string;
  /** Null where there is no customer yet. */
  readonly timeZone: string | null;
}

interface CustomerRow {
  readonly no: number;
  readonly key: string;
  readonly time_zone: string | null;
}

/** One look at the buckets' key for each customer. $2 numbers (null: all), $3 the first number, $4 and $5 the span, $6 how many. */
const WITH_USAGE = `
SELECT k.no, k.key, c.time_zone FROM customer_key k LEFT JOIN customer c ON c.tenant_id = k.tenant_id AND c.no = k.no
WHERE k.tenant_id = $1 AND ($2::int4[] IS NULL OR k.no = ANY ($2::int4[])) AND k.no >= $3
  AND EXISTS (SELECT FROM usage_bucket b WHERE b.tenant_id = k.tenant_id AND b.customer_no = k.no AND b.from_at >= $4 AND b.from_at < $5)
ORDER BY k.no LIMIT $6`;

/** Customers as usage knows them: by number. */
@Injectable()
export class UsageCustomers {
  /** Numbers of keys; keys that nothing is known of are left out. */
  async numbersOf(tx: TenantTransaction, keys: readonly string[]): Promise<Map<string, number>> {
    const rows = await tx.query<{ key: string; no: number }>(
      'SELECT key, no FROM customer_key WHERE tenant_id = $1 AND key = ANY ($2::text[])',
      [tx.tenantId, keys],
    );
    return new Map(rows.map(({ key, no }) => [key, no]));
  }

  /** The next customers with usage in the slots that the span touches, by number, from `from` on. */
  async withUsage(
    tx: TenantTransaction,
    span: Period,
    { customerNos, from, limit }: { readonly customerNos: readonly number[] | null; readonly from: number; readonly limit: number },
  ): Promise<UsageCustomer[]> {
    const rows = await tx.query<CustomerRow>(WITH_USAGE, [
      tx.tenantId,
      customerNos === null ? null : plainArray(customerNos),
      from,
      sqlInstant(slotStart(span.start)),
      sqlInstant(span.end),
      limit,
    ]);
    return rows.map(({ no, key, time_zone: timeZone }) => ({ no, key, timeZone }));
  }
}

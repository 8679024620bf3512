import { Injectable } from '@nestjs/common';
import { CustomerStore } from '@tare/customers';
import { Database } from '@tare/database';
import { TenantCache } from '../tenant-cache.ts';

const CACHED_KEYS = 500_000;

/**
 * Customer keys as integers. Unknown keys get theirs in a short transaction before the flush: what is remembered is committed, and a flush never
 * holds the lock that minting takes.
 */
@Injectable()
export class CustomerNumbers {
  private readonly cache = new TenantCache<string, number>(CACHED_KEYS);

  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
  ) {}

  /** The numbers of keys that may repeat, in their order. */
  async ofEach(tenantId: string, keys: readonly string[]): Promise<readonly number[]> {
    const known = this.cache.of(tenantId);
    const numbers = keys.map((key) => known.get(key));
    if (!numbers.includes(undefined)) return numbers as number[];
    const found = await this.of(tenantId, new Set(keys.filter((_, i) => numbers[i] === undefined)));
    return keys.map((key, i) => numbers[i] ?? (found.get(key) as number));
  }

  /** The number of each key. */
  async of(tenantId: string, keys: Iterable<string>): Promise<ReadonlyMap<string, number>> {
    const numbers = new Map<string, number>();
    const unknown = new Set<string>();
    const known = this.cache.of(tenantId);
    for (const key of keys) {
      const no = known.get(key);
      if (no === undefined) unknown.add(key);
      else numbers.set(key, no);
    }
    if (unknown.size === 0) return numbers;
    const found = await this.database.withTenant(tenantId, (tx) => this.customers.numbersOf(tx, unknown));
    for (const [key, no] of found) {
      this.cache.set(tenantId, key, no);
      numbers.set(key, no);
    }
    return numbers;
  }
}

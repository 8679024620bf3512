/** What a process remembers of tenants' facts that never change once they are committed. Full, it forgets everything: what is missing is read again. */
export class TenantCache<Key, Value> {
  private readonly tenants = new Map<string, Map<Key, Value>>();
  private size = 0;

  /** @param limit facts of all tenants together */
  constructor(private readonly limit: number) {}

  /** What is remembered of one tenant: looking up thousands of its facts makes no key of two parts for each. */
  of(tenantId: string): ReadonlyMap<Key, Value> {
    return this.tenants.get(tenantId) ?? new Map<Key, Value>();
  }

  set(tenantId: string, key: Key, value: Value): void {
    if (this.size >= this.limit) this.clear();
    let own = this.tenants.get(tenantId);
    if (own === undefined) this.tenants.set(tenantId, (own = new Map<Key, Value>()));
    this.size -= own.size;
    own.set(key, value);
    this.size += own.size;
  }

  private clear(): void {
    this.tenants.clear();
    this.size = 0;
  }
}

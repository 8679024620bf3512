/** What a key may do: INGEST sends usage, READ asks, WRITE changes (and reads), ADMIN does all of it and manages keys. */
export type ApiKeyScope = 'INGEST' | 'READ' | 'WRITE' | 'ADMIN';

export const API_KEY_SCOPES: readonly ApiKeyScope[] = ['INGEST', 'READ', 'WRITE', 'ADMIN'];

/** Agreed rates, per second and process; null: none. */
export interface RateLimits {
  readonly eventsPerSecond: number | null;
  readonly requestsPerSecond: number | null;
  /** Of the one key. */
  readonly keyEventsPerSecond: number | null;
}

/** Who a request comes from. */
export interface Principal {
  readonly tenantId: string;
  readonly apiKeyId: string;
  readonly scopes: readonly ApiKeyScope[];
  /** A live tenant is billed by the real clock; a test tenant may be billed at any time. */
  readonly live: boolean;
  /** The first tenant's first key: the only one that makes tenants. */
  readonly bootstrap: boolean;
  readonly limits: RateLimits;
}

/** ADMIN may do everything, WRITE includes READ. */
export function allows(scopes: readonly ApiKeyScope[], needed: ApiKeyScope): boolean {
  return scopes.includes(needed) || scopes.includes('ADMIN') || (needed === 'READ' && scopes.includes('WRITE'));
}

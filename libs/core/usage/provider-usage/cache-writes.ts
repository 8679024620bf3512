import { partsExceed } from './wire-tokens.ts';

export interface CacheWrites {
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
}

/** How a body tells of cache writes: their total, and what of it lives how long. */
export interface FoundCacheWrites {
  readonly total: number | null;
  readonly fiveMinutes: number | null;
  readonly oneHour: number | null;
}

/**
 * Cache writes by how long they live. What no split names lives five minutes, which is every provider's default.
 * @param path of the total in the body
 * @throws CodedError TOKEN_PARTS_EXCEED_TOTAL
 */
export function cacheWritesOf({ total, fiveMinutes, oneHour }: FoundCacheWrites, path: string): CacheWrites {
  const short = fiveMinutes ?? 0;
  const long = oneHour ?? 0;
  if (total === null) return { cacheWrite5m: short, cacheWrite1h: long };
  if (short + long > total) throw partsExceed(path);
  return { cacheWrite5m: total - long, cacheWrite1h: long };
}

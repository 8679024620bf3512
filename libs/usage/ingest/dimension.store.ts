import { Injectable } from '@nestjs/common';
import { dimensionsKey, type UsageDimensions } from '@tare/core';
import type { Transaction } from '@tare/database';
import { hash } from 'node:crypto';
import { TenantCache } from '../tenant-cache.ts';
import { dimensionsText } from './distinct-dimensions.ts';

const CACHED_SETS = 200_000;

const KNOWN = `
SELECT no, encode(hash, 'hex') AS hash FROM usage_dimension WHERE tenant_id = $1 AND hash = ANY (SELECT decode(h, 'hex') FROM unnest($2::text[]) AS h)`;

/** Numbers go on from the highest: the caller holds the tenant's clock, so nobody else mints. */
const MINT = `
INSERT INTO usage_dimension (tenant_id, no, hash, type, provider, model, service_tier, region, pool, feature, outcome, subscription_id, cost_state, cost_currency)
SELECT $1, (SELECT coalesce(max(no), 0) FROM usage_dimension WHERE tenant_id = $1) + position, decode(set->>'hash', 'hex'), set->>'type', set->>'provider',
  set->>'model', set->>'serviceTier', set->>'region', set->>'pool', set->>'feature', set->>'outcome', (set->>'subscription')::uuid, set->>'costState',
  set->>'costCurrency'
FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS sets (set, position) RETURNING no, encode(hash, 'hex') AS hash`;

/** Numbers that a transaction found or minted; the process remembers them once it has committed. */
export type FoundDimensions = ReadonlyMap<string, number>;

interface HashedSet {
  readonly key: string;
  readonly hash: string;
  readonly set: UsageDimensions;
}

/** The dictionary that turns a set of dimensions into an integer. */
@Injectable()
export class DimensionStore {
  private readonly cache = new TenantCache<string, number>(CACHED_SETS);

  /**
   * The number of each set, in their order; sets that were never seen get theirs now. Needs the tenant's clock row locked. Call `remember` with `found`
   * after the commit, never before: a number that was rolled back would be given to another set.
   */
  async numbersOf(
    tx: Transaction,
    tenantId: string,
    sets: readonly UsageDimensions[],
  ): Promise<{ numbers: number[]; found: FoundDimensions }> {
    const keys = sets.map(dimensionsText);
    const unknown = new Map<string, HashedSet>();
    const remembered = this.cache.of(tenantId);
    const known = keys.map((key) => remembered.get(key));
    for (const [i, key] of keys.entries()) {
      const set = sets[i];
      if (known[i] === undefined && set && !unknown.has(key))
        unknown.set(key, { key, hash: hash('sha256', dimensionsKey(set), 'hex'), set });
    }
    const found = await findOrMint(tx, tenantId, [...unknown.values()]);
    return { numbers: keys.map((key, i) => known[i] ?? requireNumber(found, key)), found };
  }

  remember(tenantId: string, numbers: FoundDimensions): void {
    for (const [key, no] of numbers) this.cache.set(tenantId, key, no);
  }
}

async function findOrMint(tx: Transaction, tenantId: string, sets: readonly HashedSet[]): Promise<Map<string, number>> {
  if (sets.length === 0) return new Map();
  type Row = { no: number; hash: string };
  const known = await tx.query<Row>(KNOWN, [tenantId, sets.map(({ hash }) => hash)]);
  const numbers = new Map(known.map(({ hash, no }) => [hash, no]));
  const missing = sets.filter(({ hash }) => !numbers.has(hash));
  if (missing.length > 0) {
    const minted = await tx.query<Row>(MINT, [
      tenantId,
      JSON.stringify(missing.map(({ hash, set }) => ({ ...dimensionsOnly(set), hash }))),
    ]);
    for (const { hash, no } of minted) numbers.set(hash, no);
  }
  return new Map(sets.flatMap(({ key, hash }) => (numbers.has(hash) ? [[key, numbers.get(hash) ?? 0] as const] : [])));
}

function requireNumber(found: FoundDimensions, key: string): number {
  const no = found.get(key);
  if (no === undefined) throw new Error(`a set of dimensions has no number: ${key}`);
  return no;
}

function dimensionsOnly(set: UsageDimensions): UsageDimensions {
  const { type, provider, model, serviceTier, region, pool, feature, outcome, subscription, costState, costCurrency } = set;
  return { type, provider, model, serviceTier, region, pool, feature, outcome, subscription, costState, costCurrency };
}

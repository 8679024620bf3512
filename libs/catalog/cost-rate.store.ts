import { Injectable } from '@nestjs/common';
import { COST_KINDS, Decimal } from '@tare/core';
import type { CostKind, CostRate, CostRateTerms, CostRateTier, DailyWindow, Instant, KindPrices } from '@tare/core';
import { CATALOGUE_TENANT_ID, sqlInstant, sqlInstantOrNull, type TenantTransaction, type Transaction } from '@tare/database';
import type { ModelMatch } from './model-match.ts';

/** A rate as it is kept. */
export interface StoredCostRate extends CostRate {
  /** Why it waits for a person; null for one that does not. */
  readonly disputedWhy: string | null;
}

export type NewCostRate = CostRateTerms & Pick<StoredCostRate, 'id' | 'source' | 'disputed' | 'disputedWhy'>;

/** A model of the catalogue: entries of a provider are tried in the order of their position. */
export interface CatalogueModel {
  readonly provider: string;
  readonly model: string;
  readonly match: ModelMatch;
}

const PRICE_COLUMNS: Readonly<Record<CostKind, string>> = {
  input: 'input',
  output: 'output',
  cacheRead: 'cache_read',
  cacheWrite5m: 'cache_write_5m',
  cacheWrite1h: 'cache_write_1h',
  reasoning: 'reasoning',
  inputAudio: 'input_audio',
  outputAudio: 'output_audio',
};

interface CostRateRow extends Record<string, unknown> {
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  readonly currency: string;
  readonly valid_from: Instant;
  readonly valid_to: Instant | null;
  readonly recorded_at: Instant;
  readonly service_tier: string | null;
  readonly region: string | null;
  readonly source: string;
  readonly disputed: boolean;
  readonly disputed_why: string | null;
  readonly per_request: string | null;
  readonly per_unit: string | null;
  readonly tiers: TierJson[];
  readonly daily_window: DailyWindow | null;
}

type TierJson = { readonly inputAbove: string } & Partial<Record<CostKind, string>>;

const COLUMNS = [
  ...[
    'id',
    'provider',
    'model',
    'currency',
    'valid_from',
    'valid_to',
    'recorded_at',
    'service_tier',
    'region',
    'source',
    'disputed',
    'disputed_why',
  ],
  ...Object.values(PRICE_COLUMNS),
  ...['per_request', 'per_unit', 'tiers', 'daily_window'],
].join(', ');

/** One statement for one rate or for thousands. recorded_at is the clock's, not the transaction's: what is learned later in one transaction is later. */
const INSERT = `INSERT INTO cost_rate (tenant_id, recorded_at, id, provider, model, currency, valid_from, valid_to, service_tier, region, source, disputed,
    disputed_why, ${Object.values(PRICE_COLUMNS).join(', ')}, per_request, per_unit, tiers, daily_window)
  SELECT $1, clock_timestamp(), r.*
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::boolean[],
    $12::text[], $13::numeric[], $14::numeric[], $15::numeric[], $16::numeric[], $17::numeric[], $18::numeric[], $19::numeric[], $20::numeric[],
    $21::numeric[], $22::numeric[], $23::jsonb[], $24::jsonb[]) AS r
  ON CONFLICT (tenant_id, id) DO NOTHING RETURNING ${COLUMNS}`;

/** SQL of the cost book: the tenants' own rates, and those of the catalogue, which belong to the reserved tenant. Rows are only ever added. */
@Injectable()
export class CostRateStore {
  /** Every rate of some tenant that the transaction may read: its own, or CATALOGUE_TENANT_ID. */
  async all(tx: Transaction, tenantId: string): Promise<StoredCostRate[]> {
    const rows = await tx.query<CostRateRow>(`SELECT ${COLUMNS} FROM cost_rate WHERE tenant_id = $1`, [tenantId]);
    return rows.map(rateOfRow);
  }

  /** The tenant's own rates and the catalogue's, by id: what events name as the rate that priced them. */
  async byIds(tx: TenantTransaction, ids: Iterable<string>): Promise<Map<string, StoredCostRate>> {
    const rows = await tx.query<CostRateRow>(
      `SELECT ${COLUMNS} FROM cost_rate WHERE tenant_id = ANY ($1::uuid[]) AND id = ANY ($2::uuid[])`,
      [[tx.tenantId, CATALOGUE_TENANT_ID], [...new Set(ids)]],
    );
    return new Map(rows.map((row) => [row.id, rateOfRow(row)]));
  }

  /** What tells one state of the tenants' books from every other: a number that goes up with every rate. The catalogue counts as a tenant. */
  async versions(tx: Transaction, tenantIds: readonly string[]): Promise<Map<string, string>> {
    const rows = await tx.queryPrepared<{ tenant_id: string; version: string }>(
      'cost_book_versions',
      'SELECT tenant_id, version::text FROM cost_book_version WHERE tenant_id = ANY ($1::uuid[])',
      [tenantIds],
    );
    return new Map(rows.map((row) => [row.tenant_id, row.version]));
  }

  /** Adds rates; those whose id is there already are left out of the answer. */
  async insert(tx: TenantTransaction, rates: readonly NewCostRate[]): Promise<StoredCostRate[]> {
    const rows = await tx.query<CostRateRow>(INSERT, [tx.tenantId, ...columnsOf(rates)]);
    return rows.map(rateOfRow);
  }

  /** The catalogue's models, those of each provider in their order. */
  catalogueModels(tx: Transaction): Promise<CatalogueModel[]> {
    return tx.query('SELECT provider, model, match FROM cost_model WHERE tenant_id = $1 ORDER BY provider, position', [
      CATALOGUE_TENANT_ID,
    ]);
  }

  /** Puts the models in the place of those that are there. Only for the catalogue's own transaction. */
  async replaceModels(tx: TenantTransaction, models: readonly CatalogueModel[]): Promise<void> {
    await tx.query('DELETE FROM cost_model WHERE tenant_id = $1', [tx.tenantId]);
    await tx.query(
      `INSERT INTO cost_model (tenant_id, provider, model, match, position)
       SELECT $1, provider, model, match, position FROM unnest($2::text[], $3::text[], $4::jsonb[]) WITH ORDINALITY AS m (provider, model, match, position)`,
      [
        tx.tenantId,
        models.map((entry) => entry.provider),
        models.map((entry) => entry.model),
        models.map((entry) => JSON.stringify(entry.match)),
      ],
    );
  }

  /** Asks for the events of a time to be costed again: worked off by costs, after the transaction that learned the rate (SEMANTICS 9.2). */
  async requestCosting(tx: TenantTransaction, task: CostingRequest): Promise<void> {
    await tx.query(
      `INSERT INTO costing_task (tenant_id, id, provider, model, pool, valid_from, valid_to) VALUES ($1, gen_random_uuid(), $2, $3, $4, $5, $6)`,
      [tx.tenantId, task.provider, task.model, task.pool, sqlInstant(task.validFrom), sqlInstantOrNull(task.validTo)],
    );
  }
}

/** Whose events: those of a provider and model, or those of a pool. */
export interface CostingRequest {
  readonly provider: string | null;
  readonly model: string | null;
  readonly pool: string | null;
  readonly validFrom: Instant;
  readonly validTo: Instant | null;
}

function columnsOf(rates: readonly NewCostRate[]): unknown[][] {
  const column = <Value>(value: (rate: NewCostRate) => Value): Value[] => rates.map(value);
  return [
    column((rate) => rate.id),
    column((rate) => rate.provider),
    column((rate) => rate.model),
    column((rate) => rate.currency),
    column((rate) => sqlInstant(rate.validFrom)),
    column((rate) => sqlInstantOrNull(rate.validTo)),
    column((rate) => rate.serviceTier),
    column((rate) => rate.region),
    column((rate) => rate.source),
    column((rate) => rate.disputed),
    column((rate) => rate.disputedWhy),
    ...COST_KINDS.map((kind) => column((rate) => rate.prices[kind]?.toString() ?? null)),
    column((rate) => rate.perRequest?.toString() ?? null),
    column((rate) => rate.perUnit?.toString() ?? null),
    column((rate) => JSON.stringify(rate.tiers.map(({ inputAbove, prices }) => ({ inputAbove, ...prices })))),
    column((rate) => rate.dailyWindow && JSON.stringify(rate.dailyWindow)),
  ];
}

function rateOfRow(row: CostRateRow): StoredCostRate {
  return {
    id: row.id,
    provider: row.provider,
    model: row.model,
    currency: row.currency,
    validFrom: row.valid_from,
    validTo: row.valid_to,
    recordedAt: row.recorded_at,
    serviceTier: row.service_tier,
    region: row.region,
    source: row.source,
    disputed: row.disputed,
    disputedWhy: row.disputed_why,
    prices: pricesOf((kind) => row[PRICE_COLUMNS[kind]]),
    perRequest: decimalOf(row.per_request),
    perUnit: decimalOf(row.per_unit),
    tiers: row.tiers.map(tierOfJson),
    dailyWindow: row.daily_window,
  };
}

function tierOfJson(tier: TierJson): CostRateTier {
  return { inputAbove: Decimal.parse(tier.inputAbove), prices: pricesOf((kind) => tier[kind]) };
}

function pricesOf(textOf: (kind: CostKind) => unknown): KindPrices {
  const prices: Partial<Record<CostKind, Decimal>> = {};
  for (const kind of COST_KINDS) {
    const text = textOf(kind);
    if (typeof text === 'string') prices[kind] = Decimal.parse(text);
  }
  return prices;
}

function decimalOf(text: string | null): Decimal | null {
  return text === null ? null : Decimal.parse(text);
}

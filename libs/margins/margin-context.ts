import { Injectable } from '@nestjs/common';
import { SettingsService } from '@tare/access';
import { CostBook, ExchangeRates, MeterStore, PoolStore } from '@tare/catalog';
import { costOfKind, COST_KINDS, Decimal, POOL_OF_KIND, selectRate } from '@tare/core';
import type { CostRate, Instant, ListCost, MarginQuery, UsageRecord } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import type { MarginRequest } from './margin-request.ts';

type Book = NonNullable<Awaited<ReturnType<CostBook['open']>> extends Map<string, infer Open> ? Open : never>;

/** What every report of a tenant stands on beside its customers: currency, meters, rates, pools, the cost book. */
@Injectable()
export class MarginContext {
  constructor(
    private readonly settings: SettingsService,
    private readonly meters: MeterStore,
    private readonly rates: ExchangeRates,
    private readonly pools: PoolStore,
    private readonly book: CostBook,
  ) {}

  /** The query of a report. `now`: what lies behind it has happened. */
  async queryOf(tx: TenantTransaction, request: MarginRequest, now: Instant): Promise<MarginQuery> {
    const { reportingCurrency } = await this.settings.settingsIn(tx);
    const { from, to, groupBy } = request;
    const pools = await this.pools.all(tx);
    return {
      from,
      to,
      asOf: Math.min(to, now),
      groupBy,
      currency: request.currency ?? reportingCurrency,
      costBasis: request.costBasis ?? 'FROZEN',
      feeAllocation: request.feeAllocation ?? 'NONE',
      meters: await this.meters.byKeys(tx),
      exchangeRates: (await this.rates.load(tx)).rates,
      deployments: new Map(pools.map(({ key, deployment }) => [key, deployment])),
      rateOf: rateFinder((await this.book.open(tx, [tx.tenantId])).get(tx.tenantId)),
    };
  }
}

/** The row of the cost book that prices usage like a record, the tenant's own before the catalogue's (SEMANTICS 9.1); pools are not in the book. */
function rateFinder(book: Book | undefined): (record: UsageRecord) => CostRate | null {
  return (record) => {
    if (book === undefined || record.pool !== null) return null;
    const { own, catalogue } = book.ratesFor(record.provider, record.model);
    const facts = {
      at: record.from,
      provider: record.provider,
      model: record.model,
      serviceTier: record.serviceTier,
      region: record.region,
    };
    return selectRate(own, facts) ?? selectRate(catalogue, facts);
  };
}

/** What usage costs at the base prices of the book: size tiers are of single requests and stay out. */
export function listCostOf(rateOf: MarginQuery['rateOf']): ListCost {
  return (record) => {
    const rate = rateOf(record);
    if (rate === null) return null;
    const kinds = COST_KINDS.filter((kind) => !record.tokens[POOL_OF_KIND[kind]].isZero());
    const costs = kinds.map((kind) => costOfKind(kind, record.tokens[POOL_OF_KIND[kind]], rate));
    if (costs.includes(null)) return null;
    const requests = (rate.perRequest ?? Decimal.ZERO).times(record.events);
    const units = (rate.perUnit ?? Decimal.ZERO).times(record.quantity);
    return {
      amount: Decimal.sum(costs.map((cost) => cost ?? Decimal.ZERO))
        .plus(requests)
        .plus(units),
      currency: rate.currency,
    };
  };
}

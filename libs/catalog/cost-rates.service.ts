import { Injectable } from '@nestjs/common';
import { costOfEvent, Decimal, optionalText, parseCostRate, parseTokens, TOKEN_POOLS } from '@tare/core';
import type { CostFacts, CostRateInput, CostState, Instant, TokenPools } from '@tare/core';
import { Database } from '@tare/database';
import { randomUUID } from 'node:crypto';
import { CostBook } from './cost-book.ts';
import { CostRateStore, type StoredCostRate } from './cost-rate.store.ts';

/** What one request would cost. Cost and currency are null unless the state is PRICED. */
export interface CostQuote {
  readonly cost: Decimal | null;
  readonly currency: string | null;
  readonly state: CostState;
  /** The row of the book that says so. */
  readonly rate: StoredCostRate | null;
}

/** Arguments of quoteCost in the contract. */
export interface CostQuoteInput {
  readonly provider: string;
  readonly model: string;
  /** TokensInput of the contract: inclusive totals and their parts. */
  readonly tokens: unknown;
  readonly serviceTier?: string | null | undefined;
  readonly region?: string | null | undefined;
  /** None: now. */
  readonly at?: Instant | null | undefined;
}

const NO_TOKENS = Object.fromEntries(TOKEN_POOLS.map((pool) => [pool, Decimal.ZERO])) as TokenPools;

/** The source of a rate that a tenant set itself. */
const OWN_SOURCE = 'tenant';

/** The tenant's own cost rates (SEMANTICS 9.1 - 9.3). */
@Injectable()
export class CostRatesService {
  constructor(
    private readonly database: Database,
    private readonly store: CostRateStore,
    private readonly book: CostBook,
  ) {}

  /**
   * Adds a rate to the book; nothing is ever overwritten, and frozen costs stay as they are (SEMANTICS 9.2). In the same transaction it asks for the events of
   * its time to be costed again. @throws CodedError those of parseCostRate
   */
  async set(tenantId: string, input: CostRateInput): Promise<StoredCostRate> {
    const terms = parseCostRate(input);
    return this.database.withTenant(tenantId, async (tx) => {
      const [rate] = await this.store.insert(tx, [{ ...terms, id: randomUUID(), source: OWN_SOURCE, disputed: false, disputedWhy: null }]);
      if (!rate) throw new Error('a cost rate was inserted and did not come back');
      await this.store.requestCosting(tx, { ...terms, pool: null });
      return rate;
    });
  }

  /** As `costOf`, for a request that has not been made. @throws CodedError those of parseTokens, FIELD_TOO_LONG */
  async quote(tenantId: string, input: CostQuoteInput): Promise<CostQuote> {
    return this.costOf(tenantId, factsOfInput(input));
  }

  /** What a request would cost at a time, by the rates known now: the tenant's own, then the catalogue's; unknown is UNPRICED and null, never 0. */
  costOf(tenantId: string, facts: CostFacts): Promise<CostQuote> {
    return this.database.withTenant(tenantId, async (tx) => {
      const { own, catalogue } = await this.book.ratesFor(tx, facts.provider, facts.model);
      const cost = costOfEvent({ reportedCost: null, ownRates: own, catalogueRates: catalogue, pool: null }, facts);
      const rates = cost.rateId === null ? null : await this.store.byIds(tx, [cost.rateId]);
      return { cost: cost.amount, currency: cost.currency, state: cost.state, rate: rates?.get(cost.rateId ?? '') ?? null };
    });
  }

  /** The rates that a tenant set itself, newest last. */
  own(tenantId: string): Promise<StoredCostRate[]> {
    return this.database.withTenant(tenantId, async (tx) => {
      const rates = await this.store.all(tx, tenantId);
      return rates.sort((a: { recordedAt: Instant }, b: { recordedAt: Instant }) => a.recordedAt - b.recordedAt);
    });
  }
}

function factsOfInput({ provider, model, tokens, serviceTier, region, at }: CostQuoteInput): CostFacts {
  const counted = parseTokens(tokens);
  return {
    at: at ?? Date.now() * 1_000,
    provider: optionalText(provider, 'provider'),
    model: optionalText(model, 'model'),
    serviceTier: optionalText(serviceTier, 'serviceTier'),
    region: optionalText(region, 'region'),
    tokens: counted ?? NO_TOKENS,
    hasTokens: counted !== null,
    quantity: Decimal.ZERO,
    gpuSeconds: Decimal.ZERO,
    pool: null,
  };
}

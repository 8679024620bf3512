import { Injectable } from '@nestjs/common';
import { costOfEvent, parseCostRate } from '@tare/core';
import type { CostFacts, CostRateInput, CostState, Decimal, Instant } from '@tare/core';
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

  /** What a request would cost at a time, by the rates known now: the tenant's own, then the catalogue's; unknown is UNPRICED and null, never 0. */
  quote(tenantId: string, facts: CostFacts): Promise<CostQuote> {
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

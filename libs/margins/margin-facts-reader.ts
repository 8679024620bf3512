import { Injectable } from '@nestjs/common';
import { NOT_USAGE } from '@tare/core';
import type { Instant, MarginCustomer, MarginQuery, SharedCost } from '@tare/core';
import { PoolHours } from '@tare/costs';
import type { TenantTransaction } from '@tare/database';
import { MarginUsage } from './margin-usage.ts';
import type { Person } from './people.ts';
import { RealRevenue } from './real-revenue.ts';

/** How facts are to be read. */
export interface FactsOptions {
  /** Without corrections of invoices that were finalized since; null: with all of them. */
  readonly knownAt: Instant | null;
}

/** Customers whose facts are in memory at one time. */
const PAGE = 100;

/** Reads the facts of margin reports: what real customers used, cost and paid. */
@Injectable()
export class MarginFactsReader {
  constructor(
    private readonly revenue: RealRevenue,
    private readonly usage: MarginUsage,
    private readonly pools: PoolHours,
  ) {}

  /** Each person's facts once, in turn: what is done with them is done before the next page is read. */
  async *customers(
    tx: TenantTransaction,
    query: MarginQuery,
    people: readonly Person[],
    { knownAt }: FactsOptions,
  ): AsyncGenerator<MarginCustomer> {
    const shared = await this.sharedCosts(tx, query);
    for (let first = 0; first < people.length; first += PAGE) {
      const page = people.slice(first, first + PAGE);
      const items = await this.revenue.of(tx, query, page, knownAt);
      for (const person of page) {
        const revenue = items.get(person.customer?.id ?? '') ?? [];
        const { no, key, name, timeZone, segments } = person;
        const records = await this.usage.read(tx, query, { customerNo: no, timeZone, segments, items: revenue, upToSeq: null });
        yield { key, name, timeZone, segments, records, revenue, sharedCosts: shared.get(no) ?? [] };
      }
    }
  }

  /** Idle capacity that no policy gives to anybody: a line of its own (SEMANTICS 9.4). Null where there is none. */
  async idleCapacity(tx: TenantTransaction, query: MarginQuery): Promise<MarginCustomer | null> {
    const sharedCosts = (await this.sharedCosts(tx, query)).get(null) ?? [];
    if (sharedCosts.length === 0) return null;
    return { key: NOT_USAGE, name: 'Idle capacity', timeZone: 'UTC', segments: [], records: [], revenue: [], sharedCosts };
  }

  /** By the number of the customer; null: borne by nobody. */
  async sharedCosts(tx: TenantTransaction, { from, to, asOf }: MarginQuery): Promise<Map<number | null, SharedCost[]>> {
    const costs = new Map<number | null, SharedCost[]>();
    if (from >= asOf) return costs;
    for (const { customerNo, amount, pool, hour, currency } of await this.pools.sharedCost(tx, { from, to, now: asOf })) {
      const own = costs.get(customerNo) ?? [];
      own.push({ at: Math.max(hour, from), pool, amount, currency });
      costs.set(customerNo, own);
    }
    return costs;
  }
}

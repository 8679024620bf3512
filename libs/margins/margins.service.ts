import { Injectable } from '@nestjs/common';
import { agentRuns, Decimal, lossProfile, lossReasons, lossYardstick, MarginCube, NOT_USAGE } from '@tare/core';
import type { Instant, LossProfile, MarginCustomer, MarginQuery, MarginReport, MarginRow } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { MarginContext } from './margin-context.ts';
import { MarginFactsReader } from './margin-facts-reader.ts';
import { requireFirst, requireMarginRequest, requireSpan, type MarginRequest, type MarginSpan } from './margin-request.ts';
import { MarginUsage } from './margin-usage.ts';
import { People, type Person } from './people.ts';

/** Above this many events in the span, single events are not read for reasons: agent runs then stay among what is unexplained. */
const MOST_EVENTS_READ = Decimal.of(200_000);

/** What is left over (SEMANTICS 10). Computed from facts when it is asked for: nothing is stored, so nothing can be stale. */
@Injectable()
export class MarginsService {
  constructor(
    private readonly database: Database,
    private readonly context: MarginContext,
    private readonly people: People,
    private readonly facts: MarginFactsReader,
    private readonly usage: MarginUsage,
  ) {}

  /**
   * The margin of a span by any dimensions. Rows in order of time where time is asked for, else the largest revenue first; the total is of all rows, also of
   * those that `first` leaves out. By customer alone, losses come with their reasons.
   * @throws CodedError INVALID_SPAN | INVALID_DIMENSIONS | INVALID_PAGE_SIZE | UNKNOWN_CURRENCY | NO_EXCHANGE_RATE
   */
  async report(tenantId: string, request: MarginRequest, now: Instant = Date.now() * 1_000): Promise<MarginReport> {
    requireMarginRequest(request);
    return this.database.withTenant(tenantId, async (tx) => {
      const query = await this.context.queryOf(tx, request, now);
      const people = await this.people.inSpan(tx, query, null);
      const { report, profiles } = await this.compute(tx, query, people);
      const rows = report.rows.slice(0, request.first ?? report.rows.length);
      return { ...report, rows: profiles === null ? rows : await this.explained(tx, query, rows, profiles, people) };
    });
  }

  /** Customers whose known cost exceeds what they pay, worst loss first, with reasons that add up to it. @throws CodedError as report */
  async lossMakers(
    tenantId: string,
    { first, ...span }: MarginSpan & { readonly first?: number | null | undefined },
    now: Instant = Date.now() * 1_000,
  ): Promise<MarginRow[]> {
    requireSpan(span);
    requireFirst(first);
    const { rows } = await this.report(tenantId, { ...span, groupBy: ['CUSTOMER'] }, now);
    const losers = rows.filter(({ state, key }) => state === 'LOSS_MAKING' && key[0] !== NOT_USAGE);
    return losers.sort((a, b) => lossOf(b).compare(lossOf(a))).slice(0, first ?? losers.length);
  }

  /** Profiles only where rows are customers. */
  private async compute(
    tx: TenantTransaction,
    query: MarginQuery,
    people: readonly Person[],
  ): Promise<{ report: MarginReport; profiles: LossProfile[] | null }> {
    const cube = new MarginCube(query);
    const profiles: LossProfile[] = [];
    const isByCustomer = query.groupBy.length === 1 && query.groupBy[0] === 'CUSTOMER';
    for await (const customer of this.facts.customers(tx, query, people, { knownAt: null })) {
      cube.add(customer);
      if (isByCustomer && customer.records.length > 0) profiles.push(lossProfile(customer, query));
    }
    const idle = await this.facts.idleCapacity(tx, query);
    if (idle !== null) cube.add(idle);
    return { report: cube.report(), profiles: isByCustomer ? profiles : null };
  }

  private async explained(
    tx: TenantTransaction,
    query: MarginQuery,
    rows: readonly MarginRow[],
    profiles: readonly LossProfile[],
    people: readonly Person[],
  ): Promise<MarginRow[]> {
    if (!rows.some(({ state }) => state === 'LOSS_MAKING')) return [...rows];
    const full = await this.withRuns(tx, query, rows, profiles, people);
    const yardstick = lossYardstick(full);
    const byKey = new Map(full.map((profile) => [profile.customerKey, profile]));
    return rows.map((row) => {
      const profile = byKey.get(row.key[0] ?? '');
      if (row.state !== 'LOSS_MAKING' || profile === undefined) return row;
      return { ...row, reasons: lossReasons(profile, lossOf(row), row.currency, yardstick) };
    });
  }

  /** Runs are known to single events only: read for everybody, so that there is a median, where they are few enough. */
  private async withRuns(
    tx: TenantTransaction,
    query: MarginQuery,
    rows: readonly MarginRow[],
    profiles: readonly LossProfile[],
    people: readonly Person[],
  ): Promise<LossProfile[]> {
    const events = Decimal.sum(rows.map((row) => row.events));
    if (events.compare(MOST_EVENTS_READ) > 0) return [...profiles];
    const byKey = new Map(people.map((person) => [person.key, person]));
    const full: LossProfile[] = [];
    for (const profile of profiles) {
      const person = byKey.get(profile.customerKey);
      const records = person === undefined ? [] : await this.usage.events(tx, query, person.no);
      full.push(person === undefined ? profile : { ...profile, ...agentRuns({ ...asCustomer(person), records }, query) });
    }
    return full;
  }
}

function asCustomer({ key, name, timeZone, segments }: Person): MarginCustomer {
  return { key, name, timeZone, segments, records: [], revenue: [], sharedCosts: [] };
}

/** Also of a customer whose cost is not known in full: what is known exceeds what it pays by this. */
function lossOf({ margin, revenue, sharedCost }: MarginRow): Decimal {
  return (margin ?? revenue.minus(sharedCost)).negated();
}

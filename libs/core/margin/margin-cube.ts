import { Decimal, splitByLargestRemainder } from '../money/index.ts';
import { MICROS_PER_DAY, dayStart, dayStarts, localDay } from '../time/index.ts';
import type { Instant } from '../time/index.ts';
import { segmentEnd, servicePeriodAt } from '../subscriptions/index.ts';
import type { Segment } from '../subscriptions/index.ts';
import { inclusive } from '../usage/index.ts';
import type { UsageRecord } from '../usage/index.ts';
import { convertAmount } from '../rating/index.ts';
import { attributeUsage } from './attribute-usage.ts';
import type { AttributedUsage } from './attribute-usage.ts';
import { coveredUsage } from './billed-quantity.ts';
import type { MarginCustomer, MarginQuery, SharedCost } from './margin-facts.ts';
import { marginKey } from './margin-key.ts';
import type { MarginPlace } from './margin-key.ts';
import { NO_SUMS, addSums, marginRow } from './margin-row.ts';
import type { MarginRow, MarginSums } from './margin-row.ts';
import { SMALLEST_PART, recogniseRevenue, windowsOf, withoutMinimum } from './recognise-revenue.ts';
import type { RevenueItem } from './revenue-item.ts';
import { byTokenKind } from './token-kinds.ts';
import type { KindOfUsage } from './token-kinds.ts';

/** MarginReport of the contract. */
export interface MarginReport {
  readonly from: Instant;
  readonly to: Instant;
  readonly rows: readonly MarginRow[];
  readonly total: MarginRow;
}

/** A sum that is taken over and over. */
interface RowSums {
  readonly values: readonly string[];
  readonly label: string;
  sums: MarginSums;
}

/** How far back the present rate of usage is read for a projection. */
const RECENT = 7 * MICROS_PER_DAY;

/**
 * The margin of a span by any list of dimensions (SEMANTICS 10), customer by customer, so that only rows are kept. However it is grouped, its rows add up
 * to the total: revenue is given to usage by largest remainder, and whatever no usage earned stands in `(not usage)`.
 */
export class MarginCube {
  private readonly rows = new Map<string, RowSums>();
  private total = NO_SUMS;

  constructor(private readonly query: MarginQuery) {}

  /** @throws CodedError NO_EXCHANGE_RATE | UNKNOWN_METER */
  add(customer: MarginCustomer): void {
    const side = customerSide(customer, this.query);
    for (const piece of side.inSpan) this.put(side.placeOf(piece), usageSums(piece));
    for (const item of side.items) this.addRevenue(item, side);
    for (const cost of customer.sharedCosts) this.addSharedCost(cost, side);
    this.addProjection(side);
  }

  report(): MarginReport {
    const { from, to, currency, costBasis } = this.query;
    const rows = [...this.rows.values()].map(({ values, label, sums }) => marginRow(values, label, currency, sums, costBasis));
    return { from, to, rows: rows.sort(this.order()), total: marginRow([], 'total', currency, this.total, costBasis) };
  }

  private addRevenue(item: RevenueItem, side: CustomerSide): void {
    const amounts = recogniseRevenue(item, side.cuts, side.usage, side.customer.timeZone, this.query);
    for (const [index, amount] of amounts.entries()) {
      const window = side.windows[index];
      if (window !== undefined && !amount.isZero()) this.give(item, amount, window, side, 'revenue');
    }
  }

  /** Gives what an item earned in a window to the usage that earned it there, else to the row of what is not usage (SEMANTICS 10.4). */
  private give(item: RevenueItem, amount: Decimal, window: MarginWindow, side: CustomerSide, to: 'revenue' | 'projectedRevenue'): void {
    const shares = this.sharesOf(item, window, side);
    if (shares.length === 0) {
      this.put(side.placeOfItem(item, window.day), { [to]: amount });
      return;
    }
    const parts = splitByLargestRemainder(
      amount,
      shares.map(({ weight }) => weight),
      SMALLEST_PART,
    );
    for (const [index, { place }] of shares.entries()) this.put(place, { [to]: parts[index] ?? Decimal.ZERO });
  }

  /** One share for each row, in the order of their keys, so that the order of usage cannot be seen in the result. */
  private sharesOf(item: RevenueItem, { pieces }: MarginWindow, side: CustomerSide): { place: MarginPlace; weight: Decimal }[] {
    const covered = coveredUsage(item, pieces, this.query.meters);
    const weighed = covered.length === 0 && this.query.feeAllocation === 'BY_COST' ? sharesByCost(item, pieces) : covered;
    const rows = new Map<string, { place: MarginPlace; weight: Decimal }>();
    for (const { usage, weight } of weighed) {
      const place = side.placeOf(usage);
      const key = this.keyOf(place);
      rows.set(key, { place, weight: weight.plus(rows.get(key)?.weight ?? Decimal.ZERO) });
    }
    return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, share]) => share);
  }

  private addSharedCost(cost: SharedCost, side: CustomerSide): void {
    const { customer } = side;
    if (cost.at < this.query.from || cost.at >= this.query.to) return;
    const day = dayStart(cost.at, customer.timeZone);
    const amount = convertAmount(cost.amount, cost.currency, this.query.currency, day, this.query.exchangeRates);
    const segment = activeBearer(cost.at, customer);
    const place = { ...side.nowhere, segment, day: localDay(cost.at, customer.timeZone), pool: cost.pool };
    this.put(place, amount === null ? { unknownSharedCosts: Decimal.ONE } : { sharedCost: amount });
  }

  /** To the end of each running service period: usage goes on as in the last seven days, fees as agreed (SEMANTICS 10.6). */
  private addProjection(side: CustomerSide): void {
    const { asOf, from } = this.query;
    const start = Math.max(from, asOf - RECENT);
    if (start >= asOf) return;
    const recent = side.windowOf(start, asOf);
    for (const piece of recent.pieces) {
      const cost = this.query.costBasis === 'RESTATED' ? piece.restatedCost : piece.cost;
      this.put(side.placeOf(piece), { projectedCost: carriedOn(cost, horizonOf(piece.bearer, asOf) - asOf, asOf - start) });
    }
    for (const item of side.items) this.projectRevenue(item, recent, side);
  }

  private projectRevenue(item: RevenueItem, recent: MarginWindow, side: CustomerSide): void {
    const { asOf } = this.query;
    const end = horizonOf(item.segment, asOf);
    if (end <= asOf) return;
    const grows = item.spread.kind === 'BY_USAGE' || item.spread.kind === 'BURN';
    // What is agreed is earned in the span already as far as the span reaches.
    const agreedFrom = Math.min(this.query.to, end);
    const [start, until] = grows ? [recent.start, asOf] : [agreedFrom, end];
    if (start >= until) return;
    const [earned = Decimal.ZERO] = recogniseRevenue(item, [start, until], side.usage, side.customer.timeZone, this.query);
    const amount = grows ? carriedOn(earned, end - asOf, asOf - start) : earned;
    if (!amount.isZero()) this.give(item, amount, recent, side, 'projectedRevenue');
  }

  private put(place: MarginPlace, more: Partial<MarginSums>): void {
    const { values, labels } = marginKey(this.query.groupBy, place, this.query.deployments);
    const key = JSON.stringify(values);
    const row = this.rows.get(key) ?? { values, label: labels.join(' / '), sums: NO_SUMS };
    row.sums = addSums(row.sums, more);
    this.rows.set(key, row);
    this.total = addSums(this.total, more);
  }

  private keyOf(place: MarginPlace): string {
    return JSON.stringify(marginKey(this.query.groupBy, place, this.query.deployments).values);
  }

  /** In order of time where time is asked for; else the largest revenue first, then the largest cost. */
  private order(): (a: MarginRow, b: MarginRow) => number {
    const byKey = (a: MarginRow, b: MarginRow): number => (JSON.stringify(a.key) < JSON.stringify(b.key) ? -1 : 1);
    if (this.query.groupBy.some((dimension) => dimension === 'DAY' || dimension === 'MONTH')) return byKey;
    const costOf = (row: MarginRow): Decimal => row.cost ?? Decimal.ZERO;
    return (a, b) => b.revenue.compare(a.revenue) || costOf(b).compare(costOf(a)) || byKey(a, b);
  }
}

/** All at once, for callers that have every customer at hand. */
export function marginReport(query: MarginQuery, customers: Iterable<MarginCustomer>): MarginReport {
  const cube = new MarginCube(query);
  for (const customer of customers) cube.add(customer);
  return cube.report();
}

/** A piece of the span in which revenue is given to usage, with the usage of it. */
interface MarginWindow {
  readonly start: Instant;
  readonly end: Instant;
  /** The local day of its start: its month where months are asked for. */
  readonly day: string;
  readonly pieces: readonly KindOfUsage[];
}

/** A customer's facts, made ready. */
interface CustomerSide {
  readonly customer: MarginCustomer;
  /** All of it, also outside of the span. */
  readonly usage: readonly AttributedUsage[];
  readonly inSpan: readonly KindOfUsage[];
  readonly items: readonly RevenueItem[];
  readonly cuts: readonly Instant[];
  readonly windows: readonly MarginWindow[];
  readonly nowhere: MarginPlace;
  windowOf(start: Instant, end: Instant): MarginWindow;
  placeOf(piece: KindOfUsage): MarginPlace;
  placeOfItem(item: RevenueItem, day: string): MarginPlace;
}

function customerSide(customer: MarginCustomer, query: MarginQuery): CustomerSide {
  const usage = attributeUsage(customer, query);
  const inSpan = usage.filter(({ record }) => record.from >= query.from && record.from < query.to).flatMap((one) => piecesOf(one, query));
  const cuts = cutsOf(query, customer.timeZone);
  const nowhere = { customer, segment: null, subscriptionId: null, day: '', usage: null, pool: null };
  const days = new Map<Instant, string>();
  const dayOf = (at: Instant): string => {
    const day = days.get(at) ?? localDay(at, customer.timeZone);
    days.set(at, day);
    return day;
  };
  const windowOf = (start: Instant, end: Instant): MarginWindow => ({
    start,
    end,
    day: dayOf(start),
    pieces: inSpan.filter(({ record }) => start <= record.from && record.from < end),
  });
  return {
    customer,
    usage,
    inSpan,
    items: customer.revenue.flatMap((item) => withoutMinimum(item, usage, query)),
    cuts,
    windows: windowsOf(cuts).map(({ start, end }) => windowOf(start, end)),
    nowhere,
    windowOf,
    placeOf: (piece) => ({ ...nowhere, segment: piece.bearer, day: dayOf(piece.record.from), usage: piece }),
    placeOfItem: ({ segment, subscriptionId }, day) => ({ ...nowhere, segment, subscriptionId, day }),
  };
}

function piecesOf(usage: AttributedUsage, { groupBy, rateOf }: MarginQuery): KindOfUsage[] {
  return groupBy.includes('TOKEN_KIND') ? byTokenKind(usage, rateOf(usage.record)) : [{ ...usage, tokenKind: '' }];
}

/** Where revenue is cut before it is given to usage: time comes first, then quantity inside (SEMANTICS 10.4). */
function cutsOf({ from, to, groupBy }: MarginQuery, zone: string): Instant[] {
  const isDaily = groupBy.includes('DAY');
  if (!isDaily && !groupBy.includes('MONTH')) return [from, to];
  const starts = dayStarts({ start: from, end: to }, zone);
  return [...starts.filter((start) => isDaily || start === from || localDay(start, zone).endsWith('-01')), to];
}

function usageSums({ record, costKnown, cost, restatedCost }: AttributedUsage): Partial<MarginSums> {
  const isBearing = costKnown !== 'NOT_BEARING';
  const bearingEvents = isBearing ? record.events : Decimal.ZERO;
  const bearingTokens = isBearing ? tokensOf(record) : Decimal.ZERO;
  const known = (value: Decimal): Decimal => (costKnown === 'KNOWN' ? value : Decimal.ZERO);
  return {
    events: record.events,
    cost,
    restatedCost,
    bearingEvents,
    bearingTokens,
    knownEvents: known(bearingEvents),
    knownTokens: known(bearingTokens),
  };
}

function tokensOf({ tokens }: UsageRecord): Decimal {
  return inclusive(tokens).total;
}

function sharesByCost(item: RevenueItem, pieces: readonly KindOfUsage[]): { usage: KindOfUsage; weight: Decimal }[] {
  const own = pieces.filter(({ bearer }) => item.subscriptionId === null || bearer?.subscriptionId === item.subscriptionId);
  const shares = own.map((usage) => ({ usage, weight: Decimal.max(Decimal.ZERO, usage.cost) }));
  return shares.some(({ weight }) => weight.isPositive()) ? shares : [];
}

/** The subscription that shared cost at an instant is for: the oldest active one, as for usage that none rates (SEMANTICS 3.6). */
function activeBearer(at: Instant, { segments }: MarginCustomer): Segment | null {
  const active = segments.filter((segment) => segment.start <= at && at < (segmentEnd(segment) ?? Infinity));
  return active.sort((a, b) => a.createdAt - b.createdAt)[0] ?? null;
}

/** The end of the service period that runs at `asOf`. */
function horizonOf(segment: Segment | null, asOf: Instant): Instant {
  return segment === null ? asOf : Math.max(asOf, servicePeriodAt(segment, asOf - 1)?.end ?? asOf);
}

function carriedOn(amount: Decimal, duration: number, measuredOver: number): Decimal {
  if (duration <= 0 || amount.isZero()) return Decimal.ZERO;
  return amount.times(Decimal.of(duration)).dividedBy(Decimal.of(measuredOver), 12);
}

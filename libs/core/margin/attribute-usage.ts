import { Decimal } from '../money/index.ts';
import { dayStart } from '../time/index.ts';
import { dimensionsKey } from '../usage/index.ts';
import type { UsageRecord } from '../usage/index.ts';
import { costBearerFor, segmentEnd, subscriptionFor, validityEdges } from '../subscriptions/index.ts';
import type { Segment } from '../subscriptions/index.ts';
import { convertAmount } from '../rating/index.ts';
import type { MarginCustomer, MarginQuery } from './margin-facts.ts';

/** A record with whose it is and what it cost in the report's currency. */
export interface AttributedUsage {
  readonly record: UsageRecord;
  /** Rates it: its revenue is that subscription's (SEMANTICS 10.5). */
  readonly rater: Segment | null;
  /** Bears its cost (SEMANTICS 3.6). */
  readonly bearer: Segment | null;
  /** NOT_BEARING stays out of coverage; UNKNOWN: unpriced, pending, or in a currency without a rate. */
  readonly costKnown: 'KNOWN' | 'UNKNOWN' | 'NOT_BEARING';
  /** Zero where it is not known. */
  readonly cost: Decimal;
  readonly restatedCost: Decimal;
}

type CostFacts = Pick<MarginQuery, 'currency' | 'meters' | 'exchangeRates'>;

/** Gives each record of a customer to a subscription and converts its cost at the rate of its day. */
export function attributeUsage(customer: Pick<MarginCustomer, 'records' | 'segments' | 'timeZone'>, facts: CostFacts): AttributedUsage[] {
  const owners = new OwnersOfUsage(customer.segments, facts);
  return customer.records.map((record) => ({ record, ...owners.of(record), ...costOf(record, customer.timeZone, facts) }));
}

/** Deciding whose a record is costs more than anything else here, and sums with the same dimensions under the same segments have the same owners. */
class OwnersOfUsage {
  private readonly known = new Map<string, { rater: Segment | null; bearer: Segment | null }>();
  private readonly edges: readonly number[];

  constructor(
    private readonly segments: readonly Segment[],
    private readonly facts: CostFacts,
  ) {
    const edges = segments.flatMap((segment) => [segment.start, segmentEnd(segment) ?? Infinity, ...validityEdges(segment.terms)]);
    this.edges = [...new Set(edges)].sort((a, b) => a - b);
  }

  of(record: UsageRecord): { rater: Segment | null; bearer: Segment | null } {
    if (record.properties !== undefined) return this.found(record);
    const key = `${this.edges.filter((edge) => edge <= record.from).length} ${dimensionsKey(record)}`;
    const owners = this.known.get(key) ?? this.found(record);
    this.known.set(key, owners);
    return owners;
  }

  private found(record: UsageRecord): { rater: Segment | null; bearer: Segment | null } {
    const rater = subscriptionFor(record, this.segments, this.facts.meters);
    return { rater, bearer: rater ?? costBearerFor(record, this.segments, this.facts.meters) };
  }
}

function costOf(
  record: UsageRecord,
  zone: string,
  { currency, exchangeRates }: CostFacts,
): Pick<AttributedUsage, 'costKnown' | 'cost' | 'restatedCost'> {
  const zero = Decimal.ZERO;
  if (record.costState === 'NOT_COST_BEARING') return { costKnown: 'NOT_BEARING', cost: zero, restatedCost: zero };
  if (record.costState === 'UNPRICED' || record.costState === 'PENDING') return { costKnown: 'UNKNOWN', cost: zero, restatedCost: zero };
  const from = record.costCurrency ?? currency;
  const day = from === currency ? record.from : dayStart(record.from, zone);
  const cost = convertAmount(record.cost, from, currency, day, exchangeRates);
  const restatedCost = convertAmount(record.restatedCost, from, currency, day, exchangeRates);
  const isKnown = cost !== null && restatedCost !== null;
  return { costKnown: isKnown ? 'KNOWN' : 'UNKNOWN', cost: cost ?? zero, restatedCost: restatedCost ?? zero };
}

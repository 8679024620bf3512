import { Decimal } from '../money/index.ts';
import { COST_KINDS, POOL_OF_KIND } from '../cost/index.ts';
import { inclusiveInput, inclusiveOutput } from '../usage/index.ts';
import { attributeUsage } from './attribute-usage.ts';
import type { AttributedUsage } from './attribute-usage.ts';
import type { MarginCustomer, MarginQuery } from './margin-facts.ts';
import { recogniseRevenue } from './recognise-revenue.ts';
import type { RevenueItem } from './revenue-item.ts';
import { byTokenKind, costOfKind } from './token-kinds.ts';

/** Tokens of one kind of one model, and what they cost. */
export interface KindUse {
  readonly model: string;
  readonly kind: string;
  readonly tokens: Decimal;
  /** Known cost, in the report's currency. */
  readonly cost: Decimal;
  /** Tokens at the price of the rate that applies to them; null where there is none. */
  readonly listCost: Decimal | null;
}

/** How a customer used what it paid for: what reasons for a loss are read from. Only usage whose cost is known. */
export interface LossProfile {
  readonly customerKey: string;
  readonly kinds: readonly KindUse[];
  readonly cost: Decimal;
  readonly tokens: Decimal;
  readonly tokenEvents: Decimal;
  readonly inputTokens: Decimal;
  readonly outputTokens: Decimal;
  /** Input that was not read from a cache. */
  readonly missedTokens: Decimal;
  /** What the missed input would have cost less if it had been read from the cache. */
  readonly missedCost: Decimal;
  readonly cacheReadTokens: Decimal;
  readonly reasoningTokens: Decimal;
  readonly inputCost: Decimal;
  readonly reasoningCost: Decimal;
  readonly failedCost: Decimal;
  /** Calls that belong to a run; zero where single events were not read. */
  readonly tracedEvents: Decimal;
  readonly traces: Decimal;
  readonly tracedCost: Decimal;
  /** Usage under plans that charge a fee for everything (SUBSCRIPTION, SITE_LICENSE). */
  readonly flatTokens: Decimal;
  readonly flatCost: Decimal;
  readonly feeRevenue: Decimal;
  /** What would have been earned without discounts. */
  readonly grossRevenue: Decimal;
  readonly discounts: Decimal;
  readonly creditRevenue: Decimal;
  readonly creditCost: Decimal;
}

const INPUT_KINDS: ReadonlySet<string> = new Set(['input', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'inputAudio']);
const FLAT_KINDS: ReadonlySet<string> = new Set(['SUBSCRIPTION', 'SITE_LICENSE']);

/** Reads a customer's profile in the span of the query. @throws CodedError NO_EXCHANGE_RATE */
export function lossProfile(customer: MarginCustomer, query: MarginQuery): LossProfile {
  const usage = attributeUsage(customer, query);
  const known = usage.filter(({ record, costKnown }) => costKnown === 'KNOWN' && record.from >= query.from && record.from < query.to);
  const kinds = known.flatMap((one) => kindsOf(one, query));
  const costIf = (holds: (one: AttributedUsage) => boolean): Decimal => sumOf(known.filter(holds), costIn(query));
  const flat = known.filter(({ bearer }) => FLAT_KINDS.has(bearer?.terms.kind ?? ''));
  const earned = (items: readonly RevenueItem[], of: (item: RevenueItem) => RevenueItem = (item) => item): Decimal =>
    Decimal.sum(items.flatMap((item) => recogniseRevenue(of(item), [query.from, query.to], usage, customer.timeZone, query)));
  const discounts = earned(customer.revenue, (item) => ({ ...item, amount: item.discount }));
  return {
    customerKey: customer.key,
    kinds,
    cost: costIf(() => true),
    tokens: Decimal.sum(kinds.map(({ tokens }) => tokens)),
    tokenEvents: sumOf(known, ({ record }) => (hasTokens(record) ? record.events : Decimal.ZERO)),
    inputTokens: sumOf(known, ({ record }) => inclusiveInput(record.tokens)),
    outputTokens: sumOf(known, ({ record }) => inclusiveOutput(record.tokens)),
    missedTokens: sumOf(known, ({ record }) => record.tokens.uncachedInput),
    missedCost: sumOf(known, (one) => missedCostOf(one, query)),
    cacheReadTokens: sumOf(known, ({ record }) => record.tokens.cacheRead),
    reasoningTokens: sumOf(known, ({ record }) => record.tokens.reasoning),
    inputCost: Decimal.sum(kinds.filter(({ kind }) => INPUT_KINDS.has(kind)).map(({ cost }) => cost)),
    reasoningCost: Decimal.sum(kinds.filter(({ kind }) => kind === 'reasoning').map(({ cost }) => cost)),
    failedCost: costIf(({ record }) => record.outcome === 'FAILED'),
    ...runsOf(known, query),
    flatTokens: sumOf(flat, ({ record }) => inclusiveInput(record.tokens).plus(inclusiveOutput(record.tokens))),
    flatCost: sumOf(flat, costIn(query)),
    feeRevenue: earned(customer.revenue.filter(({ kind }) => kind === 'FEE' || kind === 'PRORATION')),
    grossRevenue: earned(customer.revenue).plus(discounts),
    discounts,
    creditRevenue: earned(customer.revenue.filter(({ kind }) => kind === 'CREDIT_BURN' || kind === 'OVERAGE')),
    creditCost: costIf(({ rater }) => rater?.terms.kind === 'CREDIT'),
  };
}

/** Agent runs of a customer whose single events were read: sums do not keep them apart. */
export type AgentRuns = Pick<LossProfile, 'tracedEvents' | 'traces' | 'tracedCost'>;

/** `customer.records`: single events of the span. */
export function agentRuns(customer: MarginCustomer, query: MarginQuery): AgentRuns {
  return runsOf(
    attributeUsage(customer, query).filter(({ costKnown }) => costKnown === 'KNOWN'),
    query,
  );
}

function runsOf(known: readonly AttributedUsage[], query: MarginQuery): AgentRuns {
  const traced = known.filter(({ record }) => record.traceId != null);
  return {
    tracedEvents: sumOf(traced, ({ record }) => record.events),
    traces: Decimal.of(new Set(traced.map(({ record }) => record.traceId)).size),
    tracedCost: sumOf(traced, costIn(query)),
  };
}

function kindsOf(usage: AttributedUsage, query: MarginQuery): KindUse[] {
  const rate = query.rateOf(usage.record);
  const model = usage.record.model ?? '';
  return byTokenKind(usage, rate).flatMap((piece) => {
    const kind = COST_KINDS.find((name) => name === piece.tokenKind);
    if (kind === undefined) return [];
    const tokens = piece.record.tokens[POOL_OF_KIND[kind]];
    return [{ model, kind, tokens, cost: costIn(query)(piece), listCost: rate === null ? null : costOfKind(kind, tokens, rate) }];
  });
}

/** By the ratio of the two prices, so that it stays in the currency of the report and under the surcharges that were really paid. */
function missedCostOf(usage: AttributedUsage, query: MarginQuery): Decimal {
  const rate = query.rateOf(usage.record);
  const input = byTokenKind(usage, rate).find(({ tokenKind }) => tokenKind === 'input');
  const [full, cached] = [rate?.prices.input, rate?.prices.cacheRead];
  if (input === undefined || full === undefined || cached === undefined || !full.isPositive()) return Decimal.ZERO;
  return costIn(query)(input)
    .times(Decimal.max(Decimal.ZERO, full.minus(cached)))
    .dividedBy(full, 12);
}

function costIn({ costBasis }: MarginQuery): (usage: AttributedUsage) => Decimal {
  return ({ cost, restatedCost }) => (costBasis === 'RESTATED' ? restatedCost : cost);
}

function sumOf<One>(all: readonly One[], value: (one: One) => Decimal): Decimal {
  return Decimal.sum(all.map(value));
}

function hasTokens({ tokens }: AttributedUsage['record']): boolean {
  return Object.values(tokens).some((count: Decimal) => !count.isZero());
}

import { Decimal, formatAmount, roundToBilling } from '../money/index.ts';
import type { LossProfile } from './loss-profile.ts';

/** What the customer base pays on average: the yardstick that leaves only the customer's own choice in a number. */
export interface CustomerBase {
  /** Cost of a token by model. */
  readonly costPerToken: ReadonlyMap<string, Decimal>;
  /** Price of a token by model and kind (`kindName`). */
  readonly listPerToken: ReadonlyMap<string, Decimal>;
}

/** One thing that can make a customer cost more than it pays. */
export interface LossDriver {
  readonly code: string;
  /** Where the customer stands; null where the driver does not apply to it. */
  readonly measure: (profile: LossProfile, base: CustomerBase) => Decimal | null;
  /** What would be gained if only this stood at the median of the customer base; zero or less where it stands no worse. */
  readonly gain: (profile: LossProfile, at: { readonly own: Decimal; readonly median: Decimal }) => Decimal;
  /** A sentence with figures, without the gain. */
  readonly sentence: (at: { readonly own: Decimal; readonly median: Decimal; readonly currency: string }) => string;
}

/** Decimals of measures: they are compared, shown and multiplied, never added up. */
const DECIMALS = 18;
const MILLION = Decimal.of(1_000_000);

/** In the order in which they explain a loss (SEMANTICS 10.6). */
export const LOSS_DRIVERS: readonly LossDriver[] = [
  {
    code: 'MODEL_MIX',
    measure: (profile, { costPerToken }) => averageOf(profile, (model) => costPerToken.get(model)),
    gain: (profile, at) => aboveMedian(profile.cost, at),
    sentence: ({ own, median, currency }) =>
      `Dearer models: at everybody's prices its choice of models costs ${money(own.times(MILLION), currency)} per million tokens, that of the median customer ${money(median.times(MILLION), currency)}`,
  },
  {
    code: 'CACHE_MISSES',
    measure: (profile) => ratio(profile.cacheReadTokens, profile.cacheReadTokens.plus(profile.missedTokens)),
    gain: (profile, { own, median }) => {
      const moved = median.minus(own).times(profile.cacheReadTokens.plus(profile.missedTokens));
      return ratio(moved.times(profile.missedCost), profile.missedTokens) ?? Decimal.ZERO;
    },
    sentence: ({ own, median }) =>
      `Cache misses: ${percent(own)} of its input is read from cache, ${percent(median)} at the median customer`,
  },
  {
    code: 'LONG_CONTEXT',
    measure: (profile) => ratio(profile.inputTokens, profile.tokenEvents),
    gain: (profile, at) => aboveMedian(profile.inputCost, at),
    sentence: ({ own, median }) => `Long context: ${count(own)} input tokens a call, ${count(median)} at the median customer`,
  },
  {
    code: 'REASONING_TOKENS',
    measure: (profile) => ratio(profile.reasoningTokens, profile.outputTokens),
    gain: (profile, at) => aboveMedian(profile.reasoningCost, at),
    sentence: ({ own, median }) => `Reasoning: ${percent(own)} of its output is reasoning, ${percent(median)} at the median customer`,
  },
  {
    code: 'AGENT_RUNS',
    measure: (profile) => ratio(profile.tracedEvents, profile.traces),
    gain: (profile, at) => aboveMedian(profile.tracedCost, at),
    sentence: ({ own, median }) => `Long agent runs: ${count(own)} calls a run, ${count(median)} at the median customer`,
  },
  {
    code: 'FAILED_CALLS',
    measure: (profile) => ratio(profile.failedCost, profile.cost),
    gain: (profile, { own, median }) => own.minus(median).times(profile.cost),
    sentence: ({ own, median }) =>
      `Failed calls: ${percent(own)} of its cost went to calls that failed, ${percent(median)} at the median customer`,
  },
  {
    code: 'HEAVY_USE',
    measure: (profile) => ratio(profile.flatTokens, profile.feeRevenue),
    gain: (profile, at) => aboveMedian(profile.flatCost, at),
    sentence: ({ own, median, currency }) =>
      `Heavy use under a flat fee: ${count(own)} tokens for each ${currency} of its fee, ${count(median)} at the median customer`,
  },
  {
    code: 'DISCOUNT',
    measure: (profile) => ratio(profile.discounts, profile.grossRevenue),
    gain: (profile, { own, median }) => own.minus(median).times(profile.grossRevenue),
    sentence: ({ own, median }) => `Discounts: ${percent(own)} off its prices, ${percent(median)} at the median customer`,
  },
  {
    code: 'CREDITS_BELOW_COST',
    measure: (profile) => ratio(profile.creditRevenue, profile.creditCost),
    gain: (profile, { own, median }) => (own.compare(Decimal.ONE) < 0 ? median.minus(own).times(profile.creditCost) : Decimal.ZERO),
    sentence: ({ own, median, currency }) =>
      `Credits sold below cost: they bring ${money(own, currency)} for each ${currency} that their usage costs, ${money(median, currency)} at the median customer`,
  },
  {
    code: 'PROVIDER_PRICE',
    measure: (profile, base) => priceIndex(profile, base),
    gain: (profile, at) => aboveMedian(profile.cost, at),
    sentence: ({ own, median }) =>
      `Provider prices: for the same models and tokens it is bought ${percent(own)} of the average price, ${percent(median)} at the median customer`,
  },
];

export function kindName({ model, kind }: { readonly model: string; readonly kind: string }): string {
  return `${kind} ${model}`;
}

export function money(amount: Decimal, currency: string): string {
  return `${formatAmount(roundToBilling(amount, currency), currency)} ${currency}`;
}

/** The part of an amount that is above what it would be at the median, when it grows in proportion to the measure. */
function aboveMedian(amount: Decimal, { own, median }: { readonly own: Decimal; readonly median: Decimal }): Decimal {
  return ratio(amount.times(own.minus(median)), own) ?? Decimal.ZERO;
}

/** What the customer's models cost a token at the average cost of each. */
function averageOf({ kinds, tokens }: LossProfile, costOf: (model: string) => Decimal | undefined): Decimal | null {
  return ratio(Decimal.sum(kinds.map((use) => use.tokens.times(costOf(use.model) ?? Decimal.ZERO))), tokens);
}

/** What it pays for its tokens of each kind, against the average price of the same tokens; surcharges of region and service tier show here. */
function priceIndex({ kinds }: LossProfile, { listPerToken }: CustomerBase): Decimal | null {
  const listed = kinds.filter(({ listCost }) => listCost !== null);
  const own = Decimal.sum(listed.map(({ listCost }) => listCost ?? Decimal.ZERO));
  return ratio(own, Decimal.sum(listed.map((use) => use.tokens.times(listPerToken.get(kindName(use)) ?? Decimal.ZERO))));
}

function ratio(part: Decimal, whole: Decimal): Decimal | null {
  return whole.isPositive() ? part.dividedBy(whole, DECIMALS) : null;
}

function percent(share: Decimal): string {
  return `${share.times(Decimal.of(100)).roundedTo(1).toString()} %`;
}

function count(value: Decimal): string {
  return value.roundedTo(value.compare(Decimal.of(100)) < 0 ? 1 : 0).toString();
}

import { Field, ObjectType, registerEnumType } from '@nestjs/graphql';
import { MARGIN_DIMENSIONS } from '@tare/core';
import type { Decimal, Instant, MarginDimension, MarginState } from '@tare/core';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';

export const MarginDimensions = Object.fromEntries(MARGIN_DIMENSIONS.map((name) => [name, name])) as Readonly<
  Record<MarginDimension, MarginDimension>
>;
registerEnumType(MarginDimensions, {
  name: 'MarginDimension',
  description: 'What a margin is told apart by. USER and TRACE read single events; TOKEN_KIND splits cost by the rates of the cost book.',
  valuesMap: {
    USER: { description: 'The end user inside the customer.' },
    POOL: { description: 'Self-hosted capacity that served it.' },
    DEPLOYMENT: { description: 'Of the pool that served it; API where a model was reached without one.' },
    TOKEN_KIND: {
      description:
        'input (not from cache), cacheRead, cacheWrite5m, cacheWrite1h, output (without reasoning), reasoning, inputAudio, outputAudio.',
    },
    DAY: { description: "The customer's local day, YYYY-MM-DD." },
    MONTH: { description: "The customer's local month, YYYY-MM." },
  },
});

export const CostBases = { FROZEN: 'FROZEN', RESTATED: 'RESTATED' } as const;
registerEnumType(CostBases, {
  name: 'CostBasis',
  valuesMap: {
    FROZEN: { description: 'The first known cost of each event, which never changes.' },
    RESTATED: { description: 'What the cost book says today.' },
  },
});

export const FeeAllocations = { NONE: 'NONE', BY_COST: 'BY_COST' } as const;
registerEnumType(FeeAllocations, {
  name: 'FeeAllocation',
  valuesMap: {
    NONE: { description: 'What no usage earned stands in `(not usage)`.' },
    BY_COST: { description: "It is given to the customer's usage in proportion to cost." },
  },
});

export const MarginStates = {
  PROFITABLE: 'PROFITABLE',
  AT_RISK: 'AT_RISK',
  LOSS_MAKING: 'LOSS_MAKING',
  NO_REVENUE: 'NO_REVENUE',
  COST_UNKNOWN: 'COST_UNKNOWN',
} as const;
registerEnumType(MarginStates, {
  name: 'MarginState',
  valuesMap: {
    PROFITABLE: { description: 'None of the others holds.' },
    AT_RISK: { description: 'With usage as in the last seven days it loses money before its running period ends.' },
    LOSS_MAKING: { description: 'Known and shared cost exceed recognised revenue.' },
    NO_REVENUE: { description: 'Recognised revenue is 0.' },
    COST_UNKNOWN: {
      description: 'No cost-bearing usage has a known cost. Where only a part is unknown, see coverage: the margin is an upper bound.',
    },
  },
});

@ObjectType({ description: 'Why a row lost money. The reasons of a row add up to its loss.' })
export class MarginReason {
  @Field({
    description:
      'MODEL_MIX, CACHE_MISSES, LONG_CONTEXT, REASONING_TOKENS, AGENT_RUNS, FAILED_CALLS, HEAVY_USE, DISCOUNT, CREDITS_BELOW_COST, PROVIDER_PRICE, in the ' +
      'order in which they explain; the rest is UNEXPLAINED.',
  })
  code!: string;

  @Field({ description: 'A sentence with the figures of the customer and of the median customer.' })
  label!: string;

  @Field(() => DecimalScalar, {
    description:
      "Of the loss, in the row's currency: what would be better if only this stood at the median of the customer base, as far as reasons before it left any.",
  })
  amount!: Decimal;
}

@ObjectType({ description: 'What is left over. Amounts are in `currency`, without tax.' })
export class MarginRow {
  @Field(() => [String], {
    description: 'One value per dimension asked for; `(not usage)`, `(no plan)` and `(none)` where there is none. Empty for the total.',
  })
  key!: readonly string[];

  @Field({ description: 'The key as a person reads it: names of customers and plans.' })
  label!: string;

  @Field({ description: 'ISO 4217, of every amount in the row.' })
  currency!: string;

  @Field(() => DecimalScalar, { description: 'Number of events.' })
  events!: Decimal;

  @Field(() => DecimalScalar, {
    description:
      'Recognised in the span: fees per second, usage, credits burnt, overage, breakage, less discounts. Up to 12 decimals; rows add up to the total.',
  })
  revenue!: Decimal;

  @Field(() => DecimalScalar, {
    nullable: true,
    description:
      'Frozen cost of all usage of the span, charged or not: the known part. Null when there is cost-bearing usage and no cost of it is known.',
  })
  cost!: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'The same at what the cost book says today.' })
  restatedCost!: Decimal | null;

  @Field(() => DecimalScalar, { description: 'Idle and shared cost that a policy allocates; never part of `cost`.' })
  sharedCost!: Decimal;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: 'revenue - cost - sharedCost; null when cost is null. An upper bound when `coverage` is below 1.',
  })
  margin!: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'margin / revenue, "0.25" is 25 %; null when revenue is 0 or cost is null.' })
  marginRate!: Decimal | null;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: 'Share of cost-bearing events with a known cost, 0 to 1, never rounded up to 1; null when there are none.',
  })
  coverage!: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'The same by tokens.' })
  tokenCoverage!: Decimal | null;

  @Field(() => DecimalScalar, { description: 'Cost-bearing events whose cost is not known, or has no exchange rate into `currency`.' })
  unpricedEvents!: Decimal;

  @Field(() => MarginStates, { description: 'The first that holds of LOSS_MAKING, NO_REVENUE, COST_UNKNOWN, AT_RISK, PROFITABLE.' })
  state!: MarginState;

  @Field(() => [MarginStates], { description: 'Every one that holds.' })
  flags!: readonly MarginState[];

  @Field(() => [MarginReason], { description: 'Of a loss-making customer; empty elsewhere.' })
  reasons!: readonly MarginReason[];
}

@ObjectType({ description: 'The margin of a span, computed when it is asked for.' })
export class MarginReport {
  @Field(() => DateTimeScalar)
  from!: Instant;

  @Field(() => DateTimeScalar, { description: 'Exclusive.' })
  to!: Instant;

  @Field(() => [MarginRow])
  rows!: readonly MarginRow[];

  @Field(() => MarginRow, { description: 'Of all rows, also of those that `first` leaves out.' })
  total!: MarginRow;
}

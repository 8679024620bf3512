import { Field, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { inclusive, type CostState, type Decimal, type EventOutcome, type Instant, type TokenPools } from '@tare/core';
import type { EventState, ListedEvent } from '@tare/usage';
import { CostStates } from '../cost-rates/cost-state.ts';
import { CostRate } from '../cost-rates/cost-rates.types.ts';
import { PageInfo } from '../graphql/page-info.ts';
import { DateTimeScalar, DecimalScalar, JsonScalar } from '../graphql/scalars.ts';
import { EventOutcomes } from './events.types.ts';

const EventStates = { COUNTED: 'COUNTED', VOIDED: 'VOIDED', AMENDED: 'AMENDED' } as const satisfies Record<EventState, EventState>;

registerEnumType(EventStates, {
  name: 'EventState',
  description: 'Whether an event counts.',
  valuesMap: {
    COUNTED: {},
    VOIDED: { description: 'It was cancelled.' },
    AMENDED: { description: 'It was cancelled, and another event of its key took its place.' },
  },
});

@ObjectType({ description: 'An amount of money.' })
export class Money {
  @Field(() => DecimalScalar, { description: 'In major units: "12.34"; exact, not rounded.' }) amount!: Decimal;
  @Field({ description: 'ISO 4217.' }) currency!: string;
}

@ObjectType({
  description: 'Counts of tokens by the OpenTelemetry GenAI convention: input and output are inclusive totals, the others parts of them.',
})
export class Tokens {
  @Field(() => DecimalScalar, { description: 'All tokens that went in.' }) input!: Decimal;
  @Field(() => DecimalScalar, { description: 'All tokens that came out.' }) output!: Decimal;
  @Field(() => DecimalScalar, { description: 'Part of input.' }) cacheRead!: Decimal;
  @Field(() => DecimalScalar, { description: 'Part of input.' }) cacheWrite5m!: Decimal;
  @Field(() => DecimalScalar, { description: 'Part of input.' }) cacheWrite1h!: Decimal;
  @Field(() => DecimalScalar, { description: 'Part of input.' }) inputAudio!: Decimal;
  @Field(() => DecimalScalar, { description: 'Part of output.' }) reasoning!: Decimal;
  @Field(() => DecimalScalar, { description: 'Part of output.' }) outputAudio!: Decimal;
}

@ObjectType({ description: 'An event as it is kept.' })
export class UsageEvent {
  @Field(() => ID, { description: 'Of this row: an amended event and what took its place have one key and two ids.' }) id!: string;
  @Field({ description: 'Idempotency key.' }) key!: string;
  @Field({ description: 'Your own key of the customer.' }) customer!: string;
  @Field() type!: string;
  @Field(() => DateTimeScalar, { description: 'When it happened.' }) at!: Instant;
  @Field(() => DateTimeScalar, { description: 'When it came in.' }) receivedAt!: Instant;
  @Field(() => EventStates) state!: EventState;
  @Field(() => String, { nullable: true }) provider!: string | null;
  @Field(() => String, { nullable: true }) model!: string | null;
  @Field(() => String, { nullable: true }) serviceTier!: string | null;
  @Field(() => String, { nullable: true }) region!: string | null;
  @Field(() => String, { nullable: true, description: 'Key of the capacity pool that served it.' }) pool!: string | null;
  @Field(() => String, { nullable: true }) feature!: string | null;
  @Field(() => EventOutcomes) outcome!: EventOutcome;
  @Field(() => ID, {
    nullable: true,
    description: 'The subscription that the event named. Where it was not in force at `at`, the event is rated as if it named none.',
  })
  subscription!: string | null;
  @Field(() => Tokens) tokens!: Tokens;
  @Field(() => DecimalScalar, { nullable: true }) quantity!: Decimal | null;
  @Field(() => DecimalScalar, { nullable: true }) gpuSeconds!: Decimal | null;
  @Field(() => CostStates) costState!: CostState;
  @Field(() => Money, { nullable: true, description: 'Frozen: the first cost that was known. Null while none is, never 0.' })
  cost!: Money | null;
  @Field(() => Money, { nullable: true, description: 'What is known today.' }) restatedCost!: Money | null;
  @Field(() => CostRate, {
    nullable: true,
    description: 'What says what it costs today; null for a cost that came with the event, or of a pool.',
  })
  rate!: CostRate | null;
  @Field(() => String, { nullable: true, description: 'The end user inside the customer.' }) user!: string | null;
  @Field(() => String, { nullable: true }) traceId!: string | null;
  @Field(() => Int, { nullable: true }) durationMs!: number | null;
  @Field(() => JsonScalar, { nullable: true }) properties!: unknown;
}

@ObjectType()
export class EventEdge {
  @Field({ description: 'Give it as `after` to read on behind this event.' }) cursor!: string;
  @Field(() => UsageEvent) node!: UsageEvent;
}

@ObjectType({ description: 'Events, newest first.' })
export class EventConnection {
  @Field(() => [EventEdge]) edges!: EventEdge[];
  @Field(() => PageInfo) pageInfo!: PageInfo;
}

/** The event as GraphQL shows it: `cost` is what was frozen. */
export function eventView(event: ListedEvent): UsageEvent {
  return { ...event, cost: event.frozenCost, tokens: tokensView(event.tokens) };
}

function tokensView(pools: TokenPools): Tokens {
  const { input, output } = inclusive(pools);
  const { cacheRead, cacheWrite5m, cacheWrite1h, inputAudio, reasoning, outputAudio } = pools;
  return { input, output, cacheRead, cacheWrite5m, cacheWrite1h, inputAudio, reasoning, outputAudio };
}

import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Aggregation } from '@tare/core';
import type { MeterBackfill as Backfill } from '@tare/usage';
import { PageInfo } from '../graphql/page-info.ts';

const Aggregations = { SUM: 'SUM', COUNT: 'COUNT', MAX: 'MAX', UNIQUE_COUNT: 'UNIQUE_COUNT', LATEST: 'LATEST' } as const;
registerEnumType(Aggregations, { name: 'Aggregation', description: 'How the values of many events become one quantity.' });

@InputType({ description: 'Keeps events whose property has one of the values.' })
export class MeterFilterInput {
  @Field({
    description: 'type, provider, model, serviceTier, region, pool, feature, outcome, user, traceId or "properties.<path>".',
  })
  property!: string;

  @Field(() => [String], { description: 'At least one value, compared exactly.' })
  in!: string[];
}

@InputType({ description: 'What usage is counted by. A meter never changes once it is made.' })
export class MeterInput {
  @Field({ description: 'Your own key of the meter, at most 255 characters.' })
  key!: string;

  @Field({ description: 'At most 255 characters.' })
  name!: string;

  @Field({ description: 'The exact type of the events that count, or "*" for all.' })
  eventType!: string;

  @Field(() => Aggregations)
  aggregation!: Aggregation;

  @Field(() => String, {
    nullable: true,
    description:
      'What is aggregated. Inclusive token totals: "tokens.total" (input + output), "tokens.input", "tokens.output". Exclusive pools: "tokens.uncachedInput", ' +
      '"tokens.cacheRead", "tokens.cacheWrite5m", "tokens.cacheWrite1h", "tokens.plainOutput" (output without reasoning and audio), "tokens.reasoning", ' +
      '"tokens.inputAudio", "tokens.outputAudio". Or "quantity", "gpuSeconds" (seconds), "requests" (events), "properties.<path>". None: only for COUNT.',
  })
  valueProperty?: string | null;

  @Field(() => [MeterFilterInput], { nullable: true, description: 'Every one has to match. None: all events of the type.' })
  filters?: MeterFilterInput[] | null;

  @Field(() => [String], { nullable: true, description: 'Properties that usage of this meter is told apart by.' })
  groupBy?: string[] | null;
}

@ObjectType({ description: 'Keeps events whose property has one of the values.' })
export class MeterFilter {
  @Field()
  property!: string;

  @Field(() => [String])
  in!: readonly string[];
}

const BackfillStates = { NOT_NEEDED: 'NOT_NEEDED', WAITING: 'WAITING', RUNNING: 'RUNNING', DONE: 'DONE' } as const;
registerEnumType(BackfillStates, {
  name: 'MeterBackfillState',
  description: 'Whether the history of a meter is rolled up. What a meter counts is complete and exact in every state.',
  valuesMap: {
    NOT_NEEDED: { description: 'Sums of dimensions, which are kept anyway, answer the meter.' },
    WAITING: { description: 'A worker has not begun yet.' },
    RUNNING: { description: 'History is being rolled up; what is not is counted from events.' },
    DONE: { description: 'All of history is rolled up, and what comes is followed.' },
  },
});

@ObjectType({
  description:
    "Progress of rolling up a meter's history, in slots of 15 minutes per customer with usage. It changes how fast the meter is read, never what it says.",
})
export class MeterBackfill {
  @Field(() => BackfillStates)
  state!: Backfill['state'];

  @Field(() => Int)
  done!: number;

  @Field(() => Int)
  total!: number;

  @Field(() => Int, {
    description: 'Slots whose events had been dropped by retention before the meter could count them: it says nothing about those.',
  })
  missing!: number;
}

@ObjectType({ description: 'What usage is counted by.' })
export class Meter {
  @Field(() => ID)
  id!: string;

  @Field({ description: 'Your own key of the meter.' })
  key!: string;

  @Field()
  name!: string;

  @Field({ description: 'The exact type of the events that count, or "*" for all.' })
  eventType!: string;

  @Field(() => Aggregations)
  aggregation!: Aggregation;

  @Field(() => String, { nullable: true, description: 'What is aggregated; see MeterInput.' })
  valueProperty!: string | null;

  @Field(() => [MeterFilter], { description: 'Every one has to match.' })
  filters!: readonly MeterFilter[];

  @Field(() => [String], { description: 'Properties of events that usage of this meter is told apart by; dimensions always are.' })
  groupBy!: readonly string[];
}

@ObjectType()
export class MeterEdge {
  @Field({ description: 'Give it as `after` to read on behind this meter.' })
  cursor!: string;

  @Field(() => Meter)
  node!: Meter;
}

@ObjectType({ description: 'Meters in the order in which they were made.' })
export class MeterConnection {
  @Field(() => [MeterEdge])
  edges!: MeterEdge[];

  @Field(() => PageInfo)
  pageInfo!: PageInfo;
}

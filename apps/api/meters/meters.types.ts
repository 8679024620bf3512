import { Field, ID, InputType, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Aggregation } from '@tare/core';
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

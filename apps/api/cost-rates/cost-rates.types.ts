import { Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import type { CostState, Decimal, Instant } from '@tare/core';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';
import { CostStates } from './cost-state.ts';

const perMillion = (fallback: string): string => `Per million tokens, in the rate's currency; at most 18 decimals. ${fallback}`;

@InputType({ description: 'The whole request is at these prices when its inclusive input is above the threshold.' })
export class CostRateTierInput {
  @Field(() => DecimalScalar, { description: 'Tokens of input, cache parts included; the price changes above it, not at it.' })
  inputAbove!: Decimal;

  @Field(() => DecimalScalar, { nullable: true, description: perMillion("None: the rate's own.") })
  input?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: perMillion("None: the rate's own.") })
  output?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: perMillion("None: the tier's input price.") })
  cacheRead?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: perMillion('None: such tokens make the event unpriced.') })
  cacheWrite5m?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: perMillion('None: such tokens make the event unpriced.') })
  cacheWrite1h?: Decimal | null;
}

@InputType({ description: 'What a provider asks for a model: prices per million tokens of each kind.' })
export class CostRateInput {
  @Field({ description: 'As events name it, compared exactly.' })
  provider!: string;

  @Field({ description: 'As events name it, compared exactly.' })
  model!: string;

  @Field({ description: 'ISO 4217.' })
  currency!: string;

  @Field(() => DateTimeScalar, { description: 'For events at or after this time.' })
  validFrom!: Instant;

  @Field(() => DateTimeScalar, { nullable: true, description: 'For events before this time. None: until a later rate.' })
  validTo?: Instant | null;

  @Field(() => String, { nullable: true, description: 'Such as "batch". None: for every service tier that has no rate of its own.' })
  serviceTier?: string | null;

  @Field(() => String, { nullable: true, description: 'None: for every region that has no rate of its own.' })
  region?: string | null;

  @Field(() => DecimalScalar, { nullable: true, description: perMillion('Of input that is in no other part.') })
  input?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: perMillion('Of output that is in no other part.') })
  output?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: perMillion('None: at the input price.') })
  cacheRead?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: perMillion('None: such tokens make the event unpriced.') })
  cacheWrite5m?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: perMillion('None: such tokens make the event unpriced.') })
  cacheWrite1h?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: perMillion('None: at the output price.') })
  reasoning?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: perMillion('None: at the input price.') })
  inputAudio?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: perMillion('None: at the output price.') })
  outputAudio?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: "For each request (not per million), in the rate's currency." })
  perRequest?: Decimal | null;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: "For each unit of an event's quantity (image, second, page), in the rate's currency.",
  })
  perUnit?: Decimal | null;

  @Field(() => [CostRateTierInput], { nullable: true, description: 'By rising threshold.' })
  tiers?: CostRateTierInput[] | null;
}

@ObjectType({ description: 'A row of the cost book. Rows are only ever added.' })
export class CostRate {
  @Field(() => ID)
  id!: string;

  @Field()
  provider!: string;

  @Field({ description: 'For a price of the catalogue the name of its entry, which may answer to several model names.' })
  model!: string;

  @Field({ description: 'ISO 4217.' })
  currency!: string;

  @Field(() => DateTimeScalar, { description: 'For events at or after this time.' })
  validFrom!: Instant;

  @Field(() => DateTimeScalar, { nullable: true, description: 'For events before this time; null: until a later rate.' })
  validTo!: Instant | null;

  @Field(() => DateTimeScalar, { description: 'When it was learned.' })
  recordedAt!: Instant;

  @Field({ description: '"tenant" for your own, else the catalogue and its version.' })
  source!: string;
}

@ObjectType({ description: 'What a request would cost you.' })
export class CostQuote {
  @Field(() => DecimalScalar, { nullable: true, description: 'In `currency`, exact; null when nobody knows it, never 0 for unknown.' })
  cost!: Decimal | null;

  @Field(() => String, { nullable: true, description: 'ISO 4217.' })
  currency!: string | null;

  @Field(() => CostStates)
  state!: CostState;

  @Field(() => CostRate, { nullable: true, description: 'The row of the book that says so.' })
  rate!: CostRate | null;
}

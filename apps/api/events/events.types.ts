import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { DateTimeScalar, DecimalScalar, JsonScalar } from '../graphql/scalars.ts';
import { MoneyInput } from '../graphql/money-input.ts';
import { RawValues } from '../graphql/raw-values.ts';
import { TokensInput } from '../graphql/tokens-input.ts';

export const EventOutcomes = { SUCCEEDED: 'SUCCEEDED', FAILED: 'FAILED' } as const;

registerEnumType(EventOutcomes, {
  name: 'EventOutcome',
  description: 'Whether what the event stands for worked.',
  valuesMap: { SUCCEEDED: {}, FAILED: { description: 'A failed call has a cost too; meters may leave it out by their filters.' } },
});

/** Numbers and times stay as they were sent: what is wrong with one event rejects that one (SEMANTICS 3.2). */
@RawValues()
@InputType({ description: 'Something that was used once. Texts have at most 255 characters.' })
export class UsageEventInput {
  @Field({ description: 'Idempotency key: the same key with the same contents is counted once.' })
  key!: string;

  @Field({ description: "The tenant's own key of the customer; it may be created later." })
  customer!: string;

  @Field({ description: 'For example llm.completion or ticket.resolved.' })
  type!: string;

  @Field(() => DateTimeScalar, { description: 'When it happened: decides the period, the price and the cost rate.' })
  at!: string;

  @Field(() => String, { nullable: true }) provider?: string | null;
  @Field(() => String, { nullable: true }) model?: string | null;
  @Field(() => String, { nullable: true, description: 'For example standard, batch, flex or priority.' }) serviceTier?: string | null;
  @Field(() => String, { nullable: true }) region?: string | null;
  @Field(() => TokensInput, { nullable: true }) tokens?: TokensInput | null;

  @Field(() => JsonScalar, {
    nullable: true,
    description:
      "The usage object of the provider's answer, as it came, instead of tokens: OpenAI, Anthropic, Gemini (usageMetadata), Bedrock, Vercel AI SDK.",
  })
  usage?: unknown;

  @Field(() => DecimalScalar, { nullable: true, description: 'What is not tokens: images, seconds, outcomes.' })
  quantity?: string | number | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'Busy GPU-seconds.' })
  gpuSeconds?: string | number | null;

  @Field(() => String, { nullable: true, description: 'Key of the self-hosted capacity pool that served it.' })
  pool?: string | null;

  @Field(() => MoneyInput, { nullable: true, description: 'What it cost, where the provider said so: comes before every rate.' })
  reportedCost?: MoneyInput | null;

  @Field(() => ID, {
    nullable: true,
    description:
      'Which of the subscriptions of the customer it is for. It counts where that one is in force at `at`; else it is as if none was named.',
  })
  subscription?: string | null;

  @Field(() => String, { nullable: true, description: 'The end user inside the customer.' })
  user?: string | null;

  @Field(() => EventOutcomes, { nullable: true, description: 'SUCCEEDED where it is left out.' })
  outcome?: keyof typeof EventOutcomes | null;

  @Field(() => Int, { nullable: true }) durationMs?: number | null;
  @Field(() => String, { nullable: true }) feature?: string | null;
  @Field(() => String, { nullable: true, description: 'Joins the events of one piece of work.' }) traceId?: string | null;

  @Field(() => JsonScalar, { nullable: true, description: 'An object of anything else, at most 16,384 characters as JSON.' })
  properties?: unknown;
}

@ObjectType({ description: 'An event that was not taken. The others of its batch were.' })
export class RejectedEvent {
  @Field(() => Int, { description: 'Position in the batch, from 0.' }) index!: number;
  @Field(() => String, { nullable: true }) key!: string | null;
  @Field({ description: 'Stable: for example KEY_REUSED, AT_TOO_OLD, TOKEN_PARTS_EXCEED_TOTAL.' }) code!: string;
  @Field({ description: 'Names the field and says what to do.' }) message!: string;
}

@ObjectType({ description: 'What became of a batch. Everything accepted is committed.' })
export class IngestResult {
  @Field(() => Int, { description: 'Events that are new.' }) accepted!: number;
  @Field(() => Int, { description: 'Events that were there already, with the same contents.' }) duplicates!: number;
  @Field(() => [RejectedEvent]) rejected!: readonly RejectedEvent[];
}

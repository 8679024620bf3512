import { Field, InputType } from '@nestjs/graphql';
import type { Decimal } from '@tare/core';
import { DecimalScalar } from './scalars.ts';

const part = (of: string): string => `Part of ${of}. At most 12 decimals and 30 digits.`;

@InputType({
  description:
    'Counts of tokens by the OpenTelemetry GenAI convention: input and output are inclusive totals, the others are parts of them.',
})
export class TokensInput {
  @Field(() => DecimalScalar, { nullable: true, description: 'All tokens that went in, cached ones and audio included.' })
  input?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'All tokens that came out, reasoning and audio included.' })
  output?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: part('input') })
  cacheRead?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: part('input') })
  cacheWrite5m?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: part('input') })
  cacheWrite1h?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: part('output') })
  reasoning?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: part('input') })
  inputAudio?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: part('output') })
  outputAudio?: Decimal | null;
}

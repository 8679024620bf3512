import { Field, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Instant } from '@tare/core';
import { DateTimeScalar } from '../graphql/scalars.ts';

export const EventCorrectionKinds = { VOID: 'VOID', AMEND: 'AMEND' } as const;

registerEnumType(EventCorrectionKinds, {
  name: 'EventCorrectionKind',
  description: 'What was done to an event.',
  valuesMap: { VOID: { description: 'It was cancelled.' }, AMEND: { description: 'It was cancelled, and another took its place.' } },
});

@ObjectType({ description: 'Something that was done to an event, once. Corrections are kept as long as the key is known.' })
export class EventCorrection {
  @Field(() => EventCorrectionKinds) kind!: keyof typeof EventCorrectionKinds;
  @Field(() => Int, { description: 'How often the event had been amended before: 0 is the event as it first came.' }) revision!: number;
  @Field(() => DateTimeScalar, { description: 'When it was corrected.' }) recordedAt!: Instant;
  @Field({ description: 'Id of the API key that corrected it.' }) actor!: string;
  @Field(() => String, { nullable: true, description: 'As it was given with the correction.' }) reason!: string | null;
  @Field({ description: 'Key of the customer whose event was cancelled.' }) customer!: string;
  @Field(() => DateTimeScalar, { description: 'The time of the event that was cancelled.' }) at!: Instant;
}

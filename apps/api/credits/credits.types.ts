import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import type { Decimal, Instant } from '@tare/core';
import { MoneyInput } from '../graphql/money-input.ts';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';

@InputType({ description: 'Credits for a customer.' })
export class CreditGrantInput {
  @Field({ description: 'Your own key of the customer.' })
  customer!: string;

  @Field({
    description: 'Idempotency key, at most 255 characters: the same content again answers the same grant, other content is KEY_REUSED.',
  })
  key!: string;

  @Field(() => DecimalScalar, { description: 'Credits, above zero; at most 12 decimals.' })
  credits!: Decimal;

  @Field(() => MoneyInput, { nullable: true, description: 'What the customer paid for all of them, without tax; none: promotional.' })
  price?: MoneyInput | null;

  @Field(() => Int, { nullable: true, description: 'Lower burns first. None: 0.' })
  priority?: number | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Usage from then on may burn it. None: now.' })
  effectiveAt?: Instant | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Exclusive: at this instant the grant is gone. None: it never expires.' })
  expiresAt?: Instant | null;
}

@ObjectType({ description: 'Credits given to a customer at once.' })
export class CreditGrant {
  @Field(() => ID)
  id!: string;

  @Field()
  key!: string;

  @Field(() => DecimalScalar, { description: 'Credits as granted.' })
  credits!: Decimal;

  @Field(() => DecimalScalar, { description: 'Credits not burnt yet; in a balance, usage that is not billed yet is taken off too.' })
  remaining!: Decimal;

  @Field(() => DateTimeScalar)
  effectiveAt!: Instant;

  @Field(() => DateTimeScalar, { nullable: true })
  expiresAt!: Instant | null;
}

@ObjectType({ description: "A customer's credits at an instant." })
export class CreditBalance {
  @Field(() => DecimalScalar, {
    description:
      'Credits; never below zero. Usage up to the instant is taken off, also that of periods which are not closed yet. ' +
      'What comes late for a closed period follows with the next invoice.',
  })
  available!: Decimal;

  @Field(() => DecimalScalar, { description: 'Credits held by reservations.' })
  reserved!: Decimal;

  @Field(() => [CreditGrant], { description: 'Grants that are effective at the instant.' })
  grants!: CreditGrant[];
}

@ObjectType({ description: 'Credits held until they are committed or released.' })
export class CreditReservation {
  @Field(() => ID)
  id!: string;

  @Field(() => DecimalScalar)
  credits!: Decimal;

  @Field(() => DateTimeScalar, { description: 'It releases itself then.' })
  expiresAt!: Instant;
}

import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Decimal, Instant } from '@tare/core';
import { Money } from '../events/event.types.ts';
import { MoneyInput } from '../graphql/money-input.ts';
import { PageInfo } from '../graphql/page-info.ts';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';

export enum ReservationStatus {
  OPEN = 'OPEN',
  COMMITTED = 'COMMITTED',
  RELEASED = 'RELEASED',
  EXPIRED = 'EXPIRED',
}
registerEnumType(ReservationStatus, {
  name: 'CreditReservationStatus',
  description: 'EXPIRED: its time was over, and it released itself.',
});

export enum PurchaseSource {
  PURCHASE = 'PURCHASE',
  AUTO_TOP_UP = 'AUTO_TOP_UP',
}
registerEnumType(PurchaseSource, { name: 'CreditPurchaseSource' });

export enum PurchaseStatus {
  REQUESTED = 'REQUESTED',
  INVOICED = 'INVOICED',
  PAID = 'PAID',
  CANCELED = 'CANCELED',
  REFUNDED = 'REFUNDED',
}
registerEnumType(PurchaseStatus, {
  name: 'CreditPurchaseStatus',
  description: 'PAID: its credits are granted. CANCELED: its invoice was voided unpaid. REFUNDED: unused credits were taken back.',
});

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

  @Field(() => DecimalScalar, { description: 'Credits that are neither burnt, expired nor held by reservations.' })
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
      'Credits; never below zero. Usage is taken off as it arrives. At an earlier instant: what usage and debits before it had left, to the event; what was used at that very instant is not taken off yet, and a grant that becomes effective at it is there.',
  })
  available!: Decimal;

  @Field(() => DecimalScalar, { description: 'Credits held by reservations at that instant.' })
  reserved!: Decimal;

  @Field(() => DecimalScalar, {
    description:
      'Credits owed at that instant, of an overdraft or of what was to come: the next grant pays them. What a grant that was there by then has paid since is not owed.',
  })
  debt!: Decimal;

  @Field(() => DecimalScalar, {
    description:
      'Beside them: what plans grant for the running period and its invoice has not brought yet, less what waits for it or was taken of it. Debits may have it now.',
  })
  pending!: Decimal;

  @Field(() => [CreditGrant], { description: 'Grants that are effective at the instant, with what they held then.' })
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

  @Field(() => ReservationStatus)
  status!: 'OPEN' | 'COMMITTED' | 'RELEASED' | 'EXPIRED';

  @Field(() => DecimalScalar, { nullable: true, description: 'What was really used; null unless it was committed.' })
  committed!: Decimal | null;
}

@InputType({ description: 'Credits to take from a customer.' })
export class DebitCreditsInput {
  @Field({ description: 'Your own key of the customer.' })
  customer!: string;

  @Field({
    description: 'Idempotency key, at most 255 characters: the same content again answers the same debit, other content is KEY_REUSED.',
  })
  key!: string;

  @Field(() => DecimalScalar, { description: 'Credits, above zero; at most 12 decimals.' })
  credits!: Decimal;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Grants that are effective then are used. None: now.' })
  at?: Instant | null;

  @Field(() => String, { nullable: true, description: 'What it is for.' })
  feature?: string | null;
}

@InputType({ description: 'Gives back what a debit took.' })
export class ReverseDebitInput {
  @Field({ description: 'Your own key of the customer.' })
  customer!: string;

  @Field({ description: 'Idempotency key of the reversal.' })
  key!: string;

  @Field({ description: 'Key of the debit. That of a committed reservation is `reservation:` and its id.' })
  debit!: string;

  @Field(() => DecimalScalar, { nullable: true, description: 'How much of it. None: all that was not given back yet.' })
  credits?: Decimal | null;
}

@ObjectType({ description: 'Credits that were taken, or given back.' })
export class CreditDebit {
  @Field({ description: 'Your idempotency key.' })
  key!: string;

  @Field(() => DecimalScalar, { description: 'Below zero: given back.' })
  credits!: Decimal;

  @Field(() => DateTimeScalar)
  at!: Instant;

  @Field(() => String, { nullable: true })
  feature!: string | null;

  @Field(() => String, { nullable: true, description: 'Key of the debit that this one gives back.' })
  reverses!: string | null;

  @Field(() => DecimalScalar, { description: 'Of them, credits that the wallet owes (OVERDRAFT).' })
  debt!: Decimal;

  @Field(() => DecimalScalar, { description: 'Of them, credits that nothing covers: billed in arrears (OVERAGE), or not charged.' })
  uncovered!: Decimal;

  @Field(() => DecimalScalar, { description: 'What could be used right afterwards.' })
  available!: Decimal;
}

@InputType({ description: 'Credits that a customer buys.' })
export class CreditPurchaseInput {
  @Field({ description: 'Your own key of the customer.' })
  customer!: string;

  @Field({
    description: 'Idempotency key, at most 255 characters: the same content again answers the same purchase, other content is KEY_REUSED.',
  })
  key!: string;

  @Field(() => DecimalScalar, { description: 'Credits, above zero; at most 12 decimals.' })
  credits!: Decimal;

  @Field(() => MoneyInput, { description: 'Of all of them, without tax.' })
  price!: MoneyInput;

  @Field(() => Int, { nullable: true, description: 'Lower burns first. None: 0.' })
  priority?: number | null;

  @Field(() => Int, { nullable: true, description: 'Days of 24 hours from payment. None: they never expire.' })
  expiresAfterDays?: number | null;
}

@ObjectType({ description: 'Credits that are bought: granted when their invoice is paid, once.' })
export class CreditPurchase {
  @Field(() => ID)
  id!: string;

  @Field()
  key!: string;

  @Field(() => PurchaseSource)
  source!: 'PURCHASE' | 'AUTO_TOP_UP';

  @Field(() => DecimalScalar)
  credits!: Decimal;

  @Field(() => Money)
  price!: Money;

  @Field(() => PurchaseStatus)
  status!: 'REQUESTED' | 'INVOICED' | 'PAID' | 'CANCELED' | 'REFUNDED';

  @Field(() => DateTimeScalar)
  requestedAt!: Instant;

  @Field(() => DateTimeScalar, { nullable: true })
  paidAt!: Instant | null;

  @Field(() => ID, { nullable: true, description: 'The PREPAID invoice, once there is one.' })
  invoiceId!: string | null;

  @Field(() => DecimalScalar, { description: 'Unused credits that were taken back.' })
  refundedCredits!: Decimal;

  @Field(() => DecimalScalar, { description: 'What was paid for them, without tax: to be given back by a credit note.' })
  refundedAmount!: Decimal;
}

@InputType({ description: 'Buys credits by itself when few are left.' })
export class AutoTopUpInput {
  @Field(() => DecimalScalar, {
    description: 'With fewer credits than this, one purchase is made; the next one once it is paid or canceled.',
  })
  threshold!: Decimal;

  @Field(() => DecimalScalar)
  credits!: Decimal;

  @Field(() => MoneyInput, { description: 'Of all of them, without tax.' })
  price!: MoneyInput;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: "What top-ups of a month may cost, in the price's currency and the customer's zone. None: any.",
  })
  monthlyLimit?: Decimal | null;

  @Field(() => Int, { nullable: true, description: 'Days of 24 hours from payment. None: they never expire.' })
  expiresAfterDays?: number | null;
}

@ObjectType({ description: 'How a customer buys credits by itself.' })
export class AutoTopUp {
  @Field(() => DecimalScalar)
  threshold!: Decimal;

  @Field(() => DecimalScalar)
  credits!: Decimal;

  @Field(() => Money)
  price!: Money;

  @Field(() => DecimalScalar, { nullable: true })
  monthlyLimit!: Decimal | null;

  @Field(() => Int, { nullable: true })
  expiresAfterDays!: number | null;
}

@ObjectType()
export class CreditPurchaseEdge {
  @Field()
  cursor!: string;

  @Field(() => CreditPurchase)
  node!: CreditPurchase;
}

@ObjectType({ description: 'Purchases of credits, newest first.' })
export class CreditPurchaseConnection {
  @Field(() => [CreditPurchaseEdge])
  edges!: CreditPurchaseEdge[];

  @Field(() => PageInfo)
  pageInfo!: PageInfo;
}

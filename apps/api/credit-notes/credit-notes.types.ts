import { Field, ID, InputType, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { CreditNoteSettlement } from '@tare/billing';
import type { Decimal, Instant } from '@tare/core';
import type { CreditNoteSyncView } from '@tare/stripe';
import { Customer } from '../customers/customers.types.ts';
import { PageInfo } from '../graphql/page-info.ts';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';
import { SyncStates } from '../invoices/sync-states.ts';

export const CreditNoteSettlements = {
  CUSTOMER_BALANCE: 'CUSTOMER_BALANCE',
  REFUND: 'REFUND',
  OUT_OF_BAND: 'OUT_OF_BAND',
} as const satisfies Record<CreditNoteSettlement, CreditNoteSettlement>;
registerEnumType(CreditNoteSettlements, {
  name: 'CreditNoteSettlement',
  description: 'Where money goes that was paid. What was not paid yet is just not asked for any more.',
  valuesMap: {
    CUSTOMER_BALANCE: { description: "To the customer's balance: it lowers the next invoices." },
    REFUND: { description: 'Back to the customer, at most what was paid; you or the payment provider send it.' },
    OUT_OF_BAND: { description: 'Settled outside of this system.' },
  },
});

@InputType({ description: 'A line to credit: either an amount or a quantity of it.' })
export class CreditNoteLineInput {
  @Field(() => ID, { description: 'Id of the line of the invoice.' })
  line!: string;

  @Field(() => DecimalScalar, { nullable: true, description: 'Before tax, in major units; the taxes of the line go back in proportion.' })
  amount?: Decimal | null;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: 'Of the quantity that is left, at the average price of what is left of the line.',
  })
  quantity?: Decimal | null;
}

@InputType({ description: 'What to credit: lines, or an amount of the whole invoice; neither: everything that is left.' })
export class CreditNoteInput {
  @Field(() => ID)
  invoice!: string;

  @Field(() => String, { nullable: true, description: 'Your own key: the same again under it is the credit note that is there.' })
  key?: string | null;

  @Field(() => [CreditNoteLineInput], { nullable: true })
  lines?: CreditNoteLineInput[] | null;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: 'With tax, in major units; split over lines and taxes in proportion to what is left of them.',
  })
  amount?: Decimal | null;

  @Field({ description: 'As it stands on the credit note.' })
  reason!: string;

  @Field(() => CreditNoteSettlements, { nullable: true, description: 'None: CUSTOMER_BALANCE.' })
  settlement?: CreditNoteSettlement | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When it counts, not before its invoice was finalized. None: now. A live tenant is not ahead of the clock.',
  })
  at?: Instant | null;
}

@ObjectType({ description: 'What is credited of one line of the invoice.' })
export class CreditNoteLine {
  @Field(() => ID)
  id!: string;

  @Field(() => ID, { description: 'The line of the invoice.' })
  invoiceLineId!: string;

  @Field()
  description!: string;

  @Field(() => DecimalScalar, { nullable: true, description: 'Null: it was credited by amount.' })
  quantity!: Decimal | null;

  @Field(() => DecimalScalar, { description: 'Before tax.' })
  amount!: Decimal;
}

@ObjectType({ description: 'What goes back of one tax.' })
export class CreditNoteTax {
  @Field()
  name!: string;

  @Field(() => DecimalScalar)
  amount!: Decimal;
}

@ObjectType({ description: 'Why something is not in Stripe.' })
export class SyncProblem {
  @Field({
    description:
      'INVOICE_NOT_SYNCED: it waits for its invoice. The others stop it until somebody has looked: STRIPE_AMOUNTS_DIFFER, VOIDED_AT_STRIPE, ' +
      'INVOICE_UNPAID_AT_STRIPE (paid here, open there), INVOICE_VOID_AT_STRIPE, INVOICE_NOT_AT_STRIPE, CURRENCY_NOT_SYNCED, STRIPE_REFUSED.',
  })
  code!: string;

  @Field()
  message!: string;
}

@ObjectType({ description: 'Takes back a part of a finalized invoice, and never changes.' })
export class CreditNote {
  @Field(() => ID)
  id!: string;

  @Field({ description: 'TARE-CN-000001; without gaps, in a series of its own.' })
  number!: string;

  @Field(() => String, { nullable: true, description: 'Your own key.' })
  key!: string | null;

  @Field(() => ID, { description: 'The invoice that it credits.' })
  invoiceId!: string;

  @Field(() => Customer)
  customer!: Customer;

  @Field()
  currency!: string;

  @Field()
  reason!: string;

  @Field(() => CreditNoteSettlements)
  settlement!: CreditNoteSettlement;

  @Field(() => [CreditNoteLine])
  lines!: readonly CreditNoteLine[];

  @Field(() => DecimalScalar, { description: 'Sum of the lines, before tax.' })
  subtotal!: Decimal;

  @Field(() => [CreditNoteTax])
  taxes!: readonly CreditNoteTax[];

  @Field(() => DecimalScalar)
  tax!: Decimal;

  @Field(() => DecimalScalar, { description: 'subtotal + tax.' })
  total!: Decimal;

  @Field(() => DecimalScalar, { description: 'What of the total was not paid yet and is not asked for any more.' })
  offInvoice!: Decimal;

  @Field(() => DecimalScalar, { description: 'The rest of the total, settled as `settlement` says.' })
  settled!: Decimal;

  @Field(() => DateTimeScalar, { description: 'When it counts.' })
  finalizedAt!: Instant;

  @Field(() => SyncStates, {
    description:
      'How far it has come on its way to Stripe, after its invoice. NOT_SYNCED: Stripe is not in use, or nothing of it is for Stripe, ' +
      'since what it gives back was paid with the balance or with prepaid credits.',
  })
  sync!: CreditNoteSyncView['state'];

  @Field(() => String, { nullable: true, description: 'Id of the credit note at Stripe; null while it is not there.' })
  stripeCreditNoteId!: string | null;

  @Field(() => SyncProblem, { nullable: true, description: 'What it waits for, or why it has FAILED.' })
  syncProblem!: SyncProblem | null;
}

@ObjectType()
export class CreditNoteEdge {
  @Field({ description: 'Give it as `after` to read on behind this credit note.' })
  cursor!: string;

  @Field(() => CreditNote)
  node!: CreditNote;
}

@ObjectType({ description: 'Credit notes in the order in which they were made.' })
export class CreditNoteConnection {
  @Field(() => [CreditNoteEdge])
  edges!: CreditNoteEdge[];

  @Field(() => PageInfo)
  pageInfo!: PageInfo;
}

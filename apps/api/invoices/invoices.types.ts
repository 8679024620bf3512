import { Field, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { InvoiceKind, InvoiceStatus, PreviewState } from '@tare/billing';
import type { Decimal, Instant } from '@tare/core';
import type { InvoiceSync } from '@tare/stripe';
import { Customer } from '../customers/customers.types.ts';
import { PageInfo } from '../graphql/page-info.ts';
import { DateTimeScalar, DecimalScalar, JsonScalar } from '../graphql/scalars.ts';
import { SyncStates } from './sync-states.ts';

export const InvoiceStatuses = {
  DRAFT: 'DRAFT',
  FINALIZED: 'FINALIZED',
  PAID: 'PAID',
  VOID: 'VOID',
  UNCOLLECTIBLE: 'UNCOLLECTIBLE',
} as const;
registerEnumType(InvoiceStatuses, {
  name: 'InvoiceStatus',
  valuesMap: {
    DRAFT: { description: 'In its grace period: it still changes with what comes in.' },
    FINALIZED: { description: 'It never changes again; corrections are lines of a later invoice.' },
    UNCOLLECTIBLE: { description: 'Written off.' },
  },
});

const InvoiceKinds = {
  REGULAR: 'REGULAR',
  PRORATION: 'PRORATION',
  THRESHOLD: 'THRESHOLD',
  PREPAID: 'PREPAID',
  SUPPLEMENTARY: 'SUPPLEMENTARY',
} as const;
registerEnumType(InvoiceKinds, {
  name: 'InvoiceKind',
  valuesMap: {
    REGULAR: { description: "Of a period's boundary: the usage of the ended period and the fee of the next one." },
    PRORATION: {
      description:
        'Of a change inside a period: credit for what is unused, charge for the rest. None where the change leaves every fee as it was.',
    },
    PREPAID: { description: 'Of credits that are bought; they come when it is paid.' },
    THRESHOLD: { description: 'Of usage so far of a period that runs, when it has reached the threshold of its plan.' },
    SUPPLEMENTARY: { description: 'Late usage after the final invoice of a subscription.' },
  },
});

const PreviewStates = { DUE: 'DUE', IN_GRACE: 'IN_GRACE', SO_FAR: 'SO_FAR' } as const;
registerEnumType(PreviewStates, {
  name: 'InvoicePreviewState',
  valuesMap: {
    DUE: { description: 'A billing run at the time of the preview issues it.' },
    IN_GRACE: { description: 'Its time has come, and its grace period is not over: a run makes a draft of it.' },
    SO_FAR: { description: 'The usage so far of a billing period that goes on.' },
  },
});

@ObjectType({ description: 'One tax of an invoice, rounded once.' })
export class InvoiceTax {
  @Field()
  name!: string;

  @Field(() => DecimalScalar, { nullable: true, description: '"19" is 19 %; null where a tax service said no rate.' })
  percent!: Decimal | null;

  @Field(() => DecimalScalar, { description: 'What it is a tax on.' })
  base!: Decimal;

  @Field(() => DecimalScalar)
  amount!: Decimal;
}

@ObjectType({ description: 'One line of an invoice.' })
export class InvoiceLine {
  @Field(() => ID)
  id!: string;

  @Field({ description: 'FEE, USAGE, CREDITS, OVERAGE, COMMITMENT, PRORATION_CREDIT, PRORATION_CHARGE or DELTA.' })
  kind!: string;

  @Field()
  description!: string;

  @Field(() => String, { nullable: true, description: 'Key of the price; null for credits, overage and commitment.' })
  priceKey!: string | null;

  @Field(() => String, { nullable: true, description: 'Of a price with groups: the values of the group; null for usage in none.' })
  group!: string | null;

  @Field(() => DecimalScalar, { description: "In units of the price's meter; seats, credits or 1 where there is none." })
  quantity!: Decimal;

  @Field(() => DecimalScalar, { description: 'Before rounding, in major units.' })
  exactAmount!: Decimal;

  @Field(() => DecimalScalar, { description: "Rounded once to the currency's billing increment, in major units, before discounts." })
  amount!: Decimal;

  @Field(() => DecimalScalar, { description: 'All discounts of the line, positive, in major units.' })
  discount!: Decimal;

  @Field(() => DateTimeScalar, { description: 'Start of the service period that the line is for.' })
  periodStart!: Instant;

  @Field(() => DateTimeScalar, { description: 'End of the service period, exclusive.' })
  periodEnd!: Instant;

  @Field(() => ID, { nullable: true, description: 'Of a DELTA: the invoice that it corrects.' })
  adjusts!: string | null;

  @Field(() => JsonScalar, { description: 'How the exact amount came about: [{ description, quantity, unitPrice, amount }].' })
  walk!: unknown;

  @Field(() => JsonScalar, {
    description: 'The one rounding: { exactAmount, increment, rounded, alreadyBilled }; amount = rounded - alreadyBilled.',
  })
  rounding!: unknown;
}

@ObjectType({ description: 'An invoice. Amounts are in major units of its currency.' })
export class Invoice {
  @Field(() => ID)
  id!: string;

  @Field(() => String, { nullable: true, description: 'Gapless; from finalization on.' })
  number!: string | null;

  @Field(() => InvoiceKinds)
  kind!: InvoiceKind;

  @Field(() => ID, { nullable: true, description: 'Of a SUPPLEMENTARY invoice: the one that it corrects.' })
  adjusts!: string | null;

  @Field(() => Customer)
  customer!: Customer;

  @Field(() => InvoiceStatuses)
  status!: InvoiceStatus;

  @Field(() => SyncStates)
  sync!: InvoiceSync['state'];

  @Field(() => String, { nullable: true, description: "Stripe's id of the invoice, once it has one." })
  stripeInvoiceId!: string | null;

  @Field({ description: 'ISO 4217.' })
  currency!: string;

  @Field(() => DateTimeScalar, {
    description: 'Start of the period that the invoice closes; of a first invoice or a change, of the one that it opens.',
  })
  periodStart!: Instant;

  @Field(() => DateTimeScalar, { description: 'Exclusive.' })
  periodEnd!: Instant;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Billing time at which it was finalized.' })
  finalizedAt!: Instant | null;

  @Field(() => DateTimeScalar, { nullable: true })
  paidAt!: Instant | null;

  @Field(() => DateTimeScalar, { nullable: true })
  voidedAt!: Instant | null;

  @Field(() => ID, { nullable: true, description: 'The voided invoice whose periods it bills again.' })
  replaces!: string | null;

  @Field(() => PreviewStates, { nullable: true, description: 'Of an invoicePreview only: what it stands for.' })
  preview?: PreviewState | null;

  @Field(() => [InvoiceLine])
  lines!: InvoiceLine[];

  @Field(() => DecimalScalar, { description: 'Sum of the lines, before discounts.' })
  subtotal!: Decimal;

  @Field(() => DecimalScalar, { description: 'Sum of all discounts, positive.' })
  discounts!: Decimal;

  @Field(() => DecimalScalar, { description: 'Prepaid money used, positive.' })
  creditsApplied!: Decimal;

  @Field(() => [InvoiceTax], { description: 'By name; on what is left after discounts, before prepaid money.' })
  taxes!: readonly InvoiceTax[];

  @Field(() => DecimalScalar, {
    description:
      'Of what is taxed, the price of credits that were sold without tax (AT_USE) and are used now; below zero where some were given back.',
  })
  untaxedBurns!: Decimal;

  @Field(() => DecimalScalar, { description: 'Sum of the taxes.' })
  tax!: Decimal;

  @Field(() => DecimalScalar, { description: "Taken from what earlier invoices left on the customer's balance." })
  balanceApplied!: Decimal;

  @Field(() => DecimalScalar, { description: "What would have been below zero: kept on the customer's balance for the next invoice." })
  balanceCarried!: Decimal;

  @Field(() => DecimalScalar, {
    description: 'subtotal - discounts - creditsApplied + tax - balanceApplied + balanceCarried; never below zero.',
  })
  total!: Decimal;

  @Field(() => DecimalScalar, { description: 'Total of its credit notes.' })
  credited!: Decimal;

  @Field(() => DecimalScalar, { description: 'What the customer still owes of it: 0 when it is paid or void; of a draft its total.' })
  amountDue!: Decimal;
}

@ObjectType()
export class InvoiceEdge {
  @Field({ description: 'Give it as `after` to read on behind this invoice.' })
  cursor!: string;

  @Field(() => Invoice)
  node!: Invoice;
}

@ObjectType({ description: 'Invoices in the order in which they were made.' })
export class InvoiceConnection {
  @Field(() => [InvoiceEdge])
  edges!: InvoiceEdge[];

  @Field(() => PageInfo)
  pageInfo!: PageInfo;
}

@ObjectType({ description: 'What a billing run did.' })
export class BillingRun {
  @Field(() => DateTimeScalar)
  asOf!: Instant;

  @Field(() => Int, { description: 'Service periods whose usage is invoiced now.' })
  periodsClosed!: number;

  @Field(() => Int, { description: 'Invoices that did not exist before, drafts included.' })
  invoicesCreated!: number;

  @Field(() => Int)
  invoicesFinalized!: number;
}

import { Field, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { LineEventState } from '@tare/billing';
import type { Decimal, Instant } from '@tare/core';
import { PageInfo } from '../graphql/page-info.ts';
import { DateTimeScalar, DecimalScalar, JsonScalar } from '../graphql/scalars.ts';
import { InvoiceLine } from './invoices.types.ts';

const LineEventStates = { COUNTED: 'COUNTED', LATE: 'LATE', CANCELED: 'CANCELED' } as const satisfies Record<
  LineEventState,
  LineEventState
>;
registerEnumType(LineEventStates, {
  name: 'LineEventState',
  valuesMap: {
    COUNTED: { description: 'The line counts it.' },
    LATE: { description: "So it does, and the invoice that the line corrects had not: it came later, or was another subscription's then." },
    CANCELED: { description: "The invoice that the line corrects had counted it; it was cancelled since, or is another subscription's." },
  },
});

@ObjectType({ description: 'An event behind an invoice line, as the invoice saw it.' })
export class LineEvent {
  @Field()
  key!: string;

  @Field(() => DateTimeScalar)
  at!: Instant;

  @Field()
  type!: string;

  @Field(() => String, { nullable: true })
  provider!: string | null;

  @Field(() => String, { nullable: true })
  model!: string | null;

  @Field(() => String, { nullable: true })
  feature!: string | null;

  @Field(() => LineEventStates)
  state!: LineEventState;

  @Field(() => DecimalScalar, {
    nullable: true,
    description:
      "Its own part of the line's quantity, in units of the meter (credits for credit overage); null where the meter reads no number from it.",
  })
  quantity!: Decimal | null;

  @Field(() => String, { nullable: true, description: 'What a UNIQUE_COUNT meter counts of it; null for other meters.' })
  member!: string | null;
}

@ObjectType()
export class LineEventEdge {
  @Field({ description: 'Give it as `after` to read on behind this event.' })
  cursor!: string;

  @Field(() => LineEvent)
  node!: LineEvent;
}

@ObjectType({ description: 'Events in the order of their time.' })
export class LineEventConnection {
  @Field(() => [LineEventEdge])
  edges!: LineEventEdge[];

  @Field(() => PageInfo)
  pageInfo!: PageInfo;
}

@ObjectType({ description: 'Where an invoice line comes from, down to the events.' })
export class LineExplanation {
  @Field(() => InvoiceLine, { description: 'With quantity, walk and rounding.' })
  line!: InvoiceLine;

  @Field(() => ID)
  invoice!: string;

  @Field(() => String, { nullable: true })
  invoiceNumber!: string | null;

  @Field()
  currency!: string;

  @Field(() => String, { nullable: true, description: "The plan's key; null for credits that were bought apart from a plan." })
  plan!: string | null;

  @Field(() => Int, { nullable: true, description: 'Of the plan: its version that rated the line.' })
  planVersion!: number | null;

  @Field(() => String, { nullable: true })
  planName!: string | null;

  @Field(() => Int, { nullable: true })
  seats!: number | null;

  @Field(() => JsonScalar, { nullable: true, description: 'The price as the customer had it; null for credits, overage and commitment.' })
  price!: unknown;

  @Field(() => JsonScalar, { nullable: true, description: 'The meter that counts the events behind the line; null for a line without.' })
  meter!: unknown;

  @Field({
    description:
      'sha256 over everything that decides the line: what it bills, plan version, quantity, walk, rounding, discounts. Recomputing the invoice from its events gives it again.',
  })
  hash!: string;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'Events before it are no longer kept and are not listed; null: all are there.',
  })
  eventsDroppedBefore!: Instant | null;
}

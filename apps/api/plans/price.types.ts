import { Field, InputType, Int, registerEnumType } from '@nestjs/graphql';
import type { Decimal, Instant, PriceModel, PriceTiming } from '@tare/core';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';
import { MeterFilterInput } from '../meters/meters.types.ts';

export const PriceModels = {
  FLAT: 'FLAT',
  PER_UNIT: 'PER_UNIT',
  PACKAGE: 'PACKAGE',
  GRADUATED: 'GRADUATED',
  VOLUME: 'VOLUME',
  PERCENTAGE: 'PERCENTAGE',
  COST_PLUS: 'COST_PLUS',
} as const;
registerEnumType(PriceModels, {
  name: 'PriceModel',
  valuesMap: {
    FLAT: { description: 'A fee per interval, whatever is used.' },
    PER_UNIT: { description: 'A price for each unit.' },
    PACKAGE: { description: 'A price for each package begun.' },
    GRADUATED: { description: "Each unit at its own tier's price." },
    VOLUME: { description: 'All units at the price of the tier that the total falls in.' },
    PERCENTAGE: { description: 'A share of the sum of a property, plus a fee per event.' },
    COST_PLUS: { description: 'The true cost of the events x (1 + markup).' },
  },
});

export const PriceTimings = { IN_ADVANCE: 'IN_ADVANCE', IN_ARREARS: 'IN_ARREARS' } as const;
registerEnumType(PriceTimings, { name: 'PriceTiming', description: 'Whether a fee is billed at the start or at the end of its period.' });

const moneyPer = (what: string): string => `In the plan's currency, ${what}; at most 18 decimals.`;

@InputType({ description: 'A tier is (the bound before, upTo]: the upper bound belongs to it. Bounds rise, and the last tier has none.' })
export class TierInput {
  @Field(() => DecimalScalar, { nullable: true, description: 'In units of the meter, inclusive; null for the last tier.' })
  upTo?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: `${moneyPer('for one unit of the meter')} None: 0.` })
  unitPrice?: Decimal | null;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: `${moneyPer('once when the tier is entered')} Zero usage is inside the first tier. None: 0.`,
  })
  flatFee?: Decimal | null;
}

@InputType({ isAbstract: true })
export abstract class PriceAmountsInput {
  @Field(() => DecimalScalar, { nullable: true, description: `PER_UNIT: ${moneyPer('for one unit of the meter')}` })
  unitPrice?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'PACKAGE: units of the meter in one package, above 0.' })
  packageSize?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: `PACKAGE: ${moneyPer('for each package begun')}` })
  packagePrice?: Decimal | null;

  @Field(() => [TierInput], { nullable: true, description: 'GRADUATED and VOLUME: at least one tier.' })
  tiers?: TierInput[] | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'PERCENTAGE: "0.029" is 2.9 %.' })
  rate?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: `PERCENTAGE: ${moneyPer('for each event')} None: 0.` })
  fixedFee?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'COST_PLUS: "0.30" charges cost x 1.30, which is a margin of 23.08 %.' })
  markup?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: `COST_PLUS: the least, ${moneyPer('for one unit of the meter')}` })
  unitFloor?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: `COST_PLUS: the most, ${moneyPer('for one unit of the meter')}` })
  unitCeiling?: Decimal | null;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: 'In units of the meter per period; taken off before tiers and packages. None: 0.',
  })
  includedQuantity?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: `The least that this price charges, ${moneyPer('per period')}` })
  minimumAmount?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: `The most that this price charges, ${moneyPer('per period')}` })
  maximumAmount?: Decimal | null;
}

@InputType({
  description: 'Amounts of their own for some values of the groupBy of a price. What a group does not state it does not have.',
})
export class PriceGroupInput extends PriceAmountsInput {
  @Field(() => [String], { description: 'At least one value, compared exactly; a value is in one group only.' })
  in!: string[];
}

@InputType({ description: 'One price of a plan. Which fields it has depends on its model; others are refused.' })
export class PriceInput extends PriceAmountsInput {
  @Field({ description: 'Stable within the plan, at most 255 characters; lines of invoices carry it.' })
  key!: string;

  @Field(() => PriceModels)
  model!: PriceModel;

  @Field(() => String, { nullable: true, description: 'Key of the meter whose quantity is charged; none for FLAT.' })
  meter?: string | null;

  @Field(() => DecimalScalar, { nullable: true, description: `FLAT: ${moneyPer('per interval')}` })
  amount?: Decimal | null;

  @Field(() => String, { nullable: true, description: "PERCENTAGE: the property whose sum is taken; none: the meter's." })
  valueProperty?: string | null;

  @Field(() => [MeterFilterInput], {
    nullable: true,
    description: 'This price is only for these models, regions, ... None: for everything the meter counts.',
  })
  match?: MeterFilterInput[] | null;

  @Field(() => String, {
    nullable: true,
    description:
      'The property whose values have groups with amounts of their own: model, region, feature, properties.<path>, ... Comes with groups.',
  })
  groupBy?: string | null;

  @Field(() => [PriceGroupInput], {
    nullable: true,
    description:
      'Other amounts for some values of groupBy. Each group is rated by itself and has its own line; usage in none is rated together by the amounts of the price.',
  })
  groups?: PriceGroupInput[] | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'The price is for usage from here on; FLAT is prorated by real time. None: since ever.',
  })
  validFrom?: Instant | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'The price is for usage before this instant. None: for ever.' })
  validUntil?: Instant | null;

  @Field(() => Int, {
    nullable: true,
    description: 'FLAT in advance: billed every so many billing periods, for as many, 1 to 1,000. None: 1.',
  })
  everyIntervals?: number | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'In a shortened period the included quantity is prorated per second. None: false, all of it.',
  })
  prorateIncluded?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'What is left of the included quantity is carried into the next period.',
  })
  rollover?: boolean | null;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: 'The most that is carried into a period, in units of the meter. None: all that is left.',
  })
  rolloverMaximum?: Decimal | null;

  @Field(() => Int, { nullable: true, description: 'How many periods carried quantity lives, 1 to 1,000. None: until it is used.' })
  rolloverPeriods?: number | null;

  @Field(() => Boolean, { nullable: true, description: 'Amounts and included quantities are per seat.' })
  perSeat?: boolean | null;

  @Field(() => PriceTimings, { nullable: true, description: 'FLAT: in advance by default.' })
  timing?: PriceTiming | null;
}

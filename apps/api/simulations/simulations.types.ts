import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import type { Decimal, Instant, MarginState, ScenarioCustomer as Outcome } from '@tare/core';
import { Customer } from '../customers/customers.types.ts';
import { PageInfo } from '../graphql/page-info.ts';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';
import { MarginStates } from '../margins/margins.types.ts';
import { PlanInput } from '../plans/plans.types.ts';

@InputType({ description: 'Some customers on another plan.' })
export class PlanAssignmentInput {
  @Field(() => [String], { description: 'Your own keys of customers; each in one assignment only.' })
  customers!: string[];

  @Field({ description: 'Key of an existing plan; its newest version is taken.' })
  plan!: string;
}

@InputType({ description: "A share of one model's traffic that goes to another, at that one's price in the cost book." })
export class ModelRouteInput {
  @Field()
  provider!: string;

  @Field()
  model!: string;

  @Field()
  toProvider!: string;

  @Field()
  toModel!: string;

  @Field(() => DecimalScalar, { description: '0 to 1, of the original traffic; the routes of one model are 1 at the most.' })
  share!: Decimal;
}

@InputType({ description: 'From the lower to the upper end, both included.' })
export class RangeInput {
  @Field(() => DecimalScalar)
  low!: Decimal;

  @Field(() => DecimalScalar)
  high!: Decimal;
}

@InputType({
  description:
    'One candidate world. Without any plan each customer keeps those that it has; with nothing else either, that is what really happened.',
})
export class ScenarioInput {
  @Field({ description: 'Different from the other scenarios.' })
  name!: string;

  @Field(() => String, { nullable: true, description: "An existing plan's key, for everybody that no assignment names." })
  plan?: string | null;

  @Field(() => PlanInput, {
    nullable: true,
    description: 'A plan that does not exist yet, for everybody; checked like one that is published, and not stored.',
  })
  draftPlan?: PlanInput | null;

  @Field(() => [PlanAssignmentInput], { nullable: true, description: 'Some customers to other plans.' })
  assignments?: PlanAssignmentInput[] | null;

  @Field(() => DecimalScalar, { nullable: true, description: '"0.10": costs fall by 90 %.' })
  costMultiplier?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: '"1.5": half as much usage again.' })
  usageMultiplier?: Decimal | null;

  @Field(() => [ModelRouteInput], { nullable: true })
  modelRoutes?: ModelRouteInput[] | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'Share of input that is read from cache, 0 to 1; none: as it was.' })
  cacheRate?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'Share of traffic at the price of the batch tier, 0 to 1; none: as it was.' })
  batchShare?: Decimal | null;

  @Field(() => RangeInput, {
    nullable: true,
    description:
      'Response of usage to price: "-0.5" is 5 % less usage when a customer is billed 10 % more. The results are `low` and `high`.',
  })
  elasticity?: RangeInput | null;
}

@InputType({ description: 'Scenarios over stored usage.' })
export class SimulationInput {
  @Field(() => DateTimeScalar)
  from!: Instant;

  @Field(() => DateTimeScalar, { description: 'Exclusive.' })
  to!: Instant;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'Real plans without corrections that were finalized later: as invoices were issued. None: with all corrections.',
  })
  knownAt?: Instant | null;

  @Field(() => [String], { nullable: true, description: 'Your own keys; none: everybody.' })
  customers?: string[] | null;

  @Field(() => [ScenarioInput], { description: '1 to 10.' })
  scenarios!: ScenarioInput[];
}

@ObjectType({ description: 'What a scenario comes to, in the reporting currency, without tax.' })
export class ScenarioTotals {
  @Field(() => DecimalScalar, { description: 'For service periods that begin in the span, net of discounts.' })
  billed!: Decimal;

  @Field(() => DecimalScalar, { description: 'Recognised in the span.' })
  revenue!: Decimal;

  @Field(() => DecimalScalar, { nullable: true, description: 'The known part; null when no cost is known.' })
  cost!: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'revenue - cost - shared cost: an upper bound where some cost is not known.' })
  margin!: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'margin / revenue; null when revenue is 0 or cost is null.' })
  marginRate!: Decimal | null;

  @Field(() => Int)
  lossMakingCustomers!: number;
}

@ObjectType({ description: 'One customer in a scenario. Amounts in the reporting currency, without tax.' })
export class ScenarioCustomer {
  @Field(() => Customer)
  customer!: Customer;

  @Field(() => DecimalScalar, { description: 'For service periods that begin in the span, net of discounts.' })
  billed!: Decimal;

  @Field(() => DecimalScalar, { description: 'Recognised in the span.' })
  revenue!: Decimal;

  @Field(() => DecimalScalar, { nullable: true })
  cost!: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'An upper bound where some cost is not known.' })
  margin!: Decimal | null;

  @Field(() => DecimalScalar, {
    description: 'Against what the plans that it really has bill for the span; below zero: it would pay less.',
  })
  billedChange!: Decimal;

  @Field(() => MarginStates)
  state!: MarginState;
}

@ObjectType()
export class ScenarioCustomerEdge {
  @Field({ description: 'Give it as `after` to read on behind this customer.' })
  cursor!: string;

  @Field(() => ScenarioCustomer)
  node!: ScenarioCustomer;
}

@ObjectType({ description: 'Customers by how what they are billed changes: who would pay less stands first, who would pay more last.' })
export class ScenarioCustomerConnection {
  @Field(() => [ScenarioCustomerEdge])
  edges!: ScenarioCustomerEdge[];

  @Field(() => PageInfo)
  pageInfo!: PageInfo;
}

@ObjectType({ description: 'What one scenario comes to.' })
export class ScenarioResult {
  @Field()
  name!: string;

  @Field(() => ScenarioTotals, { description: 'Without any response of usage to price.' })
  totals!: ScenarioTotals;

  @Field(() => ScenarioTotals, { nullable: true, description: 'At the lower end of the elasticity; null where none was given.' })
  low!: ScenarioTotals | null;

  @Field(() => ScenarioTotals, { nullable: true, description: 'At the upper end of the elasticity.' })
  high!: ScenarioTotals | null;

  /** Resolved as a connection. */
  customers!: readonly Outcome[];
}

@ObjectType({ description: 'Scenarios that were run, with what they came to.' })
export class Simulation {
  @Field(() => ID)
  id!: string;

  @Field({ description: 'RUNNING, DONE or FAILED. All of this release are DONE when they are answered.' })
  status!: string;

  @Field(() => [ScenarioResult])
  scenarios!: readonly ScenarioResult[];
}

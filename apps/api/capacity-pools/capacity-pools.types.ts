import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Deployment, IdlePolicy } from '@tare/catalog';
import type { Decimal, Instant } from '@tare/core';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';

export const Deployments = {
  API: 'API',
  HYPERSCALER: 'HYPERSCALER',
  MARKETPLACE: 'MARKETPLACE',
  ON_PREMISE: 'ON_PREMISE',
  EDGE: 'EDGE',
} as const;
registerEnumType(Deployments, { name: 'Deployment', description: 'Where models run.' });

export const IdlePolicies = { NONE: 'NONE', BY_USE: 'BY_USE', EVENLY: 'EVENLY', BY_RESERVATION: 'BY_RESERVATION' } as const;
registerEnumType(IdlePolicies, {
  name: 'IdlePolicy',
  description: 'Who bears the cost of hours that nobody used.',
  valuesMap: {
    NONE: { description: 'Nobody: it stands in a line of its own.' },
    BY_USE: { description: 'Those who used the pool in the hour, by how much.' },
    EVENLY: { description: 'Those who used the pool in the hour, evenly.' },
    BY_RESERVATION: { description: 'By what each has reserved. NOT_AVAILABLE yet.' },
  },
});

const inCurrency = "In the pool's currency; at most 18 decimals.";

@InputType({ description: 'Self-hosted capacity and what one GPU of it costs an hour: hourlyCost, or what it is computed from.' })
export class CapacityPoolInput {
  @Field({ description: 'Your own key; events name it as their pool. At most 255 characters.' })
  key!: string;

  @Field()
  name!: string;

  @Field(() => Deployments)
  deployment!: Deployment;

  @Field({ description: 'ISO 4217.' })
  currency!: string;

  @Field(() => DateTimeScalar, { description: 'This cost holds from here on, until a later one.' })
  validFrom!: Instant;

  @Field(() => Int, { description: 'GPUs in the pool, at least 1.' })
  gpus!: number;

  @Field(() => DecimalScalar, { nullable: true, description: `Of one GPU. ${inCurrency} Goes before what it would be computed from.` })
  hourlyCost?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: `Price of one GPU with its share of the machine. ${inCurrency}` })
  capital?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'Hours over which the capital is written off.' })
  lifetimeHours?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: `What is left of the capital at the end. ${inCurrency} None: 0.` })
  salvage?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'Kilowatts of one GPU with its share of the machine.' })
  powerKw?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'Power usage effectiveness of the site: "1.3" is 30 % on top. None: 1.' })
  pue?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: `For one kilowatt hour. ${inCurrency}` })
  electricityPerKwh?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: `Staff, space, network, of one GPU an hour. ${inCurrency}` })
  operationsPerHour?: Decimal | null;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: 'Nominal tokens a second of one GPU. None: the pool is charged by GPU-seconds only.',
  })
  tokensPerSecond?: Decimal | null;

  @Field(() => IdlePolicies)
  idlePolicy!: IdlePolicy;
}

@ObjectType({ description: 'Self-hosted capacity.' })
export class CapacityPool {
  @Field(() => ID)
  id!: string;

  @Field({ description: 'Your own key of the pool.' })
  key!: string;

  @Field()
  name!: string;

  @Field({ description: 'ISO 4217.' })
  currency!: string;

  @Field(() => DecimalScalar, { description: "Of one GPU, in the pool's currency, as it was given or computed." })
  hourlyCost!: Decimal;
}

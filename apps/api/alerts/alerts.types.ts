import { Field, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { AlertRuleKind } from '@tare/alerts';
import type { Instant } from '@tare/core';
import { PageInfo } from '../graphql/page-info.ts';
import { DateTimeScalar, JsonScalar } from '../graphql/scalars.ts';

@ObjectType({ description: 'A problem that needs a person, for as long as it goes on.' })
export class Alert {
  @Field(() => ID) id!: string;
  @Field({ description: 'A code, such as SUBSCRIPTION_NOT_IN_FORCE: see docs/alerts.md.' }) kind!: string;
  @Field({ description: 'What it is about. One open alert for each kind and subject.' }) subject!: string;
  @Field({ description: 'What is wrong, as it was last seen.' }) message!: string;
  @Field(() => JsonScalar, { description: 'By kind. Decimals are strings, times RFC 3339.' }) detail!: unknown;
  @Field(() => DateTimeScalar, { description: 'When it was first seen.' }) raisedAt!: Instant;
}

@ObjectType({ description: 'Something that happened once and that you may want to act on. It never changes.' })
export class AlertEvent {
  @Field(() => ID) id!: string;
  @Field({ description: 'What it is about and what became of it, such as "cap.threshold_reached".' }) type!: string;
  @Field({ description: 'What it is about: your own key of the customer where it concerns one.' }) subject!: string;
  @Field({ description: 'The same for the same happening: a receiver that knows it can forget it.' }) dedupeKey!: string;
  @Field(() => JsonScalar, { description: 'By type: see docs/alerts.md. Decimals are strings, times RFC 3339.' }) payload!: unknown;
  @Field(() => DateTimeScalar) createdAt!: Instant;
}

@ObjectType()
export class AlertEventEdge {
  @Field({ description: 'Give it as `after` to read on behind this event.' }) cursor!: string;
  @Field(() => AlertEvent) node!: AlertEvent;
}

@ObjectType({ description: 'Alert events, newest first.' })
export class AlertEventConnection {
  @Field(() => [AlertEventEdge]) edges!: AlertEventEdge[];
  @Field(() => PageInfo) pageInfo!: PageInfo;
}

export const AlertRuleKinds = { ALLOWANCE: 'ALLOWANCE', CAP: 'CAP', FAIR_USE: 'FAIR_USE' } as const satisfies Record<
  AlertRuleKind,
  AlertRuleKind
>;
registerEnumType(AlertRuleKinds, {
  name: 'AlertRuleKind',
  description: 'What is told of at percents of it.',
  valuesMap: {
    ALLOWANCE: { description: "A feature's limit, or what a price includes." },
    CAP: { description: "A customer's cap that has no percents of its own." },
    FAIR_USE: { description: 'A fair-use line of a site license.' },
  },
});

@ObjectType({ description: 'At which percents of a limit an alert event is recorded.' })
export class AlertRule {
  @Field(() => AlertRuleKinds) kind!: AlertRuleKind;
  @Field(() => [Int], { description: 'Ascending; empty: never.' }) percents!: readonly number[];
}

import { Field, ID, ObjectType } from '@nestjs/graphql';
import type { Instant } from '@tare/core';
import { PageInfo } from '../graphql/page-info.ts';
import { DateTimeScalar, JsonScalar } from '../graphql/scalars.ts';

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

import { Extensions } from '@nestjs/graphql';
import type { GraphQLInputObjectType } from 'graphql';

/**
 * Marks an input type whose Decimal and DateTime fields, nested ones included, reach the resolver as they were sent. For usage events: a wrong value refuses
 * one event and not the request (SEMANTICS 3.2).
 */
export const RawValues = (): ClassDecorator => Extensions({ rawValues: true });

export const hasRawValues = (type: GraphQLInputObjectType): boolean => type.extensions['rawValues'] === true;

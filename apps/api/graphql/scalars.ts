import { Decimal, formatInstant, instantOfDate, type Instant } from '@tare/core';
import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped, type ValueNode } from 'graphql';

/**
 * Decimal and DateTime check the JSON type only and keep the value as it was sent: what it says is read later, where it is known how it must be refused.
 * Inputs marked with `@RawValues()` (usage events) reach the resolver as they were sent, every other one as core `Decimal` and `Instant`
 * (docs/decisions/0010).
 */
export const DecimalScalar = new GraphQLScalarType<string | number, string>({
  name: 'Decimal',
  description:
    'An exact decimal number, written as a string such as "12.50". A JSON number is taken where its double certainly is what was written ' +
    '(at most 15 significant digits, whole numbers up to 2^53). Answers are always strings.',
  parseValue: (value) => {
    if (typeof value === 'string' || typeof value === 'number') return value;
    throw new GraphQLError('A decimal number is expected, as a string such as "12.50".');
  },
  // The digits of a number in a document are known exactly, so nothing needs to be refused for being a double.
  parseLiteral: (node) => {
    if (node.kind === Kind.STRING || node.kind === Kind.INT || node.kind === Kind.FLOAT) return node.value;
    throw new GraphQLError('A decimal number is expected, as a string such as "12.50".', { nodes: node });
  },
  serialize: (value) => {
    if (value instanceof Decimal) return value.toString();
    if (typeof value === 'string') return value;
    if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value);
    throw new TypeError(`not an exact decimal: ${String(value)}`);
  },
});

/** An instant. Inside it is core's `Instant`, microseconds since 1970; see `DecimalScalar` for when it is read. */
export const DateTimeScalar = new GraphQLScalarType<string, string>({
  name: 'DateTime',
  description: 'An instant as RFC 3339 with its zone, such as "2026-03-01T10:17:33Z". Kept to the microsecond.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  parseValue: (value) => {
    if (typeof value === 'string') return value;
    throw new GraphQLError('A time is expected, as a string such as "2026-03-01T10:17:33Z".');
  },
  parseLiteral: (node) => {
    if (node.kind === Kind.STRING) return node.value;
    throw new GraphQLError('A time is expected, as a string such as "2026-03-01T10:17:33Z".', { nodes: node });
  },
  serialize: (value) => {
    if (typeof value === 'number') return formatInstant(value satisfies Instant);
    if (value instanceof Date) return formatInstant(instantOfDate(value));
    if (typeof value === 'string') return value;
    throw new TypeError(`not an instant: ${String(value)}`);
  },
});

/** Any JSON value, as it is. */
export const JsonScalar = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  description: 'Any JSON value.',
  parseValue: (value) => value,
  parseLiteral: (node: ValueNode, variables) => valueFromASTUntyped(node, variables),
  serialize: (value) => value,
});

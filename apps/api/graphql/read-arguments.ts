import { decimalFromJson, parseInstant } from '@tare/core';
import {
  defaultFieldResolver,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLSchema,
} from 'graphql';
import { hasRawValues } from './raw-values.ts';
import { DateTimeScalar, DecimalScalar } from './scalars.ts';

/** Reads the Decimal and DateTime values inside an argument; `path` names the value in errors. Absent and null stay. */
type Reader = (value: unknown, path: string) => unknown;
type Fields = Readonly<Record<string, unknown>>;

/** Paths inside an argument of this name begin with its fields, as services write them: `prices[2].unitPrice`. */
const TRANSPARENT_ARGUMENT = 'input';

/**
 * Lets every resolver see core's `Decimal` and `Instant` where its arguments declare Decimal and DateTime, except inside types marked with `@RawValues()`.
 * A value that cannot be read is a CodedError with its path (SEMANTICS 1.1, 2.4). Works on literals and variables alike, under any executor.
 */
export function readArguments(schema: GraphQLSchema): GraphQLSchema {
  const readers = new InputReaders();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      const reads = field.args.flatMap(({ name, type: input }) => {
        const read = readers.readerOf(input);
        return read === null ? [] : [{ name, read }];
      });
      if (reads.length === 0) continue;
      const resolve = field.resolve ?? defaultFieldResolver;
      field.resolve = (source, args: Fields, context, info): unknown => resolve(source, readAll(args, reads), context, info);
    }
  }
  return schema;
}

function readAll(args: Fields, reads: readonly { name: string; read: Reader }[]): Fields {
  const result: Record<string, unknown> = { ...args };
  for (const { name, read } of reads) {
    if (name in result) result[name] = read(result[name], name === TRANSPARENT_ARGUMENT ? '' : name);
  }
  return result;
}

/** Null stands for a type that holds nothing to read. */
class InputReaders {
  private readonly ofObject = new Map<GraphQLInputObjectType, Reader | null>();

  readerOf(type: GraphQLInputType): Reader | null {
    if (isNonNullType(type)) return this.readerOf(type.ofType);
    if (isListType(type)) return listReader(this.readerOf(type.ofType));
    if (isInputObjectType(type)) return this.objectReader(type);
    if (type === DecimalScalar) return (value, path) => (value === null || value === undefined ? value : decimalFromJson(value, path));
    if (type === DateTimeScalar) return (value, path) => (typeof value === 'string' ? parseInstant(value, path) : value);
    return null;
  }

  private objectReader(type: GraphQLInputObjectType): Reader | null {
    if (hasRawValues(type)) return null;
    const known = this.ofObject.get(type);
    if (known !== undefined) return known;
    const fields = new Map<string, Reader>();
    const read: Reader = (value, path) => readFields(value, path, fields);
    // Known before its fields are, so that a type may contain itself.
    this.ofObject.set(type, read);
    for (const field of Object.values(type.getFields())) {
      const reader = this.readerOf(field.type);
      if (reader !== null) fields.set(field.name, reader);
    }
    if (fields.size > 0) return read;
    this.ofObject.set(type, null);
    return null;
  }
}

function readFields(value: unknown, path: string, fields: ReadonlyMap<string, Reader>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = { ...value };
  for (const [name, read] of fields) {
    if (name in result) result[name] = read(result[name], path === '' ? name : `${path}.${name}`);
  }
  return result;
}

function listReader(read: Reader | null): Reader | null {
  if (read === null) return null;
  return (value, path) => (Array.isArray(value) ? value.map((item, index) => read(item, `${path}[${index}]`)) : value);
}

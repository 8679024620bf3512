import { CodedError } from '../../coded-error.ts';
import type { WireObject } from '../wire-fields.ts';

/** Sums of a few such counts are exact as doubles and have at most 15 digits (SEMANTICS 1.1). */
const LARGEST_COUNT = 1e14;

const NOTHING: WireObject = {};

/**
 * A count of tokens in a provider's body. Providers count in whole numbers; null and NaN stand for unknown (the Vercel AI SDK gives them), as does absence.
 * @throws CodedError INVALID_FIELD | NEGATIVE_NUMBER | NUMBER_NOT_EXACT
 */
export function readCount(body: WireObject, name: string, path: string): number | null {
  const value = body[name];
  if (value === undefined || value === null || Number.isNaN(value)) return null;
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new CodedError('INVALID_FIELD', 'A provider counts tokens in whole numbers; send its usage as it came.', `${path}.${name}`);
  }
  if (value < 0) throw new CodedError('NEGATIVE_NUMBER', 'The number cannot be negative.', `${path}.${name}`);
  if (value > LARGEST_COUNT) throw new CodedError('NUMBER_NOT_EXACT', 'No request has this many tokens.', `${path}.${name}`);
  return value === 0 ? 0 : value;
}

/** The same count under the names that different providers give it: the first that says more than 0, else 0, else null. All of them are checked. */
export function readCountOf(body: WireObject, names: readonly string[], path: string): number | null {
  let found: number | null = null;
  for (const name of names) {
    const count = readCount(body, name, path);
    if (count !== null && (found === null || found === 0)) found = count;
  }
  return found;
}

/** An object inside of a body; absent and null are an empty one. @throws CodedError INVALID_FIELD */
export function readDetails(body: WireObject, name: string, path: string): WireObject {
  const value = body[name];
  if (value === undefined || value === null) return NOTHING;
  if (typeof value !== 'object' || Array.isArray(value)) throw new CodedError('INVALID_FIELD', 'An object is expected.', `${path}.${name}`);
  return value as WireObject;
}

/** A list of objects inside of a body; absent and null are an empty one. @throws CodedError INVALID_FIELD */
export function readList(body: WireObject, name: string, path: string): readonly WireObject[] {
  const value = body[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new CodedError('INVALID_FIELD', 'A list is expected.', `${path}.${name}`);
  for (let index = 0; index < value.length; index += 1) {
    const item: unknown = value[index];
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      throw new CodedError('INVALID_FIELD', 'An object is expected.', `${path}.${name}[${index}]`);
    }
  }
  return value as readonly WireObject[];
}

/** The sum of what is known; null when nothing is. */
export function addCounts(...counts: readonly (number | null)[]): number | null {
  let sum: number | null = null;
  for (const count of counts) if (count !== null) sum = (sum ?? 0) + count;
  return sum;
}

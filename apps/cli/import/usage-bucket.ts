import { createHash } from 'node:crypto';
import { CodedError, formatInstant, parseInstant, type Instant } from '@tare/core';
import { withZone, type Row } from './column-mapping.ts';

/** Readers of aggregated rows: a bucket of time with the sums of many requests. */

/** The sums of a row. What is not among them tells rows apart. */
const SUMS = /tokens|^n_|^num_|_count$|_total$|requests$|^images$|^characters$|^seconds$/;
/** Names of what an id stands for, and other words for the time: they may change, or say nothing new. */
const NAMES = /_name$|email$|_iso$|redacted$|^object$/;
const SECONDS = /^\d{9,11}(\.\d+)?$/;

/**
 * The same bucket has the same key whenever it is exported: by everything that tells it apart (its time, model, project, key, ...), not by its sums. A bucket
 * that has grown since is refused as KEY_REUSED instead of being counted twice.
 */
export function bucketKey(source: string, row: Row): string {
  const facts = Object.entries(row)
    .filter(([name, value]) => isScalar(value) && !SUMS.test(name) && !NAMES.test(name))
    .map(([name, value]) => [name, String(value)])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return `${source} ${createHash('sha256').update(JSON.stringify(facts)).digest('hex')}`;
}

const isScalar = (value: unknown): boolean =>
  (typeof value === 'string' && value !== '') || typeof value === 'number' || typeof value === 'boolean';

/** The first of the fields that says something, as text. */
export function textOf(row: Row, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = row[name];
    if (typeof value === 'string' && value !== '') return value;
    if (typeof value === 'number') return String(value);
  }
  return undefined;
}

/** A sum; CSV writes some as 3.0. Absent is undefined. @throws CodedError INVALID_FIELD */
export function countOf(row: Row, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = row[name];
    if (value === undefined || value === null || value === '') continue;
    const count = typeof value === 'string' && /^\d+(\.0*)?$/.test(value.trim()) ? Number(value) : value;
    if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count;
    throw new CodedError('INVALID_FIELD', `${name}: a whole number that is not negative is expected.`, name);
  }
  return undefined;
}

/** Seconds since 1970, a day, or a time; without a zone it is UTC (SEMANTICS 2.4). @throws CodedError FIELD_MISSING | INVALID_TIME */
export function timeOf(row: Row, ...names: readonly string[]): string {
  const text = textOf(row, ...names);
  if (text === undefined) throw new CodedError('FIELD_MISSING', `${names.join(' or ')}: the row has no time.`, names[0]);
  return formatInstant(instantOf(text, names[0] ?? 'at'));
}

/** As timeOf, where there may be none. @throws CodedError INVALID_TIME */
export function optionalTimeOf(row: Row, ...names: readonly string[]): string | undefined {
  return textOf(row, ...names) === undefined ? undefined : timeOf(row, ...names);
}

function instantOf(text: string, path: string): Instant {
  if (SECONDS.test(text)) return Math.floor(Number(text)) * 1_000_000;
  return parseInstant(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : withZone(text), path);
}

/** Marks an event as an estimate and names what is not known of its requests. */
export function estimate(missing: readonly string[], facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { estimated: true, missing, ...given(facts) };
}

type Given<Facts> = { readonly [Name in keyof Facts]?: Exclude<Facts[Name], undefined> };

/** Without what is undefined. */
export const given = <Facts extends Readonly<Record<string, unknown>>>(facts: Facts): Given<Facts> =>
  Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Given<Facts>;

const TIERS: Readonly<Record<string, string>> = {
  default: 'standard',
  standard: 'standard',
  batch: 'batch',
  flex: 'flex',
  flex_discount: 'flex',
  priority: 'priority',
  priority_on_demand: 'priority',
};

/** Our word for a service tier; one that is not known keeps its own, so that no other price is taken for it. */
export const serviceTierOf = (tier: string | undefined): string | undefined =>
  tier === undefined ? undefined : (TIERS[tier.toLowerCase()] ?? tier);

export const listOf = (value: unknown): readonly Row[] =>
  Array.isArray(value) ? value.filter((item): item is Row => typeof item === 'object' && item !== null && !Array.isArray(item)) : [];

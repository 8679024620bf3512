import type { UsageEvent } from '@tare/client';

/** Where each field of an event comes from: a column of the row (`--map tokens.input=ContextTokens`) or a constant (`--set type=llm.completion`). */
export interface ColumnMapping {
  readonly columns: ReadonlyMap<string, string>;
  readonly constants: ReadonlyMap<string, string>;
}

export type Row = Readonly<Record<string, unknown>>;

const FIELDS = new Set([
  'key',
  'customer',
  'type',
  'at',
  'provider',
  'model',
  'serviceTier',
  'region',
  'quantity',
  'gpuSeconds',
  'pool',
  'subscription',
  'user',
  'outcome',
  'durationMs',
  'feature',
  'traceId',
]);
const TOKENS = new Set(['input', 'output', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'reasoning', 'inputAudio', 'outputAudio']);
const ZONE = /(z|[+-]\d\d:?\d\d)$/i;

/** Reads `field=value` options. Throws with the field's name when it is none of an event. */
export function parseMapping(map: readonly string[], set: readonly string[]): ColumnMapping {
  return { columns: parsePairs(map, '--map'), constants: parsePairs(set, '--set') };
}

function parsePairs(options: readonly string[], flag: string): Map<string, string> {
  return new Map(
    options.map((option) => {
      const at = option.indexOf('=');
      if (at < 1) throw new Error(`${flag} ${option}: write field=${flag === '--map' ? 'column' : 'value'}`);
      const field = option.slice(0, at);
      if (!isField(field)) throw new Error(`${flag} ${option}: an event has no field "${field}"; see UsageEventInput of the schema`);
      return [field, option.slice(at + 1)];
    }),
  );
}

const isField = (field: string): boolean =>
  FIELDS.has(field) ||
  (field.startsWith('tokens.') && TOKENS.has(field.slice('tokens.'.length))) ||
  field.startsWith('properties.') ||
  field === 'reportedCost.amount' ||
  field === 'reportedCost.currency';

/**
 * The event that a row means. Without any mapping a row of JSON is the event itself. A field that is empty in the row is left out.
 * `at` without a zone is UTC (SEMANTICS 2.4). Whether the event is right is for the API to say.
 */
export function eventOfRow(row: Row, mapping: ColumnMapping, defaults: { key: string; customer: string | null }): UsageEvent {
  const event: Record<string, unknown> =
    mapping.columns.size === 0 ? Object.fromEntries(Object.entries(row).filter(([, value]) => isGiven(value))) : {};
  for (const [field, value] of mapping.constants) assign(event, field, value);
  for (const [field, column] of mapping.columns) {
    const value = row[column];
    if (isGiven(value)) assign(event, field, value);
  }
  if (defaults.customer !== null) event['customer'] = defaults.customer;
  if (event['key'] === undefined) event['key'] = defaults.key;
  if (typeof event['at'] === 'string') event['at'] = withZone(event['at']);
  return event as unknown as UsageEvent;
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

/** What `--set` says of every row. */
export function assignConstants(event: Readonly<Record<string, unknown>>, { constants }: ColumnMapping): Record<string, unknown> {
  const assigned = { ...event };
  for (const [field, value] of constants) assign(assigned, field, value);
  return assigned;
}

function assign(event: Record<string, unknown>, field: string, value: unknown): void {
  const at = field.indexOf('.');
  if (at < 0) {
    event[field] = field === 'durationMs' && typeof value === 'string' ? Number(value) : value;
    return;
  }
  const group = field.slice(0, at);
  event[group] = { ...(event[group] as object | undefined), [field.slice(at + 1)]: value };
}

/** A time of a file as RFC 3339; without a zone it is UTC. */
export function withZone(at: string): string {
  const iso = at.trim().replace(/^(\d{4}-\d\d-\d\d) /, '$1T');
  return ZONE.test(iso) ? iso : `${iso}Z`;
}

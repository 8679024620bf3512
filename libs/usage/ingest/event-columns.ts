import type { Decimal } from '@tare/core';
import { BinaryArray, type ArrayType } from '@tare/database';
import type { BucketRow } from '../buckets/bucket-cells.ts';
import { hasHashedIdentity } from './event-identity.ts';
import type { EventToStore, KeyToTake } from './event-to-store.ts';

/** A column of rows on their way into a table. */
export interface Column<Row> {
  readonly name: string;
  readonly type: ArrayType;
  /** Appends each row's value; null for a row that has none. */
  readonly write: (rows: readonly Row[], into: BinaryArray) => void;
  /** Whether a row has a value; a column that no row has is left out of the statement. None: it is always there. */
  readonly isIn?: IsIn<Row>;
  /** The same for all rows of a tenant: sent once when all rows are of one. These columns stand first. */
  readonly ofTenant?: (row: Row) => string | number;
}

type Read<Row, Value> = (row: Row) => Value;
/** Written out for each count, so that it is compiled for that one: most counts are looked for in all rows of every flush, and not found. */
type IsIn<Row> = (rows: readonly Row[]) => boolean;

const uuid = <Row>(name: string, read: Read<Row, string>): Column<Row> => ({
  name,
  type: 'uuid',
  write: (rows, into) => {
    for (const row of rows) into.uuid(read(row));
  },
});
const int4 = <Row>(name: string, read: Read<Row, number>): Column<Row> => ({
  name,
  type: 'int4',
  write: (rows, into) => {
    for (const row of rows) into.int4(read(row));
  },
});
const int8 = <Row>(name: string, read: Read<Row, number>): Column<Row> => ({
  name,
  type: 'int8',
  write: (rows, into) => {
    for (const row of rows) into.int8(read(row));
  },
});
const instant = <Row>(name: string, read: Read<Row, number>): Column<Row> => ({
  name,
  type: 'timestamptz',
  write: (rows, into) => {
    for (const row of rows) into.timestamptz(read(row));
  },
});
/** A sum whose column is 0 by default, and left out where all rows have 0. */
const sum = (name: string, read: Read<BucketRow, Decimal>, isIn: IsIn<BucketRow>): Column<BucketRow> => ({
  name,
  type: 'numeric',
  isIn,
  write: (rows, into) => {
    for (const row of rows) into.numeric(read(row));
  },
});

/** A column that many rows have no value in. */
function optional<Row, Value>(
  name: string,
  type: ArrayType,
  read: Read<Row, Value | null>,
  write: (value: Value, into: BinaryArray) => void,
): Column<Row> {
  return {
    name,
    type,
    isIn: (rows) => rows.some((row) => read(row) !== null),
    write: (rows, into) => {
      for (const row of rows) {
        const value = read(row);
        if (value === null) into.null();
        else write(value, into);
      }
    },
  };
}

/** A count whose 0 is kept as null: what an event does not have takes neither room nor time. */
const count = (name: string, read: Read<EventToStore, Decimal>, isIn: IsIn<EventToStore>): Column<EventToStore> => ({
  name,
  type: 'numeric',
  isIn,
  write: (rows, into) => {
    for (const row of rows) {
      const value = read(row);
      if (value.isZero()) into.null();
      else into.numeric(value);
    }
  },
});
const text = (name: string, read: Read<EventToStore, string | null>): Column<EventToStore> =>
  optional(name, 'text', read, (value, into) => into.text(value));

const tenantId = <Row>(read: Read<Row, string>): Column<Row> => ({ ...uuid('tenant_id', read), ofTenant: read });
const seq = <Row extends { readonly seq: number }>(): Column<Row> => ({
  ...int8<Row>('seq', (row) => row.seq),
  ofTenant: (row) => row.seq,
});

export const KEY_COLUMNS: readonly Column<KeyToTake>[] = [
  tenantId(({ event }) => event.tenantId),
  uuid('key_hash', ({ event }) => event.identity),
  uuid('content_hash', ({ event }) => event.fingerprint),
  instant('at', ({ event }) => event.event.at),
  int4('customer_no', ({ customerNo }) => customerNo),
];

export const EVENT_COLUMNS: readonly Column<EventToStore>[] = [
  tenantId((row) => row.tenantId),
  seq(),
  uuid('key_hash', ({ identity }) => identity),
  instant('at', ({ event }) => event.at),
  int4('customer_no', ({ customerNo }) => customerNo),
  int4('dimension_no', ({ dimensionNo }) => dimensionNo),
  text('key', ({ identity, event }) => (hasHashedIdentity(identity) ? event.key : null)),
  count(
    'uncached_input',
    ({ event }) => event.tokens.uncachedInput,
    (rows) => rows.some(({ event }) => !event.tokens.uncachedInput.isZero()),
  ),
  count(
    'cache_read',
    ({ event }) => event.tokens.cacheRead,
    (rows) => rows.some(({ event }) => !event.tokens.cacheRead.isZero()),
  ),
  count(
    'cache_write_5m',
    ({ event }) => event.tokens.cacheWrite5m,
    (rows) => rows.some(({ event }) => !event.tokens.cacheWrite5m.isZero()),
  ),
  count(
    'cache_write_1h',
    ({ event }) => event.tokens.cacheWrite1h,
    (rows) => rows.some(({ event }) => !event.tokens.cacheWrite1h.isZero()),
  ),
  count(
    'input_audio',
    ({ event }) => event.tokens.inputAudio,
    (rows) => rows.some(({ event }) => !event.tokens.inputAudio.isZero()),
  ),
  count(
    'plain_output',
    ({ event }) => event.tokens.plainOutput,
    (rows) => rows.some(({ event }) => !event.tokens.plainOutput.isZero()),
  ),
  count(
    'reasoning',
    ({ event }) => event.tokens.reasoning,
    (rows) => rows.some(({ event }) => !event.tokens.reasoning.isZero()),
  ),
  count(
    'output_audio',
    ({ event }) => event.tokens.outputAudio,
    (rows) => rows.some(({ event }) => !event.tokens.outputAudio.isZero()),
  ),
  count(
    'quantity',
    ({ event }) => event.quantity,
    (rows) => rows.some(({ event }) => !event.quantity.isZero()),
  ),
  count(
    'gpu_seconds',
    ({ event }) => event.gpuSeconds,
    (rows) => rows.some(({ event }) => !event.gpuSeconds.isZero()),
  ),
  optional(
    'cost',
    'numeric',
    ({ cost }) => cost.amount,
    (amount, into) => into.numeric(amount),
  ),
  optional(
    'cost_rate_id',
    'uuid',
    ({ cost }) => cost.rateId,
    (rateId, into) => into.uuid(rateId),
  ),
  optional(
    'reported_cost',
    'numeric',
    ({ event }) => event.reportedCost?.amount ?? null,
    (amount, into) => into.numeric(amount),
  ),
  text('reported_currency', ({ event }) => event.reportedCost?.currency ?? null),
  text('user', ({ event }) => event.user),
  text('trace_id', ({ event }) => event.traceId),
  optional(
    'duration_ms',
    'int4',
    ({ event }) => event.durationMs,
    (milliseconds, into) => into.int4(milliseconds),
  ),
  optional(
    'properties',
    'jsonb',
    ({ event }) => event.properties,
    (properties, into) => into.jsonb(JSON.stringify(properties)),
  ),
];

export const BUCKET_COLUMNS: readonly Column<BucketRow>[] = [
  tenantId((row) => row.tenantId),
  seq(),
  int4('customer_no', ({ customerNo }) => customerNo),
  instant('from_at', ({ from }) => from),
  int4('dimension_no', ({ dimensionNo }) => dimensionNo),
  int8('events', ({ events }) => events),
  sum(
    'uncached_input',
    ({ tokens }) => tokens.uncachedInput,
    (rows) => rows.some(({ tokens }) => !tokens.uncachedInput.isZero()),
  ),
  sum(
    'cache_read',
    ({ tokens }) => tokens.cacheRead,
    (rows) => rows.some(({ tokens }) => !tokens.cacheRead.isZero()),
  ),
  sum(
    'cache_write_5m',
    ({ tokens }) => tokens.cacheWrite5m,
    (rows) => rows.some(({ tokens }) => !tokens.cacheWrite5m.isZero()),
  ),
  sum(
    'cache_write_1h',
    ({ tokens }) => tokens.cacheWrite1h,
    (rows) => rows.some(({ tokens }) => !tokens.cacheWrite1h.isZero()),
  ),
  sum(
    'input_audio',
    ({ tokens }) => tokens.inputAudio,
    (rows) => rows.some(({ tokens }) => !tokens.inputAudio.isZero()),
  ),
  sum(
    'plain_output',
    ({ tokens }) => tokens.plainOutput,
    (rows) => rows.some(({ tokens }) => !tokens.plainOutput.isZero()),
  ),
  sum(
    'reasoning',
    ({ tokens }) => tokens.reasoning,
    (rows) => rows.some(({ tokens }) => !tokens.reasoning.isZero()),
  ),
  sum(
    'output_audio',
    ({ tokens }) => tokens.outputAudio,
    (rows) => rows.some(({ tokens }) => !tokens.outputAudio.isZero()),
  ),
  sum(
    'quantity',
    ({ quantity }) => quantity,
    (rows) => rows.some(({ quantity }) => !quantity.isZero()),
  ),
  sum(
    'gpu_seconds',
    ({ gpuSeconds }) => gpuSeconds,
    (rows) => rows.some(({ gpuSeconds }) => !gpuSeconds.isZero()),
  ),
  sum(
    'cost',
    ({ cost }) => cost,
    (rows) => rows.some(({ cost }) => !cost.isZero()),
  ),
  sum(
    'restated_cost',
    ({ restatedCost }) => restatedCost,
    (rows) => rows.some(({ restatedCost }) => !restatedCost.isZero()),
  ),
];

/** The columns that at least one row has a value in. */
export function columnsInUse<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Column<Row>[] {
  return columns.filter(({ isIn }) => isIn === undefined || isIn(rows));
}

export function arrayOf<Row>({ type, write }: Column<Row>, rows: readonly Row[]): Buffer {
  const array = new BinaryArray(type, rows.length);
  write(rows, array);
  return array.finish();
}

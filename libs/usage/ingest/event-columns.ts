import { TOKEN_POOLS, type Decimal, type TokenPool } from '@tare/core';
import { BinaryArray, type ArrayType } from '@tare/database';
import type { BucketRow } from '../buckets/bucket-cells.ts';
import { hasHashedIdentity } from './event-identity.ts';
import type { EventToStore, KeyToTake } from './event-to-store.ts';

/** A column of rows on their way into a table. */
export interface Column<Row> {
  readonly name: string;
  readonly type: ArrayType;
  /** Appends the row's value; null for a row that has none. */
  readonly write: (row: Row, into: BinaryArray) => void;
  /** Whether the row has a value; a column that no row has is left out of the statement. None: it is always there. */
  readonly isIn?: (row: Row) => boolean;
  /** The same for all rows of a tenant: sent once when all rows are of one. These columns stand first. */
  readonly ofTenant?: (row: Row) => string | number;
}

type Read<Row, Value> = (row: Row) => Value;

const uuid = <Row>(name: string, read: Read<Row, string>): Column<Row> => ({
  name,
  type: 'uuid',
  write: (row, into) => into.uuid(read(row)),
});
const int4 = <Row>(name: string, read: Read<Row, number>): Column<Row> => ({
  name,
  type: 'int4',
  write: (row, into) => into.int4(read(row)),
});
const int8 = <Row>(name: string, read: Read<Row, number>): Column<Row> => ({
  name,
  type: 'int8',
  write: (row, into) => into.int8(read(row)),
});
const instant = <Row>(name: string, read: Read<Row, number>): Column<Row> => ({
  name,
  type: 'timestamptz',
  write: (row, into) => into.timestamptz(read(row)),
});
/** A sum whose column is 0 by default, and left out where all rows have 0. */
const sum = (name: string, read: Read<BucketRow, Decimal>): Column<BucketRow> => ({
  name,
  type: 'numeric',
  isIn: (row) => !read(row).isZero(),
  write: (row, into) => into.numeric(read(row)),
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
    isIn: (row) => read(row) !== null,
    write: (row, into) => {
      const value = read(row);
      if (value === null) into.null();
      else write(value, into);
    },
  };
}

/** A count whose 0 is kept as null: what an event does not have takes neither room nor time. */
const count = (name: string, read: Read<EventToStore, Decimal>): Column<EventToStore> => ({
  name,
  type: 'numeric',
  isIn: (row) => !read(row).isZero(),
  write: (row, into) => {
    const value = read(row);
    if (value.isZero()) into.null();
    else into.numeric(value);
  },
});
const text = (name: string, read: Read<EventToStore, string | null>): Column<EventToStore> =>
  optional(name, 'text', read, (value, into) => into.text(value));

const POOL_COLUMNS: Readonly<Record<TokenPool, string>> = {
  uncachedInput: 'uncached_input',
  cacheRead: 'cache_read',
  cacheWrite5m: 'cache_write_5m',
  cacheWrite1h: 'cache_write_1h',
  inputAudio: 'input_audio',
  plainOutput: 'plain_output',
  reasoning: 'reasoning',
  outputAudio: 'output_audio',
};

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
  ...TOKEN_POOLS.map((pool) => count(POOL_COLUMNS[pool], ({ event }) => event.tokens[pool])),
  count('quantity', ({ event }) => event.quantity),
  count('gpu_seconds', ({ event }) => event.gpuSeconds),
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
  ...TOKEN_POOLS.map((pool) => sum(POOL_COLUMNS[pool], ({ tokens }) => tokens[pool])),
  sum('quantity', ({ quantity }) => quantity),
  sum('gpu_seconds', ({ gpuSeconds }) => gpuSeconds),
  sum('cost', ({ cost }) => cost),
  sum('restated_cost', ({ restatedCost }) => restatedCost),
];

/** The columns that at least one row has a value in. */
export function columnsInUse<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Column<Row>[] {
  return columns.filter(({ isIn }) => isIn === undefined || rows.some(isIn));
}

export function arrayOf<Row>({ type, write }: Column<Row>, rows: readonly Row[]): Buffer {
  const array = new BinaryArray(type, rows.length);
  for (const row of rows) write(row, array);
  return array.finish();
}

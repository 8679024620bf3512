import { Injectable } from '@nestjs/common';
import {
  Decimal,
  NO_TOKENS,
  isFreeProperty,
  isMeterDimension,
  isTokenProperty,
  type Instant,
  type Meter,
  type MeterDimension,
  type MeterFilter,
  type UsageDimensions,
  type UsageRecord,
} from '@tare/core';
import { plainArray, sqlInstant, type TenantTransaction } from '@tare/database';
import { dimensionsOfRow, tokensOfRow, type DimensionRow, type TokenRow } from '../buckets/usage-rows.ts';
import { countInSlot, emptySlot, slotEnd, type CountedSlot, type Placing, type Slot } from './counted-slots.ts';
import { dimensionsWhere, EXPECTED_EVENTS, IN_ANY_ORDER, IN_ORDER_OF_KEY, slotEvents } from './meter-rollup.sql.ts';

const FETCHED_ROWS = 5_000;

const DIMENSION_COLUMNS: Readonly<Record<MeterDimension, string>> = {
  type: 'type',
  provider: 'provider',
  model: 'model',
  serviceTier: 'service_tier',
  region: 'region',
  pool: 'pool',
  feature: 'feature',
  outcome: 'outcome',
};
const TOKEN_COLUMNS = [
  'uncached_input',
  'cache_read',
  'cache_write_5m',
  'cache_write_1h',
  'input_audio',
  'plain_output',
  'reasoning',
  'output_audio',
];

interface EventRow extends Partial<TokenRow> {
  readonly position: number;
  readonly at: Instant;
  readonly dimension_no: number;
  readonly removed: boolean;
  readonly quantity?: string;
  readonly gpu_seconds?: string;
  readonly end_user?: string | null;
  readonly trace_id?: string | null;
  readonly properties?: Readonly<Record<string, unknown>> | null;
}

/** Which events of which slots, as they stand after a commit. */
export interface SlotSelection {
  readonly slots: readonly Slot[];
  readonly upToSeq: number;
  /** Numbers of the dimensions to read; null: all. */
  readonly dimensionNos: readonly number[] | null;
}

/** Counts the events of slots with a meter. Only what the meter reads is fetched, and no more than some thousand events are in memory at once. */
@Injectable()
export class SlotEvents {
  /** Numbers of the dimensions that the meter and `filters` can keep; null: all of them. */
  async dimensionNos(tx: TenantTransaction, meter: Meter, filters: readonly MeterFilter[]): Promise<number[] | null> {
    const values: unknown[] = [tx.tenantId];
    const conditions = [
      ...(meter.eventType === '*' ? [] : [{ property: 'type', in: [meter.eventType] }]),
      ...meter.filters,
      ...filters,
    ].flatMap(({ property, in: texts }) =>
      isMeterDimension(property) ? [`d.${DIMENSION_COLUMNS[property]} = ANY ($${values.push([...texts])}::text[])`] : [],
    );
    if (conditions.length === 0) return null;
    return (await tx.query<{ no: number }>(dimensionsWhere(conditions.join(' AND ')), values)).map(({ no }) => no);
  }

  /** One answer for each slot, in their order. */
  async count(tx: TenantTransaction, meter: Meter, selection: SlotSelection, placing: Placing): Promise<CountedSlot[]> {
    const { slots } = selection;
    const counted = slots.map(emptySlot);
    if (slots.length === 0) return counted;
    const dimensions = new Map<number, UsageDimensions>();
    await tx.query(slotEvents(columnsOf(meter)), [
      tx.tenantId,
      selection.upToSeq,
      nullableArray(selection.dimensionNos),
      ...slotArrays(slots),
      plainArray(slots.map(({ afterSeq }) => afterSeq)),
    ]);
    for (;;) {
      const rows = await tx.query<EventRow>(`FETCH ${FETCHED_ROWS} FROM slot_events`);
      await readDimensions(tx, dimensions, rows);
      for (const row of rows) {
        const [slot, into] = [slots[row.position - 1], counted[row.position - 1]];
        const known = dimensions.get(row.dimension_no);
        if (slot === undefined || into === undefined || known === undefined) throw new Error('an event of a slot that nobody asked for');
        if (row.removed) into.removed = true;
        else {
          const event = eventOf(row, known);
          countInSlot(meter, into, event, placing(event, slot));
        }
      }
      if (rows.length < FETCHED_ROWS) break;
    }
    await tx.query('CLOSE slot_events');
    return counted;
  }

  /** How many events the buckets count in each slot, in their order. */
  async expected(tx: TenantTransaction, { slots, upToSeq, dimensionNos }: SlotSelection): Promise<number[]> {
    const expected = slots.map(() => 0);
    if (slots.length === 0) return expected;
    const values = [tx.tenantId, upToSeq, nullableArray(dimensionNos), ...slotArrays(slots)];
    await tx.query(IN_ORDER_OF_KEY);
    const rows = await tx.query<{ position: number; events: number }>(EXPECTED_EVENTS, values);
    await tx.query(IN_ANY_ORDER);
    for (const { position, events } of rows) expected[position - 1] = events;
    return expected;
  }
}

/** Numbers as an array parameter; null stays null. */
export const nullableArray = (numbers: readonly number[] | null): string | null => (numbers === null ? null : plainArray(numbers));

/** Customers, starts and ends of slots as three array parameters. */
export function slotArrays(slots: readonly Pick<Slot, 'customerNo' | 'from'>[]): string[] {
  return [
    plainArray(slots.map(({ customerNo }) => customerNo)),
    plainArray(slots.map(({ from }) => sqlInstant(from))),
    plainArray(slots.map((slot) => sqlInstant(slotEnd(slot)))),
  ];
}

function columnsOf(meter: Meter): string[] {
  const read = [meter.valueProperty ?? '', ...meter.groupBy, ...meter.filters.map(({ property }) => property)];
  return [
    ...(read.some(isTokenProperty) ? TOKEN_COLUMNS.map((column) => `coalesce(e.${column}, 0)::text AS ${column}`) : []),
    ...(read.includes('quantity') ? ['coalesce(e.quantity, 0)::text AS quantity'] : []),
    ...(read.includes('gpuSeconds') ? ['coalesce(e.gpu_seconds, 0)::text AS gpu_seconds'] : []),
    ...(read.includes('user') ? ['e."user" AS end_user'] : []),
    ...(read.includes('traceId') ? ['e.trace_id'] : []),
    ...(read.some(isFreeProperty) ? ['e.properties'] : []),
  ];
}

async function readDimensions(tx: TenantTransaction, known: Map<number, UsageDimensions>, events: readonly EventRow[]): Promise<void> {
  const missing = [...new Set(events.map((event) => event.dimension_no))].filter((no) => !known.has(no));
  if (missing.length === 0) return;
  const rows = await tx.query<DimensionRow & { no: number }>(
    `SELECT no, type, provider, model, service_tier, region, pool, feature, outcome, subscription_id, cost_state, cost_currency
     FROM usage_dimension WHERE tenant_id = $1 AND no = ANY ($2::int4[])`,
    [tx.tenantId, plainArray(missing)],
  );
  for (const row of rows) known.set(row.no, dimensionsOfRow(row));
}

function eventOf(row: EventRow, dimensions: UsageDimensions): UsageRecord {
  return {
    ...dimensions,
    from: row.at,
    events: Decimal.ONE,
    tokens: row.uncached_input === undefined ? NO_TOKENS : tokensOfRow(row as TokenRow),
    quantity: decimalOf(row.quantity),
    gpuSeconds: decimalOf(row.gpu_seconds),
    cost: Decimal.ZERO,
    restatedCost: Decimal.ZERO,
    user: row.end_user ?? null,
    traceId: row.trace_id ?? null,
    properties: row.properties ?? null,
  };
}

const decimalOf = (text: string | undefined): Decimal => (text === undefined ? Decimal.ZERO : Decimal.parse(text));

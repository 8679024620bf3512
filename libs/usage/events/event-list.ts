import { Injectable } from '@nestjs/common';
import { CostRateStore, cursorOf, keysetOf, type PageRequest, type StoredCostRate } from '@tare/catalog';
import {
  CodedError,
  Decimal,
  MICROS_PER_DAY,
  instantOfDate,
  parseInstant,
  SLOT,
  slotStart,
  type CostState,
  type EventOutcome,
  type Instant,
  type TokenPools,
  type UsageDimensions,
} from '@tare/core';
import { Database, plainArray, sqlInstant, type TenantTransaction } from '@tare/database';
import { eventIdentity } from '../ingest/event-identity.ts';
import { keyOfIdentity } from './event-key.ts';
import { rowIdentity } from '../corrections/event-revision.ts';
import {
  BY_KEY_IN_ORDER,
  CANCELLATIONS,
  DIMENSIONS_OF_FILTER,
  EVENTS_AT,
  LATEST_CELLS,
  MATCHING_CELLS,
  NEWEST_OF_CELLS,
  NEWEST_OF_CUSTOMERS,
  PLACES_OF_KEYS,
} from './list-events.sql.ts';
import { retentionHorizons } from '../retention/retention-horizon.ts';
import { dimensionsOfRow, tokensOfRow, type DimensionRow, type TokenRow } from '../buckets/usage-rows.ts';

/** Only events that all of it holds for. What is left out or null holds for every event. */
export interface EventFilter {
  /** The tenant's own key. */
  readonly customer?: string | null | undefined;
  readonly type?: string | null | undefined;
  readonly provider?: string | null | undefined;
  readonly model?: string | null | undefined;
  readonly feature?: string | null | undefined;
  readonly traceId?: string | null | undefined;
  readonly user?: string | null | undefined;
  readonly outcome?: EventOutcome | null | undefined;
  readonly costState?: CostState | null | undefined;
  readonly from?: Instant | null | undefined;
  /** Exclusive. */
  readonly to?: Instant | null | undefined;
  /** Their own keys, at most 100. */
  readonly keys?: readonly string[] | null | undefined;
}

/** COUNTED: it counts. VOIDED: it was cancelled. AMENDED: it was cancelled, and another event of its key took its place. */
export type EventState = 'COUNTED' | 'VOIDED' | 'AMENDED';

/** An amount with its currency. */
export interface EventAmount {
  readonly amount: Decimal;
  readonly currency: string;
}

/** An event as it is kept. */
export interface ListedEvent extends UsageDimensions {
  /** Names the row: an amended event and what took its place have one key. */
  readonly id: string;
  readonly key: string;
  readonly customer: string;
  readonly at: Instant;
  readonly receivedAt: Instant;
  readonly state: EventState;
  readonly tokens: TokenPools;
  readonly quantity: Decimal | null;
  readonly gpuSeconds: Decimal | null;
  /** The first cost that was known; null while none is (SEMANTICS 9.2). */
  readonly frozenCost: EventAmount | null;
  /** What is known today. */
  readonly restatedCost: EventAmount | null;
  /** The row of the book that says what is known today; null for a cost that came with the event, of a pool, or that is unknown. */
  readonly rate: StoredCostRate | null;
  readonly user: string | null;
  readonly traceId: string | null;
  readonly durationMs: number | null;
  readonly properties: Readonly<Record<string, unknown>> | null;
}

export interface EventPage {
  readonly events: readonly ListedEvent[];
  /** There may be more: a page that looked at much and found little is short. */
  readonly hasNextPage: boolean;
  /** Where to read on; null where nothing was looked at. */
  readonly endCursor: string | null;
}

interface Place {
  readonly customer_no: number;
  readonly at: Instant;
  readonly key_hash: string;
}

interface Cell {
  readonly customer_no: number;
  readonly slot: Instant;
}

interface EventRow extends DimensionRow, TokenRow {
  readonly key_hash: string;
  readonly key: string | null;
  readonly customer: string;
  readonly at: Instant;
  readonly received_at: Instant;
  readonly cancelled: boolean;
  readonly quantity: string | null;
  readonly gpu_seconds: string | null;
  readonly cost: string | null;
  readonly rate_id: string | null;
  readonly restated_cost: string | null;
  readonly restated_currency: string | null;
  readonly restated_rate_id: string | null;
  readonly end_user: string | null;
  readonly trace_id: string | null;
  readonly duration_ms: number | null;
  readonly properties: Readonly<Record<string, unknown>> | null;
}

/** What is looked for, resolved to numbers. */
interface Search {
  /** Null: all. */
  readonly customerNo: number | null;
  readonly dimensionNos: string | null;
  readonly user: string | null;
  readonly traceId: string | null;
  readonly from: Instant;
  readonly to: Instant;
  readonly afterTime: string | null;
  readonly afterId: string | null;
  /** One more than the page has. */
  readonly limit: number;
}

interface Found {
  readonly places: readonly Place[];
  /** Below this instant nothing was looked at; null: everything was. */
  readonly unread: Instant | null;
}

const MOST_KEYS = 100;
const EVENTS_OF_AN_INSTANT = 10_000;
/** Rows of cells that are looked up for a customer, and cells that are read, in one step; steps of a page. */
const CELL_ROWS = 500;
const CELLS = 256;
const STEPS = 16;
/** How far back cells of all customers are looked for in the first step, and how many times farther in each one after it. */
const FIRST_SPAN = MICROS_PER_DAY;
const WIDENING = 4;
const BEGINNING = parseInstant('1700-01-01T00:00:00Z');
const LEAST_IDENTITY = '00000000-0000-0000-0000-000000000000';

/** Events one by one, newest first (list-events.sql.ts says how few rows are touched). Dropped events (docs/retention.md) are not there. */
@Injectable()
export class EventList {
  constructor(
    private readonly database: Database,
    private readonly rates: CostRateStore,
  ) {}

  /**
   * A page of events by time, then identity, both descending; a cursor stays where it is while events arrive.
   * @throws CodedError INVALID_PAGE_SIZE | INVALID_CURSOR | INVALID_SPAN | TOO_MANY_KEYS
   */
  page(tenantId: string, filter: EventFilter, request: PageRequest): Promise<EventPage> {
    const keyset = keysetOf(request);
    requireFilter(filter);
    return this.database.withTenant(tenantId, async (tx) => {
      await tx.query(BY_KEY_IN_ORDER);
      const search = await searchOf(tx, filter, keyset);
      if (search === null) return { events: [], hasNextPage: false, endCursor: null };
      const found = filter.keys ? await this.ofKeys(tx, filter.keys, search) : await newest(tx, search);
      const shown = found.places.slice(0, search.limit - 1);
      const isFull = found.places.length === search.limit;
      const last = shown.at(-1);
      const end =
        isFull || found.unread === null
          ? last && { createdAt: last.at, id: last.key_hash }
          : { createdAt: found.unread, id: LEAST_IDENTITY };
      return {
        events: await this.eventsAt(tx, shown),
        hasNextPage: isFull || found.unread !== null,
        endCursor: end ? cursorOf(end) : null,
      };
    });
  }

  /** The event that a key names now: voided, or the last that was put in its place. Null: none, or one that was dropped. */
  byKey(tenantId: string, key: string): Promise<ListedEvent | null> {
    return this.database.withTenant(tenantId, async (tx) => {
      await tx.query(BY_KEY_IN_ORDER);
      const { dropped } = await retentionHorizons(tx);
      const [place] = await placesOfKeys(tx, [key]);
      if (place === undefined || (dropped !== null && place.at < dropped)) return null;
      return (await this.eventsAt(tx, [place]))[0] ?? null;
    });
  }

  /** The other filters hold for what keys name, too. */
  private async ofKeys(tx: TenantTransaction, keys: readonly string[], search: Search): Promise<Found> {
    const named = await placesOfKeys(tx, keys);
    const places: Place[] = [];
    for (const { customer_no: no, at, key_hash: hash } of named) {
      if (search.customerNo !== null && no !== search.customerNo) continue;
      // The instant of the event alone: its cell may have any number of others.
      const instant = { ...search, from: Math.max(search.from, at), to: Math.min(search.to, at + 1), limit: EVENTS_OF_AN_INSTANT };
      places.push(
        ...(await newestOfCells(tx, instant, [{ customer_no: no, slot: slotStart(at) }])).filter((place) => place.key_hash === hash),
      );
    }
    return { places: places.sort(newestFirst).slice(0, search.limit), unread: null };
  }

  private async eventsAt(tx: TenantTransaction, places: readonly Place[]): Promise<ListedEvent[]> {
    if (places.length === 0) return [];
    const rows = await tx.query<EventRow>(EVENTS_AT, [
      tx.tenantId,
      plainArray(places.map((place) => place.customer_no)),
      plainArray(places.map(({ at }) => sqlInstant(at))),
      plainArray(places.map((place) => place.key_hash)),
    ]);
    const rates = await this.rates.byIds(
      tx,
      rows.flatMap((row) => row.restated_rate_id ?? row.rate_id ?? []),
    );
    const kinds = await kindsOfCancelled(tx, rows);
    return rows.map((row) =>
      listed(row, kinds.get(row.key_hash) ?? 'VOIDED', rates.get(row.restated_rate_id ?? row.rate_id ?? '') ?? null),
    );
  }
}

function requireFilter({ from, to, keys }: EventFilter): void {
  if (from != null && to != null && from >= to) throw new CodedError('INVALID_SPAN', '"from" has to be before "to".', 'to');
  if (keys && keys.length > MOST_KEYS)
    throw new CodedError('TOO_MANY_KEYS', `At most ${MOST_KEYS} keys at once: ask for the others apart.`, 'keys');
}

/** Null: nothing can be found, as there is no such customer or nothing with these dimensions. */
async function searchOf(tx: TenantTransaction, filter: EventFilter, keyset: ReturnType<typeof keysetOf>): Promise<Search | null> {
  const { type, provider, model, feature, outcome, costState, customer } = filter;
  const asked = [type, provider, model, feature, outcome, costState].map((value) => value ?? null);
  const isAsked = asked.some((value) => value !== null);
  const dimensions = isAsked ? await tx.query<{ no: number }>(DIMENSIONS_OF_FILTER, [tx.tenantId, ...asked]) : [];
  if (isAsked && dimensions.length === 0) return null;
  const [known] =
    customer == null
      ? []
      : await tx.query<{ no: number }>('SELECT no FROM customer_key WHERE tenant_id = $1 AND key = $2', [tx.tenantId, customer]);
  if (customer != null && known === undefined) return null;
  const { dropped } = await retentionHorizons(tx);
  return {
    customerNo: known?.no ?? null,
    dimensionNos: isAsked ? plainArray(dimensions.map(({ no }) => no)) : null,
    user: filter.user ?? null,
    traceId: filter.traceId ?? null,
    from: Math.max(filter.from ?? BEGINNING, dropped ?? BEGINNING),
    // No event is of a later time (SEMANTICS 2.4).
    to: Math.min(filter.to ?? Infinity, instantOfDate(new Date()) + MICROS_PER_DAY),
    ...keyset,
  };
}

async function newest(tx: TenantTransaction, search: Search): Promise<Found> {
  const isFiltered = search.dimensionNos !== null || search.user !== null || search.traceId !== null;
  if (isFiltered) return newestMatching(tx, search);
  if (search.customerNo !== null) return { places: await newestOfCustomers(tx, search, [search.customerNo]), unread: null };
  return newestOfAll(tx, search);
}

/** One step is enough, and a second one where the cursor stands inside of a slot: of cells in that slot nothing may be left below it. */
async function newestOfAll(tx: TenantTransaction, search: Search): Promise<Found> {
  const places: Place[] = [];
  let head = firstHead(search);
  let { to } = search;
  for (let step = 0; step < STEPS; step += 1) {
    const latest = await latestCells(tx, search, head);
    const isAll = latest.length < search.limit;
    const low = isAll ? search.from : Math.max(search.from, Math.min(...latest.map(({ slot }) => slot)));
    const customers = latest.map((cell) => cell.customer_no);
    places.push(...(await newestOfCustomers(tx, { ...search, from: low, to, limit: search.limit - places.length }, customers)));
    if (places.length >= search.limit || low === search.from) return { places, unread: null };
    head = low - 1;
    to = low;
  }
  return { places, unread: to };
}

/** The latest instant that an event of the page may have. */
function firstHead({ to, afterTime }: Search): Instant {
  return afterTime === null ? to - 1 : Math.min(to - 1, parseInstant(afterTime));
}

/** The same, no later than the newest usage of all: where there has been none for long, nothing is looked for in the time since. */
async function newestHead(tx: TenantTransaction, search: Search): Promise<Instant> {
  const head = firstHead(search);
  if (search.customerNo !== null) return head;
  const [latest] = await latestCells(tx, { ...search, dimensionNos: null, limit: 1 }, head);
  return latest === undefined ? head : Math.min(head, latest.slot + SLOT - 1);
}

/** Goes through cells that have what is asked for, backwards, a bounded number at a time. */
async function newestMatching(tx: TenantTransaction, search: Search): Promise<Found> {
  const places: Place[] = [];
  let head = await newestHead(tx, search);
  let span = FIRST_SPAN;
  for (let step = 0; step < STEPS; step += 1) {
    const { cells, low } = await matchingCells(tx, search, head, span);
    if (cells.length > 0) places.push(...(await newestOfCells(tx, { ...search, limit: search.limit - places.length }, cells)));
    if (places.length >= search.limit || low === null) return { places, unread: null };
    head = low - 1;
    span *= WIDENING;
  }
  return { places, unread: head + 1 };
}

/** The newest cells up to `head`, and the slot down to which they are all of them; null: there are no others. Of all customers no farther back than `span`. */
async function matchingCells(
  tx: TenantTransaction,
  search: Search,
  head: Instant,
  span: number,
): Promise<{ cells: readonly Cell[]; low: Instant | null }> {
  const from = search.customerNo === null ? Math.max(search.from, head - span) : search.from;
  const latest =
    search.customerNo === null ? await latestCells(tx, { ...search, from }, head) : [{ customer_no: search.customerNo, slot: head }];
  const isAll = search.customerNo !== null || latest.length < search.limit;
  const bottom = isAll ? slotStart(from) : Math.min(...latest.map(({ slot }) => slot));
  const end = from === search.from ? null : bottom;
  if (latest.length === 0) return { cells: [], low: end };
  const rows = await tx.query<Cell>(MATCHING_CELLS, [
    tx.tenantId,
    plainArray(latest.map((cell) => cell.customer_no)),
    sqlInstant(bottom),
    sqlInstant(head),
    search.dimensionNos,
    CELL_ROWS,
  ]);
  const low = lowOf(rows, bottom);
  const cells = [...new Map(rows.filter(({ slot }) => slot >= low).map((cell) => [`${cell.customer_no} ${cell.slot}`, cell])).values()];
  return { cells, low: isAll && low === bottom ? end : low };
}

/** Of a customer with as many rows as were looked up there may be more before the last; and of many cells only the newest are read. */
function lowOf(rows: readonly Cell[], bottom: Instant): Instant {
  let low = bottom;
  const counts = new Map<number, { rows: number; low: Instant }>();
  for (const { customer_no: no, slot } of rows) {
    const seen = counts.get(no) ?? { rows: 0, low: slot };
    counts.set(no, { rows: seen.rows + 1, low: Math.min(seen.low, slot) });
  }
  for (const seen of counts.values()) if (seen.rows === CELL_ROWS) low = Math.max(low, seen.low);
  const slots = [...new Set(rows.map(({ customer_no: no, slot }) => `${slot} ${no}`))]
    .map((cell) => Number(cell.split(' ')[0]))
    .sort((a, b) => b - a);
  return Math.max(low, slots[CELLS - 1] ?? low);
}

async function latestCells(tx: TenantTransaction, { from, dimensionNos, limit }: Search, head: Instant): Promise<Cell[]> {
  const rows = await tx.query<{ customer_no: number; from_at: Instant }>(LATEST_CELLS, [
    tx.tenantId,
    sqlInstant(slotStart(from)),
    sqlInstant(head),
    dimensionNos,
    limit,
  ]);
  return rows.map((row) => ({ customer_no: row.customer_no, slot: slotStart(row.from_at) }));
}

function newestOfCustomers(tx: TenantTransaction, search: Search, customerNos: readonly number[]): Promise<Place[]> {
  const { from, to, afterTime, afterId, limit } = search;
  return tx.query<Place>(NEWEST_OF_CUSTOMERS, [
    tx.tenantId,
    plainArray(customerNos),
    sqlInstant(from),
    sqlInstant(to),
    afterTime,
    afterId,
    limit,
  ]);
}

function newestOfCells(tx: TenantTransaction, search: Search, cells: readonly Cell[]): Promise<Place[]> {
  const { from, to, afterTime, afterId, limit, dimensionNos, user, traceId } = search;
  return tx.query<Place>(NEWEST_OF_CELLS, [
    tx.tenantId,
    plainArray(cells.map((cell) => cell.customer_no)),
    plainArray(cells.map(({ slot }) => sqlInstant(slot))),
    ...[sqlInstant(from), sqlInstant(to), afterTime, afterId, limit, dimensionNos, user, traceId],
  ]);
}

async function placesOfKeys(tx: TenantTransaction, keys: readonly string[]): Promise<Place[]> {
  const rows = await tx.query<{ identity: string; customer_no: number; at: Instant; revision: number }>(PLACES_OF_KEYS, [
    tx.tenantId,
    plainArray([...new Set(keys)].map(eventIdentity)),
  ]);
  return rows.map(({ identity, revision, ...place }) => ({
    ...place,
    key_hash: uuidOf(rowIdentity(identity.replaceAll('-', ''), revision)),
  }));
}

const uuidOf = (digits: string): string => digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const newestFirst = (a: Place, b: Place): number => b.at - a.at || (a.key_hash < b.key_hash ? 1 : -1);

/** Of cancelled events, by the identities of their rows: whether another took their place. */
async function kindsOfCancelled(tx: TenantTransaction, rows: readonly EventRow[]): Promise<Map<string, EventState>> {
  const identities = rows.filter(({ cancelled }) => cancelled).map((row) => eventIdentity(keyOfRow(row)));
  if (identities.length === 0) return new Map();
  const cancelled = await tx.query<{ identity: string; revision: number; kind: 'VOID' | 'AMEND' }>(CANCELLATIONS, [
    tx.tenantId,
    plainArray(identities),
  ]);
  return new Map(
    cancelled.map(({ identity, revision, kind }) => [
      uuidOf(rowIdentity(identity.replaceAll('-', ''), revision)),
      kind === 'AMEND' ? 'AMENDED' : 'VOIDED',
    ]),
  );
}

const keyOfRow = ({ key, key_hash: hash }: EventRow): string => key ?? keyOfIdentity(hash);

function listed(row: EventRow, cancelledAs: EventState, rate: StoredCostRate | null): ListedEvent {
  const dimensions = dimensionsOfRow(row);
  const frozenCost = amountOf(row.cost, row.cost_currency);
  return {
    ...dimensions,
    id: row.key_hash,
    key: keyOfRow(row),
    customer: row.customer,
    at: row.at,
    receivedAt: row.received_at,
    state: row.cancelled ? cancelledAs : 'COUNTED',
    tokens: tokensOfRow(row),
    quantity: row.quantity === null ? null : Decimal.parse(row.quantity),
    gpuSeconds: row.gpu_seconds === null ? null : Decimal.parse(row.gpu_seconds),
    frozenCost,
    restatedCost: amountOf(row.restated_cost, row.restated_currency) ?? frozenCost,
    rate,
    user: row.end_user,
    traceId: row.trace_id,
    durationMs: row.duration_ms,
    properties: row.properties,
  };
}

function amountOf(amount: string | null, currency: string | null): EventAmount | null {
  return amount === null || currency === null ? null : { amount: Decimal.parse(amount), currency };
}

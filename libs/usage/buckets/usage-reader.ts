import { Injectable } from '@nestjs/common';
import {
  Decimal,
  slotStart,
  USAGE_COUNTS,
  type Instant,
  type Period,
  type UsageCount,
  type UsageDimensions,
  type UsageRecord,
} from '@tare/core';
import { plainArray, sqlInstant, type TenantTransaction } from '@tare/database';
import { BoundedCache } from '../bounded-cache.ts';
import {
  CHANGED_SINCE,
  CHANGED_SPAN,
  CUSTOMERS_WITH_USAGE,
  READ_DIMENSIONS,
  READ_EVENTS,
  READ_SUMS,
  READ_TOTALS,
  readWindows,
} from './read-usage.sql.ts';
import { retentionHorizons } from '../retention/retention-horizon.ts';
import { UsageBoundaries } from './usage-boundaries.ts';
import { dimensionsOfRow, tokensOfRow, type DimensionRow, type TokenRow } from './usage-rows.ts';

export interface UsageQuery {
  readonly customerNo: number;
  /** Ascending, at least two: windows are [cuts[i], cuts[i + 1]). Any instants. */
  readonly cuts: readonly Instant[];
  /** Only what commits up to this one brought (see `currentSeq`); none: everything. */
  readonly upToSeq?: number;
}

/** A stretch of one customer's time: [from, to), any instants. */
export interface UsageWindow {
  readonly customerNo: number;
  readonly from: Instant;
  readonly to: Instant;
}

export interface ManyUsageQuery extends Omit<UsageQuery, 'customerNo'> {
  /** Null: every customer of the tenant. */
  readonly customerNos: readonly number[] | null;
  /** Only what commits after this one brought, for cursors: exact from `UsagePins.floor` on, where no sums straddle it. None: everything. */
  readonly afterSeq?: number;
  /** Only usage on these capacity pools. */
  readonly pools?: readonly string[];
}

export interface CustomerUsageRecord extends UsageRecord {
  readonly customerNo: number;
}

export interface EventQuery {
  readonly customerNo: number;
  readonly from: Instant;
  /** Exclusive. */
  readonly to: Instant;
  readonly upToSeq?: number;
}

export interface ChangedCustomer {
  readonly customerNo: number;
  /** The span of event time that moved, in whole slots: [from, to). */
  readonly from: Instant;
  readonly to: Instant;
  /** The last commit that moved it. */
  readonly seq: number;
}

interface CountRow extends TokenRow {
  readonly quantity: string;
  readonly gpu_seconds: string;
  readonly cost: string;
  readonly restated_cost: string;
}

interface SumRow extends CountRow, DimensionRow {
  readonly customer_no: number;
  readonly window_no: number;
  readonly events: string;
}

type Nullable<Row> = { readonly [Name in keyof Row]: Row[Name] | null };

/** Counts that were not asked for are not there; those of which there is none are null. */
interface WindowRow extends Partial<Nullable<CountRow>> {
  readonly window_no: number;
  readonly dimension_no: number;
  readonly events: string;
}

interface EventRow extends CountRow, DimensionRow {
  readonly at: Instant;
  readonly end_user: string | null;
  readonly trace_id: string | null;
  readonly properties: Readonly<Record<string, unknown>> | null;
}

const EVERYTHING = Number.MAX_SAFE_INTEGER;
const NOTHING = -1;
const CACHED_DIMENSIONS = 100_000;
const EVERY_COUNT: ReadonlySet<UsageCount> = new Set(USAGE_COUNTS);

/** By their names: one for each set of counts that prices ask for, which are few. */
const windowsStatements = new Map<string, string>();

/** Usage as rating, credits, billing and margins read it: the same sums whether a cell or the events themselves were counted (SEMANTICS 12). */
@Injectable()
export class UsageReader {
  private readonly dimensions = new BoundedCache<UsageDimensions>(CACHED_DIMENSIONS);

  constructor(private readonly boundaries: UsageBoundaries) {}

  /** Sums of one customer per window and dimensions; `from` is the window's start. Exact for any cuts. */
  async read(tx: TenantTransaction, { customerNo, cuts, upToSeq }: UsageQuery): Promise<UsageRecord[]> {
    requireCuts(cuts);
    const windows = cuts.slice(1).map((to, i) => ({ customerNo, from: cuts[i] ?? NaN, to }));
    return (await this.readWindows(tx, windows, upToSeq)).flat();
  }

  /**
   * The records of each window, in the order of the windows; `from` is the window's start. A fixed number of queries, however many windows and customers
   * there are. Exact for any bounds. `counts`: only these are read, all others are zero in the records; none: all.
   */
  async readWindows(
    tx: TenantTransaction,
    windows: readonly UsageWindow[],
    upToSeq?: number,
    counts: ReadonlySet<UsageCount> = EVERY_COUNT,
  ): Promise<UsageRecord[][]> {
    const records = windows.map((): UsageRecord[] => []);
    if (windows.length === 0) return records;
    const divided = await this.dividedCells(tx, windows);
    const statement = windowsStatement(counts, divided.length > 0);
    const rows = await tx.queryPrepared<WindowRow>(statement.name, statement.text, [
      tx.tenantId,
      plainArray(windows.map(({ customerNo }) => customerNo)),
      plainArray(windows.map(({ from }) => sqlInstant(from))),
      plainArray(windows.map(({ to }) => sqlInstant(to))),
      upToSeq ?? EVERYTHING,
      ...(divided.length > 0
        ? [plainArray(divided.map(({ customerNo }) => customerNo)), plainArray(divided.map(({ slot }) => sqlInstant(slot)))]
        : []),
    ]);
    const dimensions = await this.dimensionsOf(tx, rows);
    for (const row of rows) {
      const from = windows[row.window_no - 1]?.from ?? NaN;
      records[row.window_no - 1]?.push(windowRecord(row, dimensions(row.dimension_no), from));
    }
    return records;
  }

  /** The same for several or all customers at once, by customer, window, dimensions. */
  async readMany(tx: TenantTransaction, query: ManyUsageQuery): Promise<CustomerUsageRecord[]> {
    requireCuts(query.cuts);
    const divided = await this.dividedSlots(tx, query);
    const rows = await tx.query<SumRow>(READ_SUMS, [
      tx.tenantId,
      query.customerNos === null ? null : plainArray(query.customerNos),
      plainArray(query.cuts.map(sqlInstant)),
      query.upToSeq ?? EVERYTHING,
      plainArray(divided.map(sqlInstant)),
      query.pools === undefined ? null : plainArray(await dimensionsOfPools(tx, query.pools)),
      query.afterSeq ?? NOTHING,
    ]);
    return rows.map((row) => ({ ...sumOf(row, query.cuts), customerNo: row.customer_no }));
  }

  /** Sums of all customers together per dimensions, of the whole slots that begin in [from, to); `from` of the records is that of the span. */
  async readTotals(tx: TenantTransaction, { from, to }: { readonly from: Instant; readonly to: Instant }): Promise<UsageRecord[]> {
    const rows = await tx.query<SumRow>(READ_TOTALS, [tx.tenantId, sqlInstant(from), sqlInstant(to)]);
    return rows.map((row) => sumOf(row, [from, to]));
  }

  /** Single events, by time, with what sums do not keep: for meters that `needsEvents`. */
  async readEvents(tx: TenantTransaction, { customerNo, from, to, upToSeq }: EventQuery): Promise<UsageRecord[]> {
    const rows = await tx.query<EventRow>(READ_EVENTS, [tx.tenantId, customerNo, sqlInstant(from), sqlInstant(to), upToSeq ?? EVERYTHING]);
    return rows.map((row) => ({
      ...dimensionsOfRow(row),
      ...countsOf(row),
      from: row.at,
      events: Decimal.ONE,
      user: row.end_user,
      traceId: row.trace_id,
      properties: row.properties,
    }));
  }

  /**
   * Single events where they are kept, and sums between the cuts in time whose events retention has dropped (docs/retention.md): buckets tell of those alone.
   * No sum is an event's value: what only events know (users, properties, a greatest or latest value) is not there before the horizon.
   */
  async readEventsWhereKept(tx: TenantTransaction, { cuts, ...query }: UsageQuery): Promise<UsageRecord[]> {
    requireCuts(cuts);
    const [from, to] = [cuts[0] ?? NaN, cuts.at(-1) ?? NaN];
    const { dropped } = await retentionHorizons(tx);
    if (dropped === null || dropped <= from) return this.readEvents(tx, { ...query, from, to });
    const horizon = Math.min(dropped, to);
    const sums = await this.read(tx, { ...query, cuts: [...cuts.filter((cut) => cut < horizon), horizon] });
    return horizon === to ? sums : [...sums, ...(await this.readEvents(tx, { ...query, from: horizon, to }))];
  }

  /** The number of the last commit: every row with it or a lower one is visible, and none will ever be added under them. */
  async currentSeq(tx: TenantTransaction): Promise<number> {
    const [clock] = await tx.query<{ seq: number }>('SELECT seq FROM usage_clock WHERE tenant_id = $1', [tx.tenantId]);
    return clock?.seq ?? 0;
  }

  /** Whose usage commits after `seq` moved: for cursors that follow usage. */
  async customersChangedSince(tx: TenantTransaction, seq: number): Promise<ChangedCustomer[]> {
    const rows = await tx.query<{ customer_no: number; from_at: Instant; to_at: Instant; seq: number }>(CHANGED_SINCE, [tx.tenantId, seq]);
    return rows.map((row) => ({ customerNo: row.customer_no, from: row.from_at, to: row.to_at, seq: row.seq }));
  }

  /** The whole slots of event time in which commits after `afterSeq` moved the customer's usage; null: they did not. */
  async changedSpan(
    tx: TenantTransaction,
    customerNo: number,
    { afterSeq, upToSeq }: { readonly afterSeq: number; readonly upToSeq: number },
  ): Promise<Period | null> {
    const [row] = await tx.query<{ from_at: Instant | null; to_at: Instant | null }>(CHANGED_SPAN, [
      tx.tenantId,
      customerNo,
      afterSeq,
      upToSeq,
    ]);
    return row?.from_at == null || row.to_at === null ? null : { start: row.from_at, end: row.to_at };
  }

  /** Numbers of the customers that have usage in the slots that [from, to) touches: at least those with usage in the span. */
  async customersWithUsage(tx: TenantTransaction, { from, to }: { readonly from: Instant; readonly to: Instant }): Promise<number[]> {
    const rows = await tx.query<{ customer_no: number }>(CUSTOMERS_WITH_USAGE, [tx.tenantId, sqlInstant(slotStart(from)), sqlInstant(to)]);
    return rows.map((row) => row.customer_no);
  }

  /** What the rows' dimensions stand for: they never change, so they are read once. */
  private async dimensionsOf(tx: TenantTransaction, rows: readonly WindowRow[]): Promise<(no: number) => UsageDimensions> {
    const known = new Map<number, UsageDimensions>();
    const unknown: number[] = [];
    for (const no of new Set(rows.map((row) => row.dimension_no))) {
      const cached = this.dimensions.get(`${tx.tenantId} ${no}`);
      if (cached === undefined) unknown.push(no);
      else known.set(no, cached);
    }
    const read =
      unknown.length === 0 ? [] : await tx.query<DimensionRow & { no: number }>(READ_DIMENSIONS, [tx.tenantId, plainArray(unknown)]);
    for (const row of read) {
      const dimensions = dimensionsOfRow(row);
      known.set(row.no, dimensions);
      this.dimensions.set(`${tx.tenantId} ${row.no}`, dimensions);
    }
    return (no) => {
      const dimensions = known.get(no);
      if (dimensions === undefined) throw new Error(`usage names dimension ${no}, which is not there`);
      return dimensions;
    };
  }

  /** Slots of customers that a window's bound divides where their cells are not cut. */
  private async dividedCells(tx: TenantTransaction, windows: readonly UsageWindow[]): Promise<{ customerNo: number; slot: Instant }[]> {
    const offGrid = new Map<number, Set<Instant>>();
    for (const { customerNo, from, to } of windows) {
      for (const bound of [from, to]) {
        if (slotStart(bound) === bound) continue;
        const own = offGrid.get(customerNo);
        if (own === undefined) offGrid.set(customerNo, new Set([bound]));
        else own.add(bound);
      }
    }
    if (offGrid.size === 0) return [];
    const boundaries = await this.boundaries.read(tx, tx.tenantId, [...offGrid.keys()]);
    const divided = [...offGrid].flatMap(([customerNo, bounds]) => {
      const cut = new Set(boundaries.get(customerNo));
      return [...new Set([...bounds].filter((bound) => !cut.has(bound)).map(slotStart))].map((slot) => ({ customerNo, slot }));
    });
    if (divided.length === 0) return [];
    // Where events were dropped, cells are all that there is: they count where they begin (docs/retention.md).
    const { dropped } = await retentionHorizons(tx);
    return dropped === null ? divided : divided.filter(({ slot }) => slot >= dropped);
  }

  /** Slots that a cut divides where cells are not cut: neither on the grid nor a boundary of all the customers asked for. */
  private async dividedSlots(tx: TenantTransaction, { cuts, customerNos }: ManyUsageQuery): Promise<Instant[]> {
    const offGrid = cuts.filter((cut) => slotStart(cut) !== cut);
    if (offGrid.length === 0) return [];
    const boundaries =
      customerNos === null ? new Map<number, readonly Instant[]>() : await this.boundaries.read(tx, tx.tenantId, customerNos);
    const sets = (customerNos ?? []).map((no) => new Set(boundaries.get(no)));
    const isCut = (cut: Instant): boolean => sets.length > 0 && sets.every((set) => set.has(cut));
    const divided = [...new Set(offGrid.filter((cut) => !isCut(cut)).map(slotStart))];
    if (divided.length === 0) return [];
    // Where events were dropped, cells are all that there is: they count where they begin (docs/retention.md).
    const { dropped } = await retentionHorizons(tx);
    return dropped === null ? divided : divided.filter((slot) => slot >= dropped);
  }
}

function windowsStatement(counts: ReadonlySet<UsageCount>, divided: boolean): { name: string; text: string } {
  const asked = USAGE_COUNTS.filter((count) => counts.has(count));
  const name = `read usage windows${divided ? ', divided' : ''} ${USAGE_COUNTS.map((count) => (counts.has(count) ? '1' : '0')).join('')}`;
  const text = windowsStatements.get(name) ?? readWindows(asked, divided);
  windowsStatements.set(name, text);
  return { name, text };
}

/** Every field is named: it is made for each line of each bill, and copying objects together is slow. */
function windowRecord(row: WindowRow, dimensions: UsageDimensions, from: Instant): UsageRecord {
  return {
    type: dimensions.type,
    provider: dimensions.provider,
    model: dimensions.model,
    serviceTier: dimensions.serviceTier,
    region: dimensions.region,
    pool: dimensions.pool,
    feature: dimensions.feature,
    outcome: dimensions.outcome,
    subscription: dimensions.subscription,
    costState: dimensions.costState,
    costCurrency: dimensions.costCurrency,
    from,
    events: Decimal.parse(row.events),
    tokens: {
      uncachedInput: countOf(row.uncached_input),
      cacheRead: countOf(row.cache_read),
      cacheWrite5m: countOf(row.cache_write_5m),
      cacheWrite1h: countOf(row.cache_write_1h),
      inputAudio: countOf(row.input_audio),
      plainOutput: countOf(row.plain_output),
      reasoning: countOf(row.reasoning),
      outputAudio: countOf(row.output_audio),
    },
    quantity: countOf(row.quantity),
    gpuSeconds: countOf(row.gpu_seconds),
    cost: countOf(row.cost),
    restatedCost: countOf(row.restated_cost),
  };
}

function countOf(text: string | null | undefined): Decimal {
  return text == null ? Decimal.ZERO : Decimal.parse(text);
}

function requireCuts(cuts: readonly Instant[]): void {
  const isAscending = cuts.every((cut, i) => i === 0 || cut > (cuts[i - 1] ?? cut));
  if (cuts.length < 2 || !isAscending) throw new RangeError('usage is read between at least two ascending cuts');
}

async function dimensionsOfPools(tx: TenantTransaction, pools: readonly string[]): Promise<number[]> {
  const rows = await tx.query<{ no: number }>('SELECT no FROM usage_dimension WHERE tenant_id = $1 AND pool = ANY ($2::text[])', [
    tx.tenantId,
    pools,
  ]);
  return rows.map(({ no }) => no);
}

function sumOf(row: SumRow, cuts: readonly Instant[]): UsageRecord {
  return { ...dimensionsOfRow(row), ...countsOf(row), from: cuts[row.window_no - 1] ?? NaN, events: Decimal.parse(row.events) };
}

function countsOf(row: CountRow): Pick<UsageRecord, 'tokens' | 'quantity' | 'gpuSeconds' | 'cost' | 'restatedCost'> {
  return {
    tokens: tokensOfRow(row),
    quantity: Decimal.parse(row.quantity),
    gpuSeconds: Decimal.parse(row.gpu_seconds),
    cost: Decimal.parse(row.cost),
    restatedCost: Decimal.parse(row.restated_cost),
  };
}

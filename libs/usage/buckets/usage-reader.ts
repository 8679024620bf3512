import { Injectable } from '@nestjs/common';
import { Decimal, slotStart, type Instant, type UsageRecord } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';
import { plainArray } from '../column-array.ts';
import { CHANGED_SINCE, CUSTOMERS_WITH_USAGE, READ_EVENTS, READ_SUMS } from './read-usage.sql.ts';
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

export interface ManyUsageQuery extends Omit<UsageQuery, 'customerNo'> {
  /** Null: every customer of the tenant. */
  readonly customerNos: readonly number[] | null;
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

interface CountRow extends DimensionRow, TokenRow {
  readonly quantity: string;
  readonly gpu_seconds: string;
  readonly cost: string;
  readonly restated_cost: string;
}

interface SumRow extends CountRow {
  readonly customer_no: number;
  readonly window_no: number;
  readonly events: string;
}

interface EventRow extends CountRow {
  readonly at: Instant;
  readonly end_user: string | null;
  readonly trace_id: string | null;
  readonly properties: Readonly<Record<string, unknown>> | null;
}

const EVERYTHING = Number.MAX_SAFE_INTEGER;

/** Usage as rating, credits, billing and margins read it: the same sums whether a cell or the events themselves were counted (SEMANTICS 12). */
@Injectable()
export class UsageReader {
  constructor(private readonly boundaries: UsageBoundaries) {}

  /** Sums of one customer per window and dimensions; `from` is the window's start. Exact for any cuts. */
  async read(tx: TenantTransaction, { customerNo, ...query }: UsageQuery): Promise<UsageRecord[]> {
    return (await this.readMany(tx, { ...query, customerNos: [customerNo] })).map(({ customerNo: _, ...record }) => record);
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
    ]);
    return rows.map((row) => ({ ...sumOf(row, query.cuts), customerNo: row.customer_no }));
  }

  /** Single events, by time, with what sums do not keep: for meters that `needsEvents`. */
  async readEvents(tx: TenantTransaction, { customerNo, from, to, upToSeq }: EventQuery): Promise<UsageRecord[]> {
    const rows = await tx.query<EventRow>(READ_EVENTS, [tx.tenantId, customerNo, sqlInstant(from), sqlInstant(to), upToSeq ?? EVERYTHING]);
    return rows.map((row) => ({
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

  /** Numbers of the customers that have usage in the slots that [from, to) touches: at least those with usage in the span. */
  async customersWithUsage(tx: TenantTransaction, { from, to }: { readonly from: Instant; readonly to: Instant }): Promise<number[]> {
    const rows = await tx.query<{ customer_no: number }>(CUSTOMERS_WITH_USAGE, [tx.tenantId, sqlInstant(slotStart(from)), sqlInstant(to)]);
    return rows.map((row) => row.customer_no);
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
  return { ...countsOf(row), from: cuts[row.window_no - 1] ?? NaN, events: Decimal.parse(row.events) };
}

function countsOf(row: CountRow): Omit<UsageRecord, 'from' | 'events'> {
  return {
    ...dimensionsOfRow(row),
    tokens: tokensOfRow(row),
    quantity: Decimal.parse(row.quantity),
    gpuSeconds: Decimal.parse(row.gpu_seconds),
    cost: Decimal.parse(row.cost),
    restatedCost: Decimal.parse(row.restated_cost),
  };
}

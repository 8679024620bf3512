import { Injectable } from '@nestjs/common';
import { MeterStore, type StoredMeter } from '@tare/catalog';
import {
  CodedError,
  TIME_WINDOWS,
  requireTimeZone,
  validateFilters,
  windowCuts,
  type Decimal,
  type Instant,
  type MeterFilter,
  type Period,
  type TimeWindow,
} from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import type { GroupTexts } from './counted-slots.ts';
import { MeterUsageReader, type MeterUsage } from './meter-usage-reader.ts';
import { UsageCustomers, type UsageCustomer } from './usage-customers.store.ts';

/** What usage is asked for; absent and null are the same. */
export interface MeterUsageRequest {
  /** Key of the meter. */
  readonly meter: string;
  readonly from: Instant;
  /** Exclusive. */
  readonly to: Instant;
  readonly window?: TimeWindow | null | undefined;
  /** None: each customer's own; of all customers together UTC. */
  readonly timeZone?: string | null | undefined;
  /** Keys; none: all. */
  readonly customers?: readonly string[] | null | undefined;
  /** False: all customers together. */
  readonly perCustomer?: boolean | null | undefined;
  readonly groupBy?: readonly string[] | null | undefined;
  readonly filters?: readonly MeterFilter[] | null | undefined;
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** A meter's quantity in a window, of a customer and group. */
export interface MeterUsageRow {
  readonly from: Instant;
  /** Exclusive. */
  readonly to: Instant;
  /** Key; null: all customers that were asked for together. */
  readonly customer: string | null;
  /** One value for each property of `groupBy`; null where usage has none. */
  readonly group: GroupTexts;
  readonly value: Decimal;
  readonly inexactEvents: number;
  readonly cursor: string;
}

export interface MeterUsagePage {
  readonly rows: readonly MeterUsageRow[];
  readonly hasNextPage: boolean;
}

/** What rows are ordered by: customer, window, group. */
interface Position {
  readonly customerNo: number;
  readonly from: Instant;
  readonly group: GroupTexts;
}

interface CheckedRequest {
  readonly span: Period;
  readonly window: TimeWindow;
  readonly timeZone: string | null;
  readonly perCustomer: boolean;
  readonly groupBy: readonly string[];
  readonly filters: readonly MeterFilter[];
  readonly first: number;
  readonly after: Position | null;
}

const UTC = 'UTC';
const DEFAULT_ROWS = 100;
const MOST_ROWS = 1_000;
/** More than a year of hours. */
const MOST_WINDOWS = 10_000;
const MOST_CUSTOMERS = 1_000;
const MOST_GROUPS = 10;
const MOST_CUSTOMER_NO = 2 ** 31 - 1;
/** Customers that are read at once, and the windows that they come to together. */
const BATCH_CUSTOMERS = 100;
const BATCH_WINDOWS = 5_000;

/** Usage over time: what a meter counts, by customer, window and group. */
@Injectable()
export class MeterUsageService {
  constructor(
    private readonly database: Database,
    private readonly meters: MeterStore,
    private readonly customers: UsageCustomers,
    private readonly reader: MeterUsageReader,
  ) {}

  /**
   * Rows by customer (in the order in which their keys were first seen), window and group; windows without usage have none. Of one moment: no event that
   * comes meanwhile is in a part of a page.
   * @throws CodedError NOT_FOUND, INVALID_SPAN, TOO_MANY_WINDOWS, TOO_MANY, UNKNOWN_TIME_ZONE, INVALID_PAGE_SIZE, INVALID_CURSOR, NOT_GROUPED_BY, TOO_MANY_ROWS
   */
  async page(tenantId: string, request: MeterUsageRequest): Promise<MeterUsagePage> {
    const checked = checkedRequest(request);
    const keys = request.customers ?? null;
    requireAtMost(MOST_CUSTOMERS, keys ?? [], 'customers');
    return this.database.withTenant(tenantId, async (tx) => {
      await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      const meter = await this.meters.byKey(tx, request.meter);
      if (meter === null) throw new CodedError('NOT_FOUND', `There is no meter with key "${request.meter}".`, 'meter');
      const customerNos = keys === null ? null : await this.numbersOf(tx, keys);
      const rows = checked.perCustomer
        ? await this.rowsPerCustomer(tx, meter, checked, customerNos)
        : await this.rowsTogether(tx, meter, checked, customerNos);
      return { rows: rows.slice(0, checked.first), hasNextPage: rows.length > checked.first };
    });
  }

  /** At least one row more than the page has, if there is one. Reads customer by customer, so that a page costs what it shows. */
  private async rowsPerCustomer(
    tx: TenantTransaction,
    meter: StoredMeter,
    request: CheckedRequest,
    customerNos: readonly number[] | null,
  ): Promise<MeterUsageRow[]> {
    const { span, first, after } = request;
    const limit = batchSize(request);
    const rows: MeterUsageRow[] = [];
    for (let from = after?.customerNo ?? 0; rows.length <= first;) {
      const batch = await this.customers.withUsage(tx, span, { customerNos, from, limit });
      rows.push(...(await this.rowsOfBatch(tx, meter, request, batch)));
      if (batch.length < limit) break;
      from = (batch.at(-1)?.no ?? from) + 1;
    }
    return rows;
  }

  private async rowsOfBatch(
    tx: TenantTransaction,
    meter: StoredMeter,
    request: CheckedRequest,
    batch: readonly UsageCustomer[],
  ): Promise<MeterUsageRow[]> {
    const { span, window, timeZone, groupBy, filters, after } = request;
    const keys = new Map(batch.map(({ no, key }) => [no, key]));
    const found: MeterUsageRow[] = [];
    const positions = new Map<MeterUsageRow, Position>();
    for (const [zone, customerNos] of byZone(batch, timeZone)) {
      const cuts = cutsOf(span, window, zone);
      for (const usage of await this.reader.read(tx, meter, { customerNos, perCustomer: true, cuts, groupBy, filters })) {
        const position = positionOf(usage, cuts);
        if (after !== null && compare(position, after) <= 0) continue;
        const row = rowOf(usage, position, cuts, keys.get(usage.customerNo) ?? null);
        found.push(row);
        positions.set(row, position);
      }
    }
    return found.sort((a, b) => compare(positions.get(a) as Position, positions.get(b) as Position));
  }

  private async rowsTogether(
    tx: TenantTransaction,
    meter: StoredMeter,
    { span, window, timeZone, groupBy, filters, after }: CheckedRequest,
    customerNos: readonly number[] | null,
  ): Promise<MeterUsageRow[]> {
    const cuts = cutsOf(span, window, timeZone ?? UTC);
    const usages = await this.reader.read(tx, meter, { customerNos, perCustomer: false, cuts, groupBy, filters });
    return usages
      .map((usage) => ({ usage, position: positionOf(usage, cuts) }))
      .filter(({ position }) => after === null || compare(position, after) > 0)
      .sort((a, b) => compare(a.position, b.position))
      .map(({ usage, position }) => rowOf(usage, position, cuts, null));
  }

  private async numbersOf(tx: TenantTransaction, keys: readonly string[]): Promise<number[]> {
    const numbers = await this.customers.numbersOf(tx, keys);
    return keys.map((key, i) => {
      const no = numbers.get(key);
      if (no !== undefined) return no;
      throw new CodedError('NOT_FOUND', `There is neither a customer nor usage with key "${key}".`, `customers[${i}]`);
    });
  }
}

function checkedRequest(request: MeterUsageRequest): CheckedRequest {
  const { from: start, to: end } = request;
  if (start >= end) throw new CodedError('INVALID_SPAN', '"from" has to be before "to".', 'to');
  const window = request.window ?? 'NONE';
  if (!TIME_WINDOWS.includes(window)) throw new CodedError('INVALID_FIELD', 'There is no such window.', 'window');
  const timeZone = request.timeZone ?? null;
  if (timeZone !== null) requireTimeZone(timeZone, 'timeZone');
  const groupBy = request.groupBy ?? [];
  requireAtMost(MOST_GROUPS, groupBy, 'groupBy');
  const first = request.first ?? DEFAULT_ROWS;
  if (!Number.isInteger(first) || first < 1 || first > MOST_ROWS) {
    throw new CodedError('INVALID_PAGE_SIZE', `A page has 1 to ${MOST_ROWS} rows.`, 'first');
  }
  const span = { start, end };
  cutsOf(span, window, timeZone ?? UTC);
  return {
    span,
    window,
    timeZone,
    perCustomer: request.perCustomer ?? true,
    groupBy,
    filters: validateFilters(request.filters ?? [], 'filters'),
    first,
    after: request.after === null || request.after === undefined ? null : readCursor(request.after, groupBy.length),
  };
}

function requireAtMost(limit: number, list: readonly unknown[], path: string): void {
  if (list.length > limit) throw new CodedError('TOO_MANY', `At most ${limit} are allowed here.`, path);
}

function cutsOf(span: Period, window: TimeWindow, zone: string): Instant[] {
  const cuts = windowCuts(span, window, zone, MOST_WINDOWS);
  if (cuts !== undefined) return cuts;
  throw new CodedError(
    'TOO_MANY_WINDOWS',
    `The span has more than ${MOST_WINDOWS} windows. Ask for a shorter span or longer windows.`,
    'window',
  );
}

function batchSize({ span, window }: CheckedRequest): number {
  const windows = cutsOf(span, window, UTC).length;
  return Math.max(1, Math.min(BATCH_CUSTOMERS, Math.floor(BATCH_WINDOWS / windows)));
}

/** Customers whose windows are the same. */
function byZone(batch: readonly UsageCustomer[], timeZone: string | null): Map<string, number[]> {
  const zones = new Map<string, number[]>();
  for (const customer of batch) {
    const zone = timeZone ?? customer.timeZone ?? UTC;
    const own = zones.get(zone);
    if (own === undefined) zones.set(zone, [customer.no]);
    else own.push(customer.no);
  }
  return zones;
}

const positionOf = ({ customerNo, window, group }: MeterUsage, cuts: readonly Instant[]): Position => ({
  customerNo,
  from: cuts[window] ?? NaN,
  group,
});

function rowOf(usage: MeterUsage, position: Position, cuts: readonly Instant[], customer: string | null): MeterUsageRow {
  const { group, value, inexactEvents } = usage;
  return { from: position.from, to: cuts[usage.window + 1] ?? NaN, customer, group, value, inexactEvents, cursor: cursorOf(position) };
}

/** By customer, window, then group text by text, what has none first. */
function compare(a: Position, b: Position): number {
  if (a.customerNo !== b.customerNo) return a.customerNo - b.customerNo;
  if (a.from !== b.from) return a.from - b.from;
  for (const [i, text] of a.group.entries()) {
    const other = b.group[i] ?? null;
    if (text === other) continue;
    if (text === null || other === null) return text === null ? -1 : 1;
    return text < other ? -1 : 1;
  }
  return 0;
}

const cursorOf = ({ customerNo, from, group }: Position): string =>
  Buffer.from(JSON.stringify([customerNo, from, group])).toString('base64url');

function readCursor(text: string, groups: number): Position {
  const parts = parsed(Buffer.from(text, 'base64url').toString());
  if (Array.isArray(parts)) {
    const [customerNo, from, group] = parts as unknown[];
    const isGroup = Array.isArray(group) && group.length === groups && group.every((one) => one === null || typeof one === 'string');
    if (isCustomerNo(customerNo) && Number.isSafeInteger(from) && isGroup) {
      return { customerNo: customerNo as number, from: from as Instant, group: group as GroupTexts };
    }
  }
  throw new CodedError('INVALID_CURSOR', 'The cursor is not one that this list gave out.', 'after');
}

/** Customers have numbers of 4 bytes: no list gave out another, and the database could not read it. */
const isCustomerNo = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_CUSTOMER_NO;

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

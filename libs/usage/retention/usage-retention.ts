import { Injectable } from '@nestjs/common';
import { AuditLog, SettingsService } from '@tare/access';
import { formatInstant, MICROS_PER_DAY, type Instant } from '@tare/core';
import { Database, plainArray, sqlInstant, sqlInstantOrNull, type TenantTransaction } from '@tare/database';
import { BY_KEY } from '../buckets/compact-buckets.sql.ts';
import { eventIdentity } from '../ingest/event-identity.ts';
import { monthAfter, monthOf, nameOfMonth } from './usage-month.ts';
import { retentionHorizons } from './retention-horizon.ts';
import {
  ADVANCE,
  ANNOUNCE,
  DELETE_EVENTS,
  DELETE_KEYS,
  DROP_ANNOUNCED,
  DROP_MONTH,
  FORGET_ADJUSTMENTS,
  FORGET_CORRECTIONS,
  HAS_EVENTS,
  HAS_YOUNG_EVENTS,
  HOLD_CLOCK,
  IS_KEPT_BY_OTHERS,
  LOCK_STATE,
  MONTH_CLEARED,
  MONTHS,
  PAGE,
  RETRY_AT,
  STATE,
  TAKE_COUNTS,
  WITHDRAW,
} from './retain-events.sql.ts';

export interface RetentionRun {
  /** The server's clock. */
  readonly now: Instant;
  /** Events from here on are needed: for what is not billed yet, and for invoices younger than the recompute horizon (SEMANTICS 8.4). Null: none are. */
  readonly keepFrom: Instant | null;
}

interface State {
  readonly refused_before: Instant;
  readonly announced_at: Instant;
  readonly dropped_before: Instant | null;
  readonly cleared_before: Instant | null;
  readonly retry_at: Instant | null;
  readonly after_customer_no: number | null;
  readonly after_at: Instant | null;
  readonly after_key_hash: string | null;
}

interface PageRow {
  readonly customer_no: number;
  readonly at: Instant;
  readonly key_hash: string;
  readonly key: string | null;
}

interface Counts {
  readonly events: number;
  readonly keys: number;
  readonly adjustments: number;
  readonly corrections: number;
  readonly months: readonly string[] | null;
}

/** A month of event time in which the tenant has events that are dropped. */
interface MonthToClear {
  readonly start: Instant;
  readonly end: Instant;
}

const HOUR = 3_600_000_000;
/** Between refusing and dropping: a batch that was let in before the refusal is committed or lost by then, whatever it waits for. */
const NOTICE = HOUR;
/** How long an identity holds at the least (SEMANTICS 3.1). */
const LEAST_DAYS = 35;
const CHUNK = 5_000;
/** Chunks of one run: then the next tenant has its turn. */
const MOST_CHUNKS = 400;

/**
 * Drops events after a tenant's retention, by whole months of event time (docs/retention.md). First ingest refuses them; an hour later nobody counts from
 * them any more (`horizon`); then keys, adjustments and corrections are cleared away in chunks, and the events with their partition, or in chunks where
 * another tenant keeps the month. May be cut short anywhere and run by several at once. Buckets and roll-ups stay for ever.
 */
@Injectable()
export class UsageRetention {
  constructor(
    private readonly database: Database,
    private readonly settings: SettingsService,
    private readonly audit: AuditLog,
  ) {}

  /**
   * The start of the events that count: what lies before it is told by buckets alone, for ever. Null: everything counts. Stands still for those who hold the
   * tenant's clock.
   */
  async horizon(tx: TenantTransaction): Promise<Instant | null> {
    return (await retentionHorizons(tx)).dropped;
  }

  /** Whether a turn would find nothing to do whatever is needed: nothing is to be dropped, and nothing was. One look at two rows. */
  isIdle(tenantId: string, now: Instant): Promise<boolean> {
    return this.database.withTenant(tenantId, async (tx) => {
      const { retentionDays } = await this.settings.settingsIn(tx);
      const [state] = await tx.query<State>(STATE, [tx.tenantId]);
      if (state === undefined) return retentionDays === null;
      const { refused_before: refused, dropped_before: dropped } = state;
      const target = retentionDays === null ? null : monthOf(now - retentionDays * MICROS_PER_DAY);
      return (
        refused === dropped &&
        dropped !== null &&
        (target === null || target <= dropped) &&
        (await this.monthsToClear(tx, dropped, now)).length === 0
      );
    });
  }

  /** One turn of a tenant. */
  async run(tenantId: string, { now, keepFrom }: RetentionRun): Promise<void> {
    const within = <Result>(work: (tx: TenantTransaction) => Promise<Result>): Promise<Result> => this.database.withTenant(tenantId, work);
    const dropped = await within((tx) => this.advance(tx, now, keepFrom));
    if (dropped === null) return;
    let chunks = MOST_CHUNKS;
    for (const month of await within((tx) => this.monthsToClear(tx, dropped, now))) {
      const kept = await within((tx) => isKeptByOthers(tx, month));
      while (chunks > 0 && (await within((tx) => clearChunk(tx, month, { now, withEvents: kept })))) chunks -= 1;
      if (chunks === 0) return;
      if (!kept) await within((tx) => tx.query(DROP_MONTH, [sqlInstant(month.start)]));
    }
    await within((tx) => this.record(tx, dropped));
  }

  /** Moves the horizon on, a step at a time; answers how far events are dropped. What was announced only is taken back when the setting is. */
  private async advance(tx: TenantTransaction, now: Instant, keepFrom: Instant | null): Promise<Instant | null> {
    const { retentionDays } = await this.settings.settingsIn(tx);
    const target = retentionDays === null ? null : monthOf(Math.min(now - retentionDays * MICROS_PER_DAY, keepFrom ?? Infinity));
    const [state] = await tx.query<State>(LOCK_STATE, [tx.tenantId]);
    const dropped = state?.dropped_before ?? null;
    const refused = state?.refused_before ?? null;
    const wanted = target === null || dropped === null ? (target ?? dropped) : Math.max(target, dropped);
    if (wanted === null) await tx.query(WITHDRAW, [tx.tenantId]);
    else if (wanted !== refused) await tx.query(ANNOUNCE, [tx.tenantId, sqlInstant(wanted), sqlInstant(now)]);
    else if (wanted !== dropped && now - (state?.announced_at ?? now) >= NOTICE) {
      await tx.query(HOLD_CLOCK, [tx.tenantId]);
      await tx.query(DROP_ANNOUNCED, [tx.tenantId]);
      return wanted;
    }
    return dropped;
  }

  /** Oldest first. Months that were cleared and have events still wait for their partition, or for its rows to be deleted. */
  private async monthsToClear(tx: TenantTransaction, dropped: Instant, now: Instant): Promise<MonthToClear[]> {
    const [state] = await tx.query<State>(STATE, [tx.tenantId]);
    if ((state?.retry_at ?? now) > now) return [];
    const months: MonthToClear[] = [];
    for (const { start_at: start } of await tx.query<{ start_at: Instant }>(MONTHS)) {
      const month = { start, end: monthAfter(start) };
      if (month.end > dropped) break;
      if ((await tx.query(HAS_EVENTS, [tx.tenantId, ...boundsOf(month)])).length > 0) months.push(month);
    }
    return months;
  }

  private async record(tx: TenantTransaction, dropped: Instant): Promise<void> {
    const [counts] = await tx.query<Counts & { events: number }>(TAKE_COUNTS, [tx.tenantId]);
    if (counts === undefined) return;
    const detail = { before: formatInstant(dropped), ...counts, months: counts.months ?? [] };
    await this.audit.record(tx, { actor: 'worker', action: 'usage_event.drop', subject: tx.tenantId, detail });
  }
}

const boundsOf = ({ start, end }: MonthToClear): [string, string] => [sqlInstant(start), sqlInstant(end)];

async function isKeptByOthers(tx: TenantTransaction, { start }: MonthToClear): Promise<boolean> {
  const [row] = await tx.query<{ kept: boolean }>(IS_KEPT_BY_OTHERS, [sqlInstant(start)]);
  return row?.kept === true;
}

/**
 * Clears the next events of a month: their keys, adjustments and corrections, and they themselves where their partition stays. True: there is more. The
 * state's lock makes it one at a time; what was done is remembered in the same transaction.
 */
async function clearChunk(
  tx: TenantTransaction,
  month: MonthToClear,
  { now, withEvents }: { readonly now: Instant; readonly withEvents: boolean },
): Promise<boolean> {
  const [state] = await tx.query<State>(LOCK_STATE, [tx.tenantId]);
  const horizon = state?.dropped_before ?? null;
  if (state === undefined || horizon === null || (state.retry_at ?? now) > now) return false;
  const isCleared = state.cleared_before !== null && state.cleared_before >= month.end;
  if (isCleared && !withEvents) return false;
  if (state.after_at === null || state.after_at < month.start || state.after_at >= month.end) {
    const young = await tx.query(HAS_YOUNG_EVENTS, [tx.tenantId, ...boundsOf(month), sqlInstant(now - LEAST_DAYS * MICROS_PER_DAY)]);
    if (young.length > 0) {
      await tx.query(RETRY_AT, [tx.tenantId, sqlInstant(now + MICROS_PER_DAY)]);
      return false;
    }
  }
  await tx.query(BY_KEY);
  const rows = await tx.query<PageRow>(PAGE, [tx.tenantId, ...boundsOf(month), ...cursorIn(state, month), CHUNK]);
  const last = rows.at(-1);
  if (last === undefined) {
    await tx.query(MONTH_CLEARED, [tx.tenantId, sqlInstant(month.end), nameOfMonth(month.start)]);
    return false;
  }
  const hashes = plainArray(rows.map(({ key_hash: hash }) => hash));
  if (withEvents) {
    const columns = [plainArray(rows.map((row) => row.customer_no)), plainArray(rows.map(({ at }) => formatInstant(at))), hashes];
    await tx.query(DELETE_EVENTS, [tx.tenantId, ...columns]);
  }
  const identities = plainArray([...new Set(rows.map(({ key, key_hash: hash }) => (key === null ? hash : eventIdentity(key))))]);
  const keys = await tx.query<{ key_hash: string }>(DELETE_KEYS, [tx.tenantId, identities, sqlInstant(horizon)]);
  const adjustments = await forgotten(tx, FORGET_ADJUSTMENTS, hashes);
  const corrections = await forgotten(tx, FORGET_CORRECTIONS, plainArray(keys.map(({ key_hash: hash }) => hash)));
  const position = [last.customer_no, sqlInstantOrNull(last.at), last.key_hash];
  await tx.query(ADVANCE, [tx.tenantId, ...position, isCleared ? 0 : rows.length, keys.length, adjustments, corrections]);
  return true;
}

/** The cursor, when it stands in this month. */
function cursorIn(state: State, { start, end }: MonthToClear): [number | null, string | null, string | null] {
  if (state.after_at === null || state.after_at < start || state.after_at >= end) return [null, null, null];
  return [state.after_customer_no, sqlInstant(state.after_at), state.after_key_hash];
}

async function forgotten(tx: TenantTransaction, sql: string, hashes: string): Promise<number> {
  const [row] = await tx.query<{ forgotten: number }>(sql, [tx.tenantId, hashes]);
  return row?.forgotten ?? 0;
}

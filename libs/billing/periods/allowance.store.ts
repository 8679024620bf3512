import { Injectable } from '@nestjs/common';
import { Decimal } from '@tare/core';
import type { AllowanceLot, AllowanceRecord, Instant } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';

/** What is recorded of allowances for a subscription. */
export interface RecordedAllowances {
  readonly subscriptionId: string;
  readonly records: readonly AllowanceRecord[];
}

interface CarryRow {
  readonly subscription_id: string;
  readonly segment_id: string;
  readonly period_start: Instant;
  readonly price_key: string;
  readonly group_key: string;
  readonly meter: string;
  readonly opening: readonly LotJson[];
  readonly included: string;
  readonly used: string;
  readonly left_over: readonly LotJson[];
  readonly carried: readonly LotJson[];
}

interface LotJson {
  readonly quantity: string;
  readonly expiresAt: Instant | null;
}

/** By who asks: now, or when the invoice at place `w.before` was made. */
const WAS_KNOWN = '(w.before IS NULL OR a.place <= w.before)';
const COLUMNS = `a.subscription_id, a.segment_id, a.period_start, a.price_key, a.group_key, a.meter, a.opening, a.included::text, a.used::text, a.left_over, a.carried`;

/**
 * SQL of what closed periods left of allowances that roll over. Rows are only ever added: what late usage changes of a record is its next version, and
 * `before`, the place of an issued invoice, asks for what was recorded when that was made (docs/decisions/0020).
 */
@Injectable()
export class AllowanceStore {
  /** The last record of each price and group in periods that began before an instant, by subscription. */
  async latest(
    tx: TenantTransaction,
    wanted: readonly { readonly subscriptionId: string; readonly beginsBefore: Instant; readonly before?: number | null }[],
  ): Promise<Map<string, AllowanceRecord[]>> {
    if (wanted.length === 0) return new Map();
    const rows = await tx.query<CarryRow>(
      `SELECT DISTINCT ON (a.subscription_id, a.price_key, a.group_key) ${COLUMNS}
       FROM unnest($2::uuid[], $3::timestamptz[], $4::int4[]) AS w (subscription_id, begins_before, before)
       JOIN allowance_carry a ON a.tenant_id = $1 AND a.subscription_id = w.subscription_id AND a.period_start < w.begins_before AND ${WAS_KNOWN}
       ORDER BY a.subscription_id, a.price_key, a.group_key, a.period_start DESC, a.version DESC`,
      [
        tx.tenantId,
        wanted.map(({ subscriptionId }) => subscriptionId),
        wanted.map(({ beginsBefore }) => sqlInstant(beginsBefore)),
        wanted.map(({ before }) => before ?? null),
      ],
    );
    return bySubscription(rows);
  }

  /** What is recorded of service periods, by subscription. */
  async ofPeriods(
    tx: TenantTransaction,
    periods: readonly { readonly segmentId: string; readonly start: Instant; readonly before: number | null }[],
  ): Promise<Map<string, AllowanceRecord[]>> {
    if (periods.length === 0) return new Map();
    const rows = await tx.query<CarryRow>(
      `SELECT DISTINCT ON (a.period_start, a.segment_id, a.price_key, a.group_key) ${COLUMNS}
       FROM unnest($2::uuid[], $3::timestamptz[], $4::int4[]) AS w (segment_id, start_at, before)
       JOIN allowance_carry a ON a.tenant_id = $1 AND a.segment_id = w.segment_id AND a.period_start = w.start_at AND ${WAS_KNOWN}
       ORDER BY a.period_start, a.segment_id, a.price_key, a.group_key, a.version DESC`,
      [
        tx.tenantId,
        periods.map(({ segmentId }) => segmentId),
        periods.map(({ start }) => sqlInstant(start)),
        periods.map(({ before }) => before),
      ],
    );
    return bySubscription(rows);
  }

  /**
   * Writes records of closed periods; of one that is there already, where that changed, what is left now and what is carried on: its opening stays as it was.
   * `place`: behind all invoices that the subscriptions have, and not behind the next one.
   */
  async save(tx: TenantTransaction, recorded: readonly RecordedAllowances[], place: number): Promise<void> {
    const rows = recorded.flatMap(({ subscriptionId, records }) => records.map((record) => ({ ...record, subscriptionId })));
    if (rows.length === 0) return;
    const column = <Value>(read: (row: (typeof rows)[number]) => Value): Value[] => rows.map(read);
    await tx.query(
      `INSERT INTO allowance_carry (tenant_id, subscription_id, segment_id, period_start, price_key, group_key, meter, opening, included, used, left_over, carried,
         version, place)
       SELECT $1, r.subscription_id, r.segment_id, r.period_start, r.price_key, r.group_key, coalesce(l.meter, r.meter), coalesce(l.opening, r.opening),
         coalesce(l.included, r.included), r.used, r.left_over, r.carried, coalesce(l.version, 0) + 1, $13
       FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::numeric[], $10::numeric[], $11::jsonb[],
         $12::jsonb[]) AS r (subscription_id, segment_id, period_start, price_key, group_key, meter, opening, included, used, left_over, carried)
       LEFT JOIN LATERAL (
         SELECT * FROM allowance_carry a WHERE a.tenant_id = $1 AND a.segment_id = r.segment_id AND a.period_start = r.period_start
           AND a.price_key = r.price_key AND a.group_key = r.group_key ORDER BY a.version DESC LIMIT 1
       ) AS l ON true
       WHERE l.version IS NULL OR (l.used, l.left_over, l.carried) IS DISTINCT FROM (r.used, r.left_over, r.carried)`,
      [
        tx.tenantId,
        column(({ subscriptionId }) => subscriptionId),
        column(({ segmentId }) => segmentId),
        column(({ periodStart }) => sqlInstant(periodStart)),
        column(({ priceKey }) => priceKey),
        column(({ group }) => keyOfGroup(group)),
        column(({ meter }) => meter),
        column(({ opening }) => JSON.stringify(opening)),
        column(({ included }) => included.toString()),
        column(({ used }) => used.toString()),
        column(({ left }) => JSON.stringify(left)),
        column(({ carried }) => JSON.stringify(carried)),
        place,
      ],
    );
  }
}

/** A key of the table has no nulls, and a group may have any name. */
function keyOfGroup(group: string | null): string {
  return group === null ? '' : `=${group}`;
}

function bySubscription(rows: readonly CarryRow[]): Map<string, AllowanceRecord[]> {
  const records = new Map<string, AllowanceRecord[]>();
  for (const row of rows) records.set(row.subscription_id, [...(records.get(row.subscription_id) ?? []), recordOfRow(row)]);
  return records;
}

function recordOfRow(row: CarryRow): AllowanceRecord {
  return {
    segmentId: row.segment_id,
    periodStart: row.period_start,
    priceKey: row.price_key,
    group: row.group_key === '' ? null : row.group_key.slice(1),
    meter: row.meter,
    opening: row.opening.map(lotOfJson),
    included: Decimal.parse(row.included),
    used: Decimal.parse(row.used),
    left: row.left_over.map(lotOfJson),
    carried: row.carried.map(lotOfJson),
  };
}

function lotOfJson({ quantity, expiresAt }: LotJson): AllowanceLot {
  return { quantity: Decimal.parse(quantity), expiresAt };
}

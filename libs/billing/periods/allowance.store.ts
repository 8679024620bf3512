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

const COLUMNS = `a.subscription_id, a.segment_id, a.period_start, a.price_key, a.group_key, a.meter, a.opening, a.included::text, a.used::text, a.left_over, a.carried`;

/** SQL of what closed periods left of allowances that roll over. */
@Injectable()
export class AllowanceStore {
  /** The last record of each price and group in periods that began before an instant, by subscription. */
  async latest(
    tx: TenantTransaction,
    wanted: readonly { readonly subscriptionId: string; readonly before: Instant }[],
  ): Promise<Map<string, AllowanceRecord[]>> {
    if (wanted.length === 0) return new Map();
    const rows = await tx.query<CarryRow>(
      `SELECT DISTINCT ON (a.subscription_id, a.price_key, a.group_key) ${COLUMNS}
       FROM unnest($2::uuid[], $3::timestamptz[]) AS w (subscription_id, before_at)
       JOIN allowance_carry a ON a.tenant_id = $1 AND a.subscription_id = w.subscription_id AND a.period_start < w.before_at
       ORDER BY a.subscription_id, a.price_key, a.group_key, a.period_start DESC`,
      [tx.tenantId, wanted.map(({ subscriptionId }) => subscriptionId), wanted.map(({ before }) => sqlInstant(before))],
    );
    return bySubscription(rows);
  }

  /** What is recorded of service periods, by subscription. */
  async ofPeriods(
    tx: TenantTransaction,
    periods: readonly { readonly segmentId: string; readonly start: Instant }[],
  ): Promise<Map<string, AllowanceRecord[]>> {
    if (periods.length === 0) return new Map();
    const rows = await tx.query<CarryRow>(
      `SELECT ${COLUMNS} FROM unnest($2::uuid[], $3::timestamptz[]) AS w (segment_id, start_at)
       JOIN allowance_carry a ON a.tenant_id = $1 AND a.segment_id = w.segment_id AND a.period_start = w.start_at
       ORDER BY a.period_start, a.price_key, a.group_key`,
      [tx.tenantId, periods.map(({ segmentId }) => segmentId), periods.map(({ start }) => sqlInstant(start))],
    );
    return bySubscription(rows);
  }

  /** Writes records of closed periods; of one that is there already, what is left now and what is carried on. Its opening stays as it was. */
  async save(tx: TenantTransaction, recorded: readonly RecordedAllowances[]): Promise<void> {
    const rows = recorded.flatMap(({ subscriptionId, records }) => records.map((record) => ({ ...record, subscriptionId })));
    if (rows.length === 0) return;
    const column = <Value>(read: (row: (typeof rows)[number]) => Value): Value[] => rows.map(read);
    await tx.query(
      `INSERT INTO allowance_carry (tenant_id, subscription_id, segment_id, period_start, price_key, group_key, meter, opening, included, used, left_over, carried)
       SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::numeric[], $10::numeric[],
         $11::jsonb[], $12::jsonb[])
       ON CONFLICT (tenant_id, segment_id, period_start, price_key, group_key) DO UPDATE
         SET used = excluded.used, left_over = excluded.left_over, carried = excluded.carried`,
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

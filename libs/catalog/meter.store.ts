import { Injectable } from '@nestjs/common';
import type { Aggregation, Instant, Meter, MeterFilter } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import { keysetOf, pageOf, type Page, type PageRequest } from './keyset-page.ts';

/** A meter as it is kept. Meters never change: bills were made with them. */
export interface StoredMeter extends Meter {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Instant;
}

export type NewMeter = Omit<StoredMeter, 'id' | 'createdAt'>;

interface MeterRow {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly event_type: string;
  readonly aggregation: Aggregation;
  readonly value_property: string | null;
  readonly filters: MeterFilter[];
  readonly group_by: string[];
  readonly created_at: Instant;
}

const COLUMNS = 'id, key, name, event_type, aggregation, value_property, filters, group_by, created_at';

/** SQL of meters. */
@Injectable()
export class MeterStore {
  /** Every meter of the tenant. */
  async all(tx: TenantTransaction): Promise<StoredMeter[]> {
    const rows = await tx.query<MeterRow>(`SELECT ${COLUMNS} FROM meter WHERE tenant_id = $1 ORDER BY created_at, id`, [tx.tenantId]);
    return rows.map(meterOfRow);
  }

  /** The same, by key: as rating and plans want them. */
  async byKeys(tx: TenantTransaction): Promise<Map<string, StoredMeter>> {
    return new Map((await this.all(tx)).map((meter) => [meter.key, meter]));
  }

  async byKey(tx: TenantTransaction, key: string): Promise<StoredMeter | null> {
    const [row] = await tx.query<MeterRow>(`SELECT ${COLUMNS} FROM meter WHERE tenant_id = $1 AND key = $2`, [tx.tenantId, key]);
    return row ? meterOfRow(row) : null;
  }

  async page(tx: TenantTransaction, request: PageRequest): Promise<Page<StoredMeter>> {
    const { afterTime, afterId, limit } = keysetOf(request);
    const rows = await tx.query<MeterRow>(
      `SELECT ${COLUMNS} FROM meter
       WHERE tenant_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) > ($2::timestamptz, $3::uuid))
       ORDER BY created_at, id LIMIT $4`,
      [tx.tenantId, afterTime, afterId, limit],
    );
    return pageOf(rows.map(meterOfRow), limit);
  }

  /** Null when the key is taken. */
  async insert(tx: TenantTransaction, meter: NewMeter): Promise<StoredMeter | null> {
    const [row] = await tx.query<MeterRow>(
      `INSERT INTO meter (tenant_id, id, key, name, event_type, aggregation, value_property, filters, group_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant_id, key) DO NOTHING RETURNING ${COLUMNS}`,
      [
        tx.tenantId,
        randomUUID(),
        meter.key,
        meter.name,
        meter.eventType,
        meter.aggregation,
        meter.valueProperty,
        JSON.stringify(meter.filters),
        meter.groupBy,
      ],
    );
    return row ? meterOfRow(row) : null;
  }
}

function meterOfRow(row: MeterRow): StoredMeter {
  return {
    id: row.id,
    key: row.key,
    name: row.name,
    eventType: row.event_type,
    aggregation: row.aggregation,
    valueProperty: row.value_property,
    filters: row.filters,
    groupBy: row.group_by,
    createdAt: row.created_at,
  };
}

import { Injectable } from '@nestjs/common';
import { Decimal } from '@tare/core';
import type { ExchangeRate, Instant } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';

interface ExchangeRateRow {
  readonly from_currency: string;
  readonly to_currency: string;
  readonly rate: string;
  readonly valid_from: Instant;
}

/** One lock for each tenant's rates: held alone to add one, together by those who must not miss one. */
const LOCK = `hashtextextended('exchange_rate ' || $1::text, 0)`;

/** SQL of exchange rates. Rows are only ever added, one after the other: `place` counts them from 1, without gaps. */
@Injectable()
export class ExchangeRateStore {
  /** Every rate that was recorded, in that order: whoever sees one sees all that were recorded before it. */
  async recorded(tx: TenantTransaction): Promise<ExchangeRate[]> {
    const rows = await tx.query<ExchangeRateRow>(
      'SELECT from_currency, to_currency, rate, valid_from FROM exchange_rate WHERE tenant_id = $1 ORDER BY place',
      [tx.tenantId],
    );
    return rows.map((row) => ({ from: row.from_currency, to: row.to_currency, rate: Decimal.parse(row.rate), validFrom: row.valid_from }));
  }

  /** Until the transaction ends, no rate is added. */
  async hold(tx: TenantTransaction): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock_shared(${LOCK})`, [tx.tenantId]);
  }

  /** Until the transaction ends, nobody else adds a rate, and nobody is at work who held the rates before. */
  async lock(tx: TenantTransaction): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock(${LOCK})`, [tx.tenantId]);
  }

  /** When the first rate of a pair begins; null: there is none. */
  async knownFrom(tx: TenantTransaction, from: string, to: string): Promise<Instant | null> {
    const [row] = await tx.query<{ known: Instant | null }>(
      'SELECT min(valid_from) AS known FROM exchange_rate WHERE tenant_id = $1 AND from_currency = $2 AND to_currency = $3',
      [tx.tenantId, from, to],
    );
    return row?.known ?? null;
  }

  /** The caller has the lock. */
  async insert(tx: TenantTransaction, rate: ExchangeRate): Promise<void> {
    await tx.query(
      `INSERT INTO exchange_rate (tenant_id, id, from_currency, to_currency, rate, valid_from, recorded_at, place)
       SELECT $1, $2, $3, $4, $5, $6, clock_timestamp(), 1 + count(*) FROM exchange_rate WHERE tenant_id = $1`,
      [tx.tenantId, randomUUID(), rate.from, rate.to, rate.rate.toString(), sqlInstant(rate.validFrom)],
    );
  }
}

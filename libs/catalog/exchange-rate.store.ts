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

/** SQL of exchange rates. Rows are only ever added; of those with one `validFrom` the last one recorded counts. */
@Injectable()
export class ExchangeRateStore {
  /** The rates that count, each pair's in order of time. */
  async all(tx: TenantTransaction): Promise<ExchangeRate[]> {
    const rows = await tx.query<ExchangeRateRow>(
      `SELECT DISTINCT ON (from_currency, to_currency, valid_from) from_currency, to_currency, rate, valid_from
       FROM exchange_rate WHERE tenant_id = $1 ORDER BY from_currency, to_currency, valid_from, recorded_at DESC, id`,
      [tx.tenantId],
    );
    return rows.map((row) => ({ from: row.from_currency, to: row.to_currency, rate: Decimal.parse(row.rate), validFrom: row.valid_from }));
  }

  /** When the first rate of a pair begins; null: there is none. */
  async knownFrom(tx: TenantTransaction, from: string, to: string): Promise<Instant | null> {
    const [row] = await tx.query<{ known: Instant | null }>(
      'SELECT min(valid_from) AS known FROM exchange_rate WHERE tenant_id = $1 AND from_currency = $2 AND to_currency = $3',
      [tx.tenantId, from, to],
    );
    return row?.known ?? null;
  }

  async insert(tx: TenantTransaction, rate: ExchangeRate): Promise<void> {
    await tx.query(
      // clock_timestamp: two rates of one transaction are recorded one after the other
      `INSERT INTO exchange_rate (tenant_id, id, from_currency, to_currency, rate, valid_from, recorded_at)
       VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp())`,
      [tx.tenantId, randomUUID(), rate.from, rate.to, rate.rate.toString(), sqlInstant(rate.validFrom)],
    );
  }
}

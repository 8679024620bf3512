import { Injectable } from '@nestjs/common';
import { CodedError, PRICE_PRECISION, currencyOf, requirePrecision } from '@tare/core';
import type { ExchangeRate, Instant } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { ExchangeRateStore } from './exchange-rate.store.ts';

/** Amounts in `from` of `[start, end)` that could not be stated in `to` before, and now can. `end` null: for ever. */
export interface BecameConvertible {
  readonly from: string;
  readonly to: string;
  readonly start: Instant;
  readonly end: Instant | null;
}

export type ConvertibleListener = (tx: TenantTransaction, became: BecameConvertible) => Promise<void>;

/** Dated exchange rates of a tenant. */
@Injectable()
export class ExchangeRatesService {
  private readonly listeners: ConvertibleListener[] = [];

  constructor(
    private readonly database: Database,
    private readonly store: ExchangeRateStore,
  ) {}

  /** For what stands to the right and has left off what it could not convert: billing, for one. Called in the transaction that adds the rate. */
  onConvertible(listener: ConvertibleListener): void {
    this.listeners.push(listener);
  }

  /**
   * From `validFrom` on one unit of `from` is worth `rate` units of `to`, until a later rate of the pair. A rate for a time that has one already stands in
   * its place; the earlier row stays. @throws CodedError UNKNOWN_CURRENCY | SAME_CURRENCY | RATE_NOT_POSITIVE | TOO_PRECISE
   */
  async set(tenantId: string, rate: ExchangeRate): Promise<void> {
    requireRate(rate);
    await this.database.withTenant(tenantId, async (tx) => {
      await this.store.lock(tx);
      const known = await this.store.knownFrom(tx, rate.from, rate.to);
      await this.store.insert(tx, rate);
      if (known !== null && known <= rate.validFrom) return;
      for (const listener of this.listeners) await listener(tx, { from: rate.from, to: rate.to, start: rate.validFrom, end: known });
    });
  }
}

function requireRate({ from, to, rate }: ExchangeRate): void {
  currencyOf(from, 'from');
  currencyOf(to, 'to');
  if (from === to) throw new CodedError('SAME_CURRENCY', 'A currency is worth itself: give two different ones.', 'to');
  if (!rate.isPositive()) throw new CodedError('RATE_NOT_POSITIVE', 'An exchange rate is above zero.', 'rate');
  requirePrecision(rate, PRICE_PRECISION, 'rate');
}

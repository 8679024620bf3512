import { Injectable } from '@nestjs/common';
import { CodedError, PRICE_PRECISION, currencyOf, requirePrecision } from '@tare/core';
import type { ExchangeRate } from '@tare/core';
import { Database } from '@tare/database';
import { ExchangeRateStore } from './exchange-rate.store.ts';

/** Dated exchange rates of a tenant. */
@Injectable()
export class ExchangeRatesService {
  constructor(
    private readonly database: Database,
    private readonly store: ExchangeRateStore,
  ) {}

  /**
   * From `validFrom` on one unit of `from` is worth `rate` units of `to`, until a later rate of the pair. A rate for a time that has one already stands in
   * its place; the earlier row stays. @throws CodedError UNKNOWN_CURRENCY | SAME_CURRENCY | RATE_NOT_POSITIVE | TOO_PRECISE
   */
  async set(tenantId: string, rate: ExchangeRate): Promise<void> {
    requireRate(rate);
    await this.database.withTenant(tenantId, (tx) => this.store.insert(tx, rate));
  }
}

function requireRate({ from, to, rate }: ExchangeRate): void {
  currencyOf(from, 'from');
  currencyOf(to, 'to');
  if (from === to) throw new CodedError('SAME_CURRENCY', 'A currency is worth itself: give two different ones.', 'to');
  if (!rate.isPositive()) throw new CodedError('RATE_NOT_POSITIVE', 'An exchange rate is above zero.', 'rate');
  requirePrecision(rate, PRICE_PRECISION, 'rate');
}

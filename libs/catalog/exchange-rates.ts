import { Injectable } from '@nestjs/common';
import { convertAmount, type Decimal, type ExchangeRate, type Instant } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { ExchangeRateStore } from './exchange-rate.store.ts';

/** The tenant's rates, loaded once for some work. */
export class LoadedExchangeRates {
  constructor(readonly rates: readonly ExchangeRate[]) {}

  /** What an amount is worth by the rate valid at an instant (SEMANTICS 10.5), exact; null where none is known. */
  convert(amount: Decimal, from: string, to: string, at: Instant): Decimal | null {
    return convertAmount(amount, from, to, at, this.rates);
  }
}

/** The door to exchange rates for other slices. */
@Injectable()
export class ExchangeRates {
  constructor(private readonly store: ExchangeRateStore) {}

  async load(tx: TenantTransaction): Promise<LoadedExchangeRates> {
    return new LoadedExchangeRates(await this.store.all(tx));
  }
}

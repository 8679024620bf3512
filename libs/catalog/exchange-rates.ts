import { Injectable } from '@nestjs/common';
import { convertAmount, type Decimal, type ExchangeRate, type Instant } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { ExchangeRateStore } from './exchange-rate.store.ts';

/** The tenant's rates, loaded once for some work. */
export class LoadedExchangeRates {
  /** Those that count now. */
  readonly rates: readonly ExchangeRate[];

  /** `recorded`: every rate, in the order in which they were recorded. */
  constructor(private readonly recorded: readonly ExchangeRate[]) {
    this.rates = counting(recorded);
  }

  /** How many have been recorded: what is worked out with `rates` remembers it, to be worked out the same again (`asOf`). */
  get count(): number {
    return this.recorded.length;
  }

  /** Those that counted when so many had been recorded: later ones, and those that took the place of others, were not known (SEMANTICS 8.4). */
  asOf(count: number): readonly ExchangeRate[] {
    return count >= this.count ? this.rates : counting(this.recorded.slice(0, count));
  }

  /** What an amount is worth by the rate valid at an instant (SEMANTICS 10.5), exact; null where none is known. */
  convert(amount: Decimal, from: string, to: string, at: Instant): Decimal | null {
    return convertAmount(amount, from, to, at, this.rates);
  }
}

/** Of several rates of a pair with one `validFrom` the last one counts. */
function counting(recorded: readonly ExchangeRate[]): ExchangeRate[] {
  return [...new Map(recorded.map((rate) => [`${rate.from} ${rate.to} ${rate.validFrom}`, rate])).values()];
}

/** The door to exchange rates for other slices. */
@Injectable()
export class ExchangeRates {
  constructor(private readonly store: ExchangeRateStore) {}

  async load(tx: TenantTransaction): Promise<LoadedExchangeRates> {
    return new LoadedExchangeRates(await this.store.recorded(tx));
  }

  /**
   * For who writes down what it could not convert: until its transaction ends no rate is added, so that whoever adds one finds what was written
   * (`onConvertible`).
   */
  hold(tx: TenantTransaction): Promise<void> {
    return this.store.hold(tx);
  }
}

import { Injectable } from '@nestjs/common';
import type { Decimal, ExchangeRate, Instant } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { ExchangeRateStore } from './exchange-rate.store.ts';

/**
 * The tenant's rates, loaded once for some work. A rate says what one unit of `from` is worth in `to`, from its `validFrom` on. Only the direction that was
 * stored is known: the inverse of a rounded rate is not what a bank gives the other way, so it is never made up.
 */
export class LoadedExchangeRates {
  private readonly byPair = new Map<string, ExchangeRate[]>();

  constructor(readonly rates: readonly ExchangeRate[]) {
    for (const rate of [...rates].sort((a, b) => a.validFrom - b.validFrom)) {
      const pair = pairOf(rate.from, rate.to);
      this.byPair.set(pair, [...(this.byPair.get(pair) ?? []), rate]);
    }
  }

  /** What an amount is worth by the rate valid at an instant (SEMANTICS 10.5), exact; null where none is known. */
  convert(amount: Decimal, from: string, to: string, at: Instant): Decimal | null {
    if (from === to) return amount;
    const rate = this.byPair.get(pairOf(from, to))?.findLast(({ validFrom }) => validFrom <= at);
    return rate === undefined ? null : amount.times(rate.rate);
  }
}

const pairOf = (from: string, to: string): string => `${from}>${to}`;

/** The door to exchange rates for other slices. */
@Injectable()
export class ExchangeRates {
  constructor(private readonly store: ExchangeRateStore) {}

  async load(tx: TenantTransaction): Promise<LoadedExchangeRates> {
    return new LoadedExchangeRates(await this.store.all(tx));
  }
}

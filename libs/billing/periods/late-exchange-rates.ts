import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ExchangeRatesService } from '@tare/catalog';
import { BillingPeriodStore } from './billing-period.store.ts';

/**
 * Cost in a currency that no rate converts is awaited like cost that nobody knows (SEMANTICS 4.5): where a rate comes late, the periods that waited for it
 * are rated again. Times that had a rate are not: what was billed at it stays.
 */
@Injectable()
export class LateExchangeRates implements OnModuleInit {
  constructor(
    private readonly rates: ExchangeRatesService,
    private readonly periods: BillingPeriodStore,
  ) {}

  onModuleInit(): void {
    this.rates.onConvertible((tx, { to, start, end }) => this.periods.rateCostAgain(tx, to, start, end));
  }
}

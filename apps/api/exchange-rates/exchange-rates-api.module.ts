import { Module } from '@nestjs/common';
import { CatalogModule } from '@tare/catalog';
import { ExchangeRatesResolver } from './exchange-rates.resolver.ts';

@Module({ imports: [CatalogModule], providers: [ExchangeRatesResolver] })
export class ExchangeRatesApiModule {}

import { Module } from '@nestjs/common';
import { CatalogModule } from '@tare/catalog';
import { CostsModule } from '@tare/costs';
import { CostRatesResolver } from './cost-rates.resolver.ts';
import { RecostEvents } from './recost-events.ts';

@Module({ imports: [CatalogModule, CostsModule], providers: [CostRatesResolver, RecostEvents], exports: [RecostEvents] })
export class CostRatesApiModule {}

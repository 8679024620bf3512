import { Module } from '@nestjs/common';
import { CatalogModule } from '@tare/catalog';
import { CostRatesApiModule } from '../cost-rates/cost-rates-api.module.ts';
import { CapacityPoolsResolver } from './capacity-pools.resolver.ts';

@Module({ imports: [CatalogModule, CostRatesApiModule], providers: [CapacityPoolsResolver] })
export class CapacityPoolsApiModule {}

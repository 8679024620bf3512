import { Module } from '@nestjs/common';
import { CatalogModule } from '@tare/catalog';
import { MeterUsageModule } from '@tare/usage';
import { BackfillOfMeter } from './backfill-of-meter.ts';
import { MetersResolver } from './meters.resolver.ts';

@Module({ imports: [CatalogModule, MeterUsageModule], providers: [BackfillOfMeter, MetersResolver] })
export class MetersApiModule {}

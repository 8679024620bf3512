import { Module } from '@nestjs/common';
import { CatalogModule } from '@tare/catalog';
import { UsageModule } from '../usage.module.ts';
import { MeterRollupStore } from './meter-rollup.store.ts';
import { MeterRollups } from './meter-rollups.service.ts';
import { MeterUsageReader } from './meter-usage-reader.ts';
import { MeterUsageService } from './meter-usage.service.ts';
import { SlotEvents } from './slot-events.store.ts';
import { UsageCustomers } from './usage-customers.store.ts';

const inside = [MeterRollupStore, SlotEvents, UsageCustomers];
const door = [MeterRollups, MeterUsageReader, MeterUsageService];

/** What meters count, rolled up and over time. */
@Module({ imports: [CatalogModule, UsageModule], providers: [...inside, ...door], exports: door })
export class MeterUsageModule {}

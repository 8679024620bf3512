import { Module } from '@nestjs/common';
import { AccessModule } from '@tare/access';
import { CatalogModule } from '@tare/catalog';
import { CustomersModule } from '@tare/customers';
import { CustomerNumbers } from './customer-numbers.ts';
import { DimensionStore } from './dimension.store.ts';
import { EventCosting } from './event-costing.ts';
import { EventWriter } from './event-writer.ts';
import { FlushPreparation } from './flush-preparation.ts';
import { IngestLimits } from './ingest-limits.ts';
import { IngestService } from './ingest.service.ts';
import { UsageAnnouncements } from './usage-announcements.ts';
import { UsageBoundaries } from './usage-boundaries.ts';
import { UsageCosting } from './usage-costing.ts';
import { UsageEventStore } from './usage-event.store.ts';
import { UsageLists } from './usage-lists.ts';
import { UsageMonths } from './usage-months.ts';
import { UsageReader } from './usage-reader.ts';

const inside = [CustomerNumbers, EventWriter, FlushPreparation, IngestLimits, UsageEventStore, UsageMonths, DimensionStore];
const door = [EventCosting, IngestService, UsageAnnouncements, UsageBoundaries, UsageCosting, UsageLists, UsageReader];

/** How much was used. */
@Module({ imports: [AccessModule, CatalogModule, CustomersModule], providers: [...inside, ...door], exports: door })
export class UsageModule {}

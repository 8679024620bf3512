import { Module } from '@nestjs/common';
import { AccessModule } from '@tare/access';
import { CatalogModule } from '@tare/catalog';
import { CustomersModule } from '@tare/customers';
import { CorrectionWriter } from './correction-writer.ts';
import { CorrectionStore } from './correction.store.ts';
import { CorrectionsService } from './corrections.service.ts';
import { CustomerNumbers } from './customer-numbers.ts';
import { DimensionStore } from './dimension.store.ts';
import { EventCosting } from './event-costing.ts';
import { EventList } from './event-list.ts';
import { EventWriter } from './event-writer.ts';
import { FlushPreparation } from './flush-preparation.ts';
import { BodyAdmission } from './body-admission.ts';
import { IngestBounds } from './ingest-bounds.ts';
import { IngestLimits } from './ingest-limits.ts';
import { IngestRates } from './ingest-rates.ts';
import { IngestService } from './ingest.service.ts';
import { UsageAnnouncements } from './usage-announcements.ts';
import { UsageAttribution } from './usage-attribution.ts';
import { UsageBoundaries } from './usage-boundaries.ts';
import { UsageCompaction } from './usage-compaction.ts';
import { UsageCosting } from './usage-costing.ts';
import { UsageEventStore } from './usage-event.store.ts';
import { UsageLists } from './usage-lists.ts';
import { UsageMonths } from './usage-months.ts';
import { UsagePins } from './usage-pins.ts';
import { UsageReader } from './usage-reader.ts';
import { UsageRetention } from './usage-retention.ts';

const inside = [
  CorrectionStore,
  CorrectionWriter,
  CustomerNumbers,
  EventWriter,
  FlushPreparation,
  IngestLimits,
  UsageAttribution,
  UsageEventStore,
  UsageMonths,
  DimensionStore,
];
const door = [
  CorrectionsService,
  EventCosting,
  EventList,
  IngestService,
  UsageAnnouncements,
  UsageBoundaries,
  UsageCompaction,
  UsageCosting,
  UsageLists,
  UsagePins,
  UsageReader,
  UsageRetention,
];

/** What a process takes at once: read from the environment, shared by all that hold themselves to it. */
const bounds = [
  { provide: IngestBounds, useFactory: () => IngestBounds.fromEnvironment(process.env) },
  { provide: IngestRates, useFactory: (given: IngestBounds) => new IngestRates(given), inject: [IngestBounds] },
  { provide: BodyAdmission, useFactory: ({ bodiesBytes }: IngestBounds) => new BodyAdmission(bodiesBytes), inject: [IngestBounds] },
];

/** How much was used. */
@Module({
  imports: [AccessModule, CatalogModule, CustomersModule],
  providers: [...inside, ...bounds, ...door],
  exports: [...door, IngestBounds, IngestRates, BodyAdmission],
})
export class UsageModule {}

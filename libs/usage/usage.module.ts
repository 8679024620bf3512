import { Module } from '@nestjs/common';
import { AccessModule } from '@tare/access';
import { AlertsModule } from '@tare/alerts';
import { CatalogModule } from '@tare/catalog';
import { CustomersModule } from '@tare/customers';
import { CorrectionWriter } from './corrections/correction-writer.ts';
import { CorrectionStore } from './corrections/correction.store.ts';
import { CorrectionsService } from './corrections/corrections.service.ts';
import { CustomerNumbers } from './ingest/customer-numbers.ts';
import { DimensionStore } from './ingest/dimension.store.ts';
import { EventCosting } from './costing/event-costing.ts';
import { EventList } from './events/event-list.ts';
import { SeenEvents } from './events/seen-events.ts';
import { EventWriter } from './ingest/event-writer.ts';
import { FlushPreparation } from './ingest/flush-preparation.ts';
import { BodyAdmission } from './queue/body-admission.ts';
import { IngestBounds } from './ingest/ingest-bounds.ts';
import { IngestLimits } from './ingest/ingest-limits.ts';
import { IngestRates } from './ingest/ingest-rates.ts';
import { IngestService } from './ingest/ingest.service.ts';
import { NameAlerts } from './named/name-alerts.ts';
import { NameWatchStore } from './named/name-watch.store.ts';
import { UsageAnnouncements } from './ingest/usage-announcements.ts';
import { UsageAttribution } from './usage-attribution.ts';
import { UsageBoundaries } from './buckets/usage-boundaries.ts';
import { UsageCompaction } from './buckets/usage-compaction.ts';
import { UsageCosting } from './costing/usage-costing.ts';
import { UsageEventStore } from './ingest/usage-event.store.ts';
import { UsageLists } from './buckets/usage-lists.ts';
import { UsageMonths } from './ingest/usage-months.ts';
import { UsagePins } from './buckets/usage-pins.ts';
import { UsageReader } from './buckets/usage-reader.ts';
import { UsageRetention } from './retention/usage-retention.ts';

const inside = [
  CorrectionStore,
  CorrectionWriter,
  CustomerNumbers,
  EventWriter,
  FlushPreparation,
  IngestLimits,
  NameWatchStore,
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
  NameAlerts,
  SeenEvents,
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
  imports: [AccessModule, AlertsModule, CatalogModule, CustomersModule],
  providers: [...inside, ...bounds, ...door],
  exports: [...door, IngestBounds, IngestRates, BodyAdmission],
})
export class UsageModule {}

export { type EventCorrection } from './corrections/correction.store.ts';
export { CorrectionsService } from './corrections/corrections.service.ts';
export { eventIdentity } from './ingest/event-identity.ts';
export { rowIdentity } from './corrections/event-revision.ts';
export { EventCosting, type CostOf, type CostableEvent } from './costing/event-costing.ts';
export { EventList, type EventAmount, type EventFilter, type EventPage, type EventState, type ListedEvent } from './events/event-list.ts';
export { AdmittedBody, BodyAdmission } from './queue/body-admission.ts';
export { turns } from './queue/fair-turns.ts';
export { FLUSH_SIZE_BOUNDS, type FlushSizes } from './queue/flush-sizes.ts';
export { type GroupCommitReadings } from './queue/group-commit.ts';
export { IngestBounds, MAX_BATCH } from './ingest/ingest-bounds.ts';
export { IngestRates, type IngestCaller } from './ingest/ingest-rates.ts';
export { type CorrectionAuthor } from './corrections/incoming-correction.ts';
export { IngestService, type EventOutcomes, type IngestResult } from './ingest/ingest.service.ts';
export { MeterRollups, type MeterBackfill, type MeterToRead, type RollupSizes } from './meters/meter-rollups.service.ts';
export { MeterUsageModule } from './meters/meter-usage.module.ts';
export { MeterUsageReader, type MeterUsage, type MeterUsageQuery } from './meters/meter-usage-reader.ts';
export { MeterUsageService, type MeterUsagePage, type MeterUsageRequest, type MeterUsageRow } from './meters/meter-usage.service.ts';
export { NameAlerts } from './named/name-alerts.ts';
export type { RejectedEvent } from './ingest/parse-batch.ts';
export { cloudEventDecoder, type CloudEventDataForm } from './sources/cloudevents/cloud-event-decoder.ts';
export { cloudEventKey } from './sources/cloudevents/cloud-event-key.ts';
export { cloudEventOfHeaders } from './sources/cloudevents/cloud-event-of-headers.ts';
export { answerForPayload, decodeBatch, type DecodedBatch, type Decoder, type NativeEvent } from './sources/decoded-batch.ts';
export { readLitellmBody } from './sources/litellm/litellm-body.ts';
export { openMeterDecoder } from './sources/litellm/litellm-openmeter.ts';
export { litellmOptions, type LitellmOptions } from './sources/litellm/litellm-options.ts';
export { LITELLM_SOURCE, litellmDecoder } from './sources/litellm/litellm-payload.ts';
export { decodeSpans, type OtlpRequest } from './sources/otlp/decode-spans.ts';
export { rpcStatus, traceResponse, type OtlpEncoding } from './sources/otlp/otlp-answer.ts';
export { otlpOptions, type OtlpOptions } from './sources/otlp/otlp-options.ts';
export { SeenEvents, type EventPlace, type SeenEvent, type SeenEventsQuery } from './events/seen-events.ts';
export { UsageAnnouncements, type CommitListener } from './ingest/usage-announcements.ts';
export { UsageBoundaries } from './buckets/usage-boundaries.ts';
export { UsageCompaction, type CompactionResult } from './buckets/usage-compaction.ts';
export { UsageCosting, type CostChanges, type CostedEvent, type EventToCost, type RestatedEvent } from './costing/usage-costing.ts';
export { UsageLists, type UnattributedCustomer, type UnpricedModel } from './buckets/usage-lists.ts';
export { UsageModule } from './usage.module.ts';
export { UsagePins } from './buckets/usage-pins.ts';
export {
  UsageReader,
  type ChangedCustomer,
  type CustomerUsageRecord,
  type EventQuery,
  type ManyUsageQuery,
  type UsageQuery,
  type UsageWindow,
} from './buckets/usage-reader.ts';
export { UsageRetention, type RetentionRun } from './retention/usage-retention.ts';
export { dimensionsOfRow, tokensOfRow, type DimensionRow, type TokenRow } from './buckets/usage-rows.ts';

export { EventCosting, type CostOf, type CostableEvent } from './event-costing.ts';
export { IngestService, MAX_BATCH, type IngestResult } from './ingest.service.ts';
export type { RejectedEvent } from './parse-batch.ts';
export { UsageAnnouncements, type CommitListener } from './usage-announcements.ts';
export { UsageBoundaries } from './usage-boundaries.ts';
export { UsageCosting, type CostChanges, type CostedEvent, type EventToCost, type RestatedEvent } from './usage-costing.ts';
export { UsageLists, type UnattributedCustomer, type UnpricedModel } from './usage-lists.ts';
export { UsageModule } from './usage.module.ts';
export {
  UsageReader,
  type ChangedCustomer,
  type CustomerUsageRecord,
  type EventQuery,
  type ManyUsageQuery,
  type UsageQuery,
} from './usage-reader.ts';

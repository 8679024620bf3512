export { JobsModule } from './jobs.module.ts';
export { JOB_NAMES, type JobName, type JobPayloads } from './jobs.ts';
export { migrateQueue } from './queue-schema.store.ts';
export { Queues, type DeadLetter, type EnqueueOptions, type JobHandler, type QueueConnection, type WorkOptions } from './queues.ts';

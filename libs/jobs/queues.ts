import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { APP_ROLE, connectionOptions } from '@tare/database';
import {
  createPostgresBackend,
  Queue,
  Worker,
  type ConnectionOptions,
  type JobsOptions,
  type QueueOptions,
  type WorkerOptions,
} from 'bullmq';
import { randomUUID } from 'node:crypto';
import { JOB_NAMES, type JobName, type JobPayloads, type ScheduledJob } from './jobs.ts';

export interface QueueConnection {
  readonly databaseUrl: string;
  /** Given: the queue lives in Redis. None: in the schema `bullmq` of the database, which `migrateQueue` makes. */
  readonly redisUrl?: string | undefined;
}

export type JobHandler<Name extends JobName> = (payload: JobPayloads[Name]) => Promise<void>;

/** A job that failed every time. */
export interface DeadLetter {
  readonly id: string;
  readonly name: JobName;
  readonly payload: unknown;
  readonly reason: string;
  readonly attempts: number;
  readonly failedAt: Date | null;
}

export interface EnqueueOptions {
  /** While a job of this id waits or runs, another one is not added. One that failed for good does not stand in the way. */
  readonly jobId?: string;
  readonly delayMs?: number;
  /** How often it is tried at most. */
  readonly attempts?: number;
}

export interface WorkOptions {
  /** Jobs of this name at once in this process. */
  readonly concurrency?: number;
  /** Told of every attempt that failed. */
  readonly onFailure?: (error: Error, attempt: number) => void;
}

const CONNECTIONS_PER_QUEUE = 2;
/** About five minutes in all; after that the sweep comes round again. */
const RETRY: JobsOptions = { attempts: 8, backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 } };
const KEEP: JobsOptions = { removeOnComplete: true, removeOnFail: { age: 30 * 86_400, count: 10_000 } };

/** The queue, one for each name of a job, opened when it is first used. Loses nothing that matters: state lives in tables (see jobs.ts). */
@Injectable()
export class Queues implements OnModuleDestroy {
  private readonly queues = new Map<JobName, Queue>();
  private readonly workers: Worker[] = [];

  constructor(private readonly connection: QueueConnection) {}

  async enqueue<Name extends JobName>(
    name: Name,
    payload: JobPayloads[Name],
    { jobId, delayMs, attempts }: EnqueueOptions = {},
  ): Promise<void> {
    await this.queue(name).add(name, payload, {
      // An id of our own: for one of its own BullMQ makes a sequence, which the application's role may not.
      jobId: randomUUID(),
      ...(jobId === undefined ? {} : { deduplication: { id: jobId } }),
      ...(delayMs === undefined ? {} : { delay: delayMs }),
      ...(attempts === undefined ? {} : { attempts }),
    });
  }

  /** Works jobs off in this process until `close`. A handler that throws is called again later, with growing pauses. */
  async work<Name extends JobName>(name: Name, handler: JobHandler<Name>, { concurrency = 1, onFailure }: WorkOptions = {}): Promise<void> {
    const worker = this.openWorker(name, (job) => handler(job.data as JobPayloads[Name]), concurrency);
    worker.on('failed', (job, error) => onFailure?.(error, job?.attemptsMade ?? 0));
    // Unheard, a lost connection would end the process; BullMQ connects again by itself.
    worker.on('error', (error) => onFailure?.(error, 0));
    this.workers.push(worker);
    await worker.waitUntilReady();
  }

  /** Adds a job of this name every `ms`, once for all processes; saying it again, or with another interval, replaces it. */
  async every(name: ScheduledJob, ms: number): Promise<void> {
    await this.queue(name).upsertJobScheduler(name, { every: ms }, { name, data: {}, opts: { attempts: 1 } });
  }

  /** The latest jobs that failed for good, newest first. */
  async deadLetters(first = 100): Promise<DeadLetter[]> {
    const lists = await Promise.all(
      JOB_NAMES.map(async (name) => (await this.queue(name).getFailed(0, first - 1)).map((job) => ({ name, job }))),
    );
    return lists
      .flat()
      .map(({ name, job }) => ({
        id: job.id ?? '',
        name,
        payload: job.data as unknown,
        reason: job.failedReason,
        attempts: job.attemptsMade,
        failedAt: job.finishedOn === undefined ? null : new Date(job.finishedOn),
      }))
      .sort((a, b) => (b.failedAt?.getTime() ?? 0) - (a.failedAt?.getTime() ?? 0))
      .slice(0, first);
  }

  /** Lets running jobs end, takes no new ones, and closes every connection. */
  async close(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => worker.close()));
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
    this.queues.clear();
  }

  async onModuleDestroy(): Promise<void> {
    await this.close();
  }

  private queue(name: JobName): Queue {
    const known = this.queues.get(name);
    if (known !== undefined) return known;
    const options: QueueOptions = { connection: this.connectionOptions(), defaultJobOptions: { ...RETRY, ...KEEP } };
    const queue = this.isRedis ? new Queue(name, options) : (new Queue(name, options as never, createPostgresBackend) as unknown as Queue);
    queue.on('error', () => undefined);
    this.queues.set(name, queue);
    return queue;
  }

  private openWorker(name: JobName, run: (job: { data: unknown }) => Promise<void>, concurrency: number): Worker {
    const options: WorkerOptions = { connection: this.connectionOptions(), concurrency };
    return this.isRedis
      ? new Worker(name, run, options)
      : (new Worker(name, run, options as never, createPostgresBackend) as unknown as Worker);
  }

  private get isRedis(): boolean {
    return Boolean(this.connection.redisUrl);
  }

  /** On Postgres as the application's role, which may use the queue's tables and change none of them. */
  private connectionOptions(): ConnectionOptions {
    const { databaseUrl, redisUrl } = this.connection;
    if (redisUrl) return { url: redisUrl, maxRetriesPerRequest: null };
    const options = { connectionString: databaseUrl, options: connectionOptions(APP_ROLE), max: CONNECTIONS_PER_QUEUE, migrate: false };
    return options;
  }
}

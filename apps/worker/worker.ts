import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JOB_NAMES, Queues, type JobName, type QueueConnection } from '@tare/jobs';
import { Handlers } from './handlers.ts';
import { log } from './log.ts';
import { WorkerModule } from './worker.module.ts';

const SWEEP_EVERY_MS = 60_000;
/** Invoices go to Stripe soon after they are final. */
const STRIPE_SWEEP_EVERY_MS = 3_000;
/** Processes draw what they commit themselves; this is for what they miss. */
const DRAW_EVERY_MS = 5_000;
/** Readers count from events what is not rolled up yet: it shall be little. */
const ROLL_UP_EVERY_MS = 15_000;
const COMPACT_EVERY_MS = 5 * 60_000;
/** Who comes near a limit is told of soon. */
const ALERT_EVERY_MS = 3_000;
const RETAIN_EVERY_MS = 60 * 60_000;

/** Works jobs off until it is stopped. The database and the queue must be migrated. */
export async function startWorker(connection: QueueConnection): Promise<{ stop(): Promise<void> }> {
  const app = await NestFactory.createApplicationContext(WorkerModule.register(connection), {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  try {
    const queues = app.get(Queues);
    for (const name of JOB_NAMES) await work(app, name);
    await queues.every('sweep', SWEEP_EVERY_MS);
    await queues.every('stripe.sweep', STRIPE_SWEEP_EVERY_MS);
    await queues.every('credits.draw', DRAW_EVERY_MS);
    await queues.every('meters.roll-up', ROLL_UP_EVERY_MS);
    await queues.every('usage.compact', COMPACT_EVERY_MS);
    await queues.every('usage.retain', RETAIN_EVERY_MS);
    await queues.every('entitlements.alert', ALERT_EVERY_MS);
    return { stop: () => stop(app, queues) };
  } catch (error) {
    await app.close();
    throw error;
  }
}

async function work<Name extends JobName>(app: INestApplicationContext, name: Name): Promise<void> {
  const { handle, concurrency } = app.get(Handlers).byName[name];
  const onFailure = (error: Error, attempt: number): void =>
    log('warn', 'a job failed', { job: name, attempt, error: error.stack ?? error.message });
  await app.get(Queues).work(name, handle, { concurrency, onFailure });
}

/** Running jobs end before the database goes. */
async function stop(app: INestApplicationContext, queues: Queues): Promise<void> {
  await queues.close();
  await app.close();
}

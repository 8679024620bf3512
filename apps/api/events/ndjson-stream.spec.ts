import { RetryLater } from '@tare/core';
import { IngestBounds, type EventOutcomes, type IngestCaller, type IngestService } from '@tare/usage';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type { LineAnswer } from './ndjson-batch.ts';
import { NdjsonStream } from './ndjson-stream.ts';

const CALLER: IngestCaller = {
  tenantId: 'tenant',
  apiKeyId: 'key',
  limits: { eventsPerSecond: null, requestsPerSecond: null, keyEventsPerSecond: null },
};
const BATCH = 1_000;

/** A stream whose batches go to `commit`: how many are under way, and what was handed on. */
function streamOver(commit: (batch: number) => Promise<void>): {
  take: (lines: number) => Promise<void>;
  answers: LineAnswer[];
  mostAtOnce: () => number;
  underWay: () => number;
} {
  const answers: LineAnswer[] = [];
  let [batches, underWay, mostAtOnce] = [0, 0, 0];
  const ingest = {
    async ingestEach(_caller: IngestCaller, events: readonly unknown[]): Promise<EventOutcomes> {
      const batch = (batches += 1);
      underWay += 1;
      mostAtOnce = Math.max(mostAtOnce, underWay);
      try {
        await commit(batch);
      } finally {
        underWay -= 1;
      }
      return { outcomes: events.map(() => 'ACCEPTED'), rejected: [] };
    },
  } as unknown as IngestService;
  const stream = new NdjsonStream(ingest, new IngestBounds());
  const take = (lines: number): Promise<void> => {
    const body = Buffer.from(Array.from({ length: lines }, (_, i) => `{"key":"k-${i}"}`).join('\n'));
    return stream.take(CALLER, Readable.from([body], { objectMode: false }), (some) => void answers.push(...some));
  };
  return { take, answers, mostAtOnce: () => mostAtOnce, underWay: () => underWay };
}

test('batches are committed side by side, four at most, and answered in the order of their lines', async () => {
  const { take, answers, mostAtOnce } = streamOver((batch) => wait(batch % 3 === 1 ? 60 : 5));
  await take(12 * BATCH + 7);
  expect(answers.map(({ line }) => line)).toEqual(Array.from({ length: 12 * BATCH + 7 }, (_, line) => line));
  expect(mostAtOnce()).toBe(4);
});

test('a batch for which there is no room is sent again, and nothing overtakes its answers', async () => {
  let refused = 0;
  const { take, answers } = streamOver(async () => {
    await wait(1);
    if (refused === 6) return;
    refused += 1;
    throw new RetryLater('OVERLOADED', 'full', 1);
  });
  await take(5 * BATCH);
  expect(refused).toBe(6);
  expect(answers.map(({ key }) => key)).toEqual(Array.from({ length: 5 * BATCH }, (_, i) => `k-${i}`));
});

test('a failure ends the stream: what comes after it is not called accepted, and nothing is left under way', async () => {
  const { take, answers, underWay } = streamOver(async (batch) => {
    await wait(batch === 3 ? 5 : 20);
    if (batch === 3) throw new Error('the database is gone');
  });
  await expect(take(50 * BATCH)).rejects.toThrow('the database is gone');
  expect(underWay()).toBe(0);
  expect(answers.map(({ line }) => line)).toEqual(Array.from({ length: 2 * BATCH }, (_, line) => line));
});

import { Injectable } from '@nestjs/common';
import { CodedError, RetryLater } from '@tare/core';
import { IngestBounds, IngestService, turns, type EventOutcomes, type IngestCaller } from '@tare/usage';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { NdjsonBatch, type LineAnswer, type LineLimits } from './ndjson-batch.ts';
import { Flights } from './ndjson-flights.ts';
import { NdjsonLines, type NdjsonLine } from './ndjson-lines.ts';

const KIBIBYTE = 2 ** 10;
const LINE_BYTES = 256 * KIBIBYTE;
const BATCH_LINES = 1_000;
const BATCH_BYTES = KIBIBYTE * KIBIBYTE;
/** More than the database takes at once, so that it never waits for us. */
const BATCHES_AT_ONCE = 4;
/** Longest silence of a sender. */
const IDLE_MS = 120_000;
/** How long a batch asks again for room in the queue before its stream fails. */
const PATIENCE_MS = 600_000;
const FIRST_WAIT_MS = 25;
const SECOND_MS = 1_000;

/** Answers in the order of their lines; awaited, so that who does not read them is sent no more. */
export type HandAnswers = (answers: readonly LineAnswer[]) => Promise<void> | void;

/**
 * Events line by line, of any number: what is read is in memory only until it is committed, and while there is no room for more, nothing is read. An idle stream's
 * lines are committed at once; those of a busy one by the thousand.
 */
@Injectable()
export class NdjsonStream {
  private readonly limits: LineLimits;

  constructor(
    private readonly ingest: IngestService,
    bounds: IngestBounds,
  ) {
    this.limits = {
      lineBytes: LINE_BYTES,
      jsonDepth: bounds.jsonDepth,
      batchLines: Math.min(BATCH_LINES, bounds.batchEvents),
      batchBytes: BATCH_BYTES,
    };
  }

  /**
   * Ends when every line has been answered. When it fails, answered lines stay as they were answered, some more may have been committed (sent again, they count
   * as duplicates), and nothing is under way any more. The body is left as it is: whoever answers closes the connection.
   * @throws CodedError STREAM_CUT (the sender went away) | STREAM_IDLE, those of IngestService, what `hand` throws
   */
  async take(caller: IngestCaller, body: Readable, hand: HandAnswers): Promise<void> {
    const stopped = new AbortController();
    const chunks = new Chunks(body, IDLE_MS);
    let batch = new NdjsonBatch(this.limits);
    const flights = new Flights<LineAnswer[]>(
      BATCHES_AT_ONCE,
      async (answers) => hand(answers),
      // Lines that came meanwhile do not wait for more of them.
      () => void send().catch(() => undefined),
      (error) => chunks.stop(error instanceof Error ? error : new Error(String(error))),
    );
    const send = async (): Promise<void> => {
      if (batch.isEmpty) return;
      const full = batch;
      batch = new NdjsonBatch(this.limits);
      await flights.start(async () => full.answers(await this.commit(caller, full.events, stopped.signal)));
    };
    try {
      for await (const lines of this.lines(caller, chunks)) {
        for (const line of lines) {
          batch.add(line);
          if (batch.isFull) await send();
        }
        if (flights.isIdle) await send();
      }
      await send();
      await flights.end();
    } catch (error) {
      stopped.abort();
      await flights.settle();
      throw error;
    }
  }

  /** As many as are here, and then as many as have come meanwhile. */
  private async *lines(caller: IngestCaller, chunks: Chunks): AsyncGenerator<Iterable<NdjsonLine>> {
    const lines = new NdjsonLines(this.limits.lineBytes);
    for (let chunk = await chunks.next(); chunk !== null; chunk = await chunks.next()) {
      await turns.next(caller.tenantId);
      yield lines.push(chunk);
    }
    yield lines.end();
  }

  /** A stream waits for room where a request would be told to come again. @throws those of IngestService */
  private async commit(caller: IngestCaller, events: readonly unknown[], signal: AbortSignal): Promise<EventOutcomes> {
    let waitMs = FIRST_WAIT_MS;
    for (let waitedMs = 0; ;) {
      try {
        return await this.ingest.ingestEach(caller, events);
      } catch (error) {
        if (!(error instanceof RetryLater) || waitedMs > PATIENCE_MS || signal.aborted) throw error;
        const longestMs = error.retryAfterSeconds * SECOND_MS;
        // Room comes back within milliseconds; a rate that was agreed opens when it was said to.
        const thisMs = error.code === 'RATE_LIMITED' ? longestMs : Math.min(waitMs, longestMs) * (0.5 + Math.random() / 2);
        waitedMs += thisMs;
        waitMs *= 2;
        await wait(thisMs, undefined, { signal });
      }
    }
  }
}

/** The bytes of a body as they are asked for: while nobody asks, the connection holds the sender back. */
class Chunks {
  private readonly chunks: AsyncIterator<Buffer>;
  private interrupt: ((error: Error) => void) | null = null;

  constructor(
    body: Readable,
    private readonly idleMs: number,
  ) {
    // Left open at the end: destroying the body would close the connection before the answer is out.
    this.chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  }

  /** Null at the end. @throws CodedError STREAM_CUT | STREAM_IDLE, what `stop` was told */
  next(): Promise<Buffer | null> {
    return new Promise<Buffer | null>((resolve, reject) => {
      const idle = setTimeout(() => reject(idleError(this.idleMs)), this.idleMs);
      this.interrupt = (error) => {
        clearTimeout(idle);
        reject(error);
      };
      this.chunks.next().then(
        ({ value, done }) => {
          clearTimeout(idle);
          resolve(done === true ? null : value);
        },
        () => {
          clearTimeout(idle);
          reject(new CodedError('STREAM_CUT', 'The stream ended in the middle. Send it again: what was taken counts as duplicates.'));
        },
      );
    });
  }

  /** Ends the wait for more, if anybody waits. */
  stop(error: Error): void {
    this.interrupt?.(error);
  }
}

const idleError = (idleMs: number): CodedError =>
  new CodedError(
    'STREAM_IDLE',
    `Nothing came for ${idleMs / SECOND_MS} seconds. Send the rest again: what was taken counts as duplicates.`,
  );

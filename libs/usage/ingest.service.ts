import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { CodedError, instantOfDate, type Instant } from '@tare/core';
import { EventWriter } from './event-writer.ts';
import { GroupCommit } from './group-commit.ts';
import type { IncomingEvent, IngestOutcome } from './incoming-event.ts';
import { IngestLimits } from './ingest-limits.ts';
import { parseBatch, type ParsedBatch, type RejectedEvent } from './parse-batch.ts';

/** Events of one request at most. */
export const MAX_BATCH = 10_000;
const FLUSH_SIZE = 5_000;
const FLUSHERS = 2;
/** Events that may wait in a process: about two seconds of work. */
const CAPACITY = 60_000;

export interface IngestResult {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly RejectedEvent[];
}

const KEY_REUSED = 'This key has been used for an event with other contents. Send the event under a new key, or amend the first one.';

/** The one way in: GraphQL, REST and imports all hand their events here (SEMANTICS 3). */
@Injectable()
export class IngestService implements OnModuleDestroy {
  private readonly commits: GroupCommit<IncomingEvent, IngestOutcome>;

  constructor(
    private readonly limits: IngestLimits,
    writer: EventWriter,
  ) {
    this.commits = new GroupCommit({
      flush: (events) => writer.write(events),
      groupOf: ({ tenantId }) => tenantId,
      flushSize: FLUSH_SIZE,
      capacity: CAPACITY,
      flushers: FLUSHERS,
    });
  }

  /**
   * Takes events in the contract's wire form. Answers when everything accepted is committed; what is wrong with one event rejects that event alone.
   * @param now the server's clock
   * @throws CodedError BATCH_TOO_LARGE (nothing is written) | OVERLOADED (send the batch again; what may have been written counts as duplicate then)
   */
  async ingest(tenantId: string, raw: readonly unknown[], now: Instant = instantOfDate(new Date())): Promise<IngestResult> {
    if (raw.length > MAX_BATCH) {
      throw new CodedError(
        'BATCH_TOO_LARGE',
        `A batch holds at most ${MAX_BATCH} events and this one has ${raw.length}: send it in parts.`,
      );
    }
    const parsed = await parseBatch(tenantId, raw, { now, backdatingLimit: await this.limits.oldest(tenantId, now) });
    return resultOf(parsed, await this.commits.submit(parsed.events));
  }

  /** What was taken in is written before the process ends. */
  async onModuleDestroy(): Promise<void> {
    await this.commits.drain();
  }
}

function resultOf({ events, indexes, rejected }: ParsedBatch, outcomes: readonly IngestOutcome[]): IngestResult {
  const reused = events.flatMap(({ event }, i) =>
    outcomes[i] === 'KEY_REUSED' ? [{ index: indexes[i] ?? 0, key: event.key, code: 'KEY_REUSED', message: KEY_REUSED }] : [],
  );
  const count = (outcome: IngestOutcome): number => outcomes.filter((one) => one === outcome).length;
  return {
    accepted: count('ACCEPTED'),
    duplicates: count('DUPLICATE'),
    rejected: [...rejected, ...reused].sort((a, b) => a.index - b.index),
  };
}

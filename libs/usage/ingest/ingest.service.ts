import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { CodedError, instantOfDate, type Instant } from '@tare/core';
import { EventWriter } from './event-writer.ts';
import { GroupCommit, type GroupCommitReadings } from '../queue/group-commit.ts';
import type { IncomingEvent, IngestOutcome } from './incoming-event.ts';
import { IngestBounds } from './ingest-bounds.ts';
import { IngestLimits } from './ingest-limits.ts';
import { IngestRates, type IngestCaller } from './ingest-rates.ts';
import { parseBatch, type ParsedBatch, type RejectedEvent } from './parse-batch.ts';

export { MAX_BATCH } from './ingest-bounds.ts';

const FLUSH_SIZE = 5_000;
const FLUSHERS = 2;
const turnOfLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** Events from which a second flush at the same time gains more than it costs. */
const JOIN_FROM = 1_000;

/** What became of one event of a request: null for one that was rejected. */
export interface EventOutcomes {
  /** By position in the request. */
  readonly outcomes: readonly (Exclude<IngestOutcome, 'KEY_REUSED'> | null)[];
  /** Those that are null, with their reasons, by position. */
  readonly rejected: readonly RejectedEvent[];
}

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
    private readonly bounds: IngestBounds,
    private readonly rates: IngestRates,
    writer: EventWriter,
  ) {
    this.commits = new GroupCommit({
      flush: (events) => writer.write(events),
      groupOf: ({ tenantId }) => tenantId,
      flushSize: FLUSH_SIZE,
      capacity: bounds.queueEvents,
      weightCapacity: bounds.queueCharacters,
      flushers: FLUSHERS,
      joinFrom: JOIN_FROM,
      gather: turnOfLoop,
    });
  }

  /**
   * Takes events in the contract's wire form. Answers when everything accepted is committed; what is wrong with one event rejects that event alone.
   * @param sender who sends them; a tenant's id alone for work of our own, which has no agreed rate
   * @param now the server's clock
   * @throws CodedError BATCH_TOO_LARGE | RATE_LIMITED (nothing is written) | OVERLOADED (send the batch again; what may have been written counts as duplicate
   * then)
   */
  async ingest(sender: IngestCaller | string, raw: readonly unknown[], now: Instant = instantOfDate(new Date())): Promise<IngestResult> {
    const { parsed, outcomes } = await this.take(sender, raw, now);
    return resultOf(parsed, outcomes);
  }

  /** As `ingest`, with an answer for each event: for streams that are answered line by line. */
  async ingestEach(
    sender: IngestCaller | string,
    raw: readonly unknown[],
    now: Instant = instantOfDate(new Date()),
  ): Promise<EventOutcomes> {
    const { parsed, outcomes } = await this.take(sender, raw, now);
    const each = new Array<EventOutcomes['outcomes'][number]>(raw.length).fill(null);
    for (const [i, index] of parsed.indexes.entries()) {
      const outcome = outcomes[i];
      if (outcome === 'ACCEPTED' || outcome === 'DUPLICATE') each[index] = outcome;
    }
    return { outcomes: each, rejected: resultOf(parsed, outcomes).rejected };
  }

  private async take(
    sender: IngestCaller | string,
    raw: readonly unknown[],
    now: Instant,
  ): Promise<{ parsed: ParsedBatch; outcomes: readonly IngestOutcome[] }> {
    const { batchEvents } = this.bounds;
    if (raw.length > batchEvents) {
      throw new CodedError(
        'BATCH_TOO_LARGE',
        `A batch holds at most ${batchEvents} events and this one has ${raw.length}: send it in parts.`,
      );
    }
    if (typeof sender !== 'string') this.rates.takeEvents(sender, raw.length);
    const tenantId = typeof sender === 'string' ? sender : sender.tenantId;
    const isBackfill = typeof sender !== 'string' && sender.isBackfill === true;
    const parsed = await parseBatch(tenantId, raw, { now, backdatingLimit: await this.limits.oldest(tenantId, now, isBackfill) });
    return { parsed, outcomes: await this.commits.submit(parsed.events, parsed.weight) };
  }

  /** Whether events would be refused now, for callers who want to know before they read them. @throws RetryLater OVERLOADED | RATE_LIMITED */
  requireRoom(caller: IngestCaller): void {
    this.rates.requireRoom(caller);
    this.commits.requireRoom(caller.tenantId);
  }

  /** For who has changed a tenant's settings: this process heeds them from the next event on, others within a second. */
  limitsChanged(tenantId: string): void {
    this.limits.forget(tenantId);
  }

  /** The queue of this process. */
  get readings(): GroupCommitReadings {
    return this.commits.readings;
  }

  /** What was taken in is written before the process ends. */
  async onModuleDestroy(): Promise<void> {
    await this.commits.drain();
  }
}

function resultOf({ events, indexes, rejected }: ParsedBatch, outcomes: readonly IngestOutcome[]): IngestResult {
  const reused: RejectedEvent[] = [];
  let [accepted, duplicates] = [0, 0];
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome === 'ACCEPTED') accepted += 1;
    else if (outcome === 'DUPLICATE') duplicates += 1;
    else reused.push({ index: indexes[i] ?? 0, key: events[i]?.event.key ?? null, code: 'KEY_REUSED', message: KEY_REUSED });
  }
  const all = reused.length === 0 ? rejected : [...rejected, ...reused].sort((a, b) => a.index - b.index);
  return { accepted, duplicates, rejected: all };
}

import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { CodedError, instantOfDate, optionalText, requiredText, type Instant } from '@tare/core';
import { Database } from '@tare/database';
import { CorrectionWriter } from './correction-writer.ts';
import { CorrectionStore, type EventCorrection } from './correction.store.ts';
import { eventIdentity } from '../ingest/event-identity.ts';
import { GroupCommit } from '../queue/group-commit.ts';
import type { CorrectionAuthor, CorrectionOutcome, IncomingCorrection } from './incoming-correction.ts';
import { IngestBounds } from '../ingest/ingest-bounds.ts';
import { IngestLimits } from '../ingest/ingest-limits.ts';
import { IngestRates, type IngestCaller } from '../ingest/ingest-rates.ts';
import type { IngestResult } from '../ingest/ingest.service.ts';
import { parseBatch, type RejectedEvent } from '../ingest/parse-batch.ts';

/** Events of one transaction: ingest of the tenant waits for it. */
const FLUSH_SIZE = 1_000;

const MESSAGES: Readonly<Record<'KEY_UNKNOWN' | 'EVENT_VOIDED' | 'EVENT_NOT_KEPT', string>> = {
  KEY_UNKNOWN:
    'No event has this key, so there is nothing to correct. Look at how the key is written, or send the event with ingestEvents.',
  EVENT_VOIDED: 'This event has been voided and stays so. Send the event under a new key.',
  EVENT_NOT_KEPT: 'This event is older than events are kept: what it added can no longer be taken back.',
};

/** A correction, and its position in the request. */
interface Positioned {
  readonly index: number;
  readonly key: string;
  readonly correction: IncomingCorrection;
}

/**
 * Corrections never edit an event: one is cancelled by its key, or cancelled and replaced (SEMANTICS 3.5). Usage of closed periods is corrected too; billing
 * finds it as it finds late usage (SEMANTICS 8.3). Answers when everything accepted is committed. A large request is several commits; when it fails halfway, or
 * nobody heard the answer, it is sent again: a request may be repeated, also long after.
 */
@Injectable()
export class CorrectionsService implements OnModuleDestroy {
  private readonly commits: GroupCommit<IncomingCorrection, CorrectionOutcome>;

  constructor(
    private readonly database: Database,
    private readonly limits: IngestLimits,
    private readonly bounds: IngestBounds,
    private readonly rates: IngestRates,
    private readonly store: CorrectionStore,
    writer: CorrectionWriter,
  ) {
    this.commits = new GroupCommit({
      flush: (corrections) => writer.write(corrections),
      groupOf: ({ tenantId }) => tenantId,
      flushSize: FLUSH_SIZE,
      capacity: bounds.queueEvents,
      weightCapacity: bounds.queueCharacters,
      // One: corrections of a process are applied in the order in which they came.
      flushers: 1,
    });
  }

  /**
   * Cancels events by their keys, however old, as long as they are kept. `duplicates` were cancelled before; rejected: KEY_UNKNOWN, KEY_MISSING,
   * KEY_TOO_LONG, INVALID_CHARACTER, EVENT_NOT_KEPT.
   * @param sender who corrects; a tenant's id alone for work of our own, which has no agreed rate
   * @throws CodedError BATCH_TOO_LARGE | RATE_LIMITED | OVERLOADED | FIELD_TOO_LONG, INVALID_FIELD (reason)
   */
  async voidEvents(sender: IngestCaller | string, keys: readonly unknown[], author: CorrectionAuthor): Promise<IngestResult> {
    const checked = checkedAuthor(author);
    const tenantId = this.admit(sender, keys.length);
    const corrections: Positioned[] = [];
    const rejected: RejectedEvent[] = [];
    for (const [index, raw] of keys.entries()) {
      const key = keyOrRejection(index, raw);
      if (typeof key !== 'string') rejected.push(key);
      else corrections.push({ index, key, correction: { tenantId, identity: eventIdentity(key), replacement: null, author: checked } });
    }
    return this.apply(corrections, rejected);
  }

  /**
   * Cancels events by their keys and puts others in their place, with the validation of ingest: the window of backdating applies to the new time.
   * `duplicates` have contents that the key has or had; rejected, beside the codes of ingest: KEY_UNKNOWN, EVENT_VOIDED, EVENT_NOT_KEPT.
   * @param sender who corrects; a tenant's id alone for work of our own, which has no agreed rate
   * @param now the server's clock
   * @throws CodedError BATCH_TOO_LARGE | RATE_LIMITED | OVERLOADED | FIELD_TOO_LONG, INVALID_FIELD (reason)
   */
  async amendEvents(
    sender: IngestCaller | string,
    raw: readonly unknown[],
    author: CorrectionAuthor,
    now: Instant = instantOfDate(new Date()),
  ): Promise<IngestResult> {
    const checked = checkedAuthor(author);
    const tenantId = this.admit(sender, raw.length);
    const { events, indexes, rejected, weight } = await parseBatch(tenantId, raw, {
      now,
      backdatingLimit: await this.limits.oldest(tenantId, now),
    });
    const corrections = events.map((replacement, i) => ({
      index: indexes[i] ?? 0,
      key: replacement.event.key,
      correction: { tenantId, identity: replacement.identity, replacement, author: checked },
    }));
    return this.apply(corrections, rejected, weight);
  }

  /** What was done to the event of a key, in order. None: it stands as it came, or there is no such event. */
  trail(tenantId: string, key: string): Promise<EventCorrection[]> {
    return this.database.withTenant(tenantId, (tx) => this.store.trailOf(tx, eventIdentity(key)));
  }

  /** What was taken in is written before the process ends. */
  async onModuleDestroy(): Promise<void> {
    await this.commits.drain();
  }

  /** The bounds of a batch and agreed rates are those of ingest. Answers the tenant. */
  private admit(sender: IngestCaller | string, events: number): string {
    const { batchEvents } = this.bounds;
    if (events > batchEvents) {
      throw new CodedError(
        'BATCH_TOO_LARGE',
        `A request corrects at most ${batchEvents} events and this one names ${events}: send it in parts.`,
      );
    }
    if (typeof sender === 'string') return sender;
    this.rates.takeEvents(sender, events);
    return sender.tenantId;
  }

  private async apply(positioned: readonly Positioned[], invalid: readonly RejectedEvent[], weight = 0): Promise<IngestResult> {
    const corrections = positioned.map(({ correction }) => correction);
    const outcomes = await this.commits.submit(corrections, weight);
    const refused = positioned.flatMap(({ index, key }, i) => {
      const code = outcomes[i] ?? 'ACCEPTED';
      return code === 'ACCEPTED' || code === 'DUPLICATE' ? [] : [{ index, key, code, message: MESSAGES[code] }];
    });
    const count = (outcome: CorrectionOutcome): number => outcomes.filter((one) => one === outcome).length;
    return {
      accepted: count('ACCEPTED'),
      duplicates: count('DUPLICATE'),
      rejected: [...invalid, ...refused].sort((a, b) => a.index - b.index),
    };
  }
}

const checkedAuthor = ({ actor, reason }: CorrectionAuthor): CorrectionAuthor => ({ actor, reason: optionalText(reason, 'reason') });

function keyOrRejection(index: number, raw: unknown): string | RejectedEvent {
  try {
    return requiredText(raw, 'key', 'KEY_MISSING', 'KEY_TOO_LONG');
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { index, key: typeof raw === 'string' ? raw.slice(0, 255) : null, code: error.code, message: `key: ${error.message}` };
  }
}

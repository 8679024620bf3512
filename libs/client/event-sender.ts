import type { DropReason, SafeHooks } from './client-hooks.ts';
import { EventQueue, type QueuedEvent } from './event-queue.ts';
import { drainBeforeExit, leaveToExit, type Drainable } from './process-exit.ts';
import { retryDelayMs } from './retry-delay.ts';
import { TareError } from './tare-error.ts';
import { pause, startTimer, type Timer } from './timer.ts';
import type { Transport } from './transport.ts';
import type { IngestResult } from './wire.ts';

export interface SenderOptions {
  /** Events in one request. */
  readonly batchSize: number;
  readonly maxBatchBytes: number;
  /** An event is sent after this time at the latest. */
  readonly maxBatchAgeMs: number;
  /** Requests at the same time. */
  readonly concurrency: number;
  /** Events that wait or are on their way. */
  readonly maxQueueEvents: number;
  readonly maxQueueBytes: number;
  /** Which event goes when the queue is full. */
  readonly overflow: 'DROP_NEWEST' | 'DROP_OLDEST';
  readonly retryForMs: number;
  readonly maxDelayMs: number;
  readonly exitTimeoutMs: number;
  readonly flushOnExit: boolean;
}

export interface SenderStats {
  readonly recorded: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly dropped: number;
  readonly requests: number;
  /** Requests that failed and were, or will be, sent again. */
  readonly retries: number;
  /** Waiting or on their way. */
  readonly queuedEvents: number;
  readonly queuedBytes: number;
}

type Batch = readonly QueuedEvent[];

/** Refusals that may lie in one event of a batch: the batch is halved until that one is found. */
const CONTENT_STATUS = new Set([400, 422]);
/** Halvings of one batch that the API refuses for its contents: several bad events are found, a batch that is bad as a whole is given up. */
const MAX_HALVINGS = 64;

/**
 * Delivers recorded events: in batches, several at a time, again and again with the same keys until the API has answered for each event.
 * Holds no more than its options allow. Nothing here throws or rejects: what happens to events is told by hooks and counted.
 */
export class EventSender implements Drainable {
  private readonly queue = new EventQueue();
  private readonly active = new Set<{ readonly place: number }>();
  private readonly counts = { recorded: 0, accepted: 0, duplicates: 0, rejected: 0, dropped: 0, requests: 0, retries: 0 };
  private heldEvents = 0;
  private heldBytes = 0;
  private nextPlace = 0;
  /** Events up to this place are sent without waiting for a full batch. */
  private flushPlace = -1;
  private flushes = new Set<{ readonly place: number; readonly resolve: () => void }>();
  private ageTimer: Timer | undefined;
  private isPumpPlanned = false;
  private notBeforeMs = 0;
  private isClosed = false;
  private giveUp = new AbortController();

  constructor(
    private readonly transport: Transport,
    private readonly hooks: SafeHooks,
    private readonly options: SenderOptions,
  ) {}

  get stats(): SenderStats {
    return { ...this.counts, queuedEvents: this.heldEvents, queuedBytes: this.heldBytes };
  }

  /** Takes an event as JSON text; false where it was dropped instead. */
  add(key: string, text: string, bytes: number): boolean {
    this.counts.recorded++;
    const event = { key, text, bytes: bytes + 1, queuedAtMs: performance.now(), place: this.nextPlace++ };
    if (this.isClosed) return this.drop([event], 'CLOSED');
    if (!this.makeRoom(event)) return this.drop([event], 'QUEUE_FULL');
    this.queue.add(event);
    this.heldEvents++;
    this.heldBytes += event.bytes;
    if (this.options.flushOnExit) drainBeforeExit(this);
    this.plan();
    return true;
  }

  /** An event that could not even be queued. */
  refuse(key: string | undefined, event: unknown, error: TareError): void {
    this.counts.recorded++;
    this.counts.dropped++;
    this.hooks.dropped({ reason: 'INVALID', key, event, error }, 'INVALID');
  }

  /** Sends what is queued now. Answers how many of all events still wait: those that `timeoutMs` was too short for, and newer ones. */
  async flush(timeoutMs: number): Promise<number> {
    const place = this.nextPlace - 1;
    this.flushPlace = Math.max(this.flushPlace, place);
    this.pump();
    if (this.isSettled(place)) return this.heldEvents;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        timer.stop();
        this.flushes.delete(flush);
        resolve();
      };
      // Whoever waits for a flush wants the process to live until then, also between two tries.
      const timer = startTimer(end, timeoutMs, true);
      const flush = { place, resolve: end };
      this.flushes.add(flush);
    });
    return this.heldEvents;
  }

  /** Sends what is queued, and drops what could not be delivered in time. Events may be added again afterwards. */
  async drain(timeoutMs: number = this.options.exitTimeoutMs): Promise<void> {
    const untilMs = performance.now() + timeoutMs;
    while (this.heldEvents > 0 && performance.now() < untilMs) await this.flush(untilMs - performance.now());
    if (this.heldEvents === 0) return;
    this.giveUp.abort();
    this.giveUp = new AbortController();
    const left: QueuedEvent[] = [];
    for (let event = this.queue.takeOldest(); event; event = this.queue.takeOldest()) left.push(event);
    this.settle(left);
    this.drop(left, 'CLOSED');
    // Requests on their way see the signal, and drop what they hold.
    await this.flush(1_000);
  }

  async close(timeoutMs: number): Promise<void> {
    this.isClosed = true;
    await this.drain(timeoutMs);
    this.ageTimer?.stop();
  }

  private makeRoom({ bytes }: QueuedEvent): boolean {
    const { maxQueueEvents, maxQueueBytes, overflow } = this.options;
    const isFull = (): boolean => this.heldEvents + 1 > maxQueueEvents || this.heldBytes + bytes > maxQueueBytes;
    if (overflow === 'DROP_OLDEST' && bytes <= maxQueueBytes) {
      while (isFull()) {
        const oldest = this.queue.takeOldest();
        if (!oldest) break;
        this.settle([oldest]);
        this.drop([oldest], 'QUEUE_FULL');
      }
    }
    return !isFull();
  }

  /** Sends full batches once the caller's own work is done, others when their oldest event is old enough. */
  private plan(): void {
    if (this.isPumpPlanned || this.active.size >= this.options.concurrency) return;
    if (this.isDue()) {
      this.isPumpPlanned = true;
      queueMicrotask(() => {
        this.isPumpPlanned = false;
        this.pump();
      });
    } else if (!this.ageTimer && this.queue.oldest) {
      const waitMs = this.queue.oldest.queuedAtMs + this.options.maxBatchAgeMs - performance.now();
      this.ageTimer = startTimer(() => this.pump(), Math.max(waitMs, 0) + 1);
    }
  }

  private isDue(): boolean {
    const { oldest, size, bytes } = this.queue;
    if (!oldest) return false;
    if (oldest.place <= this.flushPlace || size >= this.options.batchSize || bytes >= this.options.maxBatchBytes) return true;
    return performance.now() - oldest.queuedAtMs >= this.options.maxBatchAgeMs;
  }

  private pump(): void {
    this.ageTimer?.stop();
    this.ageTimer = undefined;
    while (this.active.size < this.options.concurrency && this.isDue()) {
      const batch = this.queue.takeBatch(this.options.batchSize, this.options.maxBatchBytes);
      const delivery = { place: batch[0]?.place ?? 0 };
      this.active.add(delivery);
      void this.deliver(batch, this.giveUp.signal).finally(() => {
        this.active.delete(delivery);
        this.pump();
        this.endFlushes();
      });
    }
    this.plan();
  }

  /** Until each event of the batch is answered for, or dropped. */
  private async deliver(batch: Batch, stop: AbortSignal): Promise<void> {
    const parts = [batch];
    let halvings = 0;
    for (let part = parts.pop(); part; part = parts.pop()) {
      const outcome = await this.send(part, stop);
      if (!(outcome instanceof TareError)) this.answered(part, outcome);
      else if (stop.aborted) this.giveBack(part, 'CLOSED', outcome);
      else if (outcome.retryable) this.giveBack(part, 'EXPIRED', outcome);
      else if (part.length > 1 && (outcome.status === 413 || (CONTENT_STATUS.has(outcome.status ?? 0) && halvings++ < MAX_HALVINGS))) {
        const middle = Math.ceil(part.length / 2);
        parts.push(part.slice(middle), part.slice(0, middle));
      } else this.giveBack(part, outcome.status === 413 ? 'TOO_LARGE' : 'REFUSED', outcome);
    }
  }

  /** The API's answer, or an error that another try cannot help (or that there is no time for). */
  private async send(part: Batch, stop: AbortSignal): Promise<IngestResult | TareError> {
    const body = `[${part.map(({ text }) => text).join(',')}]`;
    const since = performance.now();
    for (let attempt = 1; ; attempt++) {
      await this.untilAllowed(stop);
      if (stop.aborted) return new TareError('CLOSED', 'the client was closed before the events were delivered');
      this.counts.requests++;
      const outcome = ingestResult(await this.transport.post('/v1/events', body, stop), part.length);
      if (!(outcome instanceof TareError)) return outcome;
      if (stop.aborted) return outcome;
      this.hooks.error(outcome);
      if (!outcome.retryable || performance.now() - since >= this.options.retryForMs) return outcome;
      this.counts.retries++;
      if (outcome.retryAfterMs > 0) this.notBeforeMs = Math.max(this.notBeforeMs, performance.now() + outcome.retryAfterMs);
      await pause(retryDelayMs(attempt, this.options.maxDelayMs, 0), stop);
    }
  }

  /** The API's Retry-After holds for all requests. */
  private async untilAllowed(stop: AbortSignal): Promise<void> {
    for (let waitMs = this.notBeforeMs - performance.now(); waitMs > 0 && !stop.aborted; waitMs = this.notBeforeMs - performance.now()) {
      await pause(waitMs, stop);
    }
  }

  private answered(part: Batch, result: IngestResult): void {
    this.settle(part);
    this.counts.accepted += result.accepted;
    this.counts.duplicates += result.duplicates;
    this.counts.rejected += result.rejected.length;
    for (const rejected of result.rejected) {
      const event = part[rejected.index];
      if (event) this.hooks.rejected(event.text, rejected);
    }
  }

  private giveBack(part: Batch, reason: DropReason, error: TareError): void {
    this.settle(part);
    this.drop(part, reason, error);
  }

  private drop(events: Batch, reason: DropReason, error?: TareError): false {
    this.counts.dropped += events.length;
    for (const { key, text } of events) this.hooks.dropped(() => ({ reason, key, event: JSON.parse(text) as unknown, error }), reason);
    return false;
  }

  private settle(events: Batch): void {
    this.heldEvents -= events.length;
    for (const { bytes } of events) this.heldBytes -= bytes;
    if (this.heldEvents === 0) leaveToExit(this);
  }

  private isSettled(place: number): boolean {
    if ((this.queue.oldest?.place ?? Infinity) <= place) return false;
    for (const delivery of this.active) if (delivery.place <= place) return false;
    return true;
  }

  private endFlushes(): void {
    for (const flush of this.flushes) if (this.isSettled(flush.place)) flush.resolve();
  }
}

/** An answer counts only where it speaks of every event that was sent; anything else (a proxy's page, say) is no acknowledgement. */
function ingestResult(answer: unknown, count: number): IngestResult | TareError {
  if (answer instanceof TareError) return answer.code === 'BAD_ANSWER' ? badAnswer(answer.message) : answer;
  const { accepted, duplicates, rejected } = (answer ?? {}) as Partial<IngestResult>;
  if (typeof accepted === 'number' && typeof duplicates === 'number' && Array.isArray(rejected)) {
    if (accepted + duplicates + rejected.length === count) return { accepted, duplicates, rejected };
  }
  return badAnswer(`the answer does not tell what became of ${count} events: is url the address of a Tare API?`);
}

const badAnswer = (message: string): TareError => new TareError('BAD_ANSWER', message, { retryable: true });

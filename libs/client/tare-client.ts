import { SafeHooks, type ClientHooks } from './client-hooks.ts';
import { EventSender, type SenderOptions, type SenderStats } from './event-sender.ts';
import { drainOnSignals } from './process-exit.ts';
import { retryDelayMs } from './retry-delay.ts';
import { TareError } from './tare-error.ts';
import { pause } from './timer.ts';
import { Transport, type Fetch } from './transport.ts';
import { UsageScope, type UsageRecorder, type WrapperCounts } from './usage-scope.ts';
import type { IngestResult, RecordedEvent, RejectedEvent, UsageAttributes, UsageEvent } from './wire.ts';

export interface TareClientOptions extends ClientHooks {
  /** Where the API listens, e.g. `http://127.0.0.1:4000`. */
  readonly url: string;
  /** With the scope INGEST. Without one the constructor throws, so that `process.env.TARE_API_KEY` can stand here. */
  readonly apiKey: string | undefined;
  /** Events in one request, 1,000 by default; the API takes 10,000 at the most. */
  readonly batchSize?: number;
  /** What `ingest` sends is history: the window of backdating does not hold. Needs an API key with scope ADMIN; off by default. */
  readonly backfill?: boolean;
  /** Tries of one request of `ingest` and `graphql` before it fails, the first included; 8 by default. */
  readonly tries?: number;
  /** The longest wait between two tries, apart from what the API asks for; 10 s by default. */
  readonly maxDelayMs?: number;
  /** How long one request may take; a minute by default. */
  readonly timeoutMs?: number;
  /** In place of the platform's. */
  readonly fetch?: Fetch;
  /** Bytes of recorded events in one request, 4 MiB by default. */
  readonly maxBatchBytes?: number;
  /** A recorded event is sent after this time at the latest, in a batch that is not full; 1 s by default. */
  readonly maxBatchAgeMs?: number;
  /** Requests with recorded events at the same time, 2 by default. */
  readonly concurrency?: number;
  /** Recorded events that may wait or be on their way, 100,000 by default. */
  readonly maxQueueEvents?: number;
  /** Their bytes, 64 MiB by default. */
  readonly maxQueueBytes?: number;
  /** Which event is dropped when that is reached: the one that comes (default), or the one that waits longest. */
  readonly overflow?: 'DROP_NEWEST' | 'DROP_OLDEST';
  /** How long the events of a batch are tried; for as long as the process lives by default. */
  readonly retryForMs?: number;
  /** Sends what waits when the process has nothing else to do; on by default. */
  readonly flushOnExit?: boolean;
  /** Sends what waits when one of these signals comes, e.g. `['SIGTERM']`; none by default. */
  readonly flushOnSignals?: readonly string[];
  /** How long an ending process is held up by that; 5 s by default. */
  readonly exitTimeoutMs?: number;
}

export interface ClientStats extends SenderStats, Readonly<WrapperCounts> {
  /** Hooks that threw. */
  readonly hookFailures: number;
}

export interface FlushOptions {
  /** 30 s by default. */
  readonly timeoutMs?: number;
}

const MEBIBYTE = 2 ** 20;
const DEFAULTS = {
  batchSize: 1_000,
  backfill: false,
  tries: 8,
  maxDelayMs: 10_000,
  timeoutMs: 60_000,
  maxBatchBytes: 4 * MEBIBYTE,
  maxBatchAgeMs: 1_000,
  concurrency: 2,
  maxQueueEvents: 100_000,
  maxQueueBytes: 64 * MEBIBYTE,
  overflow: 'DROP_NEWEST',
  retryForMs: Infinity,
  flushOnExit: true,
  flushOnSignals: [],
  exitTimeoutMs: 5_000,
} as const;
const FLUSH_TIMEOUT_MS = 30_000;
const MAX_BATCH = 10_000;

type Settings = SenderOptions & { readonly tries: number; readonly backfill: boolean };

/**
 * Talks to a Tare API: usage in, GraphQL both ways. Every request may be sent again without harm: events carry their keys. Has no dependency.
 *
 * `record` is for an application at work: it never throws and never waits. `ingest` is for jobs that want to know: it answers once all is committed.
 */
export class TareClient implements UsageRecorder {
  readonly wrapperCounts: WrapperCounts = { missingUsage: 0, wrapperFailures: 0 };
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
  private readonly settings: Settings;
  private readonly transport: Transport;
  private readonly hooks: SafeHooks;
  private readonly sender: EventSender;
  private readonly scope: UsageScope;
  private readonly removeSignals: () => void;

  /** @throws TareError INVALID_OPTION */
  constructor(options: TareClientOptions) {
    const entries = Object.entries(options).filter(([, value]) => value !== undefined);
    // What is said here is checked in the next lines.
    const given = Object.fromEntries(entries) as unknown as TareClientOptions & { readonly apiKey: string };
    const settings = { ...DEFAULTS, ...given };
    requireOptions(settings);
    this.settings = settings;
    this.transport = new Transport({ ...settings, url: settings.url.replace(/\/+$/, ''), fetch: settings.fetch ?? platformFetch });
    this.hooks = new SafeHooks(settings);
    this.sender = new EventSender(this.transport, this.hooks, settings);
    this.scope = new UsageScope(this.sender, this.wrapperCounts);
    this.removeSignals = drainOnSignals(settings.flushOnSignals, this.sender);
    // Older platforms do not know the symbol.
    if (typeof Symbol.asyncDispose === 'symbol') Object.defineProperty(this, Symbol.asyncDispose, { value: () => this.close() });
  }

  record(event: RecordedEvent): string | undefined {
    return this.scope.record(event);
  }

  with(attributes: UsageAttributes): UsageRecorder {
    return this.scope.with(attributes);
  }

  /** What became of recorded events so far, and how many wait. */
  stats(): ClientStats {
    return { ...this.sender.stats, ...this.wrapperCounts, hookFailures: this.hooks.failures };
  }

  /** Sends what was recorded until now. Answers how many events still wait: 0 once each is delivered or told to a hook. Never rejects. */
  flush({ timeoutMs = FLUSH_TIMEOUT_MS }: FlushOptions = {}): Promise<number> {
    return this.sender.flush(timeoutMs);
  }

  /** Takes no more events, sends those that wait, and drops (`CLOSED`) what could not be delivered in time. Never rejects. */
  async close({ timeoutMs = FLUSH_TIMEOUT_MS }: FlushOptions = {}): Promise<void> {
    await this.sender.close(timeoutMs);
    this.removeSignals();
  }

  /**
   * Sends events in batches and answers once all are committed. A rejected event's `index` is its place in `events`.
   * Throws TareError when a batch could not be delivered; what came before it stands, and sending all of it again counts nothing twice.
   */
  async ingest(events: readonly UsageEvent[]): Promise<IngestResult> {
    let accepted = 0;
    let duplicates = 0;
    const rejected: RejectedEvent[] = [];
    for (let start = 0; start < events.length; start += this.settings.batchSize) {
      const result = await this.ingestBatch(events.slice(start, start + this.settings.batchSize), start);
      accepted += result.accepted;
      duplicates += result.duplicates;
      rejected.push(...result.rejected);
    }
    return { accepted, duplicates, rejected };
  }

  /** Runs a GraphQL operation and answers its `data`. Throws TareError with the first error's code. */
  async graphql<Data>(query: string, variables: Readonly<Record<string, unknown>> = {}): Promise<Data> {
    const answer = (await this.request('/graphql', { query, variables })) as GraphqlAnswer<Data>;
    const error = answer.errors?.[0];
    if (error) throw new TareError(error.extensions?.code ?? 'GRAPHQL_ERROR', error.message);
    if (answer.data === undefined || answer.data === null) throw new TareError('GRAPHQL_ERROR', 'the answer has no data');
    return answer.data;
  }

  /** One request, or two halves of it where the API says that it is too large. `start`: place of the first event. */
  private async ingestBatch(batch: readonly UsageEvent[], start: number): Promise<IngestResult> {
    try {
      const result = (await this.request(this.settings.backfill ? '/v1/events?backfill=true' : '/v1/events', batch)) as IngestResult;
      return { ...result, rejected: result.rejected.map((event) => ({ ...event, index: event.index + start })) };
    } catch (error) {
      if (!(error instanceof TareError) || error.status !== 413 || batch.length < 2) throw error;
      const middle = Math.ceil(batch.length / 2);
      const first = await this.ingestBatch(batch.slice(0, middle), start);
      const second = await this.ingestBatch(batch.slice(middle), start + middle);
      return {
        accepted: first.accepted + second.accepted,
        duplicates: first.duplicates + second.duplicates,
        rejected: [...first.rejected, ...second.rejected],
      };
    }
  }

  private async request(path: string, body: unknown): Promise<unknown> {
    const text = JSON.stringify(body);
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.transport.post(path, text);
      if (!(outcome instanceof TareError)) return outcome;
      if (!outcome.retryable || attempt >= this.settings.tries) throw outcome;
      await pause(retryDelayMs(attempt, this.settings.maxDelayMs, outcome.retryAfterMs), undefined, true);
    }
  }
}

interface GraphqlAnswer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

/** Looked up at each request, so that what replaces it later (a test's, an instrumentation's) is used. */
const platformFetch: Fetch = (url, init) => fetch(url, init);

function requireOptions(options: Settings & { readonly url: string; readonly apiKey: string; readonly timeoutMs: number }): void {
  const refuse = (name: string, expected: string): never => {
    throw new TareError('INVALID_OPTION', `${name}: ${expected}`);
  };
  if (!/^https?:\/\/./.test(options.url)) refuse('url', 'the address of a Tare API is expected, such as https://tare.example.com');
  if (typeof options.apiKey !== 'string') refuse('apiKey', 'a key with the scope INGEST is expected');
  for (const name of ['batchSize', 'tries', 'concurrency', 'maxQueueEvents', 'maxBatchBytes', 'maxQueueBytes', 'timeoutMs'] as const) {
    if (!(Number.isInteger(options[name]) && options[name] > 0)) refuse(name, 'a whole number above 0 is expected');
  }
  for (const name of ['maxDelayMs', 'maxBatchAgeMs', 'retryForMs', 'exitTimeoutMs'] as const) {
    if (!(options[name] >= 0)) refuse(name, 'milliseconds are expected, 0 or more');
  }
  if (options.batchSize > MAX_BATCH) refuse('batchSize', `the API takes ${MAX_BATCH} events at the most`);
  if (!['DROP_NEWEST', 'DROP_OLDEST'].includes(options.overflow)) refuse('overflow', 'DROP_NEWEST or DROP_OLDEST is expected');
}

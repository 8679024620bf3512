import { TareError } from './tare-error.ts';
import type { IngestResult, RejectedEvent, UsageEvent } from './wire.ts';

export interface TareClientOptions {
  /** Where the API listens, e.g. `http://127.0.0.1:4000`. */
  readonly url: string;
  readonly apiKey: string;
  /** Events in one request; the API takes 10,000 at the most. */
  readonly batchSize?: number;
  /** Tries of one request before it fails, the first included. */
  readonly tries?: number;
  /** The longest wait between two tries. */
  readonly maxDelayMs?: number;
  readonly timeoutMs?: number;
}

const DEFAULTS = { batchSize: 1_000, tries: 8, maxDelayMs: 10_000, timeoutMs: 60_000 } as const;
const FIRST_DELAY_MS = 200;

/**
 * Talks to a Tare API: usage in, GraphQL both ways. Every request may be sent again without harm: events carry their keys. Has no dependency.
 */
export class TareClient {
  private readonly options: Required<TareClientOptions>;

  constructor(options: TareClientOptions) {
    this.options = { ...DEFAULTS, ...options, url: options.url.replace(/\/+$/, '') };
  }

  /**
   * Sends events in batches and answers once all are committed. A rejected event's `index` is its place in `events`.
   * Throws TareError when a batch could not be delivered; what came before it stands, and sending all of it again counts nothing twice.
   */
  async ingest(events: readonly UsageEvent[]): Promise<IngestResult> {
    let accepted = 0;
    let duplicates = 0;
    const rejected: RejectedEvent[] = [];
    for (let start = 0; start < events.length; start += this.options.batchSize) {
      const batch = events.slice(start, start + this.options.batchSize);
      const result = (await this.request('/v1/events', batch)) as IngestResult;
      accepted += result.accepted;
      duplicates += result.duplicates;
      rejected.push(...result.rejected.map((event) => ({ ...event, index: event.index + start })));
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

  private async request(path: string, body: unknown): Promise<unknown> {
    const text = JSON.stringify(body);
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.attempt(path, text);
      if (!(outcome instanceof TareError)) return outcome;
      if (!outcome.retryable || attempt >= this.options.tries) throw outcome;
      await sleep(this.delayMs(attempt, outcome.retryAfterMs));
    }
  }

  /** The parsed answer, or the error that says whether another try makes sense. */
  private async attempt(path: string, body: string): Promise<unknown> {
    try {
      const response = await fetch(this.options.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.options.apiKey}`, 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(this.options.timeoutMs),
      });
      return await readAnswer(response);
    } catch (error) {
      const message =
        error instanceof Error ? `${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ''}` : String(error);
      return new TareError('UNREACHABLE', `no answer from ${this.options.url}: ${message}`, { retryable: true });
    }
  }

  /** Exponential backoff with full jitter, so that many clients do not come back at once; never before the server asked to. */
  private delayMs(attempt: number, retryAfterMs: number): number {
    const ceiling = Math.min(this.options.maxDelayMs, FIRST_DELAY_MS * 2 ** (attempt - 1));
    return Math.max(retryAfterMs, Math.random() * ceiling);
  }
}

interface GraphqlAnswer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

const RETRYABLE_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);

async function readAnswer(response: Response): Promise<unknown> {
  const text = await response.text();
  const answer = parseJson(text);
  if (response.ok) return answer ?? new TareError('BAD_ANSWER', `not JSON: ${text.slice(0, 200)}`);
  // A GraphQL error is data: its code says more than the status.
  if (hasErrors(answer)) return answer;
  const { code, message } = (answer ?? {}) as { code?: string; message?: string };
  const retryAfterMs = Number(response.headers.get('retry-after') ?? '0') * 1000;
  return new TareError(code ?? `HTTP_${response.status}`, message ?? text.slice(0, 200), {
    retryable: RETRYABLE_STATUS.has(response.status),
    retryAfterMs: Number.isFinite(retryAfterMs) ? retryAfterMs : 0,
  });
}

const hasErrors = (answer: unknown): boolean =>
  typeof answer === 'object' && answer !== null && Array.isArray((answer as { errors?: unknown }).errors);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

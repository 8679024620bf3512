import { readRetryAfter } from './retry-delay.ts';
import { TareError } from './tare-error.ts';
import { startTimer } from './timer.ts';

/** What we need of an answer. */
export interface FetchResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/** What we need of fetch: the platform's, or your own. */
export type Fetch = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly redirect: 'manual';
    readonly signal: AbortSignal;
  },
) => Promise<FetchResponse>;

export interface TransportOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly timeoutMs: number;
  readonly fetch: Fetch;
}

const RETRYABLE_CLIENT_STATUS = new Set([408, 425, 429]);
/** Not there, and not there in a minute either. */
const FINAL_SERVER_STATUS = new Set([501, 505]);

/** One request and its answer. Connections are kept alive by fetch. */
export class Transport {
  constructor(private readonly options: TransportOptions) {}

  /** The parsed answer, or the error that says whether another try makes sense. Never rejects. */
  async post(path: string, body: string, stop?: AbortSignal): Promise<unknown> {
    const { url, apiKey, timeoutMs } = this.options;
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const timer = startTimer(abort, timeoutMs);
    stop?.addEventListener('abort', abort);
    try {
      if (stop?.aborted) abort();
      const response = await this.options.fetch(url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        body,
        redirect: 'manual',
        signal: controller.signal,
      });
      return readAnswer(response, await response.text());
    } catch (error) {
      if (stop?.aborted) return new TareError('CLOSED', 'the client was closed before the answer came', { cause: error });
      const reason = controller.signal.aborted ? `nothing within ${timeoutMs} ms` : reasonOf(error);
      return new TareError('UNREACHABLE', `no answer from ${url}: ${reason}`, { retryable: true, cause: error });
    } finally {
      timer.stop();
      stop?.removeEventListener('abort', abort);
    }
  }
}

function readAnswer(response: FetchResponse, text: string): unknown {
  const { status } = response;
  const answer = parseJson(text);
  if (response.ok) return answer ?? new TareError('BAD_ANSWER', `not JSON: ${text.slice(0, 200)}`, { status });
  // A GraphQL error is data: its code says more than the status. Refused for the time being, the whole request may be sent again.
  const retryable = isRetryable(status);
  if (!retryable && hasErrors(answer)) return answer;
  if (status === 0 || (status >= 300 && status < 400)) {
    const target = response.headers.get('location') ?? 'another address';
    return new TareError('REDIRECTED', `the API answers from ${target}: set url to where it is`, { status, retryable: true });
  }
  const { code, message } = errorOf(answer);
  const retryAfterMs = readRetryAfter(response.headers.get('retry-after'));
  return new TareError(code ?? `HTTP_${status}`, message ?? text.slice(0, 200), { status, retryable, retryAfterMs });
}

const isRetryable = (status: number): boolean => RETRYABLE_CLIENT_STATUS.has(status) || (status >= 500 && !FINAL_SERVER_STATUS.has(status));

const hasErrors = (answer: unknown): boolean =>
  typeof answer === 'object' && answer !== null && Array.isArray((answer as { errors?: unknown }).errors);

/** Code and message of an error, in the form of REST or of GraphQL. */
function errorOf(answer: unknown): { code?: string; message?: string } {
  if (typeof answer !== 'object' || answer === null) return {};
  const { errors } = answer as { errors?: { message?: unknown; extensions?: { code?: unknown } }[] };
  const { code, message } = (Array.isArray(errors) ? { message: errors[0]?.message, code: errors[0]?.extensions?.code } : answer) as {
    code?: unknown;
    message?: unknown;
  };
  return { ...(typeof code === 'string' ? { code } : {}), ...(typeof message === 'string' ? { message } : {}) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

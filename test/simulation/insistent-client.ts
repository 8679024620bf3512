import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningApp } from './running-app.ts';

/** What an API answers to events and corrections. */
export interface BatchAnswer {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly unknown[];
}

interface GraphqlAnswer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

/** What is sent again: nothing is wrong with the request. */
const TO_BE_REPEATED: ReadonlySet<string | undefined> = new Set(['INTERNAL', 'OVERLOADED', 'RATE_LIMITED']);
const PAUSE_MS = 50;
/** Nothing takes that long, not even a database that recovers: who is silent for so long hangs. */
const PATIENCE_MS = 120_000;

class Refused extends Error {}

/** Sends a request again and again, to one API after the other, until one answers. */
export class InsistentClient {
  private requests = 0;
  private silent = 0;
  private hanging = 0;
  private isOver = false;

  constructor(
    private readonly apis: readonly RunningApp[],
    private readonly key: string,
  ) {}

  /** Requests that nobody answered: what became of them is known only because they were sent again. */
  get unanswered(): number {
    return this.silent;
  }

  /** Of these, those that an API held on to without dying. */
  get hung(): number {
    return this.hanging;
  }

  /** Whoever still waits for an answer fails. */
  giveUp(): void {
    this.isOver = true;
  }

  /** @throws Error for a request that is refused */
  post(route: string, body: unknown): Promise<unknown> {
    return this.insist(route, JSON.stringify(body), (answer) => answer);
  }

  /** Answers the one field that the document asks for. @throws Error for a request that is refused */
  graphql(query: string, variables: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.insist('/graphql', JSON.stringify({ query, variables }), fieldOf);
  }

  /** Sends it once, and does not wait for the answer longer than that: undefined for none. @throws Error for a request that is refused */
  async tryGraphql(query: string, variables: Readonly<Record<string, unknown>>, patienceMs: number): Promise<unknown> {
    const url = this.nextUrl();
    const answer = url === null ? undefined : await this.ask(`${url}/graphql`, JSON.stringify({ query, variables }), fieldOf, patienceMs);
    if (answer === undefined) await sleep(PAUSE_MS);
    return answer;
  }

  /** `read` answers undefined for what is to be sent again. */
  private async insist(route: string, body: string, read: (answer: unknown) => unknown): Promise<unknown> {
    while (!this.isOver) {
      const url = this.nextUrl();
      const answer = url === null ? undefined : await this.ask(`${url}${route}`, body, read);
      if (answer !== undefined) return answer;
      if (url !== null) this.silent += 1;
      await sleep(PAUSE_MS);
    }
    throw new Error('the run is over');
  }

  private nextUrl(): string | null {
    this.requests += 1;
    const urls = this.apis.flatMap(({ url }) => url ?? []);
    return urls[this.requests % urls.length] ?? null;
  }

  private async ask(url: string, body: string, read: (answer: unknown) => unknown, patienceMs = PATIENCE_MS): Promise<unknown> {
    try {
      const headers = { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' };
      const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(patienceMs) });
      if (response.status === 200) return read(await response.json());
      // A database that was killed is an error on our side: nothing was acknowledged, so it is sent again.
      if (response.status !== 429 && response.status < 500) throw new Refused(`status ${response.status}: ${await response.text()}`);
    } catch (error) {
      if (error instanceof Refused) throw error;
      if (patienceMs === PATIENCE_MS && error instanceof Error && error.name === 'TimeoutError') this.hanging += 1;
    }
    return undefined;
  }
}

/** Undefined for what is to be sent again. */
function fieldOf(answer: unknown): unknown {
  const { data, errors } = answer as GraphqlAnswer;
  if (errors === undefined) return Object.values(data ?? {})[0];
  const refusal = errors.find(({ extensions }) => !TO_BE_REPEATED.has(extensions?.code));
  if (refusal !== undefined) throw new Refused(`refused: ${JSON.stringify(refusal)}`);
  return undefined;
}

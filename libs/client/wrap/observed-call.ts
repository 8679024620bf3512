import { isThenable } from '../client-hooks.ts';
import type { UsageRecorder, WrapperCounts } from '../usage-scope.ts';
import type { RecordedEvent, UsageAttributes } from '../wire.ts';
import { guarded } from './guarded.ts';
import { NO_FACTS, type Dialect, type ResponseFacts } from './response-facts.ts';

/** What the events of a wrapped SDK say besides usage: once for all calls, or made from each call's parameters. */
export type CallAttributes<Params> =
  UsageAttributes | ((params: Params, requestOptions: unknown) => (UsageAttributes & { readonly key?: string }) | undefined);

export interface WrapOptions<Params = Readonly<Record<string, unknown>>> {
  /** Customer, feature, traceId and the like of a call. What it throws is counted in `wrapperFailures` and not thrown on. */
  readonly attributes?: CallAttributes<Params>;
  /** The provider that the base URL of the SDK leads to, where it is another than the SDK's own: "azure", for example. */
  readonly provider?: string;
  /**
   * RESPONSE_ID (default): provider and id of the response, so that one response is counted once, however often it is seen. GENERATED for servers
   * whose ids are not unique.
   */
  readonly keys?: 'RESPONSE_ID' | 'GENERATED';
}

export interface CallContext {
  readonly recorder: UsageRecorder;
  readonly counts: WrapperCounts;
  readonly provider: string;
  readonly options: WrapOptions;
  /** Calls that the provider works on in the background, by the response's id. */
  readonly pending: PendingCalls;
}

/** Calls whose usage comes later; the oldest are forgotten first. */
export type PendingCalls = Map<string, ObservedCall>;
const MAX_PENDING = 10_000;

/** One call of an SDK, from its start to the moment when its usage is known or will not come. Its methods never throw. */
export class ObservedCall {
  private readonly startedAt = new Date();
  private readonly startedMs = performance.now();
  private attributes: UsageAttributes & { readonly key?: string } = {};
  private facts: ResponseFacts = NO_FACTS;
  private isOver = false;

  constructor(
    private readonly dialect: Dialect,
    private readonly context: CallContext,
    private readonly params: Readonly<Record<string, unknown>>,
    requestOptions: unknown,
  ) {
    this.guarded(() => this.readAttributes(requestOptions));
  }

  /** An answer in one piece. */
  body(body: Readonly<Record<string, unknown>>): void {
    this.guarded(() => {
      this.facts = this.dialect.readBody(body);
      this.end();
    });
  }

  chunk(chunk: Readonly<Record<string, unknown>>): void {
    this.guarded(() => {
      if (this.isOver) return;
      this.facts = this.dialect.readChunk(this.facts, chunk);
      if (this.facts.isLast) this.end();
    });
  }

  /** The stream is over: at its end, broken, or left by the application. */
  end(): void {
    this.guarded(() => {
      if (this.isOver) return;
      this.isOver = true;
      this.settle(this.facts, Math.round(performance.now() - this.startedMs));
    });
  }

  /** A later look at a response that was pending. How long the provider took is not known then. */
  settleLater(facts: ResponseFacts): void {
    this.guarded(() => this.settle(facts, undefined));
  }

  private settle(facts: ResponseFacts, durationMs: number | undefined): void {
    const { recorder, counts, pending } = this.context;
    if (facts.usage) recorder.record(this.event(facts, durationMs));
    else if (facts.isPending && facts.id !== undefined) remember(pending, facts.id, this);
    else counts.missingUsage++;
  }

  private event(facts: ResponseFacts, durationMs: number | undefined): RecordedEvent {
    const { provider, options } = this.context;
    const model = facts.model ?? (typeof this.params.model === 'string' ? this.params.model : undefined);
    return {
      ...(facts.id !== undefined && options.keys !== 'GENERATED' ? { key: `${provider}:${facts.id}` } : {}),
      type: this.dialect.type,
      at: this.startedAt,
      provider,
      outcome: facts.isComplete ? 'SUCCEEDED' : 'FAILED',
      ...(model === undefined ? {} : { model }),
      ...(facts.serviceTier === undefined ? {} : { serviceTier: facts.serviceTier }),
      ...(durationMs === undefined ? {} : { durationMs }),
      ...(facts.usage ? { usage: facts.usage } : {}),
      ...this.attributes,
    };
  }

  private readAttributes(requestOptions: unknown): void {
    const { attributes } = this.context.options;
    const said: unknown = typeof attributes === 'function' ? attributes(this.params, requestOptions) : attributes;
    if (isThenable(said)) {
      said.then(undefined, () => undefined);
      throw new TypeError('attributes are needed at once: a promise came');
    }
    this.attributes = Object.fromEntries(Object.entries(said ?? {}).filter(([, value]) => value !== undefined));
  }

  private guarded(work: () => void): void {
    guarded(this.context.counts, work);
  }
}

function remember(pending: PendingCalls, id: string, call: ObservedCall): void {
  const [oldest] = pending.keys();
  if (pending.size >= MAX_PENDING && oldest !== undefined) pending.delete(oldest);
  pending.set(id, call);
}

import type { UsageRecorder } from '../usage-scope.ts';
import { shownBy, viewOf, type Interception } from './client-view.ts';
import { guarded } from './guarded.ts';
import { ObservedCall, type CallContext, type PendingCalls, type WrapOptions } from './observed-call.ts';
import { observeAnswer } from './observe-answer.ts';
import { isObject, NO_FACTS, type Dialect, type ResponseFacts } from './response-facts.ts';

/** Calls in the background belong to the client, whichever view of it made them. */
const pendingByClient = new WeakMap<object, PendingCalls>();

/** What a wrapper does to an SDK. */
export interface WrapPlan {
  readonly provider: string;
  /** Methods that are calls, by their path. */
  readonly calls: Readonly<Record<string, Dialect>>;
  /** Methods that look again at the answer of a call in the background. */
  readonly looks?: Readonly<Record<string, Dialect>>;
  /** The parameters that are really sent. */
  readonly sent?: (path: string, params: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
}

/** A view of the client whose calls are recorded. Wrapping a view again wraps the client it shows: the last wrapper counts, alone. */
export function wrapClient<Client extends object>(client: Client, recorder: UsageRecorder, options: WrapOptions, plan: WrapPlan): Client {
  const shown = shownBy(client);
  const pending = pendingByClient.get(shown) ?? new Map<string, ObservedCall>();
  pendingByClient.set(shown, pending);
  const context: CallContext = { recorder, counts: recorder.wrapperCounts, options, pending, provider: options.provider ?? plan.provider };
  const interceptions = new Map<string, Interception>();
  for (const [path, dialect] of Object.entries(plan.calls)) interceptions.set(path, callInterception(context, dialect, plan, path));
  for (const [path, dialect] of Object.entries(plan.looks ?? {})) interceptions.set(path, lookInterception(context, dialect));
  return viewOf(shown, interceptions);
}

function callInterception(context: CallContext, dialect: Dialect, { sent }: WrapPlan, path: string): Interception {
  return (call, args) => {
    const [params, ...rest] = args;
    if (!isObject(params)) return call(...args);
    const observed = new ObservedCall(dialect, context, params, rest[0]);
    const answer = sent ? call(sent(path, params), ...rest) : call(...args);
    guarded(context.counts, () => observeAnswer(answer, observed));
    return answer;
  };
}

function lookInterception(context: CallContext, dialect: Dialect): Interception {
  return (call, args) => {
    const answer = call(...args);
    // Nothing waits for most looks.
    const waiting = typeof args[0] === 'string' ? context.pending.get(args[0]) : undefined;
    if (waiting) guarded(context.counts, () => observeAnswer(answer, new Look(dialect, context, args[0] as string, waiting)));
    return answer;
  };
}

/** Reads the answer of a look, and ends the call that waits for it. */
class Look {
  private facts: ResponseFacts = NO_FACTS;

  constructor(
    private readonly dialect: Dialect,
    private readonly context: CallContext,
    private readonly id: string,
    private readonly call: ObservedCall,
  ) {}

  body(body: Readonly<Record<string, unknown>>): void {
    this.see(() => this.dialect.readBody(body));
    this.end();
  }

  chunk(chunk: Readonly<Record<string, unknown>>): void {
    this.see(() => this.dialect.readChunk(this.facts, chunk));
  }

  end(): void {
    // Two looks may be on their way: the first one that sees the end counts.
    const { isComplete, hasFailed } = this.facts;
    if ((isComplete || hasFailed) && this.context.pending.delete(this.id)) this.call.settleLater(this.facts);
  }

  private see(read: () => ResponseFacts): void {
    guarded(this.context.counts, () => (this.facts = read()));
  }
}

import { TareError } from './tare-error.ts';
import type { RejectedEvent, UsageEvent } from './wire.ts';

/**
 * Why an event will not be sent (again): QUEUE_FULL the limit of memory was reached; INVALID it is no event (no customer, no type, no JSON);
 * TOO_LARGE the API takes no request of its size; REFUSED the API refused the request (a wrong key, for example); EXPIRED it was tried for
 * `retryForMs`; CLOSED the client was closed, or the process ended, before it could be delivered. After EXPIRED and CLOSED it may have arrived.
 */
export type DropReason = 'QUEUE_FULL' | 'INVALID' | 'TOO_LARGE' | 'REFUSED' | 'EXPIRED' | 'CLOSED';

export interface DroppedEvent {
  readonly reason: DropReason;
  readonly key: string | undefined;
  /** What was to be sent; of an INVALID one what was given. */
  readonly event: unknown;
  readonly error: TareError | undefined;
}

export interface RejectedUsage {
  readonly event: UsageEvent;
  readonly code: string;
  readonly message: string;
}

export interface ClientHooks {
  /** Each failed try and whatever else went wrong. Where it is not given, console.warn tells of each code once a minute. */
  readonly onError?: (error: TareError) => void;
  /** An event that the API rejected: it stands in no bill until it is sent again under another key. */
  readonly onRejected?: (rejected: RejectedUsage) => void;
  readonly onDrop?: (dropped: DroppedEvent) => void;
}

const WARN_EVERY_MS = 60_000;

/** Calls hooks so that nothing they do, throwing or rejecting included, reaches the caller. */
export class SafeHooks {
  failures = 0;
  private readonly warnedAt = new Map<string, number>();

  constructor(private readonly hooks: ClientHooks) {}

  error(error: TareError): void {
    if (this.hooks.onError) this.call(this.hooks.onError, error);
    else this.warn(error);
  }

  rejected(text: string, { code, message }: RejectedEvent): void {
    if (this.hooks.onRejected) this.call(this.hooks.onRejected, { event: JSON.parse(text) as UsageEvent, code, message });
    else this.warn(new TareError(code, `an event was rejected: ${message}`));
  }

  dropped(dropped: DroppedEvent | (() => DroppedEvent), reason: DropReason): void {
    if (this.hooks.onDrop) this.call(this.hooks.onDrop, typeof dropped === 'function' ? dropped() : dropped);
    else this.warn(new TareError(reason, 'usage was dropped; give onDrop to hear of each event'));
  }

  private call<Value>(hook: (value: Value) => unknown, value: Value): void {
    try {
      const result = hook(value);
      if (isThenable(result)) result.then(undefined, () => this.failures++);
    } catch {
      this.failures++;
    }
  }

  private warn(error: TareError): void {
    const now = Date.now();
    if (now - (this.warnedAt.get(error.code) ?? -Infinity) < WARN_EVERY_MS) return;
    this.warnedAt.set(error.code, now);
    this.call((text: string) => console.warn(text), `[tare] ${error.code}: ${error.message}`);
  }
}

export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';

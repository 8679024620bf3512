import { CodedError } from './coded-error.ts';

/**
 * Nothing is wrong with the request, but it cannot be taken now: OVERLOADED (the system, or the caller's share of it, is full) or RATE_LIMITED (the caller
 * is above an agreed rate). REST answers 429 with Retry-After, GraphQL `extensions.retryAfterSeconds`.
 */
export class RetryLater extends CodedError {
  constructor(
    override readonly code: 'OVERLOADED' | 'RATE_LIMITED',
    message: string,
    /** Whole seconds after which the same request has a chance, 1 at least. */
    readonly retryAfterSeconds: number,
  ) {
    super(code, message);
    this.name = 'RetryLater';
  }
}

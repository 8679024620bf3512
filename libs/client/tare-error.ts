/** What went wrong, with the API's stable code. `retryable`: the same request may succeed later. */
export class TareError extends Error {
  readonly retryable: boolean;
  readonly retryAfterMs: number;

  constructor(
    readonly code: string,
    message: string,
    options: { readonly retryable?: boolean; readonly retryAfterMs?: number } = {},
  ) {
    super(message);
    this.name = 'TareError';
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

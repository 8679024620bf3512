/** What went wrong, with the API's stable code. `retryable`: the same request may succeed later. */
export class TareError extends Error {
  readonly retryable: boolean;
  readonly retryAfterMs: number;
  /** Of the answer, where there was one. */
  readonly status: number | undefined;

  constructor(
    readonly code: string,
    message: string,
    options: { readonly retryable?: boolean; readonly retryAfterMs?: number; readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TareError';
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs ?? 0;
    this.status = options.status;
  }
}

/** The error bodies of the API: `{ error: { type, code, message, param } }`. */
export type StripeErrorType = 'invalid_request_error' | 'idempotency_error' | 'api_error' | 'card_error';

export class StripeError extends Error {
  constructor(
    readonly status: number,
    readonly type: StripeErrorType,
    readonly code: string | null,
    message: string,
    readonly param: string | null = null,
  ) {
    super(message);
  }

  body(): { error: Record<string, string> } {
    const error: Record<string, string> = { type: this.type, message: this.message };
    if (this.code !== null) error['code'] = this.code;
    if (this.param !== null) error['param'] = this.param;
    return { error };
  }
}

/** A parameter that is missing or malformed: thrown while a call is prepared, so it is never stored under an idempotency key. */
export function invalidParameter(param: string, message: string, code: string | null = null): StripeError {
  return new StripeError(400, 'invalid_request_error', code, message, param);
}

/** `noun` is the API's own word: customer, invoice, ... */
export function noSuch(noun: string, id: string, param = 'id', status = 404): StripeError {
  return new StripeError(status, 'invalid_request_error', 'resource_missing', `No such ${noun}: '${id}'`, param);
}

export function notAllowedNow(code: string, message: string): StripeError {
  return new StripeError(400, 'invalid_request_error', code, message);
}

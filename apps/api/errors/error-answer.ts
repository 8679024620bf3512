import { HttpException } from '@nestjs/common';
import { CodedError, RetryLater } from '@tare/core';
import { randomUUID } from 'node:crypto';
import { log } from '../log.ts';

/** What a caller is told about an error, in REST as the body, in GraphQL as message and extensions. */
export interface ErrorAnswer {
  readonly code: string;
  readonly message: string;
  /** Path of the offending field, as in the request. */
  readonly field?: string;
  /** When the same request has a chance, where it was refused only for now. Also the header Retry-After. */
  readonly retryAfterSeconds?: number;
}

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  NOT_AVAILABLE: 501,
  ALREADY_EXISTS: 409,
  BODY_TOO_LARGE: 413,
  BATCH_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  OVERLOADED: 429,
  RATE_LIMITED: 429,
  INTERNAL: 500,
};
const CODE_BY_STATUS: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  413: 'BODY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

/** What Fastify says in two words, with what to do. */
const MESSAGE_BY_CODE: Readonly<Record<string, string>> = {
  BODY_TOO_LARGE:
    'The body is larger than bodies may be: send it in parts, or events one per line as application/x-ndjson, which may be of any length.',
  UNSUPPORTED_MEDIA_TYPE:
    'Bodies of this Content-Type are not taken. Send application/json; events one per line as application/x-ndjson; CloudEvents as application/cloudevents+json or application/cloudevents-batch+json.',
};

export const unsupportedMediaType = (): CodedError =>
  new CodedError('UNSUPPORTED_MEDIA_TYPE', MESSAGE_BY_CODE.UNSUPPORTED_MEDIA_TYPE ?? '');

/** A caller's mistake is told as it is. Anything else is told as INTERNAL with an id that stands in the log, never with a stack or SQL. */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof CodedError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.path === undefined ? {} : { field: error.path }),
      ...(error instanceof RetryLater ? { retryAfterSeconds: error.retryAfterSeconds } : {}),
    };
  }
  const status = requestErrorStatus(error);
  if (status !== null) {
    const code = CODE_BY_STATUS[status] ?? 'BAD_REQUEST';
    return { code, message: MESSAGE_BY_CODE[code] ?? (error as Error).message };
  }
  if (isUnstorableText(error)) return { code: 'INVALID_CHARACTER', message: 'NUL characters cannot be kept, so nothing has them.' };
  if (isCut(error)) return { code: 'REQUEST_CUT', message: 'The request ended in the middle of its body.' };
  const id = randomUUID();
  log('error', 'unexpected error', { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  return { code: 'INTERNAL', message: `Something went wrong on our side. It is in the log under ${id}.` };
}

/** PostgreSQL holds no NUL in a text. Writers refuse it with its path; where one is only looked for, the database is the first to see it. */
const isUnstorableText = (error: unknown): boolean =>
  error instanceof Error && (error as { code?: unknown }).code === '22021' && error.message.includes('0x00');

/** The status of what NestJS and Fastify refuse themselves (unknown route, broken JSON, body too large); null for anything unexpected. */
function requestErrorStatus(error: unknown): number | null {
  if (error instanceof HttpException) return error.getStatus() < 500 ? error.getStatus() : null;
  const { statusCode, code } = (error ?? {}) as { statusCode?: unknown; code?: unknown };
  const isFastify = error instanceof Error && (error instanceof SyntaxError || (typeof code === 'string' && code.startsWith('FST_')));
  return isFastify && typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : null;
}

/** Whether the sender went away while its body was read: Node's own error for that. Nobody is left to hear the answer. */
function isCut(error: unknown): boolean {
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown };
  return message === 'aborted' && code === 'ECONNRESET';
}

/** The HTTP status that goes with an answer; 400 for a mistake that has no status of its own. */
export const statusOf = ({ code }: ErrorAnswer): number => STATUS_BY_CODE[code] ?? 400;

/** An error in GraphQL's form, for requests that are refused before GraphQL sees them. */
export function graphqlErrorBody({ code, message, retryAfterSeconds }: ErrorAnswer): { errors: readonly object[] } {
  return { errors: [{ message, extensions: { code, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) } }] };
}

/** Seconds, as HTTP wants them; none for an error that waiting does not heal. */
export const retryAfterHeaders = ({ retryAfterSeconds }: ErrorAnswer): Readonly<Record<string, string>> =>
  retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };

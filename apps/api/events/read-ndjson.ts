import { CodedError } from '@tare/core';
import type { RejectedEvent } from '@tare/usage';
import { isUtf8 } from 'node:buffer';

export interface ReadLines {
  readonly events: readonly unknown[];
  /** Line number of each event, from 0. */
  readonly lines: readonly number[];
  /** Lines that are no JSON. */
  readonly rejected: readonly RejectedEvent[];
}

const MALFORMED = 'This line is not JSON in UTF-8. Write one event per line.';
const BYTE_ORDER_MARK = /^\uFEFF/;

/** One event per line; empty lines are passed over and counted. A line that is no JSON rejects itself alone. @throws CodedError BATCH_TOO_LARGE */
export function readNdjson(body: Buffer, maxEvents: number): ReadLines {
  const events: unknown[] = [];
  const lines: number[] = [];
  const rejected: RejectedEvent[] = [];
  for (const [index, line] of linesOf(body).entries()) {
    if (line?.trim() === '') continue;
    if (events.length + rejected.length === maxEvents) {
      throw new CodedError('BATCH_TOO_LARGE', `A batch holds at most ${maxEvents} events: send it in parts.`);
    }
    try {
      // No text is no JSON either.
      events.push(JSON.parse(line ?? ''));
      lines.push(index);
    } catch {
      rejected.push({ index, key: null, code: 'MALFORMED_JSON', message: MALFORMED });
    }
  }
  return { events, lines, rejected };
}

/** Null for a line that is not UTF-8: decoded all the same, different keys could become one. */
function linesOf(body: Buffer): (string | null)[] {
  if (isUtf8(body)) return body.toString('utf8').replace(BYTE_ORDER_MARK, '').split('\n');
  const lines = body.toString('latin1').split('\n');
  return lines.map((line) => Buffer.from(line, 'latin1')).map((bytes) => (isUtf8(bytes) ? bytes.toString('utf8') : null));
}

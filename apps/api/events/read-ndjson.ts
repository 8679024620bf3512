import { CodedError } from '@tare/core';
import type { RejectedEvent } from '@tare/usage';

export interface ReadLines {
  readonly events: readonly unknown[];
  /** Line number of each event, from 0. */
  readonly lines: readonly number[];
  /** Lines that are no JSON. */
  readonly rejected: readonly RejectedEvent[];
}

const MALFORMED = 'This line is not JSON. Write one event per line.';

/** One event per line; empty lines are passed over and counted. A line that is no JSON rejects itself alone. @throws CodedError BATCH_TOO_LARGE */
export function readNdjson(text: string, maxEvents: number): ReadLines {
  const events: unknown[] = [];
  const lines: number[] = [];
  const rejected: RejectedEvent[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    if (events.length + rejected.length === maxEvents) {
      throw new CodedError('BATCH_TOO_LARGE', `A batch holds at most ${maxEvents} events: send it in parts.`);
    }
    try {
      events.push(JSON.parse(line));
      lines.push(index);
    } catch {
      rejected.push({ index, key: null, code: 'MALFORMED_JSON', message: MALFORMED });
    }
  }
  return { events, lines, rejected };
}

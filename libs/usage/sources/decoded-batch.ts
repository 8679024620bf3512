import { CodedError } from '@tare/core';
import type { IngestResult } from '../ingest/ingest.service.ts';
import type { RejectedEvent } from '../ingest/parse-batch.ts';

/** An event in the contract's wire form (UsageEventInput), made from another format. The one ingest path checks it. */
export type NativeEvent = Readonly<Record<string, unknown>>;

/** A payload of another format, read item by item. */
export interface DecodedBatch {
  readonly events: readonly NativeEvent[];
  /** Position of each event in the payload. */
  readonly indexes: readonly number[];
  /** Items that are no event, by their position in the payload. */
  readonly rejected: readonly RejectedEvent[];
}

export interface Decoder {
  /** @throws CodedError what is wrong with this item; the others of its payload stand (SEMANTICS 3.2) */
  decode(item: unknown): NativeEvent;
  /** The key that the item would have; null where it has none. */
  keyOf(item: unknown): string | null;
}

/** Reads each item on its own. @throws CodedError BATCH_TOO_LARGE (nothing is read) */
export function decodeBatch(items: readonly unknown[], decoder: Decoder, maxEvents: number): DecodedBatch {
  if (items.length > maxEvents) {
    throw new CodedError(
      'BATCH_TOO_LARGE',
      `A batch holds at most ${maxEvents} events and this one has ${items.length}: send it in parts.`,
    );
  }
  const events: NativeEvent[] = [];
  const indexes: number[] = [];
  const rejected: RejectedEvent[] = [];
  for (const [index, item] of items.entries()) {
    try {
      events.push(decoder.decode(item));
      indexes.push(index);
    } catch (error) {
      rejected.push(rejectionOf(index, decoder.keyOf(item), error));
    }
  }
  return { events, indexes, rejected };
}

/** What became of the payload: the answer for its events, by their positions in it, and what never became one. */
export function answerForPayload(decoded: DecodedBatch, result: IngestResult): IngestResult {
  const moved = result.rejected.map((event) => ({ ...event, index: decoded.indexes[event.index] ?? event.index }));
  return { ...result, rejected: [...decoded.rejected, ...moved].sort((a, b) => a.index - b.index) };
}

function rejectionOf(index: number, key: string | null, error: unknown): RejectedEvent {
  if (!(error instanceof CodedError)) throw error;
  const message = error.path === undefined ? error.message : `${error.path}: ${error.message}`;
  return { index, key, code: error.code, message };
}

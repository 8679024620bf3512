import { CodedError, contentText, parseUsageEvent, type ParseContext, type UsageEvent } from '@tare/core';
import { eventFingerprint, eventIdentity } from './event-identity.ts';
import { turns } from '../queue/fair-turns.ts';
import type { IncomingEvent } from './incoming-event.ts';

/** Events that are read before other requests get their turn. */
const PARSE_SLICE = 500;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface RejectedEvent {
  /** Position in the request, from 0. */
  readonly index: number;
  /** As it was sent, where there was one. */
  readonly key: string | null;
  readonly code: string;
  /** Begins with the path of the field, where there is one. */
  readonly message: string;
}

export interface ParsedBatch {
  readonly events: readonly IncomingEvent[];
  /** Position of each event in the request. */
  readonly indexes: readonly number[];
  readonly rejected: readonly RejectedEvent[];
  /** Of all events together. */
  readonly weight: number;
}

/** Reads each event on its own: what is wrong with one rejects that one. */
export async function parseBatch(tenantId: string, raw: readonly unknown[], context: ParseContext): Promise<ParsedBatch> {
  const events: IncomingEvent[] = [];
  const indexes: number[] = [];
  const rejected: RejectedEvent[] = [];
  let weight = 0;
  for (const [index, one] of raw.entries()) {
    if (index > 0 && index % PARSE_SLICE === 0) await turns.next(tenantId);
    try {
      const event = incomingEvent(tenantId, one, context);
      events.push(event);
      indexes.push(index);
      weight += event.weight;
    } catch (error) {
      rejected.push(rejectionOf(index, one, error));
    }
  }
  return { events, indexes, rejected, weight };
}

/** @throws CodedError those of parseUsageEvent */
export function incomingEvent(tenantId: string, raw: unknown, context: ParseContext): IncomingEvent & { weight: number } {
  const event = withSubscriptionId(parseUsageEvent(raw, context));
  const contents = contentText(event);
  const fingerprint = eventFingerprint(event, contents);
  return { tenantId, event, identity: eventIdentity(event.key), fingerprint, weight: contents.length };
}

/** Subscriptions are named by their id, in either case of its letters. */
function withSubscriptionId(event: UsageEvent): UsageEvent {
  if (event.subscription === null) return event;
  if (!UUID.test(event.subscription))
    throw new CodedError('INVALID_FIELD', 'subscription: The id of a subscription is expected.', 'subscription');
  return { ...event, subscription: event.subscription.toLowerCase() };
}

function rejectionOf(index: number, raw: unknown, error: unknown): RejectedEvent {
  if (!(error instanceof CodedError)) throw error;
  return { index, key: keyOf(raw), code: error.code, message: error.message };
}

function keyOf(raw: unknown): string | null {
  const key = typeof raw === 'object' && raw !== null && 'key' in raw ? raw.key : null;
  return typeof key === 'string' ? key.slice(0, 255) : null;
}

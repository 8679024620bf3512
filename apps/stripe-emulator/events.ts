import { type StripeEvent } from './objects/event.ts';
import { type Call, type Handler, type Json } from './call.ts';
import { objectId } from './object-id.ts';
import { pageOf, readCreatedFilter, readPage } from './pagination.ts';
import { noSuch } from './stripe-error.ts';

/** Writes an event beside the change that it tells of; it is delivered when both are committed. */
export function recordEvent(call: Call, type: string, object: Json, previous?: Json): void {
  call.tx.put('events', {
    id: objectId('evt'),
    object: 'event',
    api_version: call.apiVersion,
    created: call.now,
    data: previous === undefined ? { object } : { object, previous_attributes: previous },
    livemode: false,
    pending_webhooks: call.tx.newestFirst('webhookEndpoints').length,
    request: { id: call.requestId, idempotency_key: call.idempotencyKey },
    type,
  });
}

export const retrieveEvent: Handler = (call) => {
  const [id = ''] = call.ids;
  return () => {
    const event = call.tx.get('events', id);
    if (event === undefined) throw noSuch('event', id);
    return event;
  };
};

export const listEvents: Handler = (call) => {
  const page = readPage(call.params);
  const created = readCreatedFilter(call.params);
  const type = call.params.text('type') ?? undefined;
  const types = call.params.texts('types');
  const wanted = (event: StripeEvent): boolean =>
    created(event) && (type === undefined || matchesType(type, event.type)) && (types?.includes(event.type) ?? true);
  return () => pageOf(call.tx.newestFirst('events').filter(wanted), page, '/v1/events');
};

/** `invoice.*` means all events of invoices. */
function matchesType(pattern: string, type: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type;
}

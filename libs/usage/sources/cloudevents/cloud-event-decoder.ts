import { CodedError, requireObject } from '@tare/core';
import type { Decoder, NativeEvent } from '../decoded-batch.ts';
import { cloudEventKey } from './cloud-event-key.ts';
import { readCloudEvent, readIdentity, type CloudEvent } from './cloud-event.ts';

/** What the data of an event is: fields of a native event, or its free properties, for data that was made for something else. */
export type CloudEventDataForm = 'EVENT' | 'PROPERTIES';

/** What attributes say, data does not say again. */
const SAID_BY_ATTRIBUTES: readonly (readonly [string, string])[] = [
  ['key', 'source and id'],
  ['type', 'type'],
  ['at', 'time'],
];

/** Turns CloudEvents 1.0 in JSON form into native events. */
export function cloudEventDecoder(form: CloudEventDataForm): Decoder {
  return { decode: (item) => eventOfCloudEvent(readCloudEvent(item), form), keyOf: keyOfCloudEvent };
}

/** @throws CodedError INVALID_FIELD | UNKNOWN_FIELD | FIELD_MISSING */
export function eventOfCloudEvent(event: CloudEvent, form: CloudEventDataForm): NativeEvent {
  const fields = form === 'EVENT' ? fieldsOfData(event.data) : { properties: event.data };
  const customer = fields.customer === '' ? event.subject : (fields.customer ?? event.subject);
  if (customer === null) {
    const where = form === 'EVENT' ? 'subject or data.customer' : 'subject';
    throw new CodedError('FIELD_MISSING', `Who used it? Name the customer in ${where}.`, 'subject');
  }
  return { ...fields, customer, key: cloudEventKey(event.source, event.id), type: event.type, at: event.time };
}

/** The key of what may be a CloudEvent; null where it has no id or no source. */
export function keyOfCloudEvent(item: unknown): string | null {
  try {
    const { source, id } = readIdentity(requireObject(item, 'event'));
    return cloudEventKey(source, id);
  } catch {
    return null;
  }
}

function fieldsOfData(data: unknown): NativeEvent {
  if (data === undefined) return {};
  const fields = requireObject(data, 'data');
  for (const [name, attribute] of SAID_BY_ATTRIBUTES) {
    if (Object.hasOwn(fields, name)) throw new CodedError('UNKNOWN_FIELD', `The event's ${attribute} says this.`, `data.${name}`);
  }
  return fields;
}

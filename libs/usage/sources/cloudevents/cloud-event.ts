import { CodedError, parseImportedInstant, parseInstant, requireObject, requireStorable, type WireObject } from '@tare/core';
import { readCloudEventData } from './cloud-event-data.ts';

/** A CloudEvent 1.0 as far as it says anything about usage. */
export interface CloudEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | null;
  /** RFC 3339. */
  readonly time: string;
  /** Undefined where there is none. */
  readonly data: unknown;
}

export interface CloudEventReading {
  /** Take a time without a zone as UTC: some senders write their UTC clock that way. */
  readonly zoneMayBeMissing?: boolean;
}

const CONTEXT_ATTRIBUTES: ReadonlySet<string> = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
  'data',
  'data_base64',
]);
/** Fields of a native event whose names could pass for extension attributes: there they would be passed over, and usage lost. */
const MISPLACED: ReadonlySet<string> = new Set([
  'key',
  'at',
  'customer',
  'provider',
  'model',
  'region',
  'tokens',
  'usage',
  'quantity',
  'pool',
  'subscription',
  'user',
  'outcome',
  'feature',
  'properties',
]);
const EXTENSION_NAME = /^[a-z0-9]+$/;
/** What attributes never hold (CloudEvents 1.0, "String"). */
// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;
const WHITE_SPACE = /\s/u;

/**
 * Reads a CloudEvent in JSON form. Extension attributes are checked and passed over: brokers add and change them on the way (arrival times, trace contexts),
 * so as contents they would make a redelivered event another one (SEMANTICS 3.1).
 * @throws CodedError INVALID_EVENT, FIELD_MISSING, INVALID_FIELD, INVALID_CHARACTER, INVALID_TIME, UNKNOWN_FIELD, UNSUPPORTED_VERSION, KEY_MISSING
 */
export function readCloudEvent(raw: unknown, { zoneMayBeMissing = false }: CloudEventReading = {}): CloudEvent {
  const event = requireObject(raw, 'event', 'INVALID_EVENT');
  requireVersion(event);
  const { id, source } = readIdentity(event);
  const type = attribute(event, 'type') ?? missing('type', 'This attribute has to be there.');
  const subject = attribute(event, 'subject');
  const time = readTime(event, zoneMayBeMissing);
  attribute(event, 'dataschema');
  checkExtensions(event);
  return { id, source, type, subject, time, data: readCloudEventData(event, attribute(event, 'datacontenttype')) };
}

/** What tells a CloudEvent from others. @throws CodedError KEY_MISSING | FIELD_MISSING | INVALID_FIELD | INVALID_CHARACTER */
export function readIdentity(event: WireObject): Pick<CloudEvent, 'id' | 'source'> {
  const id = attribute(event, 'id') ?? missing('id', 'Every event needs one: it tells a repeat from a new event.', 'KEY_MISSING');
  return { id, source: readSource(event) };
}

function requireVersion(event: WireObject): void {
  const version = attribute(event, 'specversion') ?? missing('specversion', 'A CloudEvent says which version it has: "1.0".');
  if (version !== '1.0') throw new CodedError('UNSUPPORTED_VERSION', 'CloudEvents of version "1.0" are taken.', 'specversion');
}

/** A URI reference: it has no white space, which the key relies on. */
function readSource(event: WireObject): string {
  const source = attribute(event, 'source') ?? missing('source', 'This attribute has to be there: with the id it identifies the event.');
  if (WHITE_SPACE.test(source)) throw new CodedError('INVALID_FIELD', 'A URI reference is expected, which has no spaces.', 'source');
  return source;
}

/**
 * The attribute is optional in CloudEvents, not here: the time of receipt would make a retry another event, and decides which period is billed.
 */
function readTime(event: WireObject, zoneMayBeMissing: boolean): string {
  const time =
    attribute(event, 'time') ?? missing('time', 'This attribute has to be there: it decides the period, and a retry has to repeat it.');
  const isZoneless = zoneMayBeMissing && !isInstant(time);
  if (!isZoneless) parseInstant(time, 'time');
  else parseImportedInstant(time, 'time');
  return isZoneless ? `${time}Z` : time;
}

function isInstant(time: string): boolean {
  try {
    parseInstant(time);
    return true;
  } catch {
    return false;
  }
}

/** An attribute that is a string; absent, null and empty are the same. @throws CodedError INVALID_FIELD | INVALID_CHARACTER */
function attribute(event: WireObject, name: string): string | null {
  const value = Object.hasOwn(event, name) ? event[name] : null;
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string') throw new CodedError('INVALID_FIELD', 'A string is expected.', name);
  if (CONTROL_CHARACTER.test(value)) throw new CodedError('INVALID_CHARACTER', 'Attributes hold no control characters.', name);
  return requireStorable(value, name);
}

function missing(name: string, message: string, code = 'FIELD_MISSING'): never {
  throw new CodedError(code, message, name);
}

function checkExtensions(event: WireObject): void {
  for (const name in event) {
    if (CONTEXT_ATTRIBUTES.has(name)) continue;
    const path = name.slice(0, 64);
    if (MISPLACED.has(name)) throw new CodedError('UNKNOWN_FIELD', 'This field belongs into data.', path);
    if (!EXTENSION_NAME.test(name)) {
      throw new CodedError('UNKNOWN_FIELD', 'Names of attributes are small letters and digits; usage belongs into data.', path);
    }
    const value = event[name];
    const isAttribute = value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isInteger(value);
    if (!isAttribute)
      throw new CodedError('UNKNOWN_FIELD', 'Attributes are text, booleans or whole numbers; usage belongs into data.', path);
  }
}

import { CodedError, type WireObject } from '@tare/core';
import { isUtf8 } from 'node:buffer';

/** application/json, application/anything+json, with or without parameters. */
const JSON_MEDIA_TYPE = /^[^/;\s]+\/(?:[^/;\s]+\+)?json\s*(?:;|$)/i;
/** With its padding, in either of the two alphabets. */
const BASE64 = /^(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2}==|[A-Za-z0-9+/_-]{3}=)?$/;

/**
 * The data of an event: JSON as it is, or JSON text in UTF-8 as data_base64.
 * @throws CodedError INVALID_FIELD
 */
export function readCloudEventData(event: WireObject, contentType: string | null): unknown {
  const data = own(event, 'data');
  const encoded = own(event, 'data_base64');
  if (data === undefined && encoded === undefined) return undefined;
  if (contentType !== null && !JSON_MEDIA_TYPE.test(contentType)) {
    throw new CodedError('INVALID_FIELD', 'Usage is read from JSON: send data of the type application/json.', 'datacontenttype');
  }
  if (encoded === undefined) return data;
  if (data !== undefined) throw new CodedError('INVALID_FIELD', 'An event has data or data_base64, never both.', 'data_base64');
  return decoded(encoded);
}

function own(event: WireObject, name: string): unknown {
  const value = Object.hasOwn(event, name) ? event[name] : undefined;
  return value === null ? undefined : value;
}

function decoded(encoded: unknown): unknown {
  const bytes = typeof encoded === 'string' && BASE64.test(encoded) ? Buffer.from(encoded, 'base64') : null;
  try {
    if (bytes !== null && isUtf8(bytes)) return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    // Told as the other two are.
  }
  throw new CodedError('INVALID_FIELD', 'JSON text in UTF-8 is expected, in Base64 with its padding.', 'data_base64');
}

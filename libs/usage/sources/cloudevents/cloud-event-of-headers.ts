import { CodedError } from '@tare/core';

const PREFIX = 'ce-';
const ATTRIBUTE_NAME = /^[a-z0-9]+$/;
const PRINTABLE = /^[\u0020-\u007e]*$/;
const QUOTED = /^"(?:[^"\\]|\\.)*"$/;

/**
 * A CloudEvent in binary mode as the same event in JSON form: an attribute per `ce-` header, and the body as data. Values are unquoted, then decoded from
 * per-cent encoding once (CloudEvents 1.0, HTTP binding 3.1.3.2).
 * @param headers names and values by turns, as they came: a repeated header shows
 * @param data the body, already read as JSON; undefined for none
 * @throws CodedError INVALID_FIELD | INVALID_CHARACTER | UNKNOWN_FIELD
 */
export function cloudEventOfHeaders(headers: readonly string[], contentType: string | undefined, data: unknown): Record<string, unknown> {
  const event: Record<string, unknown> = {};
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const header = headers[index]?.toLowerCase() ?? '';
    if (header.startsWith(PREFIX)) setAttribute(event, header, headers[index + 1] ?? '');
  }
  if (contentType !== undefined) event.datacontenttype = contentType;
  if (data !== undefined) event.data = data;
  return event;
}

function setAttribute(event: Record<string, unknown>, header: string, value: string): void {
  const name = header.slice(PREFIX.length);
  if (!ATTRIBUTE_NAME.test(name) || name === 'data') {
    throw new CodedError('UNKNOWN_FIELD', 'Names of attributes are small letters and digits; data is the body.', header.slice(0, 64));
  }
  if (Object.hasOwn(event, name)) throw new CodedError('INVALID_FIELD', 'This header is there twice.', header);
  event[name] = headerValue(value.trim(), header);
}

/** @throws CodedError INVALID_FIELD | INVALID_CHARACTER */
function headerValue(value: string, header: string): string {
  if (!PRINTABLE.test(value)) {
    throw new CodedError('INVALID_CHARACTER', 'Per-cent encode (as UTF-8) what is not printable ASCII.', header);
  }
  const text = QUOTED.test(value) ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new CodedError('INVALID_FIELD', 'The per-cent encoding is not that of UTF-8; a per-cent sign is %25.', header);
  }
}

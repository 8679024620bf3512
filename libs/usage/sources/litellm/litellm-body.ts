import { CodedError } from '@tare/core';
import { isUtf8 } from 'node:buffer';

/** Stands for a line that is no JSON, which is rejected alone. */
export const MALFORMED_LINE = Symbol('malformed line');

/**
 * The payloads of a request of LiteLLM's generic_api callback: its `log_format` makes it an array, one object, or one per line, and all three come as
 * application/json.
 * @throws CodedError MALFORMED_JSON
 */
export function readLitellmBody(body: Buffer): readonly unknown[] {
  if (!isUtf8(body)) throw malformed();
  const text = body.toString('utf8').trim();
  const whole = parse(text);
  if (Array.isArray(whole)) return whole;
  if (whole !== MALFORMED_LINE) return [whole];
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (text.startsWith('[') || lines.length < 2) throw malformed();
  return lines.map(parse);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return MALFORMED_LINE;
  }
}

const malformed = (): CodedError =>
  new CodedError('MALFORMED_JSON', 'The body is not JSON in UTF-8: an array, one object, or one object per line are expected.');

import { createHash } from 'node:crypto';
import { MAX_TEXT_LENGTH } from '@tare/core';

/**
 * The idempotency key of a CloudEvent: its source, a space, its id. The two together identify it (CloudEvents 1.0, "id"), and a source has no space, so two
 * events share a key only if they share both. Longer than a key may be, it is `sha256:` and the digest of the same text: without a space, so no short key.
 */
export function cloudEventKey(source: string, id: string): string {
  const key = `${source} ${id}`;
  if (key.length <= MAX_TEXT_LENGTH) return key;
  return `sha256:${createHash('sha256').update(key, 'utf8').digest('hex')}`;
}

import { hash } from 'node:crypto';
import { contentText, type UsageEvent } from '@tare/core';

/** A UUID of RFC 9562 in its lower-case text, the first bit 0: all of UUIDv7 until the year 6429. */
const ORDERED_UUID = /^[0-7][0-9a-f]{7}-[0-9a-f]{4}-[0-9a-f]{4}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** A ULID in its upper-case text, the first bit 0: until the year 6429 too. */
const ORDERED_ULID = /^[0-3][0-9A-HJKMNP-TV-Z]{25}$/;
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID_MARK = 1n << 127n;
const EIGHT = 56;
const LETTER_C = 99;

/** By the character code of a hexadecimal digit: the digit without its highest bit, and with its two highest bits set. */
const SEVEN_BITS: readonly string[] = byDigit((digit) => digit & 7);
const WITH_MARK: readonly string[] = byDigit((digit) => digit | 12);

function byDigit(change: (digit: number) => number): string[] {
  const changed: string[] = [];
  for (let digit = 0; digit < 16; digit += 1) changed[digit.toString(16).charCodeAt(0)] = change(digit).toString(16);
  return changed;
}

/**
 * The 16 bytes that stand for an event's key, as 32 hexadecimal digits (docs/decisions/0011). Keys with an order keep it; the three kinds never
 * meet: a ULID begins with bit 1, the others with 0, and of those a UUID has the bits 10 where a hash has 11.
 */
export function eventIdentity(key: string): string {
  if (ORDERED_UUID.test(key)) return key.replaceAll('-', '');
  if (ORDERED_ULID.test(key)) return identityOfUlid(key);
  const digest = hash('sha256', key, 'hex');
  return `${SEVEN_BITS[digest.charCodeAt(0)] ?? ''}${digest.slice(1, 16)}${WITH_MARK[digest.charCodeAt(16)] ?? ''}${digest.slice(17, 32)}`;
}

/** Whether an identity is a hash, of its key or of a revision (see event-revision.ts): the others are the key itself. */
export function hasHashedIdentity(identity: string): boolean {
  const variant = identity.charCodeAt(16);
  return identity.charCodeAt(0) < EIGHT && (variant >= LETTER_C || variant < EIGHT);
}

/**
 * What two sendings of a key must share to be the same event: 16 bytes of sha256 over key and contents, as hexadecimal digits. The key is part of
 * it, so that even two keys of one identity would be told apart, and one of them refused rather than lost.
 */
export function eventFingerprint(event: UsageEvent, contents = contentText(event)): string {
  return hash('sha256', `${event.key}\0${contents}`, 'hex').slice(0, 32);
}

function identityOfUlid(ulid: string): string {
  let value = 0n;
  for (const digit of ulid) value = (value << 5n) | BigInt(CROCKFORD.indexOf(digit));
  return (value | ULID_MARK).toString(16);
}

import { randomFillSync } from 'node:crypto';

/** Random bytes ahead: one call for some hundred ids. */
const random = Buffer.allocUnsafe(8_192);
let used = random.length;
const RANDOM_BYTES = 8;

/** Ids of one millisecond are numbered, so that they sort as they were made. */
let lastMilliseconds = -1;
let madeInMillisecond = 0;
const COUNTED = 0x1000;

const HEX = '0123456789abcdef';
const TEXT_LENGTH = 36;
const text = Buffer.alloc(TEXT_LENGTH, '-');
const bytes = Buffer.alloc(16);
/** Where the digits of each byte stand in the text form. */
const TEXT_PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/**
 * A UUID of version 7: rows that are written together lie together in their table's index, where random ids would touch a page each. Behind the millisecond
 * stands a number within it, for its first 4,096 ids, and then 62 random bits.
 */
export function timeOrderedId(milliseconds: number = Date.now()): string {
  writeTimeOrderedId(bytes, 0, milliseconds);
  for (let index = 0; index < 16; index += 1) {
    const byte = bytes[index] ?? 0;
    const place = TEXT_PLACES[index] ?? 0;
    text[place] = HEX.charCodeAt(byte >> 4);
    text[place + 1] = HEX.charCodeAt(byte & 15);
  }
  return text.toString('latin1');
}

/** The 16 bytes of such an id, for those that need no text of it. */
export function writeTimeOrderedId(into: Buffer, at: number, milliseconds: number = Date.now()): void {
  if (used + RANDOM_BYTES > random.length) {
    randomFillSync(random);
    used = 0;
  }
  madeInMillisecond = milliseconds === lastMilliseconds ? (madeInMillisecond + 1) % COUNTED : 0;
  lastMilliseconds = milliseconds;
  into.writeUIntBE(milliseconds, at, 6);
  into[at + 6] = 0x70 | (madeInMillisecond >> 8);
  into[at + 7] = madeInMillisecond & 0xff;
  for (let index = 0; index < RANDOM_BYTES; index += 1) into[at + 8 + index] = random[used + index] ?? 0;
  into[at + 8] = 0x80 | ((into[at + 8] ?? 0) & 0x3f);
  used += RANDOM_BYTES;
}

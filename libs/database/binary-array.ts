import type { Decimal } from '@tare/core';
import { writeTimeOrderedId } from './time-ordered-id.ts';

/** Types of a column, with what Postgres calls them in its binary format. */
export const ARRAY_TYPES = {
  uuid: { oid: 2950, bytes: 16 },
  text: { oid: 25, bytes: 24 },
  int4: { oid: 23, bytes: 4 },
  int8: { oid: 20, bytes: 8 },
  numeric: { oid: 1700, bytes: 16 },
  timestamptz: { oid: 1184, bytes: 8 },
  jsonb: { oid: 3802, bytes: 64 },
  bool: { oid: 16, bytes: 1 },
} as const;
export type ArrayType = keyof typeof ARRAY_TYPES;

/** Dimensions, flag for nulls, type, length, lower bound: four bytes each. */
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
/** Microseconds from 1970 to 2000, from where Postgres counts. */
const POSTGRES_EPOCH = 946_684_800_000_000;
const DIGIT = 10_000;
const DIGIT_DECIMALS = 4;
const HIGH_HALF = 2 ** 32;
const JSONB_VERSION = 1;
const HYPHEN = 45;

/**
 * A column of many rows as a Postgres array in binary, for INSERT ... SELECT FROM unnest(...). The driver sends a Buffer as it is, so nothing is
 * turned into text and parsed back on the way (docs/decisions/0014). Values are written in the order of the rows.
 */
export class BinaryArray {
  private buffer: Buffer;
  /** On the bytes of the buffer: sets a number without looking at its range again. */
  private view: DataView;
  private end = HEADER_BYTES;
  private count = 0;
  private hasNulls = false;
  /** The last UUID and where its bytes are: rows that belong together repeat it. */
  private lastUuid = '';
  private lastUuidAt = 0;

  constructor(
    private readonly type: ArrayType,
    expectedRows: number,
  ) {
    this.buffer = Buffer.allocUnsafe(HEADER_BYTES + expectedRows * (LENGTH_BYTES + ARRAY_TYPES[type].bytes));
    this.view = viewOf(this.buffer);
  }

  null(): void {
    this.begin(0);
    this.hasNulls = true;
    this.int32(-1);
  }

  /** 16 bytes as 32 hexadecimal digits, or a UUID in its text form. */
  uuid(text: string): void {
    this.begin(16);
    this.int32(16);
    if (text === this.lastUuid) this.buffer.copyWithin(this.end, this.lastUuidAt, this.lastUuidAt + 16);
    else this.writeHex(text);
    this.lastUuid = text;
    this.lastUuidAt = this.end;
    this.end += 16;
  }

  /** A new UUID of version 7. */
  timeOrderedId(): void {
    this.begin(16);
    this.int32(16);
    writeTimeOrderedId(this.buffer, this.end);
    this.end += 16;
  }

  bool(value: boolean): void {
    this.begin(1);
    this.int32(1);
    this.buffer[this.end] = value ? 1 : 0;
    this.end += 1;
  }

  text(text: string): void {
    // A UTF-16 unit needs at most three bytes.
    this.begin(text.length * 3);
    const bytes = this.buffer.write(text, this.end + LENGTH_BYTES, 'utf8');
    this.int32(bytes);
    this.end += bytes;
  }

  jsonb(text: string): void {
    this.begin(text.length * 3 + 1);
    const start = this.end + LENGTH_BYTES;
    this.buffer[start] = JSONB_VERSION;
    const bytes = this.buffer.write(text, start + 1, 'utf8') + 1;
    this.int32(bytes);
    this.end += bytes;
  }

  /** @throws RangeError */
  int4(value: number): void {
    if (value !== (value | 0)) throw new RangeError(`${value} is no int4`);
    this.begin(4);
    this.int32(4);
    this.int32(value);
  }

  /** A safe integer. */
  int8(value: number): void {
    this.begin(8);
    const high = Math.floor(value / HIGH_HALF);
    this.int32(8);
    this.int32(high);
    this.view.setUint32(this.end, value - high * HIGH_HALF);
    this.end += 4;
  }

  /** Microseconds since 1970. */
  timestamptz(instant: number): void {
    this.int8(instant - POSTGRES_EPOCH);
  }

  numeric(value: Decimal): void {
    const known = value.smallCount;
    if (known > 0 && known < DIGIT) {
      this.oneDigit(known);
      return;
    }
    const scale = value.decimals;
    const units = value.unitsAt(scale);
    const isNegative = units < 0n;
    const size = isNegative ? -units : units;
    const padding = PADDINGS[scale % DIGIT_DECIMALS] ?? 1;
    const isSafe = size <= LARGEST_PADDED;
    const whole = isSafe ? Number(size) * padding : 0;
    const digits = isSafe ? NO_DIGITS : digitsOf(size * BigInt(padding));
    const count = isSafe ? digitCount(whole) : digits.length;
    this.begin(8 + count * 2);
    this.int32(8 + count * 2);
    this.int16(count);
    // The weight of the first digit: digits of the whole part, less one.
    this.int16(count - Math.ceil(scale / DIGIT_DECIMALS) - 1);
    this.int16(isNegative ? 0x4000 : 0);
    this.int16(scale);
    let rest = whole;
    for (let place = count - 1; place >= 0; place -= 1) {
      this.view.setInt16(this.end + place * 2, isSafe ? rest % DIGIT : (digits[place] ?? 0));
      rest = Math.floor(rest / DIGIT);
    }
    this.end += count * 2;
  }

  /** What most counts of tokens are. */
  private oneDigit(digit: number): void {
    this.begin(10);
    this.int32(10);
    this.int16(1);
    this.int32(0);
    this.int16(0);
    this.int16(digit);
  }

  /** The array as a parameter of a query. */
  finish(): Buffer {
    const { view } = this;
    view.setInt32(0, 1);
    view.setInt32(4, this.hasNulls ? 1 : 0);
    view.setInt32(8, ARRAY_TYPES[this.type].oid);
    view.setInt32(12, this.count);
    view.setInt32(16, 1);
    return this.buffer.subarray(0, this.end);
  }

  /** Hyphens are passed over. */
  private writeHex(text: string): void {
    let at = this.end;
    for (let index = 0; index < text.length; index += 1) {
      if (text.charCodeAt(index) === HYPHEN) continue;
      this.buffer[at] = (hexDigit(text.charCodeAt(index)) << 4) | hexDigit(text.charCodeAt(index + 1));
      at += 1;
      index += 1;
    }
    if (at !== this.end + 16) throw new RangeError(`${JSON.stringify(text)} is not a UUID`);
  }

  private begin(bytes: number): void {
    this.count += 1;
    const needed = this.end + LENGTH_BYTES + bytes;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.end);
    this.buffer = larger;
    this.view = viewOf(larger);
  }

  private int32(value: number): void {
    this.view.setInt32(this.end, value);
    this.end += 4;
  }

  private int16(value: number): void {
    this.view.setInt16(this.end, value);
    this.end += 2;
  }
}

const viewOf = (buffer: Buffer): DataView => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  if (letter >= 97 && letter <= 102) return letter - 87;
  throw new RangeError('a UUID has a character that is no hexadecimal digit');
}

const NO_DIGITS: readonly number[] = [];

/**
 * What units are multiplied with, by their number of decimals: then their last digits to the base of 10,000 hold exactly the decimals, which is the form in
 * which Postgres keeps numeric.
 */
const PADDINGS = [1, 1_000, 100, 10];
/** Units that are still a safe integer with any of these. */
const LARGEST_PADDED = BigInt(Math.floor(Number.MAX_SAFE_INTEGER / 1_000));

/** To the base of 10,000; none for zero. */
function digitCount(value: number): number {
  let count = 0;
  for (let rest = value; rest > 0; rest = Math.floor(rest / DIGIT)) count += 1;
  return count;
}

/** To the base of 10,000, the highest first. */
function digitsOf(value: bigint): number[] {
  const text = value.toString();
  const digits: number[] = [];
  for (let end = text.length; end > 0; end -= DIGIT_DECIMALS) digits.push(Number(text.slice(Math.max(0, end - DIGIT_DECIMALS), end)));
  return digits.reverse();
}

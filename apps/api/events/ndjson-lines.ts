import { CodedError } from '@tare/core';
import { isUtf8 } from 'node:buffer';
import { isDeeperThan } from '../json-depth.ts';

const LINE_FEED = 0x0a;
const BYTE_ORDER_MARK = Buffer.from('\uFEFF');
const MALFORMED = 'This line is not JSON in UTF-8. Write one event per line.';

export interface NdjsonLine {
  /** Line number, from 0. */
  readonly index: number;
  /** Without its line feed; null for a line that is longer than lines may be: it was passed over as it came. */
  readonly bytes: Buffer | null;
}

/** Cuts a stream of bytes into lines. Holds one line at most. */
export class NdjsonLines {
  private readonly parts: Buffer[] = [];
  private partBytes = 0;
  private index = 0;

  constructor(private readonly maxBytes: number) {}

  /** The lines that end in these bytes. */
  *push(bytes: Buffer): Generator<NdjsonLine> {
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
      this.keep(bytes.subarray(start, end));
      yield this.line();
      start = end + 1;
    }
    // What stays is copied: a piece of a line should not hold the memory of everything that came with it.
    if (start < bytes.length) this.keep(Buffer.from(bytes.subarray(start)));
  }

  /** The last line, where nothing ends it. */
  *end(): Generator<NdjsonLine> {
    if (this.partBytes > 0) yield this.line();
  }

  private keep(part: Buffer): void {
    this.partBytes += part.length;
    if (this.partBytes <= this.maxBytes) this.parts.push(part);
    else this.parts.length = 0;
  }

  private line(): NdjsonLine {
    const isLong = this.partBytes > this.maxBytes;
    const [first, ...more] = this.parts;
    const bytes = isLong ? null : more.length === 0 ? (first ?? Buffer.alloc(0)) : Buffer.concat(this.parts);
    this.parts.length = 0;
    this.partBytes = 0;
    this.index += 1;
    return { index: this.index - 1, bytes: this.index === 1 && bytes !== null ? withoutMark(bytes) : bytes };
  }
}

const withoutMark = (bytes: Buffer): Buffer =>
  bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;

/**
 * What stands in a line; undefined for an empty one.
 * @throws CodedError MALFORMED_JSON (no JSON, or no UTF-8: decoded all the same, different keys could become one) | JSON_TOO_DEEP
 */
export function readLine(bytes: Buffer, maxDepth: number): unknown {
  if (!isUtf8(bytes)) throw new CodedError('MALFORMED_JSON', MALFORMED);
  if (isDeeperThan(bytes, maxDepth)) throw new CodedError('JSON_TOO_DEEP', `Arrays and objects may be nested ${maxDepth} deep.`);
  const text = bytes.toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (text.trim() === '') return undefined;
    throw new CodedError('MALFORMED_JSON', MALFORMED);
  }
}

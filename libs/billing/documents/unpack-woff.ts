import { inflateSync } from 'node:zlib';

const HEADER = 44;
const ENTRY = 20;

/**
 * The font in a WOFF file as it was before it was packed (W3C, WOFF File Format 1.0): the library unpacks in JavaScript, for every document again.
 * @throws Error for a file of another kind
 */
export function unpackedWoff(file: Buffer): Buffer {
  if (file.toString('latin1', 0, 4) !== 'wOFF') throw new Error('not a WOFF file');
  const tables = Array.from({ length: file.readUInt16BE(12) }, (_, index) => tableAt(file, HEADER + index * ENTRY));
  const directory = directoryOf(file.subarray(4, 8), tables);
  return Buffer.concat([directory, ...tables.map(({ content }) => padded(content))]);
}

interface Table {
  readonly tag: Buffer;
  readonly checksum: number;
  readonly content: Buffer;
}

function tableAt(file: Buffer, at: number): Table {
  const [offset, packedLength, length] = [file.readUInt32BE(at + 4), file.readUInt32BE(at + 8), file.readUInt32BE(at + 12)];
  const packed = file.subarray(offset, offset + packedLength);
  return {
    tag: file.subarray(at, at + 4),
    checksum: file.readUInt32BE(at + 16),
    content: packedLength < length ? inflateSync(packed) : packed,
  };
}

/** The head of an unpacked font: its kind, and for each table where it stands. */
function directoryOf(kind: Buffer, tables: readonly Table[]): Buffer {
  const power = Math.floor(Math.log2(tables.length));
  const head = Buffer.alloc(12);
  kind.copy(head);
  head.writeUInt16BE(tables.length, 4);
  head.writeUInt16BE(2 ** power * 16, 6);
  head.writeUInt16BE(power, 8);
  head.writeUInt16BE((tables.length - 2 ** power) * 16, 10);
  let offset = head.length + tables.length * 16;
  const entries = tables.map(({ tag, checksum, content }) => {
    const entry = Buffer.alloc(16);
    tag.copy(entry);
    entry.writeUInt32BE(checksum, 4);
    entry.writeUInt32BE(offset, 8);
    entry.writeUInt32BE(content.length, 12);
    offset += padded(content).length;
    return entry;
  });
  return Buffer.concat([head, ...entries]);
}

const padded = (content: Buffer): Buffer => Buffer.concat([content, Buffer.alloc((4 - (content.length % 4)) % 4)]);

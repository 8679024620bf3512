import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Row } from './column-mapping.ts';
import { readRows, type FileFormat, type FoundRow } from './read-rows.ts';

/** A JSON document is read as a whole. Larger exports come as CSV or JSON lines, which are streamed. */
const MAX_JSON_BYTES = 256 * 1024 * 1024;

type Container = FileFormat | 'json';
type Found = Pick<FoundRow, 'line' | 'values' | 'problem'>;

/**
 * The rows of an export in their order: of CSV, of JSON lines (a row or a page of an API on each), or of one JSON document (a page, a list of pages or of rows).
 * Rows are numbered by their place in the file alone. An export that says that more pages follow ends with a row that cannot be read, so that nothing is
 * missing silently.
 */
export async function* readExport(
  file: string,
  rowsOf: (document: Row) => readonly Row[],
  onBytes: (bytes: number) => void,
): AsyncGenerator<FoundRow> {
  let row = 0;
  let last: Found | null = null;
  for await (const found of readDocuments(file, onBytes)) {
    last = found;
    if (found.values === null) yield { ...found, row: ++row };
    else for (const values of rowsOf(found.values)) yield { row: ++row, line: found.line, values, problem: null };
  }
  if (last?.values?.['has_more'] !== true) return;
  yield {
    row: row + 1,
    line: last.line,
    values: null,
    problem: 'has_more: the export has further pages; fetch them with next_page and import them, too',
  };
}

/** By the name; `.gz` is taken off first. */
function containerOf(file: string): Container {
  const name = file.toLowerCase().replace(/\.gz$/, '');
  if (name.endsWith('.csv')) return 'csv';
  if (name.endsWith('.jsonl') || name.endsWith('.ndjson')) return 'jsonl';
  if (name.endsWith('.json')) return 'json';
  throw new Error(`${file}: an export is read from .csv, .json or .jsonl (each also .gz); give the file such a name`);
}

function readDocuments(file: string, onBytes: (bytes: number) => void): AsyncIterable<Found> {
  const container = containerOf(file);
  return container === 'json' ? readJson(file, onBytes) : readRows(file, container, onBytes);
}

async function* readJson(file: string, onBytes: (bytes: number) => void): AsyncGenerator<Found> {
  const text = await readText(file, onBytes);
  const whole = parse(text);
  if (whole !== undefined) yield* documentsIn(whole).map((value) => foundOf(value, 1));
  // Pages that were appended to one file, each on its line, are often called .json too.
  else
    yield* text
      .split('\n')
      .flatMap((line, index) => (line.trim() === '' ? [] : documentsIn(parse(line)).map((value) => foundOf(value, index + 1))));
}

async function readText(file: string, onBytes: (bytes: number) => void): Promise<string> {
  const raw = createReadStream(file);
  let read = 0;
  raw.on('data', (chunk) => onBytes((read += chunk.length)));
  const text: Readable = file.toLowerCase().endsWith('.gz') ? raw.pipe(createGunzip()) : raw;
  raw.on('error', (error) => text.destroy(error));
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of text as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_JSON_BYTES) throw new Error(`${file}: a JSON document of more than 256 MiB; export it as CSV or JSON lines (.jsonl)`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
}

const documentsIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : [value]);

function foundOf(value: unknown, line: number): Found {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { line, values: value as Row, problem: null };
  return { line, values: null, problem: value === undefined ? 'not JSON' : 'not a JSON object' };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

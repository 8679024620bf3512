import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse, type CsvError } from 'csv-parse';
import type { Row } from './column-mapping.ts';

/** A row as it was found: its number (from 1, headers not counted), its line in the file, and what it holds or why it cannot be read. */
export interface FoundRow {
  readonly row: number;
  readonly line: number;
  readonly values: Row | null;
  readonly problem: string | null;
}

export type FileFormat = 'csv' | 'jsonl';

/** CSV or JSONL, by the name; `.gz` is taken off first. */
export function formatOf(file: string): FileFormat {
  const name = file.toLowerCase().replace(/\.gz$/, '');
  if (name.endsWith('.csv')) return 'csv';
  if (name.endsWith('.jsonl') || name.endsWith('.ndjson')) return 'jsonl';
  throw new Error(`${file}: say what it is with --format csv or --format jsonl`);
}

/** sha256 of the file's bytes, as hex: names the import and makes keys for rows that have none. */
export async function contentHashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/**
 * The rows of a file in its order, streamed: a file of any size takes the same memory. `onBytes` hears how far the file has been read. Throws, before any
 * row, where the header of a CSV file does not have each of the columns once. Rows of JSON may leave fields out.
 */
export async function* readRows(
  file: string,
  format: FileFormat,
  onBytes: (bytes: number) => void,
  columns: readonly string[] = [],
): AsyncGenerator<FoundRow> {
  let bytes = 0;
  const raw = createReadStream(file);
  raw.on('data', (chunk) => onBytes((bytes += chunk.length)));
  const text: Readable = file.toLowerCase().endsWith('.gz') ? raw.pipe(createGunzip()) : raw;
  yield* format === 'csv' ? readCsv(text, columns) : readJsonLines(text);
}

export const sizeOf = (file: string): number => statSync(file).size;

async function* readCsv(text: Readable, columns: readonly string[]): AsyncGenerator<FoundRow> {
  const problems: CsvError[] = [];
  let hasHeader = false;
  const readHeader = (header: string[]): string[] => {
    hasHeader = true;
    requireColumns(header, columns);
    return header;
  };
  const parser = text.pipe(
    parse({ columns: readHeader, bom: true, info: true, skip_empty_lines: true, skip_records_with_error: true, relax_column_count: false }),
  );
  parser.on('skip', (error: CsvError) => problems.push(error));
  text.on('error', (error) => parser.destroy(error));
  let row = 0;
  for await (const found of parser as AsyncIterable<{ info: { lines: number }; record: Row }>) {
    // The parser is ahead of us, how far depends on the disk. Rows are numbered by their place in the file alone: their keys come of it.
    while ((problems[0]?.['lines'] as number) < found.info.lines) yield badCsvRow(++row, problems.shift() as CsvError);
    yield { row: ++row, line: found.info.lines, values: found.record, problem: null };
  }
  for (const problem of problems) yield badCsvRow(++row, problem);
  if (!hasHeader) throw new Error('the file is empty: a CSV file begins with the names of its columns');
}

function requireColumns(header: readonly string[], columns: readonly string[]): void {
  for (const column of columns) {
    const found = header.filter((name) => name === column).length;
    if (found === 0) throw new Error(`there is no column "${column}": the file has ${header.map((name) => `"${name}"`).join(', ')}`);
    if (found > 1) throw new Error(`there are ${found} columns "${column}": give each column that is mapped a name of its own`);
  }
}

const badCsvRow = (row: number, problem: CsvError): FoundRow => ({
  row,
  line: typeof problem['lines'] === 'number' ? problem['lines'] : row,
  values: null,
  problem: problem.message,
});

async function* readJsonLines(text: Readable): AsyncGenerator<FoundRow> {
  let line = 0;
  for await (const content of createInterface({ input: text, crlfDelay: Infinity })) {
    line++;
    if (content.trim() !== '') yield { row: line, line, ...parseLine(content) };
  }
}

function parseLine(content: string): Pick<FoundRow, 'values' | 'problem'> {
  try {
    const values: unknown = JSON.parse(content);
    if (typeof values === 'object' && values !== null && !Array.isArray(values)) return { values: values as Row, problem: null };
    return { values: null, problem: 'not a JSON object' };
  } catch (error) {
    return { values: null, problem: error instanceof Error ? error.message : String(error) };
  }
}

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { TareClient } from '@tare/client';
import { Command } from 'commander';
import { dataDirectory } from '../start.ts';
import { Checkpoint, type Progress } from './checkpoint.ts';
import { parseMapping, type ColumnMapping } from './column-mapping.ts';
import { customerChoice, type CustomerOptions } from './customer-choice.ts';
import { readCustomerShares } from './customer-shares.ts';
import { eventOfExportRow } from './event-of-export-row.ts';
import type { ExportFormat } from './export-format.ts';
import { EXPORT_FORMATS } from './export-formats.ts';
import { eventOfMappedRow, importFile, type ImportPlan } from './import-file.ts';
import { readExport } from './read-export.ts';
import { contentHashOf, formatOf, readRows, sizeOf, type FileFormat } from './read-rows.ts';

interface ImportOptions extends CustomerOptions {
  readonly url: string;
  readonly apiKey?: string;
  readonly format?: string;
  readonly map: string[];
  readonly set: string[];
  readonly customerShares?: string;
  readonly reportedCost?: boolean;
  readonly backfill?: boolean;
  readonly rejects?: string;
  readonly batch: string;
}

const collect = (value: string, all: string[]): string[] => [...all, value];
const CONCURRENCY = 3;

/** `tare import FILE`: CSV or JSON lines, or an export of usage by LiteLLM, OpenAI or Anthropic, plain or gzip, into a running Tare. */
export function importCommand(): Command {
  return new Command('import')
    .description('Import usage from a CSV or JSONL file (also .gz). Resumable and idempotent: run it again after a kill.')
    .argument('<file>')
    .option('--url <url>', 'address of the API', process.env['TARE_URL'] ?? 'http://127.0.0.1:4000')
    .option('--api-key <key>', 'key with scope INGEST (default: TARE_API_KEY)')
    .option('--format <format>', `csv, jsonl (default: by the name), or an export: ${[...EXPORT_FORMATS.keys()].join(', ')}`)
    .option('--map <field=column>', 'where a field comes from, e.g. tokens.input=ContextTokens (repeat)', collect, [])
    .option('--set <field=value>', 'a field that is the same in every row, e.g. type=llm.completion (repeat)', collect, [])
    .option('--customer-shares <file>', 'lines "customer,share": rows are given to customers by these shares (modelled tenancy)')
    .option('--customer <key>', 'exports: the customer of every row, or of rows that name none')
    .option('--customer-by <what>', 'exports: what names the customer: project, api-key, workspace, end-user, user, team, ...')
    .option('--customers <file>', 'exports: lines "id,customer": the customer that what a row names belongs to')
    .option('--reported-cost', 'exports: what LiteLLM says a request cost comes before every rate of the cost book')
    .option('--backfill', 'history of a live tenant: lifts its window of backdating; the key needs the scope ADMIN')
    .option('--rejects <file>', 'where bad rows go (default: beside the checkpoint, under TARE_DATA_DIR)')
    .option('--batch <events>', 'events in one request', '1000')
    .action(runImport);
}

async function runImport(file: string, options: ImportOptions): Promise<void> {
  const apiKey = options.apiKey ?? process.env['TARE_API_KEY'];
  if (!apiKey) throw new Error('an API key with scope INGEST is needed: --api-key or TARE_API_KEY');
  const batchSize = Number(options.batch);
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 10_000) throw new Error('--batch takes a whole number from 1 to 10000');

  const mapping = parseMapping(options.map, options.set);
  const exported = EXPORT_FORMATS.get(options.format ?? '');
  if (exported) requireExportOptions(options);
  else requireMappingOptions(options);
  const contentHash = await contentHashOf(file);
  const directory = path.join(dataDirectory(), 'imports');
  const importId = createHash('sha256')
    .update(
      JSON.stringify([
        contentHash,
        options.url,
        apiKey,
        options.map,
        options.set,
        options.customerShares ?? null,
        ...exportIdentity(options),
      ]),
    )
    .digest('hex')
    .slice(0, 32);
  const rejectsFile = options.rejects ?? path.join(directory, `${importId}.rejected.jsonl`);
  const checkpoint = new Checkpoint(directory, importId);
  const client = new TareClient({ url: options.url, apiKey, batchSize, backfill: options.backfill ?? false });

  if (checkpoint.isToRepeat) console.log('rows were rejected the last time: all are sent again, and what was taken counts as duplicates');
  const before = checkpoint.read();
  if (before.row > 0) console.log(`goes on after row ${before.row}, where it stopped`);
  const meter = new ProgressMeter(sizeOf(file), before.row);
  const onBytes = (bytes: number): void => meter.readTo(bytes);
  const source = exported
    ? exportSource(file, exported, mapping, options, onBytes)
    : mappedSource(file, contentHash, mapping, options, onBytes);
  const done = await importFile({
    ...source,
    batchSize,
    concurrency: CONCURRENCY,
    checkpoint,
    rejectsFile,
    send: (events) => client.ingest(events),
    onProgress: (progress) => meter.show(progress),
  });
  meter.end();
  console.log(
    `${done.row} rows: ${done.accepted} accepted, ${done.duplicates} duplicates, ${done.rejected} rejected${done.rejected > 0 ? ` (see ${rejectsFile})` : ''}`,
  );
  if (done.rejected > 0) process.exitCode = 2;
}

type Source = Pick<ImportPlan, 'rows' | 'eventOf'>;

function mappedSource(
  file: string,
  contentHash: string,
  mapping: ColumnMapping,
  options: ImportOptions,
  onBytes: (bytes: number) => void,
): Source {
  const shares = options.customerShares ? readCustomerShares(options.customerShares) : null;
  if (shares)
    console.log(
      `real requests, modelled tenancy: rows are given to ${shares.customers} customers by the shares in ${options.customerShares ?? ''}`,
    );
  const format = (options.format as FileFormat | undefined) ?? formatOf(file);
  return { rows: readRows(file, format, onBytes, [...mapping.columns.values()]), eventOf: eventOfMappedRow(mapping, contentHash, shares) };
}

function exportSource(
  file: string,
  format: ExportFormat,
  mapping: ColumnMapping,
  options: ImportOptions,
  onBytes: (bytes: number) => void,
): Source {
  const customers = customerChoice(format, options.format ?? '', options);
  const eventOf = eventOfExportRow(format, { isCostReported: options.reportedCost === true }, customers, mapping);
  return { rows: readExport(file, (document) => format.rowsOf(document), onBytes), eventOf };
}

function requireExportOptions(options: ImportOptions): void {
  if (options.map.length > 0) throw new Error(`--map is for csv and jsonl: the columns of ${options.format ?? ''} are known`);
  if (options.customerShares) throw new Error('--customer-shares is for csv and jsonl: use --customer, --customer-by or --customers');
  if (options.reportedCost && options.format !== 'litellm-spend-logs')
    throw new Error(`--reported-cost: ${options.format ?? ''} holds no cost`);
}

function requireMappingOptions(options: ImportOptions): void {
  if (options.format !== undefined && options.format !== 'csv' && options.format !== 'jsonl') {
    throw new Error(`--format ${options.format}: there are csv, jsonl, ${[...EXPORT_FORMATS.keys()].join(', ')}`);
  }
  const wrong = [options.customer, options.customerBy, options.customers, options.reportedCost].some((option) => option !== undefined);
  if (wrong)
    throw new Error('--customer, --customer-by, --customers and --reported-cost are for exports; for csv and jsonl say --set or --map');
}

/** An import that is started again with other options for its events is another import. */
function exportIdentity(options: ImportOptions): unknown[] {
  if (!EXPORT_FORMATS.has(options.format ?? '')) return [];
  const customers = options.customers === undefined ? null : readFileSync(options.customers, 'utf8');
  return [options.format, options.customer ?? null, options.customerBy ?? null, customers, options.reportedCost === true];
}

/** One line that says how far, how fast and how long still: rewritten on a terminal, every few seconds elsewhere. */
class ProgressMeter {
  private readonly began = Date.now();
  private bytes = 0;
  private lastShown = 0;

  constructor(
    private readonly size: number,
    private readonly firstRow: number,
  ) {}

  readTo(bytes: number): void {
    this.bytes = bytes;
  }

  show(progress: Progress): void {
    const now = Date.now();
    if (now - this.lastShown < (process.stdout.isTTY ? 200 : 5_000)) return;
    this.lastShown = now;
    const seconds = (now - this.began) / 1000;
    const rate = Math.round((progress.row - this.firstRow) / Math.max(seconds, 0.001));
    const share = this.size === 0 ? 1 : Math.min(1, this.bytes / this.size);
    const left = share > 0 ? Math.ceil((seconds / share) * (1 - share)) : 0;
    const line = `${(share * 100).toFixed(0)} % read, ${progress.row} rows, ${rate}/s, ${left} s left, ${progress.rejected} rejected`;
    process.stdout.write(process.stdout.isTTY ? `\r${line}\u001b[K` : `${line}\n`);
  }

  end(): void {
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
  }
}

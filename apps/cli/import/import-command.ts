import { createHash } from 'node:crypto';
import path from 'node:path';
import { TareClient } from '@tare/client';
import { Command } from 'commander';
import { dataDirectory } from '../start.ts';
import { Checkpoint, type Progress } from './checkpoint.ts';
import { parseMapping } from './column-mapping.ts';
import { readCustomerShares } from './customer-shares.ts';
import { importFile } from './import-file.ts';
import { contentHashOf, formatOf, readRows, sizeOf, type FileFormat } from './read-rows.ts';

interface ImportOptions {
  readonly url: string;
  readonly apiKey?: string;
  readonly format?: FileFormat;
  readonly map: string[];
  readonly set: string[];
  readonly customerShares?: string;
  readonly rejects?: string;
  readonly batch: string;
}

const collect = (value: string, all: string[]): string[] => [...all, value];
const CONCURRENCY = 3;

/** `tare import FILE`: CSV or JSON lines, plain or gzip, into a running Tare. */
export function importCommand(): Command {
  return new Command('import')
    .description('Import usage from a CSV or JSONL file (also .gz). Resumable and idempotent: run it again after a kill.')
    .argument('<file>')
    .option('--url <url>', 'address of the API', process.env['TARE_URL'] ?? 'http://127.0.0.1:4000')
    .option('--api-key <key>', 'key with scope INGEST (default: TARE_API_KEY)')
    .option('--format <format>', 'csv or jsonl (default: by the name)')
    .option('--map <field=column>', 'where a field comes from, e.g. tokens.input=ContextTokens (repeat)', collect, [])
    .option('--set <field=value>', 'a field that is the same in every row, e.g. type=llm.completion (repeat)', collect, [])
    .option('--customer-shares <file>', 'lines "customer,share": rows are given to customers by these shares (modelled tenancy)')
    .option('--rejects <file>', 'where bad rows go (default: beside the checkpoint, under TARE_DATA_DIR)')
    .option('--batch <events>', 'events in one request', '1000')
    .action(runImport);
}

async function runImport(file: string, options: ImportOptions): Promise<void> {
  const apiKey = options.apiKey ?? process.env['TARE_API_KEY'];
  if (!apiKey) throw new Error('an API key with scope INGEST is needed: --api-key or TARE_API_KEY');
  const batchSize = Number(options.batch);
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 10_000) throw new Error('--batch takes a whole number from 1 to 10000');

  const format = options.format ?? formatOf(file);
  const mapping = parseMapping(options.map, options.set);
  const shares = options.customerShares ? readCustomerShares(options.customerShares) : null;
  const contentHash = await contentHashOf(file);
  const directory = path.join(dataDirectory(), 'imports');
  const importId = createHash('sha256')
    .update(JSON.stringify([contentHash, options.url, apiKey, options.map, options.set, options.customerShares ?? null]))
    .digest('hex')
    .slice(0, 32);
  const rejectsFile = options.rejects ?? path.join(directory, `${importId}.rejected.jsonl`);
  const checkpoint = new Checkpoint(directory, importId);
  const client = new TareClient({ url: options.url, apiKey, batchSize });

  const before = checkpoint.read();
  if (before.row > 0) console.log(`goes on after row ${before.row}, where it stopped`);
  if (shares)
    console.log(
      `real requests, modelled tenancy: rows are given to ${shares.customers} customers by the shares in ${options.customerShares ?? ''}`,
    );
  const meter = new ProgressMeter(sizeOf(file), before.row);
  const rows = readRows(file, format, (bytes) => meter.readTo(bytes), [...mapping.columns.values()]);
  const done = await importFile({
    rows,
    contentHash,
    mapping,
    shares,
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

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { TareClient, type UsageEvent } from '@tare/client';
import { startApp } from '../child-process.ts';
import { startPlatform, type Platform } from '../platform.ts';
import { dataDirectory, serve, stopSignal } from '../start.ts';
import { CUSTOMERS, DEMO_END, DEMO_MIDDLE } from './company.ts';
import { heading, printReport } from './report.ts';
import { setUpCompany } from './set-up.ts';
import { demoUsage } from './usage.ts';

interface DemoOptions {
  readonly once?: boolean;
  readonly events: string;
}

const DEFAULT_PORT = 4000;
const BATCH = 1_000;
const CONCURRENCY = 4;
/** Invoices are final an hour after the period's end (the grace period); the demo's zones end their month at or before UTC does. */
const GRACE_MS = 2 * 3_600_000;
const SYNC_TIMEOUT_MS = 120_000;
const WEBHOOK_SECRET = 'whsec_demo';

/** `tare demo`: everything on an embedded PostgreSQL, the invoices in the Stripe emulator, the report in the terminal. */
export async function demo(options: DemoOptions): Promise<void> {
  const count = Number(options.events);
  if (!Number.isInteger(count) || count < 1) throw new Error('--events takes a whole number above 0');
  const began = Date.now();
  const stop = stopSignal();
  const directory = path.join(dataDirectory(), 'demo');
  mkdirSync(directory, { recursive: true });
  const key = demoKey(directory);
  const emulator = await startApp({
    name: 'stripe-emulator',
    env: { PORT: '0', TARE_STRIPE_EMULATOR_DATA: path.join(directory, 'stripe-emulator.jsonl') },
    stop,
  });
  try {
    const platform = await startDemoPlatform(options, { directory, key, stripe: emulator.url ?? '', stop });
    try {
      const client = new TareClient({ url: platform.url, apiKey: key, batchSize: BATCH, timeoutMs: 300_000 });
      console.log(
        'Everything below is made up, from a fixed seed: the company, its customers, their usage. The model prices are real list prices.',
      );
      await step('the company: customers on four kinds of plan', () => setUpCompany(client));
      await step(`two months of usage (${count} events)`, () => loadUsage(client, directory, count));
      await step('billing September', () => runBilling(client, DEMO_MIDDLE));
      await step('billing October', () => runBilling(client, DEMO_END));
      await step('invoices into Stripe (the emulator)', () => invoicesSynced(client));
      await printReport(client);
      printWhereToLook(platform, emulator.url ?? '', key, began);
      if (!options.once) await serve(platform, stop);
    } finally {
      await platform.stop();
    }
  } finally {
    await emulator.stop();
  }
}

function startDemoPlatform(
  options: DemoOptions,
  { directory, key, stripe, stop }: { directory: string; key: string; stripe: string; stop: AbortSignal },
): Promise<Platform> {
  return startPlatform({
    dataDirectory: directory,
    port: options.once ? 0 : Number(process.env['PORT'] ?? DEFAULT_PORT),
    bootstrapKey: key,
    env: { STRIPE_SECRET_KEY: 'sk_test_demo', STRIPE_API_BASE: stripe, STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET },
    stop,
  });
}

/** The demo's admin key: given by TARE_BOOTSTRAP_API_KEY, or made once and kept beside the demo's data. */
function demoKey(directory: string): string {
  const given = process.env['TARE_BOOTSTRAP_API_KEY'];
  if (given) return given;
  const file = path.join(directory, 'api-key');
  if (!existsSync(file)) {
    writeFileSync(`${file}.new`, `tare_test_${randomBytes(24).toString('base64url')}`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return readFileSync(file, 'utf8').trim();
}

async function step<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const began = Date.now();
  const result = await work();
  const detail = typeof result === 'string' ? `: ${result}` : '';
  console.log(`  ${name}${detail} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  return result;
}

/** Sends the usage, several batches at a time. A run that finished is remembered; one that did not is sent again, and keys keep it from counting twice. */
async function loadUsage(client: TareClient, directory: string, count: number): Promise<string> {
  const marker = path.join(directory, `loaded-${count}`);
  if (existsSync(marker)) return 'already there from an earlier run';
  const began = Date.now();
  let accepted = 0;
  let duplicates = 0;
  const batches = inBatches(demoUsage(count), BATCH);
  const sender = async (): Promise<void> => {
    for (const batch of batches) {
      const result = await client.ingest(batch);
      accepted += result.accepted;
      duplicates += result.duplicates;
      const refused = result.rejected[0];
      if (refused) throw new Error(`an event of the demo was refused: ${refused.code} ${refused.message}`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, sender));
  writeFileSync(marker, '');
  const rate = Math.round((accepted + duplicates) / ((Date.now() - began) / 1000));
  return `${accepted} accepted, ${duplicates} already there, ${rate} events/s over HTTP`;
}

function* inBatches(events: Iterable<UsageEvent>, size: number): Generator<UsageEvent[]> {
  let batch: UsageEvent[] = [];
  for (const event of events) {
    batch.push(event);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function runBilling(client: TareClient, until: string): Promise<string> {
  const asOf = new Date(Date.parse(until) + GRACE_MS).toISOString();
  const { runBilling: run } = await client.graphql<{
    runBilling: { periodsClosed: number; invoicesCreated: number; invoicesFinalized: number };
  }>('mutation ($asOf: DateTime!) { runBilling(asOf: $asOf) { periodsClosed invoicesCreated invoicesFinalized } }', { asOf });
  return `${run.periodsClosed} periods closed, ${run.invoicesCreated} invoices made, ${run.invoicesFinalized} finalized`;
}

interface InvoicePage {
  readonly invoices: {
    readonly edges: readonly { readonly node: { readonly number: string | null; readonly sync: string; readonly status: string } }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

/** Waits until every finalized invoice is in Stripe. Says so when some are not in time: they go on by themselves. */
async function invoicesSynced(client: TareClient): Promise<string> {
  for (const deadline = Date.now() + SYNC_TIMEOUT_MS; ; await new Promise((resolve) => setTimeout(resolve, 500))) {
    const states = await syncStates(client);
    const open = states.filter((state) => state !== 'SYNCED').length;
    if (open === 0) return `${states.length} invoices synced`;
    if (Date.now() > deadline) return `${states.length - open} of ${states.length} synced so far, the rest goes on by itself`;
  }
}

async function syncStates(client: TareClient): Promise<string[]> {
  const states: string[] = [];
  for (let after: string | null = null, more = true; more;) {
    const page: InvoicePage = await client.graphql(
      'query ($after: String) { invoices(first: 100, after: $after) { edges { node { number status sync } } pageInfo { hasNextPage endCursor } } }',
      { after },
    );
    states.push(
      ...page.invoices.edges.filter(({ node }) => node.status !== 'DRAFT' && node.status !== 'VOID').map(({ node }) => node.sync),
    );
    more = page.invoices.pageInfo.hasNextPage;
    after = page.invoices.pageInfo.endCursor;
  }
  return states;
}

function printWhereToLook(platform: Platform, stripe: string, key: string, began: number): void {
  heading('Where to look further');
  console.log(`  dashboard        ${platform.url}   (sign in with the key below)`);
  console.log(`  GraphQL          ${platform.url}/graphql`);
  console.log(`  API key          ${key}`);
  console.log(`  Stripe emulator  ${stripe}   (an emulator: nothing leaves this machine)`);
  const seconds = Math.round((Date.now() - began) / 1000);
  console.log(
    `\n${CUSTOMERS.length} customers, all made up. The demo took ${seconds} s and ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB in this process.`,
  );
}

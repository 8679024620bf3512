import { type ChildProcess, spawn } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { transformFile } from '@swc/core';
import Stripe from 'stripe';
import { startStripeEmulator } from './emulator.ts';

let folder: string;
let dataFile: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'stripe-emulator-'));
  dataFile = path.join(folder, 'state', 'journal.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const connect = (port: number): Stripe => new Stripe('sk_test_journal', { host: '127.0.0.1', port, protocol: 'http', telemetry: false });

test('a restarted emulator has its invoices, its numbers and its idempotency keys', async () => {
  const first = await startStripeEmulator({ dataFile });
  const stripe = connect(first.port);
  const customer = await stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'customer' });
  const draft = await stripe.invoices.create({ customer: customer.id, currency: 'usd' });
  await stripe.invoices.addLines(draft.id, { lines: [{ amount: 1000, metadata: { line_id: 'l1' } }] });
  const open = await stripe.invoices.finalizeInvoice(draft.id);
  await stripe.invoices.del((await stripe.invoices.create({ customer: customer.id })).id);
  await first.stop();

  const second = await startStripeEmulator({ dataFile });
  const again = connect(second.port);
  const found = await again.invoices.retrieve(open.id);
  expect(found).toMatchObject({ status: 'open', number: open.number, total: 1000 });
  expect(found.lines.data[0]).toMatchObject({ metadata: { line_id: 'l1' } });
  expect((await again.invoices.list()).data).toHaveLength(1);
  expect((await again.customers.create({ name: 'Ada' }, { idempotencyKey: 'customer' })).id).toBe(customer.id);
  await second.stop();
});

test('a line that a crash cut off is left out, the rest is kept', async () => {
  const first = await startStripeEmulator({ dataFile });
  await connect(first.port).customers.create({ name: 'Ada' });
  await first.stop();
  await appendFile(dataFile, '{"account":"acct_x","chan');
  const second = await startStripeEmulator({ dataFile });
  const stripe = connect(second.port);
  await stripe.customers.create({ name: 'Bob' });
  await second.stop();
  const third = await startStripeEmulator({ dataFile });
  expect((await connect(third.port).customers.list()).data.map(({ name }) => name)).toEqual(['Bob', 'Ada']);
  await third.stop();
});

describe('the process', () => {
  let processes: ChildProcess[] = [];
  afterEach(() => {
    for (const child of processes) child.kill('SIGKILL');
    processes = [];
  });

  /** Compiled as the build does it, since Node runs no TypeScript; resolves with the port that the process prints. */
  async function start(): Promise<{ child: ChildProcess; port: number }> {
    const child = spawn(process.execPath, [path.join(folder, 'compiled', 'main.js')], {
      env: { PATH: process.env['PATH'], PORT: '0', TARE_STRIPE_EMULATOR_DATA: dataFile },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    processes.push(child);
    const line = await new Promise<string>((resolve) => child.stdout?.once('data', (data: Buffer) => resolve(data.toString('utf8'))));
    const { listening } = JSON.parse(line) as { listening: string };
    expect(listening).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    return { child, port: Number(new URL(listening).port) };
  }

  test('killed with -9 right after an answer, still knows what it answered', async () => {
    await compile();
    const first = await start();
    const customers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        connect(first.port).customers.create({ name: `c${index}` }, { idempotencyKey: `k${index}` }),
      ),
    );
    const dead = new Promise((resolve) => first.child.once('exit', resolve));
    first.child.kill('SIGKILL');
    await dead;
    const second = await start();
    const kept = await connect(second.port).customers.list({ limit: 100 });
    expect(kept.data.map(({ id }) => id).sort()).toEqual(customers.map(({ id }) => id).sort());
  });

  async function compile(): Promise<void> {
    const source = import.meta.dirname;
    const compiled = path.join(folder, 'compiled');
    await mkdir(compiled);
    await writeFile(path.join(compiled, 'package.json'), '{"type":"module"}');
    const names = (await readdir(source, { recursive: true })).filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'));
    for (const name of names) {
      const { code } = await transformFile(path.join(source, name), {
        swcrc: false,
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
      });
      const target = path.join(compiled, name.replace(/\.ts$/, '.js'));
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, code.replace(/(from\s*["']\.[^"']+)\.ts(["'])/g, '$1.js$2'));
    }
  }
});

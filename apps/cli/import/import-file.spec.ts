import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { IngestResult, UsageEvent } from '@tare/client';
import { Checkpoint, type Progress } from './checkpoint.ts';
import { parseMapping } from './column-mapping.ts';
import { customerShares, readCustomerShares } from './customer-shares.ts';
import { eventOfMappedRow, importFile } from './import-file.ts';
import { contentHashOf, formatOf, readRows } from './read-rows.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'tare-import-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A stand-in for the API's ingest that keeps what the identity rule says: a key counts once. */
class Ledger {
  readonly events = new Map<string, UsageEvent>();
  calls = 0;

  send(events: readonly UsageEvent[]): Promise<IngestResult> {
    this.calls++;
    const fresh = events.filter((event) => !this.events.has(event.key));
    for (const event of fresh) this.events.set(event.key, event);
    return Promise.resolve({ accepted: fresh.length, duplicates: events.length - fresh.length, rejected: [] });
  }
}

function fileOf(name: string, content: string | Buffer): string {
  const file = path.join(directory, name);
  writeFileSync(file, content);
  return file;
}

const AZURE = parseMapping(
  ['at=TIMESTAMP', 'tokens.input=ContextTokens', 'tokens.output=GeneratedTokens'],
  ['type=llm.completion', 'customer=acme'],
);
const rejectsFile = (): string => path.join(directory, 'rejects.jsonl');

async function run(
  file: string,
  send: (events: readonly UsageEvent[]) => Promise<IngestResult>,
  mapping = AZURE,
  batchSize = 2,
): Promise<Progress> {
  return importFile({
    rows: readRows(file, formatOf(file), () => undefined),
    eventOf: eventOfMappedRow(mapping, await contentHashOf(file), null),
    batchSize,
    concurrency: 2,
    checkpoint: new Checkpoint(directory, 'import'),
    rejectsFile: rejectsFile(),
    send,
    onProgress: () => undefined,
  });
}

const csv = (rows: number): string =>
  [
    'TIMESTAMP,ContextTokens,GeneratedTokens',
    ...Array.from({ length: rows }, (_, i) => `2023-11-16 18:15:${String(i % 60).padStart(2, '0')}.6805900,${100 + i},${i}`),
  ].join('\n');

test('columns become fields, and a time without a zone is UTC', async () => {
  const ledger = new Ledger();
  await run(fileOf('trace.csv', csv(1)), (events) => ledger.send(events));
  expect([...ledger.events.values()]).toEqual([
    {
      key: expect.stringMatching(/^[0-9a-f]{64}:1$/),
      customer: 'acme',
      type: 'llm.completion',
      at: '2023-11-16T18:15:00.6805900Z',
      tokens: { input: '100', output: '0' },
    },
  ]);
});

test('CSV and gzipped JSON lines are read alike', async () => {
  const events = [1, 2, 3].map((i) => ({ key: `k${i}`, customer: 'acme', type: 't', at: '2026-10-01T00:00:00Z', quantity: '1.5' }));
  const ledger = new Ledger();
  const file = fileOf('events.jsonl.gz', gzipSync(events.map((event) => JSON.stringify(event)).join('\n')));
  expect(await run(file, (batch) => ledger.send(batch), parseMapping([], []))).toMatchObject({ accepted: 3, rejected: 0 });
  expect([...ledger.events.values()]).toEqual(events);
});

test('killed at any batch and started again, it neither loses nor doubles a row', async () => {
  const file = fileOf('trace.csv', csv(11));
  for (let killAfter = 1; killAfter <= 6; killAfter++) {
    const ledger = new Ledger();
    const dying = async (events: readonly UsageEvent[]): Promise<IngestResult> => {
      // Committed, but the answer never arrives: the worst moment.
      const result = await ledger.send(events);
      if (ledger.calls >= killAfter) throw new Error('killed');
      return result;
    };
    await expect(run(file, dying)).rejects.toThrow('killed');
    const done = await run(file, (events) => ledger.send(events));
    expect(done.row).toBe(11);
    expect(ledger.events.size).toBe(11);
    rmSync(path.join(directory, 'import.json'), { force: true });
  }
});

test('an import that is done sends nothing when it runs again', async () => {
  const file = fileOf('trace.csv', csv(4));
  const ledger = new Ledger();
  const first = await run(file, (events) => ledger.send(events));
  const calls = ledger.calls;
  expect(await run(file, (events) => ledger.send(events))).toEqual(first);
  expect(ledger.calls).toBe(calls);
});

test('an import that ended with rejected rows sends all again when it runs again: what was in their way may be gone', async () => {
  const file = fileOf('trace.csv', csv(5));
  const ledger = new Ledger();
  const tooOld = { code: 'AT_TOO_OLD', message: 'at: too old' };
  const refusing = async (events: readonly UsageEvent[]): Promise<IngestResult> => {
    const [first, ...others] = events;
    const result = await ledger.send(others);
    return { ...result, rejected: [{ index: 0, key: first?.key ?? null, ...tooOld }] };
  };
  expect(await run(file, refusing)).toMatchObject({ row: 5, accepted: 2, rejected: 3 });
  expect(await run(file, (events) => ledger.send(events))).toMatchObject({ row: 5, accepted: 3, duplicates: 2, rejected: 0 });
  expect(ledger.events.size).toBe(5);
  expect(readFileSync(rejectsFile(), 'utf8')).toBe('');
});

test('killed after rejected rows, it goes on where it was, and its rejects stay', async () => {
  const file = fileOf('trace.csv', csv(6));
  const ledger = new Ledger();
  const dying = async (events: readonly UsageEvent[]): Promise<IngestResult> => {
    if (ledger.calls >= 2) throw new Error('killed');
    const [first, ...others] = events;
    return {
      ...(await ledger.send(others)),
      rejected: [{ index: 0, key: first?.key ?? null, code: 'AT_TOO_OLD', message: 'at: too old' }],
    };
  };
  await expect(run(file, dying)).rejects.toThrow('killed');
  const done = await run(file, (events) => ledger.send(events));
  expect(done).toMatchObject({ row: 6, accepted: 4, rejected: 2 });
  expect(readFileSync(rejectsFile(), 'utf8').trim().split('\n')).toHaveLength(2);
});

test('bad rows go to a file with line and reason, and sink nothing', async () => {
  const file = fileOf('events.jsonl', ['{"key":"a"}', 'not json', '', '[1]', '{"key":"b"}'].join('\n'));
  const send = (events: readonly UsageEvent[]): Promise<IngestResult> =>
    Promise.resolve({
      accepted: events.length - 1,
      duplicates: 0,
      rejected: [{ index: events.length - 1, key: events[events.length - 1]?.key ?? null, code: 'INVALID_TIME', message: 'at is missing' }],
    });
  const done = await run(file, send, parseMapping([], []), 10);
  expect(done).toMatchObject({ accepted: 1, rejected: 3 });
  const rejects = readFileSync(rejectsFile(), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { line: number; code: string });
  expect(rejects.map(({ line, code }) => [line, code])).toEqual([
    [2, 'UNREADABLE_ROW'],
    [4, 'UNREADABLE_ROW'],
    [5, 'INVALID_TIME'],
  ]);
});

test('a CSV row with the wrong number of columns is a bad row, the others stand', async () => {
  const file = fileOf(
    'trace.csv',
    'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,2\n2023-11-16 18:15:47,1\n2023-11-16 18:15:48,3,4',
  );
  const ledger = new Ledger();
  expect(await run(file, (events) => ledger.send(events))).toMatchObject({ accepted: 2, rejected: 1 });
});

test('rows are numbered by their place in the file, however fast they are taken, so that their keys stay', async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => (i % 7 === 3 ? 'one column' : `2023-11-16T18:17:03Z,${i},1`));
  const file = fileOf('trace.csv', ['TIMESTAMP,ContextTokens,GeneratedTokens', ...lines].join('\n'));
  const found: [number, number][] = [];
  for await (const { row, line } of readRows(file, 'csv', () => undefined)) {
    if (row % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    found.push([row, line]);
  }
  expect(found).toEqual(lines.map((_, i) => [i + 1, i + 2]));
});

test.each([
  [
    'a column that is mapped and not there',
    'TIMESTAMP,ContextTokens\n2023-11-16,1',
    /no column "GeneratedTokens".*"TIMESTAMP", "ContextTokens"/,
  ],
  ['two columns of one name', 'TIMESTAMP,ContextTokens,GeneratedTokens,TIMESTAMP\n1,2,3,4', /2 columns "TIMESTAMP"/],
  ['other separators than commas', 'TIMESTAMP;ContextTokens;GeneratedTokens\n1;2;3', /no column "TIMESTAMP"/],
  ['nothing in the file', '', /the file is empty/],
])('a CSV file is refused before its first row for %s', async (_, content, message) => {
  const rows = readRows(fileOf('trace.csv', content), 'csv', () => undefined, [...AZURE.columns.values()]);
  await expect(rows.next()).rejects.toThrow(message);
});

test('a CSV file of events needs no mapping, and an empty cell is a field that is left out', async () => {
  const ledger = new Ledger();
  const header = '\uFEFFkey,customer,type,at,quantity,model';
  const file = fileOf('events.csv', `${header}\r\n"a, ""b"" and\nc",acme,t,2023-11-16 18:17:03,,\r\n`);
  await run(file, (events) => ledger.send(events), parseMapping([], []));
  expect([...ledger.events.values()]).toEqual([{ key: 'a, "b" and\nc', customer: 'acme', type: 't', at: '2023-11-16T18:17:03Z' }]);
});

test('modelled shares give the same row to the same customer, and each about its share', () => {
  const shares = customerShares([
    { customer: 'big', share: 3 },
    { customer: 'small', share: 1 },
  ]);
  const drawn = Array.from({ length: 4000 }, (_, row) => shares.customerOf('hash', row));
  expect(drawn).toEqual(Array.from({ length: 4000 }, (_, row) => shares.customerOf('hash', row)));
  const big = drawn.filter((customer) => customer === 'big').length;
  expect(big).toBeGreaterThan(2850);
  expect(big).toBeLessThan(3150);
});

test('a file of shares is read with or without a header; an empty one is refused', () => {
  expect(readCustomerShares(fileOf('shares.csv', 'customer,share\nacme,0.9\nglobex,0.1\n')).customers).toBe(2);
  expect(() => readCustomerShares(fileOf('none.csv', 'customer,share\n'))).toThrow(/no line/);
});

test('a mapping to a field that events do not have is refused by name', () => {
  expect(() => parseMapping(['tokens.inptu=x'], [])).toThrow(/tokens\.inptu/);
  expect(() => parseMapping([], ['type'])).toThrow(/write field=value/);
});

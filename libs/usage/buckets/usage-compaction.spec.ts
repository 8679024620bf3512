import { Test, type TestingModule } from '@nestjs/testing';
import { SLOT, parseInstant, slotStart, type Instant } from '@tare/core';
import { CustomerStore } from '@tare/customers';
import { createTestDatabase, DatabaseModule, type TenantTransaction, type TestDatabase } from '@tare/database';
import fc from 'fast-check';
import { IngestService } from '../ingest/ingest.service.ts';
import { UsageBoundaries } from './usage-boundaries.ts';
import { UsageCompaction, type CompactionResult } from './usage-compaction.ts';
import { UsagePins } from './usage-pins.ts';
import { UsageReader } from './usage-reader.ts';
import { UsageModule } from '../usage.module.ts';

const NOW = parseInstant('2026-11-21T12:00:00Z');
const HOUR = 3_600_000_000;
const ORIGIN = slotStart(parseInstant('2026-03-05T10:00:00Z'));
const SPAN = 4 * SLOT;

let db: TestDatabase;
let module: TestingModule;
let boundaries: UsageBoundaries;
let reader: UsageReader;
let compaction: UsageCompaction;
const pins = new UsagePins();
let keys = 0;

beforeAll(async () => {
  db = await createTestDatabase();
  module = await Test.createTestingModule({ imports: [DatabaseModule.register({ url: db.url, connections: 8 }), UsageModule] }).compile();
  boundaries = module.get(UsageBoundaries);
  reader = module.get(UsageReader);
  compaction = module.get(UsageCompaction);
});
afterAll(async () => {
  await module.close();
  await db.drop();
});

interface Sent {
  readonly at: Instant;
  readonly quantity: number;
  readonly model?: string | undefined;
  readonly customer?: string | undefined;
}

const within = <Result>(tenantId: string, work: (tx: TenantTransaction) => Promise<Result>): Promise<Result> =>
  db.database.withTenant(tenantId, work);
const customerNo = (tenantId: string, key = 'acme'): Promise<number> =>
  within(tenantId, async (tx) => (await new CustomerStore().numbersOf(tx, [key])).get(key) ?? -1);
const currentSeq = (tenantId: string): Promise<number> => within(tenantId, (tx) => reader.currentSeq(tx));

async function send(tenantId: string, events: readonly Sent[]): Promise<void> {
  const raws = events.map(({ at, ...raw }) => ({
    key: `k${(keys += 1)}`,
    type: 'call',
    customer: 'acme',
    at: new Date(at / 1_000).toISOString(),
    ...raw,
  }));
  expect(await module.get(IngestService).ingest(tenantId, raws, NOW)).toMatchObject({ accepted: events.length });
}

/** Two runs: the first marks the current commit, the second, an hour later, may go up to it. */
let hours = 0;
async function compact(tenantId: string): Promise<CompactionResult> {
  await compaction.run(tenantId, NOW + (hours += 2) * HOUR);
  return compaction.run(tenantId, NOW + (hours += 2) * HOUR);
}

async function rowsOf(tenantId: string): Promise<number> {
  const [row] = await within(tenantId, (tx) =>
    tx.query<{ rows: number }>('SELECT count(*)::int AS rows FROM usage_bucket WHERE tenant_id = $1', [tenantId]),
  );
  return row?.rows ?? -1;
}

/** Everything that a reader can ask, as of one commit or as of now. */
async function answers(tenantId: string, seqs: readonly number[], cuts: readonly Instant[]): Promise<string[]> {
  return within(tenantId, async (tx) => {
    const sums: string[] = [];
    for (const seq of [...seqs, undefined]) {
      const query = { customerNos: null, cuts, ...(seq === undefined ? {} : { upToSeq: seq }) };
      sums.push(JSON.stringify(await reader.readMany(tx, query)));
    }
    return sums;
  });
}

describe('merging deltas', () => {
  const cuts = [ORIGIN, ORIGIN + SLOT, ORIGIN + SPAN];

  test('many commits to one cell become one row, and sums stay', async () => {
    const tenantId = await db.createTenant();
    for (let i = 0; i < 20; i += 1) await send(tenantId, [{ at: ORIGIN + i, quantity: i }]);
    const before = await answers(tenantId, [], cuts);
    expect(await compact(tenantId)).toEqual({ chunks: 1, absorbed: 19, hasMore: false });
    expect(await rowsOf(tenantId)).toBe(1);
    expect(await answers(tenantId, [], cuts)).toEqual(before);
    expect(await compaction.run(tenantId, NOW + (hours += 2) * HOUR)).toEqual({ chunks: 0, absorbed: 0, hasMore: false });
  });

  test('8.4 what an invoice has seen stays apart from what came after it', async () => {
    const tenantId = await db.createTenant();
    const seqs: number[] = [];
    for (let i = 0; i < 12; i += 1) {
      await send(tenantId, [{ at: ORIGIN + i, quantity: 1 }]);
      if (i % 4 !== 1) continue;
      const no = await customerNo(tenantId);
      seqs.push(
        await within(tenantId, async (tx) => {
          const seq = await reader.currentSeq(tx);
          await pins.pin(tx, no, seq);
          return seq;
        }),
      );
    }
    const before = await answers(tenantId, seqs, cuts);
    await compact(tenantId);
    expect(await rowsOf(tenantId)).toBe(seqs.length + 1);
    expect(await answers(tenantId, seqs, cuts)).toEqual(before);
  });

  test('rows younger than an hour are left alone: a reader in flight holds their commit without a pin', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, [{ at: ORIGIN, quantity: 1 }]);
    await send(tenantId, [{ at: ORIGIN, quantity: 2 }]);
    const start = NOW + (hours += 2) * HOUR;
    expect((await compaction.run(tenantId, start)).absorbed).toBe(0);
    await send(tenantId, [{ at: ORIGIN, quantity: 3 }]);
    expect((await compaction.run(tenantId, start + HOUR - 1)).absorbed).toBe(0);
    expect((await compaction.run(tenantId, start + HOUR)).absorbed).toBe(1);
    expect(await rowsOf(tenantId)).toBe(2);
    expect((await compaction.run(tenantId, start + 2 * HOUR)).absorbed).toBe(1);
  });

  test('a commit that compaction has gone past cannot be pinned any more, one that is pinned can be again', async () => {
    const tenantId = await db.createTenant();
    for (let i = 0; i < 3; i += 1) await send(tenantId, [{ at: ORIGIN, quantity: 1 }]);
    const no = await customerNo(tenantId);
    await within(tenantId, (tx) => pins.pin(tx, no, 2));
    await compact(tenantId);
    await within(tenantId, (tx) => pins.pin(tx, no, 2));
    await within(tenantId, (tx) => pins.pin(tx, no, 3));
    await expect(within(tenantId, (tx) => pins.pin(tx, no, 1))).rejects.toThrow(/cannot be kept any more/);
  });

  test('the floor does not rise while somebody is about to pin below it', async () => {
    const tenantId = await db.createTenant();
    for (let i = 0; i < 3; i += 1) await send(tenantId, [{ at: ORIGIN, quantity: 1 }]);
    await compact(tenantId);
    for (let i = 0; i < 3; i += 1) await send(tenantId, [{ at: ORIGIN, quantity: 1 }]);
    const no = await customerNo(tenantId);
    await compaction.run(tenantId, NOW + (hours += 2) * HOUR);
    await within(tenantId, async (tx) => {
      await pins.pin(tx, no, 5);
      expect(await compaction.run(tenantId, NOW + (hours += 2) * HOUR)).toEqual({ chunks: 0, absorbed: 0, hasMore: false });
    });
    const before = await answers(tenantId, [5], cuts);
    expect((await compaction.run(tenantId, NOW + (hours += 2) * HOUR)).absorbed).toBe(2);
    expect(await rowsOf(tenantId)).toBe(2);
    expect(await answers(tenantId, [5], cuts)).toEqual(before);
  });

  test('the floor does not pass a roll-up that has fallen behind: what came after its commit is still told apart', async () => {
    const tenantId = await db.createTenant();
    for (let i = 0; i < 5; i += 1) await send(tenantId, [{ at: ORIGIN, quantity: 1 }]);
    const at = (seq: number): Promise<unknown> =>
      within(tenantId, (tx) =>
        tx.query(
          `INSERT INTO meter_rollup AS r (tenant_id, meter_id, seq, boundary_version, total_slots) VALUES ($1, $1, $2, 0, 0)
           ON CONFLICT (tenant_id, meter_id) DO UPDATE SET seq = excluded.seq`,
          [tenantId, seq],
        ),
      );
    await at(3);
    await compact(tenantId);
    expect([await rowsOf(tenantId), await within(tenantId, (tx) => pins.floor(tx))]).toEqual([3, 3]);
    await at(5);
    await compact(tenantId);
    expect([await rowsOf(tenantId), await within(tenantId, (tx) => pins.floor(tx))]).toEqual([1, 5]);
  });

  test('12 a boundary that comes after compaction counts the slot again, and every pinned commit reads as before', async () => {
    const tenantId = await db.createTenant();
    for (let i = 0; i < 6; i += 1) await send(tenantId, [{ at: ORIGIN + i * 60_000_000, quantity: 1 }]);
    const no = await customerNo(tenantId);
    await within(tenantId, (tx) => pins.pin(tx, no, 3));
    const divided = [ORIGIN, ORIGIN + 150_000_000, ORIGIN + SLOT];
    const before = await answers(tenantId, [3], divided);
    await compact(tenantId);
    expect(await answers(tenantId, [3], divided)).toEqual(before);
    await within(tenantId, (tx) => boundaries.register(tx, no, [ORIGIN + 150_000_000]));
    expect(await answers(tenantId, [3], divided)).toEqual(before);
    await send(tenantId, [{ at: ORIGIN + 1, quantity: 9 }]);
    await compact(tenantId);
    expect((await answers(tenantId, [3], divided))[0]).toEqual(before[0]);
  });

  test('any commits, pins and compactions: every pinned commit, the current one and every cursor answer as they did', async () => {
    const event = fc.record({
      at: fc.nat(SPAN - 1).map((offset) => ORIGIN + offset),
      quantity: fc.nat(9),
      model: fc.constantFrom('a', undefined),
      customer: fc.constantFrom('acme', 'beta'),
    });
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('send' as const), events: fc.array(event, { minLength: 1, maxLength: 4 }) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('pin' as const), customer: fc.constantFrom('acme', 'beta') }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact' as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), at: fc.nat(SPAN - 1).map((offset) => ORIGIN + offset) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), async (steps) => {
        const tenantId = await db.createTenant();
        const numbers = { acme: await customerNo(tenantId), beta: await customerNo(tenantId, 'beta') };
        const pinned: { no: number; seq: number; sums: string }[] = [];
        const sumsAt = (no: number, seq: number): Promise<string> =>
          within(tenantId, async (tx) => JSON.stringify(await reader.readMany(tx, { customerNos: [no], cuts, upToSeq: seq })));
        const changesSince = (seq: number): Promise<string> =>
          within(tenantId, async (tx) => JSON.stringify(await reader.customersChangedSince(tx, seq)));
        for (const one of [...steps, { kind: 'compact' as const }]) {
          if (one.kind === 'send') await send(tenantId, one.events);
          if (one.kind === 'cut') await within(tenantId, (tx) => boundaries.register(tx, numbers.acme, [one.at]));
          if (one.kind === 'pin') {
            const no = numbers[one.customer];
            const seq = await currentSeq(tenantId);
            await within(tenantId, (tx) => pins.pin(tx, no, seq));
            pinned.push({ no, seq, sums: await sumsAt(no, seq) });
          }
          if (one.kind === 'compact') {
            const seq = await currentSeq(tenantId);
            const before = [
              await answers(tenantId, [], cuts),
              await Promise.all(Array.from({ length: seq + 1 }, (_, i) => changesSince(i))),
            ];
            await compact(tenantId);
            const after = [
              await answers(tenantId, [], cuts),
              await Promise.all(Array.from({ length: seq + 1 }, (_, i) => changesSince(i))),
            ];
            expect(after).toEqual(before);
          }
          for (const pin of pinned) expect(await sumsAt(pin.no, pin.seq)).toBe(pin.sums);
        }
      }),
      { numRuns: 30 },
    );
  }, 120_000);
});

test('ingest, compaction and readers at once: no reader sees a sum that never was, and nothing is lost', async () => {
  const tenantId = await db.createTenant();
  const cuts = [ORIGIN, ORIGIN + SLOT];
  const no = await customerNo(tenantId);
  const commits = 120;
  let sent = 0;
  let done = false;
  const seen = new Map<number, string>();
  const totalAt = (seq?: number): Promise<string> =>
    within(tenantId, async (tx) => {
      const records = await reader.readMany(tx, { customerNos: [no], cuts, ...(seq === undefined ? {} : { upToSeq: seq }) });
      return records.map(({ quantity, events }) => `${events.toString()} ${quantity.toString()}`).join();
    });
  const ingest = async (): Promise<void> => {
    for (; sent < commits; sent += 1)
      await send(tenantId, [
        { at: ORIGIN + sent, quantity: 1 },
        { at: ORIGIN + sent, quantity: 1, model: undefined },
      ]);
    done = true;
  };
  const compacting = async (): Promise<number> => {
    let absorbed = 0;
    while (!done) absorbed += (await compaction.run(tenantId, NOW + (hours += 2) * HOUR)).absorbed;
    return absorbed;
  };
  const reading = async (): Promise<number> => {
    let last = 0;
    while (!done) {
      const events = Number((await totalAt()).split(' ')[0] ?? 0);
      expect(events).toBeGreaterThanOrEqual(last);
      expect(events % 2).toBe(0);
      last = events;
      const seq = await within(tenantId, async (tx) => {
        const current = await reader.currentSeq(tx);
        await pins.pin(tx, no, current);
        return current;
      }).catch(() => null);
      if (seq !== null) seen.set(seq, await totalAt(seq));
    }
    return last;
  };
  const [, absorbed] = await Promise.all([ingest(), compacting(), reading(), reading()]);
  expect(absorbed).toBeGreaterThan(0);
  expect(await totalAt()).toBe(`${commits * 2} ${commits * 2}`);
  await compact(tenantId);
  expect(await rowsOf(tenantId)).toBeLessThanOrEqual(seen.size + 1);
  for (const [seq, total] of seen) expect(await totalAt(seq)).toBe(total);
}, 60_000);

import { Test, type TestingModule } from '@nestjs/testing';
import { SettingsService } from '@tare/access';
import { MICROS_PER_DAY, SLOT, formatInstant, parseInstant, type Instant } from '@tare/core';
import { CustomerStore } from '@tare/customers';
import { createTestDatabase, DatabaseModule, type TenantTransaction, type TestDatabase } from '@tare/database';
import { IngestService, type IngestResult } from '../ingest/ingest.service.ts';
import { UsageBoundaries } from '../buckets/usage-boundaries.ts';
import { UsageReader } from '../buckets/usage-reader.ts';
import { UsageRetention } from './usage-retention.ts';
import { UsageModule } from '../usage.module.ts';

/** Long after events that this file sends have come in: those of February and March are old enough to be dropped. */
const NOW = parseInstant('2027-06-15T12:00:00Z');
const SENT = parseInstant('2026-11-21T12:00:00Z');
const HOUR = 3_600_000_000;
const FEBRUARY = '2026-02-10T10:00:00Z';
const MARCH = '2026-03-05T10:17:00Z';
const JUNE = '2026-06-20T10:00:00Z';

let db: TestDatabase;
let module: TestingModule;
let retention: UsageRetention;

beforeEach(async () => {
  db = await createTestDatabase();
  module = await Test.createTestingModule({ imports: [DatabaseModule.register({ url: db.url, connections: 6 }), UsageModule] }).compile();
  retention = module.get(UsageRetention);
});
afterEach(async () => {
  await module.close();
  await db.drop();
});

const within = <Result>(tenantId: string, work: (tx: TenantTransaction) => Promise<Result>): Promise<Result> =>
  db.database.withTenant(tenantId, work);
const count = async (tenantId: string, table: string, where = 'true'): Promise<number> => {
  const [row] = await within(tenantId, (tx) =>
    tx.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table} WHERE tenant_id = $1 AND ${where}`, [tenantId]),
  );
  return row?.n ?? -1;
};
const event = (key: string, at: string): Record<string, unknown> => ({ key, customer: 'acme', type: 'call', at, quantity: '1' });
/** With the limits of this moment: a process remembers them for a second. */
const send = (tenantId: string, events: Record<string, unknown>[], now = SENT): Promise<IngestResult> => {
  const ingest = module.get(IngestService);
  ingest.limitsChanged(tenantId);
  return ingest.ingest(tenantId, events, now);
};
const retain = (tenantId: string, retentionDays: number | null): Promise<unknown> =>
  module.get(SettingsService).update(tenantId, { retentionDays }, 'test');
const horizon = (tenantId: string): Promise<string | null> =>
  within(tenantId, async (tx) => {
    const at = await retention.horizon(tx);
    return at === null ? null : formatInstant(at).slice(0, 10);
  });
const months = async (): Promise<string[]> => {
  const rows = await db.database.withoutTenant((tx) =>
    tx.query<{ name: string }>(
      "SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'usage_event'::regclass ORDER BY 1",
    ),
  );
  return rows.map(({ name }) => name.replace('usage_event_', ''));
};
async function read(tenantId: string, cuts: readonly string[]): Promise<string[]> {
  const instants = cuts.map((cut) => parseInstant(cut));
  return within(tenantId, async (tx) => {
    const records = await module.get(UsageReader).readMany(tx, { customerNos: null, cuts: instants });
    return instants.slice(0, -1).map(
      (cut) =>
        records
          .filter(({ from }) => from === cut)
          .map(({ quantity }) => quantity.toString())
          .join() || '0',
    );
  });
}
/** Announces, and an hour later drops and clears. */
async function run(tenantId: string, now = NOW, keepFrom: Instant | null = null): Promise<void> {
  await retention.run(tenantId, { now, keepFrom });
  await retention.run(tenantId, { now: now + HOUR, keepFrom });
}
async function newTenant(retentionDays: number | null, ats = [FEBRUARY, MARCH, JUNE]): Promise<string> {
  const tenantId = await db.createTenant();
  if (retentionDays !== null) await retain(tenantId, retentionDays);
  const result = await send(
    tenantId,
    ats.map((at, i) => event(`key ${i}`, at)),
    parseInstant(ats.at(-1) ?? JUNE) + HOUR,
  );
  expect(result).toMatchObject({ accepted: ats.length, rejected: [] });
  return tenantId;
}

const YEAR = ['2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'];

describe('dropping events after retention', () => {
  test('months before the horizon are dropped with their keys; buckets stay, and so do later months', async () => {
    const tenantId = await newTenant(365);
    await run(tenantId);
    expect(await horizon(tenantId)).toBe('2026-06-01');
    expect(await months()).toEqual(['y2026m06']);
    expect([await count(tenantId, 'usage_event'), await count(tenantId, 'usage_event_key')]).toEqual([1, 1]);
    expect(await read(tenantId, YEAR)).toEqual(['3']);
  });

  test('nothing is dropped without a retention, and a turn has nothing to do', async () => {
    const tenantId = await newTenant(null);
    expect(await retention.isIdle(tenantId, NOW)).toBe(true);
    await run(tenantId);
    expect([await count(tenantId, 'usage_event'), await horizon(tenantId)]).toEqual([3, null]);
  });

  test('8.4 events that billing needs are kept, however short the retention', async () => {
    const tenantId = await newTenant(365);
    await run(tenantId, NOW, parseInstant('2026-03-31T00:00:00Z'));
    expect([await horizon(tenantId), await count(tenantId, 'usage_event')]).toEqual(['2026-03-01', 2]);
  });

  test('3.1 events are refused an hour before they are dropped, and for ever after, also when retention is raised or taken away', async () => {
    const tenantId = await newTenant(365);
    const tooOld = { accepted: 0, duplicates: 0, rejected: [{ index: 0, key: 'key 1', code: 'AT_TOO_OLD' }] };
    await retention.run(tenantId, { now: NOW, keepFrom: null });
    expect([await horizon(tenantId), await count(tenantId, 'usage_event')]).toEqual([null, 3]);
    await retain(tenantId, 3_000);
    await retain(tenantId, 365);
    expect(await send(tenantId, [event('key 1', MARCH)])).toMatchObject(tooOld);
    await retention.run(tenantId, { now: NOW + HOUR, keepFrom: null });
    expect(await horizon(tenantId)).toBe('2026-06-01');
    for (const days of [3_000, null]) {
      await retain(tenantId, days);
      await run(tenantId, NOW + 2 * HOUR);
      expect(await horizon(tenantId)).toBe('2026-06-01');
      expect(await send(tenantId, [event('key 1', MARCH)])).toMatchObject(tooOld);
    }
    expect(await read(tenantId, YEAR)).toEqual(['3']);
  });

  test('a retention that is taken back within the hour drops nothing, and events are taken again', async () => {
    const tenantId = await newTenant(365);
    await retention.run(tenantId, { now: NOW, keepFrom: null });
    await retain(tenantId, null);
    await run(tenantId, NOW + HOUR);
    expect([await horizon(tenantId), await count(tenantId, 'usage_event')]).toEqual([null, 3]);
    expect(await send(tenantId, [event('key 1', MARCH), event('new', MARCH)])).toMatchObject({ accepted: 1, duplicates: 1, rejected: [] });
  });

  test('a month that another tenant keeps stays; the rows of the one are deleted, those of the other are not touched', async () => {
    const [tenantId, other] = [await newTenant(365), await newTenant(null)];
    await run(tenantId);
    expect(await months()).toEqual(['y2026m02', 'y2026m03', 'y2026m06']);
    expect([await count(tenantId, 'usage_event'), await count(tenantId, 'usage_event_key')]).toEqual([1, 1]);
    expect([await count(other, 'usage_event'), await count(other, 'usage_event_key')]).toEqual([3, 3]);
    await retain(other, 365);
    await run(other);
    expect(await months()).toEqual(['y2026m06']);
  });

  test('a month whose tenants all drop it goes with the last of them', async () => {
    const [tenantId, other] = [await newTenant(365), await newTenant(365)];
    for (const one of [tenantId, other]) await retention.run(one, { now: NOW, keepFrom: null });
    for (const one of [tenantId, other, tenantId]) await retention.run(one, { now: NOW + HOUR, keepFrom: null });
    expect(await months()).toEqual(['y2026m06']);
    expect([await count(other, 'usage_event'), await count(other, 'usage_event_key')]).toEqual([1, 1]);
  });

  test('while ingest holds the table the partition waits for a later run, and ingest is not held up', async () => {
    const tenantId = await newTenant(365);
    const other = await db.createTenant();
    await retention.run(tenantId, { now: NOW, keepFrom: null });
    await within(other, async (tx) => {
      await tx.query('SELECT count(*) FROM usage_event WHERE tenant_id = $1', [other]);
      await retention.run(tenantId, { now: NOW + HOUR, keepFrom: null });
    });
    expect(await months()).toEqual(['y2026m02', 'y2026m03', 'y2026m06']);
    expect(await count(tenantId, 'usage_event_key')).toBe(1);
    await retention.run(tenantId, { now: NOW + 2 * HOUR, keepFrom: null });
    expect(await months()).toEqual(['y2026m06']);
  });

  test('3.1 an identity holds 35 days from when its event came in, however old the event', async () => {
    const tenantId = await newTenant(365);
    const soon = parseInstant(new Date().toISOString()) + 20 * MICROS_PER_DAY;
    await retain(tenantId, 35);
    await run(tenantId, soon);
    expect(await count(tenantId, 'usage_event_key')).toBe(3);
    await run(tenantId, soon + 16 * MICROS_PER_DAY);
    expect(await count(tenantId, 'usage_event_key')).toBe(0);
  });

  test('a run that is cut short anywhere goes on where it was, and counts each event once in its audit entry', async () => {
    const tenantId = await newTenant(365);
    await send(
      tenantId,
      Array.from({ length: 6_000 }, (_, i) => event(`many ${i}`, MARCH)),
    );
    await retention.run(tenantId, { now: NOW, keepFrom: null });
    let cuts = 0;
    const { database } = db;
    const failing = new UsageRetention(
      Object.create(database, {
        withTenant: {
          value: async (id: string, work: (tx: TenantTransaction) => Promise<unknown>) => {
            const result = await database.withTenant(id, work);
            if ((cuts += 1) % 3 === 0) throw new Error('killed');
            return result;
          },
        },
      }) as typeof database,
      module.get(SettingsService),
      retention['audit'],
    );
    for (let i = 0; i < 30; i += 1) await failing.run(tenantId, { now: NOW + HOUR, keepFrom: null }).catch(() => undefined);
    await retention.run(tenantId, { now: NOW + HOUR, keepFrom: null });
    expect(await months()).toEqual(['y2026m06']);
    const entries = await within(tenantId, (tx) =>
      tx.query<{ detail: Record<string, unknown> }>(
        "SELECT detail FROM audit_entry WHERE tenant_id = $1 AND action = 'usage_event.drop' ORDER BY at",
        [tenantId],
      ),
    );
    const total = (field: string): number => entries.reduce((sum, { detail }) => sum + Number(detail[field]), 0);
    expect([total('events'), total('keys')]).toEqual([6_002, 6_002]);
    expect(entries.flatMap(({ detail }) => detail['months'])).toEqual(['2026-02', '2026-03']);
  });
});

describe('dropped time is told by buckets alone', () => {
  const cuts = ['2026-03-05T10:00:00Z', '2026-03-05T10:20:00Z', '2026-03-05T11:00:00Z'];

  test('a cut through a slot without events counts its cell where it begins', async () => {
    const tenantId = await newTenant(365, [MARCH, '2026-03-05T10:25:00Z', JUNE]);
    expect(await read(tenantId, cuts)).toEqual(['1', '1']);
    await run(tenantId);
    expect(await read(tenantId, cuts)).toEqual(['2', '0']);
    expect(await read(tenantId, YEAR)).toEqual(['3']);
  });

  test('a boundary that is registered in dropped time cuts nothing and loses nothing; one that was there before stays exact', async () => {
    const tenantId = await newTenant(365, [MARCH, '2026-03-05T10:25:00Z', JUNE]);
    const no = await within(tenantId, async (tx) => (await new CustomerStore().numbersOf(tx, ['acme'])).get('acme') ?? -1);
    const register = (at: string): Promise<void> =>
      within(tenantId, (tx) => module.get(UsageBoundaries).register(tx, no, [parseInstant(at)]));
    await register('2026-03-05T10:20:00Z');
    await run(tenantId);
    await register('2026-03-05T10:16:00Z');
    await register(formatInstant(parseInstant(JUNE) + SLOT / 3));
    expect(await read(tenantId, cuts)).toEqual(['1', '1']);
    expect(await read(tenantId, YEAR)).toEqual(['3']);
    expect(await count(tenantId, 'usage_boundary')).toBe(2);
  });

  test('events of dropped time are not read one by one, whether or not their partition is still there', async () => {
    const tenantId = await newTenant(365);
    const no = await within(tenantId, async (tx) => (await new CustomerStore().numbersOf(tx, ['acme'])).get('acme') ?? -1);
    const events = (): Promise<number> =>
      within(tenantId, async (tx) => {
        const [from = 0, to = 0] = YEAR.map((at) => parseInstant(at));
        return (await module.get(UsageReader).readEvents(tx, { customerNo: no, from, to })).length;
      });
    expect(await events()).toBe(3);
    await newTenant(null);
    await run(tenantId);
    expect(await events()).toBe(1);
  });
});

import fc from 'fast-check';
import { Decimal, parseInstant } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { CorrectionsService, UsageCompaction } from '@tare/usage';
import { CreditStore } from './credit.store.ts';
import { DebitsService } from './debits.service.ts';
import { DrawDown } from './draw-down.ts';
import { UsageFollower } from './usage-follower.ts';
import { WalletWorld } from './wallet.fixture.ts';

let test_: TestDatabase;
let apps: WalletWorld;
let world: WalletWorld;

beforeAll(async () => {
  test_ = await createTestDatabase();
  apps = await WalletWorld.open(test_, 2);
});
afterAll(async () => {
  await apps.close();
  await test_.drop();
});
beforeEach(async () => {
  world = await apps.neighbour(test_);
});
afterEach(async () => {
  expect(await world.mistakes()).toEqual([]);
});

const OVERAGE = { creditExhaustion: 'OVERAGE' as const, overagePricePerCredit: '1' };
const voidEvents = (...keys: string[]) =>
  world.get(CorrectionsService).voidEvents(world.tenantId, keys, { actor: 'the test', reason: null });
const burnt = async (customer = 'acme'): Promise<{ covered: string; uncovered: string }> => {
  const customerId = await world.idOf(customer);
  const [row] = await world.database.withTenant(world.tenantId, (tx) =>
    tx.query<{ covered: string; uncovered: string }>(
      `SELECT trim_scale(coalesce(sum(credits) FILTER (WHERE account = 'BURNT' AND grant_id IS NOT NULL), 0))::text AS covered,
         trim_scale(coalesce(-sum(credits) FILTER (WHERE account = 'UNCOVERED'), 0))::text AS uncovered FROM credit_posting WHERE customer_id = $1`,
      [customerId],
    ),
  );
  return row ?? { covered: '', uncovered: '' };
};

describe('drawing usage as it arrives', () => {
  test('7.3 debits are decided in the order of draws, and what was decided stays', async () => {
    await world.burning('acme', OVERAGE);
    await world.grant('acme', 'pack', '10', { price: '10' });
    await world.use('acme', { at: '2026-01-20T00:00:00Z', quantity: '8' });
    await world.draw('acme');
    // Earlier usage that comes later burns what is left.
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '5' });
    await world.draw('acme');
    expect(await world.ledger('acme', 'USAGE')).toEqual([
      ...['GRANT pack -8', 'BURNT pack 8 8'],
      ...['GRANT pack -2', 'BURNT pack 2 2', 'UNCOVERED -3', 'BURNT 3'],
    ]);
    // A better grant, for all of that time: nothing is decided again.
    await world.grant('acme', 'gift', '100', { priority: -1 });
    await world.draw('acme');
    expect(await burnt()).toEqual({ covered: '10', uncovered: '3' });
  });

  test('a draw without anything new writes nothing', async () => {
    await world.burning('acme');
    await world.grant('acme', 'pack', '10');
    await world.use('acme', { at: '2026-01-20T00:00:00Z', quantity: '8' });
    await world.draw('acme');
    const customerId = await world.idOf('acme');
    const version = () =>
      world.database.withTenant(world.tenantId, async (tx) => (await world.get(CreditStore).row(tx, customerId))?.version);
    const before = await version();
    await world.draw('acme');
    expect(await version()).toBe(before);
  });

  test('7.2 an event at the very instant of an expiry burns the next grant, one just before it the old one', async () => {
    await world.burning('acme');
    await world.grant('acme', 'old', '10', { until: '2026-01-10T10:17:33.000001Z' });
    await world.grant('acme', 'next', '10', { from: '2026-01-10T10:17:33.000001Z' });
    await world.use('acme', { at: '2026-01-10T10:17:33.000001Z', quantity: '4' });
    await world.draw('acme');
    await world.use('acme', { at: '2026-01-10T10:17:33.000000Z', quantity: '3' });
    await world.draw('acme');
    expect(await world.ledger('acme', 'USAGE')).toEqual(['GRANT next -4', 'BURNT next 4', 'GRANT old -3', 'BURNT old 3']);
  });

  test('7.8 what is voided is given back as it was recorded, the last first', async () => {
    await world.burning('acme', OVERAGE);
    await world.grant('acme', 'first', '5', { price: '5' });
    await world.grant('acme', 'second', '5', { price: '10', priority: 1 });
    await world.use(
      'acme',
      { at: '2026-01-05T00:00:00Z', quantity: '4', key: 'a' },
      { at: '2026-01-05T01:00:00Z', quantity: '8', key: 'b' },
    );
    await world.draw('acme');
    expect(await burnt()).toEqual({ covered: '10', uncovered: '2' });
    await voidEvents('b');
    await world.draw('acme');
    expect((await world.ledger('acme', 'USAGE')).slice(6)).toEqual([
      ...['UNCOVERED 2', 'BURNT -2'],
      ...['GRANT second 5', 'BURNT second -5 -10', 'GRANT first 1', 'BURNT first -1 -1'],
    ]);
    await voidEvents('a');
    await world.draw('acme');
    expect(await burnt()).toEqual({ covered: '0', uncovered: '0' });
  });

  test('7.6 usage waits for the credits of its own period, and packs do not wait', async () => {
    await world.burning('acme', { ...OVERAGE, creditsPerInterval: '100', creditPrice: '1' });
    await world.grant('acme', 'pack', '5');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '7' });
    await world.draw('acme');
    expect(await burnt()).toEqual({ covered: '0', uncovered: '0' });
    await world.burning('other', OVERAGE);
    await world.grant('other', 'pack', '5');
    await world.use('other', { at: '2026-01-05T00:00:00Z', quantity: '7' });
    await world.draw('other');
    expect(await burnt('other')).toEqual({ covered: '5', uncovered: '2' });
  });

  test('burn rates that read single events are drawn by comparison, each event once', async () => {
    await world.burning('acme', { burnRates: [{ meter: 'request', creditsPerUnit: '2', match: [{ property: 'user', in: ['ann'] }] }] });
    await world.grant('acme', 'pack', '100');
    const use = (quantity: string, user: string) => world.use('acme', { at: '2026-01-05T00:00:00Z', quantity, user });
    await use('3', 'ann');
    await use('3', 'bob');
    await world.draw('acme');
    await use('2', 'ann');
    await world.draw('acme');
    expect(await burnt()).toEqual({ covered: '10', uncovered: '0' });
  });

  test('a wallet that was not drawn for so long that compaction merged what it had not seen is drawn all the same', async () => {
    await world.burning('acme');
    await world.grant('acme', 'pack', '100');
    const HOUR = 3_600_000_000;
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '3' });
    await world.draw('acme');
    await world.use('acme', { at: '2026-01-05T00:01:00Z', quantity: '4' });
    const now = Date.now() * 1_000;
    await world.get(UsageCompaction).run(world.tenantId, now);
    await world.use('acme', { at: '2026-01-05T00:02:00Z', quantity: '5' });
    await world.get(UsageCompaction).run(world.tenantId, now + 2 * HOUR);
    await world.get(UsageCompaction).run(world.tenantId, now + 4 * HOUR);
    await world.draw('acme');
    expect(await burnt()).toEqual({ covered: '12', uncovered: '0' });
  });

  test('two processes that draw one wallet at once draw it once', async () => {
    await world.burning('acme');
    await world.grant('acme', 'pack', '1000');
    for (let round = 0; round < 5; round += 1) {
      await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '7' });
      const customerId = await world.idOf('acme');
      const draw = (process: number) =>
        world.database.withTenant(world.tenantId, (tx) => world.get(DrawDown, process).draw(tx, { customerId }));
      await Promise.all([draw(0), draw(1), draw(0), draw(1)]);
    }
    expect(await burnt()).toEqual({ covered: '35', uncovered: '0' });
  });

  test('7.4 usage and debits that race for a wallet never take more than it has', async () => {
    await world.burning('acme', OVERAGE);
    await world.grant('acme', 'pack', '100');
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        if (i % 2 === 0) {
          const order = { customer: 'acme', key: `d${i}`, credits: Decimal.of(3), at: parseInstant('2026-01-05T00:00:00Z') };
          await world.get(DebitsService, i % 4 === 0 ? 0 : 1).debit(world.tenantId, order);
          return;
        }
        await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '4' });
        await world.draw('acme');
      }),
    );
    await world.draw('acme');
    expect(await burnt()).toEqual({ covered: '100', uncovered: '40' });
  });

  test('what a process commits is drawn soon after, and what nobody heard of by the sweep', async () => {
    await world.burning('acme');
    await world.grant('acme', 'pack', '100');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '3' });
    const follower = world.get(UsageFollower);
    const [row] = await world.database.withTenant(world.tenantId, (tx) => tx.query<{ no: number }>('SELECT no FROM customer'));
    follower.hear(world.tenantId, [row?.no ?? -1, 999_999]);
    await follower.drain();
    expect(await burnt()).toEqual({ covered: '3', uncovered: '0' });
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '4' });
    await follower.sweep(world.tenantId);
    await follower.sweep(world.tenantId);
    expect(await burnt()).toEqual({ covered: '7', uncovered: '0' });
  });

  test('7.3 whatever is drawn how often, and in what order it came: what is covered and what is not add up to the same', async () => {
    const event = fc.record({
      day: fc.integer({ min: 1, max: 28 }),
      quantity: fc.integer({ min: 1, max: 9 }),
      draws: fc.boolean(),
      voids: fc.boolean(),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 8 }), async (events) => {
        run += 1;
        const [often, once] = [`often ${run}`, `once ${run}`];
        for (const customer of [often, once]) {
          await world.burning(customer, OVERAGE);
          await world.grant(customer, 'pack', '25', { price: '7' });
        }
        const key = (customer: string, i: number): string => `${customer} ${i}`;
        const at = (day: number): string => `2026-01-${String(day).padStart(2, '0')}T12:00:00Z`;
        for (const [i, { day, quantity, draws, voids }] of events.entries()) {
          await world.use(often, { at: at(day), quantity: String(quantity), key: key(often, i) });
          if (draws) await world.draw(often);
          if (voids) await voidEvents(key(often, i));
        }
        for (const [i, { day, quantity }] of [...events.entries()].reverse())
          await world.use(once, { at: at(day), quantity: String(quantity), key: key(once, i) });
        for (const [i, { voids }] of events.entries()) if (voids) await voidEvents(key(once, i));
        for (const customer of [often, once]) await world.draw(customer);
        expect(await burnt(often)).toEqual(await burnt(once));
      }),
      { numRuns: 6, seed: 7 },
    );
  });
});

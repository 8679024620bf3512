import fc from 'fast-check';
import { Decimal, formatInstant, parseInstant } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { CorrectionsService } from '@tare/usage';
import { CreditsService } from './credits.service.ts';
import { WalletWorld } from './wallet.fixture.ts';

let database: TestDatabase;
let apps: WalletWorld;
let world: WalletWorld;

beforeAll(async () => {
  database = await createTestDatabase();
  apps = await WalletWorld.open(database);
});
afterAll(async () => {
  await apps.close();
  await database.drop();
});
beforeEach(async () => {
  world = await apps.neighbour(database);
});
afterEach(async () => {
  expect(await world.mistakes()).toEqual([]);
});

const OVERAGE = { creditExhaustion: 'OVERAGE' as const, overagePricePerCredit: '1' };
const day = (time: string): string => `2026-01-10T${time}Z`;
const use = (time: string, quantity: string, more: { key?: string; user?: string } = {}) =>
  world.use('acme', { at: day(time), quantity, ...more });
const debit = (key: string, time: string, credits: number) =>
  world.debits.debit(world.tenantId, { customer: 'acme', key, credits: Decimal.of(credits), at: parseInstant(day(time)) });

/** "available", and what each grant held: "key remaining". */
async function at(instant: string, customer = 'acme'): Promise<string[]> {
  const { available, grants } = await world.get(CreditsService).balance(world.tenantId, customer, parseInstant(instant));
  return [available.toString(), ...grants.map(({ key, remaining }) => `${key} ${remaining.toString()}`).sort()];
}

/** The same of times of the day. */
async function during(...times: string[]): Promise<string[][]> {
  const held: string[][] = [];
  for (const time of times) held.push([time, ...(await at(day(time)))]);
  return held;
}

describe('a balance at an instant that is over', () => {
  test('7.3 of several events in a day only those before it are gone, and one at the very instant is not yet', async () => {
    await world.burning('acme');
    await world.grant('acme', 'pack', '100');
    await use('09:05:00', '5');
    await use('09:07:00', '7');
    await use('20:00:00', '11');
    expect(
      await during('00:00:00', '09:05:00', '09:05:00.000001', '09:07:00', '09:07:01', '20:00:00', '20:00:00.000001', '23:59:59'),
    ).toEqual([
      ['00:00:00', '100', 'pack 100'],
      ['09:05:00', '100', 'pack 100'],
      ['09:05:00.000001', '95', 'pack 95'],
      ['09:07:00', '95', 'pack 95'],
      ['09:07:01', '88', 'pack 88'],
      ['20:00:00', '88', 'pack 88'],
      ['20:00:00.000001', '77', 'pack 77'],
      ['23:59:59', '77', 'pack 77'],
    ]);
    expect(await at('2026-01-11T00:00:00Z')).toEqual(['77', 'pack 77']);
  });

  test('the day is the day of the customer', async () => {
    await world.burning('kathmandu', {}, 'Asia/Kathmandu');
    await world.grant('kathmandu', 'pack', '100');
    // January 11 begins there at 18:15 UTC.
    await world.use(
      'kathmandu',
      { at: day('18:14:59'), quantity: '1' },
      { at: day('18:15:00'), quantity: '10' },
      { at: day('23:59:00'), quantity: '20' },
    );
    expect(await at(day('18:14:59'), 'kathmandu')).toEqual(['100', 'pack 100']);
    expect(await at(day('18:15:00'), 'kathmandu')).toEqual(['99', 'pack 99']);
    expect(await at(day('18:15:01'), 'kathmandu')).toEqual(['89', 'pack 89']);
    expect(await at('2026-01-11T00:00:00Z', 'kathmandu')).toEqual(['69', 'pack 69']);
  });

  test('7.2 grants that begin and end inside the day are there from and until their instants, with what was burnt of them by then', async () => {
    await world.burning('acme', OVERAGE);
    await world.grant('acme', 'early', '10', { until: day('10:17:33') });
    await world.grant('acme', 'late', '20', { from: day('10:17:33') });
    await use('08:00:00', '4');
    await use('10:17:32', '3');
    await use('10:17:33', '5');
    await use('18:00:00', '6');
    expect(await during('08:00:01', '10:17:32.999999', '10:17:33', '10:17:33.000001', '18:00:00', '18:00:01')).toEqual([
      ['08:00:01', '6', 'early 6'],
      ['10:17:32.999999', '3', 'early 3'],
      ['10:17:33', '20', 'late 20'],
      ['10:17:33.000001', '15', 'late 15'],
      ['18:00:00', '15', 'late 15'],
      ['18:00:01', '9', 'late 9'],
    ]);
  });

  test('a grant that was made after the day was drawn cuts it too', async () => {
    await world.burning('acme', OVERAGE);
    await world.grant('acme', 'pack', '100');
    await use('08:00:00', '4');
    await use('18:00:00', '6');
    await world.draw('acme');
    await world.grant('acme', 'noon', '50', { from: day('12:00:00'), priority: 5 });
    expect(await during('08:00:00', '12:00:00', '17:00:00', '18:00:01')).toEqual([
      ['08:00:00', '100', 'pack 100'],
      ['12:00:00', '146', 'noon 50', 'pack 96'],
      ['17:00:00', '146', 'noon 50', 'pack 96'],
      ['18:00:01', '140', 'noon 50', 'pack 90'],
    ]);
  });

  test('7.8 what came later in the day is given back the last recorded first: what nothing covered, then the grant that burnt last', async () => {
    await world.burning('acme', OVERAGE);
    await world.grant('acme', 'first', '10');
    await world.grant('acme', 'second', '10', { priority: 1 });
    await use('08:00:00', '8');
    await use('12:00:00', '8');
    await use('16:00:00', '8');
    expect(await during('08:00:01', '12:00:01', '16:00:01')).toEqual([
      ['08:00:01', '12', 'first 2', 'second 10'],
      ['12:00:01', '4', 'first 0', 'second 4'],
      ['16:00:01', '0', 'first 0', 'second 0'],
    ]);
  });

  test('7.3 what was drawn in another order than it happened counts when it happened', async () => {
    await world.burning('acme', OVERAGE);
    await world.grant('acme', 'first', '10');
    await world.grant('acme', 'second', '10', { priority: 1 });
    await use('18:00:00', '9');
    await world.draw('acme');
    await use('08:00:00', '4');
    await world.draw('acme');
    await use('12:00:00', '20');
    expect(await during('08:00:00', '08:00:01', '12:00:01', '18:00:01')).toEqual([
      ['08:00:00', '20', 'first 10', 'second 10'],
      ['08:00:01', '16', 'first 6', 'second 10'],
      ['12:00:01', '0', 'first 0', 'second 0'],
      ['18:00:01', '0', 'first 0', 'second 0'],
    ]);
  });

  test('what was voided is not gone at any instant', async () => {
    await world.burning('acme');
    await world.grant('acme', 'pack', '100');
    await use('08:00:00', '4', { key: 'a' });
    await use('12:00:00', '8', { key: 'b' });
    await use('16:00:00', '16', { key: 'c' });
    expect(await during('12:00:01')).toEqual([['12:00:01', '88', 'pack 88']]);
    await world.get(CorrectionsService).voidEvents(world.tenantId, ['a', 'c'], { actor: 'the test', reason: null });
    expect(await during('08:00:01', '12:00:01', '16:00:01')).toEqual([
      ['08:00:01', '100', 'pack 100'],
      ['12:00:01', '92', 'pack 92'],
      ['16:00:01', '92', 'pack 92'],
    ]);
  });

  test('debits that share a posting are told apart to the microsecond, beside usage of the same quarter of an hour', async () => {
    await world.burning('acme');
    await world.grant('acme', 'pack', '100');
    // Whose wallet it is has been looked up then: the four wait in one queue before anybody takes the first of them, and are decided together.
    await expect(debit('too much', '09:00:00', 101)).rejects.toMatchObject({ code: 'CREDITS_EXHAUSTED' });
    await Promise.all([debit('a', '09:01:00', 1), debit('b', '09:02:00', 2), debit('c', '09:14:00', 4), debit('d', '09:15:00', 8)]);
    expect(await world.ledger('acme', 'DEBIT')).toEqual(['GRANT pack -7', 'BURNT pack 7', 'GRANT pack -8', 'BURNT pack 8']);
    await use('09:01:30', '10');
    expect(await during('09:01:00', '09:01:00.000001', '09:01:31', '09:02:00', '09:02:01', '09:14:01', '09:15:00', '09:15:01')).toEqual([
      ['09:01:00', '100', 'pack 100'],
      ['09:01:00.000001', '99', 'pack 99'],
      ['09:01:31', '89', 'pack 89'],
      ['09:02:00', '89', 'pack 89'],
      ['09:02:01', '87', 'pack 87'],
      ['09:14:01', '83', 'pack 83'],
      ['09:15:00', '83', 'pack 83'],
      ['09:15:01', '75', 'pack 75'],
    ]);
    // A reversal counts when it was made, which is today.
    await world.debits.reverse(world.tenantId, { customer: 'acme', key: 'back', debit: 'b' });
    expect(await during('09:02:01')).toEqual([['09:02:01', '87', 'pack 87']]);
    expect(await world.available('acme', formatInstant(Date.now() * 1_000 + 1_000_000))).toBe('77');
  });

  test('a reversal is there right after its instant, and not at it', async () => {
    await world.burning('acme');
    await world.grant('acme', 'pack', '100');
    await debit('a', '09:01:00', 30);
    await world.debits.reverse(
      world.tenantId,
      { customer: 'acme', key: 'back', debit: 'a', credits: Decimal.of(20) },
      parseInstant(day('09:05:00')),
    );
    expect(await during('09:01:01', '09:05:00', '09:05:00.000001', '09:16:00')).toEqual([
      ['09:01:01', '70', 'pack 70'],
      ['09:05:00', '70', 'pack 70'],
      ['09:05:00.000001', '90', 'pack 90'],
      ['09:16:00', '90', 'pack 90'],
    ]);
  });

  test('a debit that several grants cover is told by its split', async () => {
    await world.burning('acme', OVERAGE);
    await world.grant('acme', 'first', '10');
    await world.grant('acme', 'second', '10', { priority: 1 });
    await debit('a', '09:01:00', 8);
    await debit('b', '09:02:00', 15);
    expect(await during('09:01:01', '09:02:01')).toEqual([
      ['09:01:01', '12', 'first 2', 'second 10'],
      ['09:02:01', '0', 'first 0', 'second 0'],
    ]);
  });

  test('7.5 a debt that arose later in the day is not taken yet from the grant that paid it', async () => {
    await world.burning('acme', { creditExhaustion: 'OVERDRAFT', overdraftLimit: '100' });
    await world.grant('acme', 'pack', '10');
    await use('09:00:00', '14');
    await use('18:00:00', '6');
    await world.draw('acme');
    await debit('owed', '19:00:00', 5);
    await world.grant('acme', 'next', '50', { from: day('12:00:00') });
    expect(await during('09:00:01', '12:00:00', '18:00:01', '19:00:01')).toEqual([
      ['09:00:01', '0', 'pack 0'],
      ['12:00:00', '46', 'next 46', 'pack 0'],
      ['18:00:01', '40', 'next 40', 'pack 0'],
      ['19:00:01', '35', 'next 35', 'pack 0'],
    ]);
  });

  test('burn rates that read single events are told to the event too', async () => {
    await world.burning('acme', { burnRates: [{ meter: 'request', creditsPerUnit: '2', match: [{ property: 'user', in: ['ann'] }] }] });
    await world.grant('acme', 'pack', '100');
    await use('09:00:00', '3', { user: 'ann' });
    await use('09:01:00', '50', { user: 'bob' });
    await use('09:02:00', '4', { user: 'ann' });
    expect(await during('09:00:01', '09:02:00', '09:02:01')).toEqual([
      ['09:00:01', '94', 'pack 94'],
      ['09:02:00', '94', 'pack 94'],
      ['09:02:01', '86', 'pack 86'],
    ]);
  });

  test('nothing is written by asking', async () => {
    await world.burning('acme');
    await world.grant('acme', 'pack', '100');
    await use('09:00:00', '3');
    await use('12:00:00', '4');
    await world.draw('acme');
    const before = await world.ledger('acme', 'USAGE');
    expect(await during('10:00:00')).toEqual([['10:00:00', '97', 'pack 97']]);
    expect(await world.ledger('acme', 'USAGE')).toEqual(before);
  });

  test('all usage first and then the balance, or usage up to an instant only: the same, grant by grant', async () => {
    const minute = fc.integer({ min: 1, max: 2 * 24 * 60 });
    const events = fc.array(fc.record({ minute, quantity: fc.integer({ min: 1, max: 9 }), feature: fc.constantFrom('chat', 'search') }), {
      minLength: 1,
      maxLength: 8,
    });
    const instant = (minutes: number): string => formatInstant(parseInstant(day('00:00:00')) + minutes * 60_000_000);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(events, minute, minute, minute, async (used, asked, begins, lasts) => {
        run += 1;
        const [all, some] = [`all ${run}`, `some ${run}`];
        for (const customer of [all, some]) {
          await world.burning(customer, OVERAGE);
          await world.grant(customer, 'a', '9', { priority: 1 });
          await world.grant(customer, 'b', '12', { from: instant(begins), until: instant(begins + lasts) });
          for (const { minute: when, quantity, feature } of used) {
            if (customer === some && when >= asked) continue;
            await world.use(customer, { at: instant(when), quantity: String(quantity), feature });
          }
        }
        expect(await at(instant(asked), all)).toEqual(await at(instant(asked), some));
      }),
      { numRuns: 25, seed: 11 },
    );
  });
});

describe('what was held and owed at an instant that is over', () => {
  const sums = async (instant: number): Promise<string> => {
    const { available, reserved, debt } = await world.get(CreditsService).balance(world.tenantId, 'acme', instant);
    return `${available.toString()} there, ${reserved.toString()} held, ${debt.toString()} owed`;
  };
  const times = (...names: string[]): number[] => names.map((time) => parseInstant(day(time)));
  const hold = (key: string, credits: number, now = Date.now() * 1_000, ttlSeconds = 600) =>
    world.debits.reserve(world.tenantId, { customer: 'acme', key, credits: Decimal.of(credits), ttlSeconds }, now);
  /** An instant of the clock that nothing else has. */
  const instant = async (): Promise<number> => {
    const moved = async (from: number): Promise<number> => {
      while (Date.now() === from) await new Promise((resolve) => setTimeout(resolve, 1));
      return Date.now();
    };
    const own = await moved(Date.now());
    await moved(own);
    return own * 1_000;
  };

  test('7.7 a reservation is held from its beginning to its end, also when it was committed or released since', async () => {
    await world.burning('acme');
    await world.grant('acme', 'pack', '100');
    const before = await instant();
    const { id: committed } = await hold('committed', 40);
    const { id: released } = await hold('released', 10);
    const both = await instant();
    await world.debits.commit(world.tenantId, committed, Decimal.of(25));
    const one = await instant();
    await world.debits.release(world.tenantId, released);
    const none = await instant();
    expect([await sums(before), await sums(both), await sums(one), await sums(none)]).toEqual([
      '100 there, 0 held, 0 owed',
      '50 there, 50 held, 0 owed',
      '65 there, 10 held, 0 owed',
      '75 there, 0 held, 0 owed',
    ]);
  });

  test('7.7 a reservation that has run out is held no more, whenever somebody ended it', async () => {
    await world.burning('acme');
    await world.grant('acme', 'pack', '100');
    const [begin = 0] = times('09:00:00');
    await hold('r', 40, begin);
    const expected = ['100 there, 0 held, 0 owed', '60 there, 40 held, 0 owed', '60 there, 40 held, 0 owed', '100 there, 0 held, 0 owed'];
    const asked = async (): Promise<string[]> => {
      const answers: string[] = [];
      for (const at of times('09:00:00', '09:05:00', '09:09:59.999999', '09:10:00')) answers.push(await sums(at));
      return answers;
    };
    expect(await asked()).toEqual(expected);
    await debit('later', '20:00:00', 5);
    expect(await asked()).toEqual(expected);
  });

  test('7.5 a debt is owed until a grant is there that pays it, of usage, of debits and of what was reserved', async () => {
    await world.burning('acme', { creditExhaustion: 'OVERDRAFT', overdraftLimit: '100' });
    await world.grant('acme', 'pack', '10');
    await use('09:00:00', '14');
    await world.draw('acme');
    await debit('owed', '10:00:00', 5);
    await world.grant('acme', 'next', '50', { from: day('12:00:00') });
    await debit('last', '13:00:00', 60);
    const asked: string[] = [];
    for (const at of times('09:00:00', '09:00:01', '10:00:01', '12:00:00', '13:00:01')) asked.push(await sums(at));
    expect(asked).toEqual([
      '10 there, 0 held, 0 owed',
      '0 there, 0 held, 4 owed',
      '0 there, 0 held, 9 owed',
      '41 there, 0 held, 0 owed',
      '0 there, 0 held, 19 owed',
    ]);
    expect(await sums(Date.now() * 1_000 + 60_000_000)).toBe('0 there, 0 held, 19 owed');
  });

  test('7.5 what a commit left owed was not owed before it', async () => {
    await world.burning('acme', { creditExhaustion: 'OVERDRAFT', overdraftLimit: '100' });
    await world.grant('acme', 'pack', '10');
    const { id } = await hold('r', 30);
    const held = await instant();
    await world.debits.commit(world.tenantId, id, Decimal.of(25));
    const after = await instant();
    expect([await sums(held), await sums(after)]).toEqual(['0 there, 10 held, 0 owed', '0 there, 0 held, 15 owed']);
  });
});

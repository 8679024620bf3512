import { Decimal, instantOfDate } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { DebitsService } from './debits.service.ts';
import { WalletWorld } from './wallet.fixture.ts';

const d = (text: string): Decimal => Decimal.parse(text);
const NOW = instantOfDate(new Date());
const SECOND = 1_000_000;

let test_: TestDatabase;
let processes: WalletWorld;
let world: WalletWorld;

beforeAll(async () => {
  test_ = await createTestDatabase();
  processes = await WalletWorld.open(test_, 3);
});
afterAll(async () => {
  await processes.close();
  await test_.drop();
});
beforeEach(async () => {
  world = await processes.neighbour(test_);
});
afterEach(async () => {
  expect(await world.mistakes()).toEqual([]);
});

const debit = (key: string, credits: string, more: { process?: number; feature?: string } = {}) =>
  world
    .get(DebitsService, more.process)
    .debit(world.tenantId, { customer: 'acme', key, credits: d(credits), feature: more.feature ?? null });
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'DONE',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

describe('debits', () => {
  test('7.2 7.9 a debit burns grants in their order, with their part of the price', async () => {
    await world.customer('acme');
    await world.grant('acme', 'paid', '10', { price: '5' });
    await world.grant('acme', 'gift', '3');
    const { debit: made, available } = await debit('one', '5');
    expect(made.taken.map(({ credits, revenue }) => [credits, revenue].map(String))).toEqual([
      ['3', '0'],
      ['2', '1'],
    ]);
    expect(available.toString()).toBe('8');
    expect(await world.ledger('acme', 'DEBIT')).toEqual(['GRANT gift -3', 'BURNT gift 3', 'GRANT paid -2', 'BURNT paid 2 1']);
  });

  test('a key is debited once, whatever is sent again and by whom', async () => {
    await world.customer('acme');
    await world.grant('acme', 'pack', '100');
    const answers = await Promise.all([0, 1, 2, 0, 1, 2].map((process) => debit('one', '7', { process })));
    expect(new Set(answers.map(({ debit: made }) => made.credits.toString()))).toEqual(new Set(['7']));
    expect(await codeOf(debit('one', '8'))).toBe('KEY_REUSED');
    expect(await codeOf(debit('one', '7', { feature: 'chat', process: 1 }))).toBe('KEY_REUSED');
    expect(await world.available('acme')).toBe('93');
  });

  test('a debit or a reservation that took the last credits is answered as it was when it is sent again, by whomever', async () => {
    await world.customer('acme');
    await world.grant('acme', 'pack', '10');
    const reserve = (process: number) =>
      world.get(DebitsService, process).reserve(world.tenantId, { customer: 'acme', key: 'held', credits: d('4'), ttlSeconds: 600 });
    const held = await reserve(0);
    await debit('last', '6');
    for (const process of [0, 1, 2]) {
      expect((await debit('last', '6', { process })).debit).toMatchObject({ key: 'last', credits: d('6') });
      expect(await reserve(process)).toMatchObject({ id: held.id });
      expect(await codeOf(debit('last', '7', { process }))).toBe('KEY_REUSED');
      expect(await codeOf(debit('another', '1', { process }))).toBe('CREDITS_EXHAUSTED');
    }
    expect(await world.available('acme')).toBe('0');
  });

  test('7.4 concurrent debits of three processes never overspend, and everything that was there can be spent', async () => {
    await world.customer('acme');
    for (let pack = 0; pack < 5; pack += 1) await world.grant('acme', `pack ${pack}`, '40', { price: '3', priority: pack % 2 });
    const outcomes = await Promise.all(Array.from({ length: 600 }, (_, i) => codeOf(debit(`debit ${i}`, '1', { process: i % 3 }))));
    const count = (code: string): number => outcomes.filter((outcome) => outcome === code).length;
    expect({ done: count('DONE'), refused: count('CREDITS_EXHAUSTED') }).toEqual({ done: 200, refused: 400 });
    expect(await world.available('acme')).toBe('0');
    const [sums] = await world.database.withTenant(world.tenantId, (tx) =>
      tx.query(
        "SELECT trim_scale(sum(credits))::text AS credits, trim_scale(sum(revenue))::text AS revenue FROM credit_posting WHERE account = 'BURNT'",
      ),
    );
    expect(sums).toEqual({ credits: '200', revenue: '15' });
  });

  test('7.4 a grant that another process makes is there for the next debit', async () => {
    await world.customer('acme');
    await world.grant('acme', 'pack', '1');
    await debit('one', '1');
    expect(await codeOf(debit('two', '1'))).toBe('CREDITS_EXHAUSTED');
    await world.grant('acme', 'next', '1');
    expect(await codeOf(debit('two', '1'))).toBe('DONE');
  });

  test('7.5 BLOCK refuses all of a debit that the balance does not cover', async () => {
    await world.customer('acme');
    await world.grant('acme', 'pack', '10');
    expect(await codeOf(debit('much', '10.000000000001'))).toBe('CREDITS_EXHAUSTED');
    expect(await codeOf(debit('all', '10'))).toBe('DONE');
  });

  test('7.5 OVERAGE lets a debit go on uncovered, for the period of the plan', async () => {
    await world.burning('acme', { creditExhaustion: 'OVERAGE', overagePricePerCredit: '1' });
    await world.grant('acme', 'pack', '10');
    const { debit: made } = await debit('much', '12');
    expect(made.uncovered.toString()).toBe('2');
    expect(made.periodStart).not.toBeNull();
    expect(await world.ledger('acme', 'DEBIT')).toContain('UNCOVERED -2');
  });

  test('7.5 OVERDRAFT lets the wallet owe up to its limit, and the next grant pays', async () => {
    await world.burning('acme', { creditExhaustion: 'OVERDRAFT', overdraftLimit: '5' });
    await world.grant('acme', 'pack', '10', { price: '10' });
    expect((await debit('much', '14')).debt.toString()).toBe('4');
    expect(await codeOf(debit('more', '2'))).toBe('CREDITS_EXHAUSTED');
    await world.grant('acme', 'next', '10', { price: '20' });
    expect(await world.available('acme')).toBe('6');
    expect(await world.ledger('acme', 'REPAYMENT')).toEqual(['GRANT next -4', 'BURNT next 4 8', 'BURNT -4', 'DEBT 4']);
  });

  test('refuses what cannot be meant', async () => {
    await world.customer('acme');
    expect(await codeOf(debit('zero', '0'))).toBe('NOT_POSITIVE');
    expect(await codeOf(debit('', '1'))).toBe('KEY_MISSING');
    expect(await codeOf(debit('fine', '0.0000000000001'))).toBe('TOO_PRECISE');
    const ahead = { customer: 'acme', key: 'ahead', credits: d('1'), at: NOW + 3_600 * SECOND };
    expect(await codeOf(world.debits.debit(world.tenantId, ahead))).toBe('AT_IN_FUTURE');
    expect(await codeOf(world.debits.debit(world.tenantId, { ...ahead, customer: 'nobody', at: null }))).toBe('NOT_FOUND');
  });
});

describe('reversals', () => {
  const reverse = (key: string, of: string, credits?: string) =>
    world.debits.reverse(world.tenantId, { customer: 'acme', key, debit: of, credits: credits === undefined ? null : d(credits) });

  test('7.8 a reversal gives back the recorded split, the last first, in parts and no more than was taken', async () => {
    await world.burning('acme', { creditExhaustion: 'OVERAGE', overagePricePerCredit: '1' });
    await world.grant('acme', 'first', '10', { price: '3' });
    await world.grant('acme', 'second', '10', { price: '7', priority: 1 });
    await debit('one', '22');
    // What would burn first now is not what was burnt: the recorded split counts.
    await world.grant('acme', 'cheaper', '10', { priority: -1 });
    const some = await reverse('back 1', 'one', '5');
    expect([some.uncovered, ...some.taken.map(({ credits }) => credits)].map(String)).toEqual(['-2', '-3']);
    expect((await reverse('back 1', 'one', '5')).credits.toString()).toBe('-5');
    expect(await codeOf(reverse('back 1', 'one', '6'))).toBe('KEY_REUSED');
    expect(await codeOf(reverse('back 2', 'one', '18'))).toBe('REVERSAL_EXCEEDS_BURN');
    expect((await reverse('back 3', 'one')).credits.toString()).toBe('-17');
    expect(await world.available('acme')).toBe('30');
    const [sums] = await world.database.withTenant(world.tenantId, (tx) =>
      tx.query(
        "SELECT trim_scale(sum(credits))::text AS credits, trim_scale(sum(revenue))::text AS revenue FROM credit_posting WHERE account = 'BURNT'",
      ),
    );
    expect(sums).toEqual({ credits: '0', revenue: '0' });
  });

  test('7.8 a debt that a grant has paid since is given back to that grant', async () => {
    await world.burning('acme', { creditExhaustion: 'OVERDRAFT', overdraftLimit: '5' });
    await debit('one', '4');
    await world.grant('acme', 'next', '10', { price: '10' });
    expect(await world.available('acme')).toBe('6');
    await reverse('back', 'one');
    expect(await world.available('acme')).toBe('10');
  });

  test('after reversals the rest of a grant still earns exactly what was paid for it', async () => {
    await world.customer('acme');
    await world.grant('acme', 'pack', '3', { price: '1' });
    await debit('a', '1');
    await debit('b', '1');
    await reverse('back', 'a');
    await debit('c', '2');
    const [sums] = await world.database.withTenant(world.tenantId, (tx) =>
      tx.query("SELECT trim_scale(sum(revenue))::text AS revenue FROM credit_posting WHERE account = 'BURNT'"),
    );
    expect(sums).toEqual({ revenue: '1' });
  });
});

describe('reservations', () => {
  const reserve = (key: string, credits: string, more: { ttlSeconds?: number; process?: number; now?: number } = {}) =>
    world
      .get(DebitsService, more.process)
      .reserve(world.tenantId, { customer: 'acme', key, credits: d(credits), ttlSeconds: more.ttlSeconds ?? null }, more.now);

  beforeEach(async () => {
    await world.customer('acme');
    await world.grant('acme', 'pack', '10', { price: '10' });
  });

  test('7.7 what is reserved is not there for others, and comes back when less was used', async () => {
    const { id, expiresAt, at } = await reserve('call', '8');
    expect(expiresAt - at).toBe(300 * SECOND);
    expect(await codeOf(debit('other', '3', { process: 1 }))).toBe('CREDITS_EXHAUSTED');
    expect((await world.debits.commit(world.tenantId, id, d('5'))).available.toString()).toBe('5');
    expect(await world.ledger('acme', 'DEBIT')).toEqual(['GRANT pack -5', 'BURNT pack 5 5']);
    expect(await world.available('acme')).toBe('5');
  });

  test('7.7 reserve, commit and release are each done once', async () => {
    const made = await Promise.all([0, 1, 2, 0].map((process) => reserve('call', '8', { process })));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    const id = made[0]?.id ?? '';
    expect(await codeOf(reserve('call', '9'))).toBe('KEY_REUSED');
    await Promise.all([0, 1, 2].map((process) => world.get(DebitsService, process).commit(world.tenantId, id, d('5'))));
    expect(await codeOf(world.debits.commit(world.tenantId, id, d('6')))).toBe('RESERVATION_ENDED');
    expect(await codeOf(world.debits.release(world.tenantId, id))).toBe('RESERVATION_ENDED');
    const other = await reserve('next', '2');
    await world.debits.release(world.tenantId, other.id);
    await world.debits.release(world.tenantId, other.id);
    expect(await codeOf(world.debits.commit(world.tenantId, other.id, d('1')))).toBe('RESERVATION_ENDED');
    expect(await codeOf(world.debits.release(world.tenantId, 'nothing'))).toBe('NOT_FOUND');
    expect(await world.available('acme')).toBe('5');
  });

  test('7.7 more than was reserved is taken from the balance, and what is beyond it is uncovered and not refused', async () => {
    const { id } = await reserve('call', '4');
    const { available } = await world.debits.commit(world.tenantId, id, d('12'));
    expect(available.toString()).toBe('0');
    expect(await world.ledger('acme', 'DEBIT')).toEqual(['GRANT pack -10', 'BURNT pack 10 10', 'UNCOVERED -2', 'BURNT 2']);
  });

  test('7.7 a reservation releases itself when its time is over', async () => {
    await reserve('old', '8', { ttlSeconds: 1, now: NOW - 10 * SECOND });
    expect(await codeOf(debit('other', '10', { process: 1 }))).toBe('DONE');
    await reserve('nobody looks', '1', { ttlSeconds: 1, now: NOW - 10 * SECOND }).catch(() => undefined);
    await world.debits.releaseExpired(world.tenantId);
    const open = await world.database.withTenant(world.tenantId, (tx) =>
      tx.query("SELECT 1 FROM credit_reservation WHERE status = 'OPEN'"),
    );
    expect(open).toEqual([]);
    expect(await world.available('acme')).toBe('0');
  });

  test('a committed reservation is reversed by its key', async () => {
    const { id } = await reserve('call', '4');
    await world.debits.commit(world.tenantId, id, d('3'));
    await world.debits.reverse(world.tenantId, { customer: 'acme', key: 'back', debit: `reservation:${id}` });
    expect(await world.available('acme')).toBe('10');
  });

  test('7.4 7.7 debits, reservations, commits and releases of three processes at once keep the ledger and its sums one', async () => {
    const work = async (i: number): Promise<void> => {
      const service = world.get(DebitsService, i % 3);
      const held = await service.reserve(world.tenantId, { customer: 'acme', key: `r${i}`, credits: d('0.5') }).catch(() => null);
      await service.debit(world.tenantId, { customer: 'acme', key: `d${i}`, credits: d('0.25') }).catch(() => null);
      if (held === null) return;
      if (i % 2 === 0) await service.release(world.tenantId, held.id);
      else await service.commit(world.tenantId, held.id, d('0.3'));
    };
    await Promise.all(Array.from({ length: 90 }, (_, i) => work(i)));
    expect(await world.mistakes()).toEqual([]);
    const [sums] = await world.database.withTenant(world.tenantId, (tx) =>
      tx.query<{ balance: string; reserved: string; burnt: string }>(
        `SELECT trim_scale(balance)::text AS balance, reserved::text,
           (SELECT trim_scale(sum(p.credits))::text FROM credit_posting p WHERE p.account = 'BURNT' AND p.grant_id IS NOT NULL) AS burnt FROM wallet w`,
      ),
    );
    expect(
      d(sums?.balance ?? '')
        .plus(d(sums?.burnt ?? ''))
        .toString(),
    ).toBe('10');
    expect(d(sums?.reserved ?? '').toString()).toBe('0');
  });
});

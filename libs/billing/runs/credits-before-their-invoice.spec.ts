import { Decimal, formatInstant } from '@tare/core';
import { DebitsService, WalletChecker } from '@tare/credits';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { InvoicesService } from '../invoices/invoices.service.ts';
import { TestWorld } from '../world.fixture.ts';

let database: TestDatabase;
let first: TestWorld;
let world: TestWorld;

beforeAll(async () => {
  database = await createTestDatabase();
  first = await TestWorld.open(database);
});
afterAll(async () => {
  await first.close();
  await database.drop();
});
beforeEach(async () => {
  world = await first.neighbour(database);
  await world.meter('picture');
  await world.meter('film');
  await world.customer('acme');
});
afterEach(async () => {
  expect(await world.get(WalletChecker).mistakes(world.tenantId)).toEqual([]);
});

const CREDITS = { kind: 'CREDIT' as const, creditsPerInterval: '100', creditPrice: '0.1', interval: 'MONTH' as const };
const BURNS = { burnRates: [{ meter: 'picture', creditsPerUnit: '1' }] };
const MINUTE = 60_000_000;
const now = (): number => Date.now() * 1_000;
/** Ten minutes ago a period began, whose invoice has half an hour and more to go. */
const began = (): string => formatInstant(now() - 10 * MINUTE);
const afterGrace = (): string => formatInstant(now() + 120 * MINUTE);

async function subscribed(terms: Record<string, unknown> = {}, key = 'creative'): Promise<string> {
  await world.plan({ key, ...CREDITS, ...BURNS, ...terms });
  return world.subscribe('acme', key, began());
}
const debit = (key: string, credits: string) =>
  world.get(DebitsService).debit(world.tenantId, { customer: 'acme', key, credits: Decimal.parse(credits) });
const balance = async (): Promise<string> => {
  const { available, pending, debt } = await world.balance('acme', formatInstant(now()));
  return `${available.toString()} there, ${pending.toString()} to come, ${debt.toString()} owed`;
};
const use = (quantity: string, type = 'picture') => world.use('acme', { type, at: formatInstant(now() - MINUTE), quantity });
const postings = (account: string): Promise<string> =>
  world.database.withTenant(world.tenantId, async (tx) => {
    const [row] = await tx.query<{ credits: string; revenue: string }>(
      `SELECT trim_scale(coalesce(sum(credits), 0))::text AS credits, trim_scale(coalesce(sum(revenue), 0))::text AS revenue
       FROM credit_posting WHERE account = $1`,
      [account],
    );
    return `${row?.credits ?? ''} for ${row?.revenue ?? ''}`;
  });
const exhausted = { code: 'CREDITS_EXHAUSTED' };

test('7.6 credits that are sure to come may be taken before their invoice is final, once, and it brings the rest', async () => {
  await subscribed();
  expect(await balance()).toBe('0 there, 100 to come, 0 owed');
  const { debit: taken, available } = await debit('a', '30');
  expect([taken.debt.toString(), available.toString()]).toEqual(['30', '70']);
  expect(await balance()).toBe('0 there, 70 to come, 30 owed');
  await expect(debit('b', '71')).rejects.toMatchObject(exhausted);
  const reservation = await world.get(DebitsService).reserve(world.tenantId, { customer: 'acme', key: 'r', credits: Decimal.of(70) });
  await expect(debit('c', '1')).rejects.toMatchObject(exhausted);
  await world.get(DebitsService).commit(world.tenantId, reservation.id, Decimal.of(20));
  expect(await balance()).toBe('0 there, 50 to come, 50 owed');
  await world.bill(afterGrace());
  expect(await balance()).toBe('50 there, 0 to come, 0 owed');
  expect(await postings('BURNT')).toBe('50 for 5');
  await world.get(DebitsService).reverse(world.tenantId, { customer: 'acme', key: 'back', debit: 'a' });
  expect(await balance()).toBe('80 there, 0 to come, 0 owed');
  expect(await postings('BURNT')).toBe('20 for 2');
});

test('7.4 however many ask at once for credits that are to come, no more is given than there will be', async () => {
  await subscribed();
  const asked = await Promise.allSettled(Array.from({ length: 150 }, (_, index) => debit(`debit ${index}`, '1')));
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(100);
  await world.bill(afterGrace());
  expect(await balance()).toBe('0 there, 0 to come, 0 owed');
});

test('7.6 usage of that hour takes its part first: debits have what it leaves', async () => {
  await subscribed();
  await use('40');
  expect(await balance()).toBe('0 there, 60 to come, 0 owed');
  await expect(debit('a', '61')).rejects.toMatchObject(exhausted);
  await debit('b', '55');
  await world.bill(afterGrace());
  const uncovered = await postings('UNCOVERED');
  expect([await balance(), uncovered]).toEqual(['5 there, 0 to come, 0 owed', '0 for 0']);
});

test('usage of another plan waits for credits that it will burn too, and nothing is billed as overage', async () => {
  await subscribed({ burnRates: [] });
  await world.plan({
    ...{ key: 'films', kind: 'CREDIT', creditExhaustion: 'OVERAGE', overagePricePerCredit: '1' },
    burnRates: [{ meter: 'film', creditsPerUnit: '1' }],
  });
  await world.subscribe('acme', 'films', formatInstant(now() - 3 * 24 * 60 * MINUTE));
  await world.use('acme', { type: 'film', at: formatInstant(now() - 24 * 60 * MINUTE), quantity: '3' });
  await use('10', 'film');
  expect(await balance()).toBe('0 there, 90 to come, 0 owed');
  expect(await postings('UNCOVERED')).toBe('-3 for 0');
  await world.bill(afterGrace());
  expect(await balance()).toBe('90 there, 0 to come, 0 owed');
  expect(await postings('UNCOVERED')).toBe('-3 for 0');
});

test('7.5 beyond what is to come the rule of the plan holds', async () => {
  await subscribed({ creditExhaustion: 'OVERAGE', overagePricePerCredit: '0.2' });
  const { debit: taken } = await debit('a', '130');
  expect([taken.debt.toString(), taken.uncovered.toString()]).toEqual(['100', '30']);
});

test('credits that wait for a payment are not sure to come', async () => {
  await subscribed({ creditsGrantedWhen: 'PAID' });
  expect(await balance()).toBe('0 there, 0 to come, 0 owed');
  await expect(debit('a', '1')).rejects.toMatchObject(exhausted);
});

test('a draft that was voided brings nothing: nothing is to come any more', async () => {
  await subscribed();
  await world.bill(formatInstant(now()));
  const [draft] = await world.invoices('acme');
  await world.get(InvoicesService).voidInvoice(world.tenantId, draft?.id ?? '');
  await world.bill(afterGrace());
  expect(await balance()).toBe('0 there, 0 to come, 0 owed');
  await expect(debit('a', '1')).rejects.toMatchObject(exhausted);
});

test('6.1 what an upgrade adds may be taken at once', async () => {
  const subscription = await subscribed();
  await world.bill(afterGrace());
  await world.plan({ key: 'studio', ...CREDITS, ...BURNS, creditsPerInterval: '300' });
  await world.change(subscription, 'studio', formatInstant(now() - MINUTE));
  const { available, pending } = await world.balance('acme', formatInstant(now()));
  expect([available.toString(), pending.compare(Decimal.of(199)) > 0, pending.compare(Decimal.of(200)) < 0]).toEqual(['100', true, true]);
  await debit('a', '250');
  await world.bill(afterGrace());
  expect((await balance()).endsWith('0 to come, 0 owed')).toBe(true);
});

describe('7.9 above the maximum that rolls over, credits are gone from the end of their period on', () => {
  const WEEK = 7 * 24 * 60 * MINUTE;
  const ROLLING = { interval: 'WEEK' as const, creditRollover: true, creditRolloverMaximum: '60' };

  /** A week that ended ten minutes ago and is not closed: its hundred credits are there, of which sixty are carried on. */
  async function weekOver(terms: Record<string, unknown> = {}): Promise<string> {
    await world.plan({ key: 'weekly', ...CREDITS, ...BURNS, ...ROLLING, ...terms });
    const start = now() - 10 * MINUTE - WEEK;
    const subscription = await world.subscribe('acme', 'weekly', formatInstant(start));
    await world.bill(formatInstant(start + 120 * MINUTE));
    return subscription;
  }

  test('also before its invoice is final, for debits and for the balance', async () => {
    await weekOver();
    expect(await balance()).toBe('60 there, 100 to come, 0 owed');
    await expect(debit('too much', '161')).rejects.toMatchObject(exhausted);
    const { debit: first, available } = await debit('a', '50');
    expect([first.taken[0]?.credits.toString(), first.debt.toString(), available.toString()]).toEqual(['50', '0', '110']);
    const { debit: second } = await debit('b', '20');
    expect([second.taken[0]?.credits.toString(), second.debt.toString()]).toEqual(['10', '10']);
    expect(await balance()).toBe('0 there, 90 to come, 10 owed');
    await world.bill(afterGrace());
    expect(await balance()).toBe('90 there, 0 to come, 0 owed');
    expect([await postings('EXPIRED'), await postings('BURNT')]).toEqual(['40 for 4', '70 for 7']);
  });

  test('what a debit of the ended period took was not among them, and late usage of it burns what would be lost', async () => {
    await weekOver();
    const earlier = { customer: 'acme', key: 'earlier', credits: Decimal.of(25), at: now() - 30 * MINUTE };
    await world.get(DebitsService).debit(world.tenantId, earlier);
    expect(await balance()).toBe('60 there, 100 to come, 0 owed');
    await debit('a', '60');
    await world.use('acme', { type: 'picture', at: formatInstant(now() - 40 * MINUTE), quantity: '10' });
    expect(await balance()).toBe('0 there, 100 to come, 0 owed');
    await world.bill(afterGrace());
    expect(await balance()).toBe('100 there, 0 to come, 0 owed');
    expect([await postings('EXPIRED'), await postings('BURNT')]).toEqual(['5 for 0.5', '95 for 9.5']);
  });

  test('7.7 a reservation from before holds what it holds, and what it releases is not more than is carried on', async () => {
    await weekOver();
    const hold = (key: string, credits: number) =>
      world.get(DebitsService).reserve(world.tenantId, { customer: 'acme', key, credits: Decimal.of(credits) });
    const { id } = await hold('r', 60);
    await expect(hold('more', 101)).rejects.toMatchObject(exhausted);
    await world.get(DebitsService).release(world.tenantId, id);
    expect(await balance()).toBe('60 there, 100 to come, 0 owed');
    await world.bill(afterGrace());
    expect(await balance()).toBe('160 there, 0 to come, 0 owed');
  });

  test('of a subscription that is over all of them', async () => {
    const subscription = await weekOver();
    await world.cancel(subscription, formatInstant(now() - 24 * 60 * MINUTE));
    expect(await balance()).toBe('0 there, 0 to come, 0 owed');
    await expect(debit('a', '1')).rejects.toMatchObject(exhausted);
    await world.bill(afterGrace());
    expect([await balance(), await postings('EXPIRED')]).toEqual(['0 there, 0 to come, 0 owed', '100 for 10']);
  });

  test('where a plan grants its credits when they are paid, usage of another plan finds no more either', async () => {
    await weekOver({ creditsGrantedWhen: 'PAID', creditsPerInterval: '100' });
    const [invoice] = await world.invoices('acme');
    await world.get(InvoicesService).pay(world.tenantId, invoice?.id ?? '', now() - WEEK);
    await world.plan({
      ...{ key: 'films', kind: 'CREDIT', creditExhaustion: 'OVERAGE', overagePricePerCredit: '1' },
      burnRates: [{ meter: 'film', creditsPerUnit: '1' }],
    });
    await world.subscribe('acme', 'films', formatInstant(now() - 3 * 24 * 60 * MINUTE));
    await use('75', 'film');
    expect(await balance()).toBe('0 there, 0 to come, 0 owed');
    expect(await postings('UNCOVERED')).toBe('-15 for 0');
  });
});

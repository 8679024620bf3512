import { AlertEvents } from '@tare/alerts';
import { Decimal, MICROS_PER_DAY, parseInstant } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { randomUUID } from 'node:crypto';
import type { CreditPurchase } from './credit-purchase.store.ts';
import { CreditsService } from './credits.service.ts';
import { WalletWorld } from './wallet.fixture.ts';
import { Wallets } from './wallets.ts';

const d = (text: string): Decimal => Decimal.parse(text);
const usd = (amount: string) => ({ amount: d(amount), currency: 'USD' });

let test_: TestDatabase;
let apps: WalletWorld;
let world: WalletWorld;

beforeAll(async () => {
  test_ = await createTestDatabase();
  apps = await WalletWorld.open(test_);
});
afterAll(async () => {
  await apps.close();
  await test_.drop();
});
beforeEach(async () => {
  world = await apps.neighbour(test_);
  await world.customer('acme');
});
afterEach(async () => {
  expect(await world.mistakes()).toEqual([]);
});

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'DONE',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
const purchase = (key = 'pack', more: { credits?: string; price?: string; days?: number } = {}) =>
  world.purchases.purchase(world.tenantId, {
    ...{ customer: 'acme', key, credits: d(more.credits ?? '100'), price: usd(more.price ?? '10') },
    expiresAfterDays: more.days ?? null,
  });
const list = (): Promise<CreditPurchase[]> => world.purchases.list(world.tenantId, 'acme', { beforeTime: null, beforeId: null, limit: 50 });
/** What billing does: one invoice for each purchase that waits. Answers their ids. */
const invoice = (): Promise<string[]> =>
  world.database.withTenant(world.tenantId, async (tx) => {
    const ids: string[] = [];
    for (const waiting of await world.purchases.requestedIn(tx, { most: 100 })) {
      const id = randomUUID();
      await world.purchases.invoicedIn(tx, waiting, id);
      ids.push(id);
    }
    return ids;
  });
const PAID_AT = parseInstant('2026-03-05T10:17:33Z');
const pay = (id: string): Promise<void> =>
  world.database.withTenant(world.tenantId, (tx) => world.purchases.paidIn(tx, { invoiceId: id, taxedAtUse: false }, PAID_AT));
const debit = (key: string, credits: string) => world.debits.debit(world.tenantId, { customer: 'acme', key, credits: d(credits) });
const eventTypes = async (): Promise<string[]> => {
  const events = await world.get(AlertEvents).page(world.tenantId, {}, { beforeTime: null, beforeId: null, limit: 50 });
  return events.map(({ type, payload }) => (typeof payload['percent'] === 'number' ? `${type} ${payload['percent']}` : type)).sort();
};

describe('purchases', () => {
  test('7.6 a pack is granted when it is paid, once, with its price as cost basis and its expiry from then on', async () => {
    await purchase('pack', { days: 30 });
    expect(await world.available('acme', '2026-03-06T00:00:00Z')).toBe('0');
    const [id = ''] = await invoice();
    expect(await invoice()).toEqual([]);
    await Promise.all([pay(id), pay(id), pay(id)]);
    const { grants } = await world.get(CreditsService).balance(world.tenantId, 'acme', PAID_AT);
    expect(
      grants.map(({ source, costBasis, expiresAt, invoiceId }) => [source, costBasis?.amount.toString(), expiresAt, invoiceId]),
    ).toEqual([['PURCHASE', '10', PAID_AT + 30 * MICROS_PER_DAY, id]]);
    expect(await list()).toMatchObject([{ status: 'PAID', invoiceId: id, paidAt: PAID_AT }]);
  });

  test('a key is bought once', async () => {
    const made = await Promise.all([purchase(), purchase(), purchase()]);
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(await codeOf(purchase('pack', { price: '11' }))).toBe('KEY_REUSED');
    expect(await codeOf(purchase('free', { price: '0' }))).toBe('NOT_POSITIVE');
    expect(await codeOf(purchase('short', { days: 0 }))).toBe('INVALID_EXPIRY');
  });

  test('voiding an unpaid invoice cancels the purchase, and it cannot be paid any more', async () => {
    await purchase();
    const [id = ''] = await invoice();
    await world.database.withTenant(world.tenantId, (tx) => world.purchases.voidedIn(tx, id));
    await pay(id);
    expect(await list()).toMatchObject([{ status: 'CANCELED' }]);
    expect(await world.available('acme')).toBe('0');
  });

  test('7.8 7.9 unused credits are refunded at what was paid for them, and the rest still earns its price', async () => {
    await purchase('pack', { credits: '3', price: '1' });
    expect(await codeOf(world.purchases.refund(world.tenantId, { customer: 'acme', purchase: 'pack' }))).toBe('PURCHASE_NOT_PAID');
    const [id = ''] = await invoice();
    await pay(id);
    await debit('one', '1');
    expect(await codeOf(world.purchases.refund(world.tenantId, { customer: 'acme', purchase: 'pack', credits: d('2.5') }))).toBe(
      'CREDITS_USED',
    );
    const refunded = await world.purchases.refund(world.tenantId, { customer: 'acme', purchase: 'pack' });
    expect([refunded.status, refunded.refundedCredits.toString(), refunded.refundedAmount.toString()]).toEqual([
      'REFUNDED',
      '2',
      '0.666666666667',
    ]);
    expect(await world.ledger('acme', 'DEBIT')).toContain('BURNT purchase:' + refunded.id + ' 1 0.333333333333');
    expect(await codeOf(world.purchases.refund(world.tenantId, { customer: 'acme', purchase: 'pack' }))).toBe('NOT_POSITIVE');
  });

  test('a refund under a key happens once, however often it is asked for', async () => {
    await purchase('pack', { credits: '10', price: '5' });
    const [id = ''] = await invoice();
    await pay(id);
    const refund = (credits: string | null, key?: string) =>
      world.purchases.refund(world.tenantId, { customer: 'acme', purchase: 'pack', credits: credits === null ? null : d(credits), key });
    const twice = await Promise.all([refund('4', 'back'), refund('4', 'back')]);
    expect(twice.map(({ refundedCredits }) => refundedCredits.toString())).toEqual(['4', '4']);
    expect(await world.available('acme')).toBe('6');
    expect(await codeOf(refund('5', 'back'))).toBe('KEY_REUSED');
    expect((await refund(null, 'rest')).refundedCredits.toString()).toBe('10');
    expect((await refund(null, 'rest')).refundedAmount.toString()).toBe('5');
    expect(await codeOf(refund('1', ''))).toBe('KEY_MISSING');
  });

  test('voiding the paid invoice of a pack takes back what is left of it', async () => {
    await purchase();
    const [id = ''] = await invoice();
    await pay(id);
    await debit('one', '40');
    const customerId = await world.idOf('acme');
    await world.database.withTenant(world.tenantId, (tx) => world.get(Wallets).reverseInvoice(tx, customerId, id, PAID_AT));
    expect(await world.available('acme')).toBe('0');
  });
});

describe('auto top-up', () => {
  const set = (more: { monthlyLimit?: string } = {}) =>
    world.purchases.setAutoTopUp(world.tenantId, 'acme', {
      ...{ threshold: d('20'), credits: d('50'), price: usd('5') },
      monthlyLimit: more.monthlyLimit === undefined ? null : d(more.monthlyLimit),
    });

  test('crossing the threshold asks for one purchase at a time, and the next one when that is paid', async () => {
    await world.grant('acme', 'pack', '100');
    await set();
    await debit('one', '80');
    expect(await list()).toEqual([]);
    await Promise.all(Array.from({ length: 10 }, (_, i) => debit(`more ${i}`, '1')));
    expect(await list()).toMatchObject([{ source: 'AUTO_TOP_UP', status: 'REQUESTED' }]);
    const [id = ''] = await invoice();
    await debit('while it is open', '1');
    expect((await list()).length).toBe(1);
    await pay(id);
    expect(await world.available('acme')).toBe('59');
    await debit('much', '45');
    expect((await list()).map(({ status }) => status)).toEqual(['REQUESTED', 'PAID']);
  });

  test('top-ups of a month stop at its limit, which is told once', async () => {
    await world.grant('acme', 'pack', '10');
    await set({ monthlyLimit: '7' });
    await debit('one', '1');
    await pay((await invoice())[0] ?? '');
    await debit('two', '55');
    await debit('three', '1');
    expect((await list()).length).toBe(1);
    expect((await eventTypes()).filter((type) => type.startsWith('credits.top_up'))).toEqual(['credits.top_up_limit_reached']);
    expect(await codeOf(set({ monthlyLimit: '4.99' }))).toBe('LIMIT_TOO_LOW');
  });

  test('usage that is drawn crosses it too', async () => {
    await world.burning('burner');
    await world.grant('burner', 'pack', '100');
    await world.purchases.setAutoTopUp(world.tenantId, 'burner', { threshold: d('20'), credits: d('50'), price: usd('5') });
    await world.use('burner', { at: '2026-01-05T00:00:00Z', quantity: '90' });
    await world.draw('burner');
    const made = await world.purchases.list(world.tenantId, 'burner', { beforeTime: null, beforeId: null, limit: 5 });
    expect(made).toMatchObject([{ source: 'AUTO_TOP_UP' }]);
  });
});

describe('alert events', () => {
  test('shares of a wallet are told once each, and again when it was filled', async () => {
    await world.grant('acme', 'pack', '100');
    await debit('one', '49');
    expect(await eventTypes()).toEqual([]);
    await debit('two', '31');
    await debit('three', '5');
    expect(await eventTypes()).toEqual(['credits.threshold_reached 50', 'credits.threshold_reached 80']);
    await world.grant('acme', 'next', '85');
    await debit('four', '50');
    expect(await eventTypes()).toEqual(['credits.threshold_reached 50', 'credits.threshold_reached 50', 'credits.threshold_reached 80']);
  });

  test('the shares can be set', async () => {
    expect(await world.purchases.percents(world.tenantId)).toEqual([50, 80, 100]);
    await world.purchases.setPercents(world.tenantId, [90, 10]);
    await world.grant('acme', 'pack', '100');
    await debit('one', '60');
    expect(await eventTypes()).toEqual(['credits.threshold_reached 10']);
    expect(await codeOf(world.purchases.setPercents(world.tenantId, [101]))).toBe('INVALID_PERCENT');
  });
});

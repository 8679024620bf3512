import { CouponsService } from '@tare/catalog';
import { parseInstant } from '@tare/core';
import type { PlanInput } from '@tare/core';
import { AgreedPricesService, DiscountsService, PausesService, SubscriptionsService, type DiscountInput } from '@tare/customers';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import type { InvoiceView } from '../invoices/invoices.service.ts';
import { InvoiceRecomputation } from '../explain/recompute-invoice.ts';
import { TestWorld } from '../world.fixture.ts';

let databaseOfFile: TestDatabase;
let first: TestWorld;
let world: TestWorld;

beforeAll(async () => {
  databaseOfFile = await createTestDatabase();
  first = await TestWorld.open(databaseOfFile);
});
afterAll(async () => {
  await first.close();
  await databaseOfFile.drop();
});
beforeEach(async () => {
  world = await first.neighbour(databaseOfFile);
  await world.meter('request');
  await world.customer('acme');
});

const at = (text: string): number => parseInstant(text.length === 10 ? `${text}T00:00:00Z` : text);
const flat = (key: string, amount: string, more: object = {}) => ({ key, model: 'FLAT' as const, amount, ...more });
const perUnit = (key: string, unitPrice: string, more: object = {}) => ({
  key,
  model: 'PER_UNIT' as const,
  meter: 'request',
  unitPrice,
  ...more,
});
/** 31 days: a day of it is a dollar of a fee of 31. */
const plan = (key: string, prices: PlanInput['prices'], more: Partial<PlanInput> = {}) =>
  world.plan({ key, kind: 'SUBSCRIPTION', prices, ...more });
const use = (day: string, quantity: number) =>
  world.use('acme', { at: new Date(at(day) / 1_000).toISOString(), quantity: String(quantity) });

/** What a finance person reads: when, which kind, what it comes to, and its lines. */
const shown = (invoices: readonly InvoiceView[]) =>
  invoices.map(({ billingAt, kind, total, lines }) => [
    `${new Date(billingAt / 1000).toISOString().slice(0, 10)} ${kind} ${total.toString()}`,
    ...lines.map((line) => `${line.kind} ${line.priceKey ?? '-'} ${line.quantity.toString()} = ${line.amount.toString()}`),
  ]);

/** Bills, and sees that every invoice can be made again from its events (SEMANTICS 8.4). */
async function billed(asOf: string): Promise<string[][]> {
  await world.bill(`${asOf}T01:00:00Z`);
  await world.bill(`${asOf}T01:00:00Z`);
  const invoices = await world.invoices('acme');
  for (const invoice of invoices) {
    const again = await world.database.withTenant(world.tenantId, (tx) => world.get(InvoiceRecomputation).recompute(tx, invoice));
    expect(again.total.toString()).toBe(invoice.total.toString());
    expect(again.lines.map(({ scopeKey, amount }) => `${scopeKey} ${amount.toString()}`)).toEqual(
      invoice.lines.map(({ scopeKey, amount }) => `${scopeKey} ${amount.toString()}`),
    );
  }
  return shown(invoices);
}

const change = (subscription: string, input: object) => world.get(SubscriptionsService).change(world.tenantId, { subscription, ...input });
const pause = (subscription: string, from: string, resumesAt?: string) =>
  world.get(PausesService).pause(world.tenantId, { subscription, at: at(from), ...(resumesAt ? { resumesAt: at(resumesAt) } : {}) });
const resume = (subscription: string, from: string) => world.get(PausesService).resume(world.tenantId, { subscription, at: at(from) });

describe('seats', () => {
  const TEAM = [flat('seat', '31', { perSeat: true }), perUnit('usage', '1', { includedQuantity: '10', perSeat: true })];

  test('6.1 more seats are charged for the rest of the period to the second, and usage goes on as one', async () => {
    await plan('team', TEAM);
    const id = await world.subscribe('acme', 'team', '2026-01-01T00:00:00Z', { seats: 2 });
    await use('2026-01-05', 15);
    await change(id, { seats: 3, at: at('2026-01-11') });
    await use('2026-01-20', 20);
    expect(await billed('2026-02-01')).toEqual([
      ['2026-01-01 REGULAR 62', 'FEE seat 2 = 62'],
      ['2026-01-11 PRORATION 21', 'PRORATION_CREDIT seat 2 = -42', 'PRORATION_CHARGE seat 3 = 63'],
      // 35 calls, 10 for each of the most seats that there were
      ['2026-02-01 REGULAR 98', 'USAGE usage 35 = 5', 'FEE seat 3 = 93'],
    ]);
  });

  test('6.2 fewer seats wait for the end of the period, unless they are not to', async () => {
    await plan('team', TEAM);
    const id = await world.subscribe('acme', 'team', '2026-01-01T00:00:00Z', { seats: 3 });
    await change(id, { seats: 2, at: at('2026-01-11') });
    await change(id, { seats: 1, at: at('2026-02-15'), immediately: true });
    expect(await billed('2026-03-01')).toEqual([
      ['2026-01-01 REGULAR 93', 'FEE seat 3 = 93'],
      ['2026-02-01 REGULAR 62', 'FEE seat 2 = 62'],
      // what is left to the customer is taken off the next invoice
      ['2026-02-15 PRORATION 0', 'PRORATION_CREDIT seat 2 = -31', 'PRORATION_CHARGE seat 1 = 15.5'],
      ['2026-03-01 REGULAR 15.5', 'FEE seat 1 = 31'],
    ]);
  });

  test('seats that change while a change of plan is planned change under the planned plan too', async () => {
    await plan('team', TEAM);
    await plan('solo', [flat('seat', '10', { perSeat: true })]);
    const id = await world.subscribe('acme', 'team', '2026-01-01T00:00:00Z', { seats: 2 });
    await change(id, { plan: 'solo', at: at('2026-01-05') });
    await change(id, { seats: 4, at: at('2026-01-11') });
    expect((await billed('2026-02-01')).at(-1)).toEqual(['2026-02-01 REGULAR 40', 'FEE seat 4 = 40']);
  });
});

describe('add-ons', () => {
  beforeEach(async () => {
    await plan('base', [flat('fee', '62'), perUnit('usage', '1', { includedQuantity: '10' })]);
    await world.meter('image');
    await plan('images', [flat('fee', '31'), { key: 'usage', model: 'PER_UNIT', meter: 'image', unitPrice: '2', includedQuantity: '5' }], {
      addOn: true,
    });
    await plan('support', [flat('fee', '31')], { addOn: true });
  });
  const add = (subscription: string, addOn: string, day: string, quantity?: number) =>
    world.get(SubscriptionsService).addAddOn(world.tenantId, { subscription, addOn, at: at(day), ...(quantity ? { quantity } : {}) });
  const remove = (subscription: string, addOn: string, day: string, immediately = false) =>
    world.get(SubscriptionsService).removeAddOn(world.tenantId, { subscription, addOn, at: at(day), immediately });

  test('an add-on is charged from the day it is attached, and one of fees alone leaves usage as it is', async () => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await use('2026-01-05', 8);
    await add(id, 'support', '2026-01-11', 2);
    await use('2026-01-20', 8);
    expect(await billed('2026-02-01')).toEqual([
      ['2026-01-01 REGULAR 62', 'FEE fee 1 = 62'],
      ['2026-01-11 PRORATION 42', 'PRORATION_CREDIT fee 1 = -42', 'PRORATION_CHARGE fee 1 = 42', 'PRORATION_CHARGE support/fee 1 = 42'],
      ['2026-02-01 REGULAR 130', 'USAGE usage 16 = 6', 'FEE fee 1 = 62', 'FEE support/fee 1 = 62'],
    ]);
  });

  test('an add-on rates usage of its own, with its allowance as often as it is there', async () => {
    const input = { customer: 'acme', plan: 'base', startsAt: at('2026-01-01'), addOns: [{ addOn: 'images', quantity: 2 }] };
    await world.get(SubscriptionsService).create(world.tenantId, input);
    await world.use('acme', { at: '2026-01-05T00:00:00Z', type: 'image', quantity: '12' });
    expect(await billed('2026-02-01')).toEqual([
      ['2026-01-01 REGULAR 124', 'FEE fee 1 = 62', 'FEE images/fee 1 = 62'],
      ['2026-02-01 REGULAR 128', 'USAGE images/usage 12 = 4', 'FEE fee 1 = 62', 'FEE images/fee 1 = 62'],
    ]);
  });

  test('an add-on that is detached runs to the end of the period, or is credited at once', async () => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await add(id, 'support', '2026-01-01', 3);
    await add(id, 'support', '2026-01-10', 2);
    await remove(id, 'support', '2026-02-15', true);
    expect(await billed('2026-03-01')).toEqual([
      ['2026-01-01 REGULAR 155', 'FEE fee 1 = 62', 'FEE support/fee 1 = 93'],
      ['2026-02-01 REGULAR 124', 'FEE fee 1 = 62', 'FEE support/fee 1 = 62'],
      ['2026-02-15 PRORATION 0', 'PRORATION_CREDIT fee 1 = -31', 'PRORATION_CREDIT support/fee 1 = -31', 'PRORATION_CHARGE fee 1 = 31'],
      ['2026-03-01 REGULAR 31', 'FEE fee 1 = 62'],
    ]);
  });

  test('what cannot be billed together is refused', async () => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await plan('euro', [flat('fee', '1')], { addOn: true, currency: 'EUR' });
    await plan('yearly', [flat('fee', '1')], { addOn: true, interval: 'YEAR' });
    await plan('twice', [perUnit('usage', '1')], { addOn: true });
    await expect(add(id, 'euro', '2026-01-05')).rejects.toMatchObject({ code: 'ADD_ON_MISMATCH', path: 'addOns' });
    await expect(add(id, 'yearly', '2026-01-05')).rejects.toMatchObject({ code: 'ADD_ON_MISMATCH' });
    await expect(add(id, 'twice', '2026-01-05')).rejects.toMatchObject({ code: 'OVERLAPPING_METERS' });
    await expect(add(id, 'base', '2026-01-05')).rejects.toMatchObject({ code: 'NOT_AN_ADD_ON' });
    await expect(add(id, 'none', '2026-01-05')).rejects.toMatchObject({ code: 'UNKNOWN_PLAN', path: 'addOns[0].addOn' });
    await expect(remove(id, 'support', '2026-01-05')).rejects.toMatchObject({ code: 'NOT_FOUND', path: 'addOn' });
    await expect(world.subscribe('acme', 'support', '2026-01-01T00:00:00Z')).rejects.toMatchObject({
      code: 'PLAN_IS_ADD_ON',
      path: 'plan',
    });
  });

  test('3.6 an add-on that would rate what another subscription rates is refused', async () => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await plan('gallery', [{ key: 'usage', model: 'PER_UNIT', meter: 'image', unitPrice: '1' }]);
    await world.subscribe('acme', 'gallery', '2026-01-01T00:00:00Z');
    await expect(add(id, 'images', '2026-01-05')).rejects.toMatchObject({ code: 'AMBIGUOUS_METER' });
  });
});

describe('agreed prices', () => {
  beforeEach(() => plan('base', [flat('fee', '62'), perUnit('usage', '1')]));
  const override = (subscription: string, day: string, ...overrides: { price: string }[]) =>
    world.get(AgreedPricesService).override(world.tenantId, { subscription, overrides, at: at(day) });

  test('prices agreed at the beginning hold in place of the plan’s, also when the plan gets a new version', async () => {
    const overrides = [
      { price: 'fee', amount: '50' },
      { price: 'usage', unitPrice: '0.5', includedQuantity: '4' },
    ];
    await world.get(SubscriptionsService).create(world.tenantId, { customer: 'acme', plan: 'base', startsAt: at('2026-01-01'), overrides });
    await plan('base', [flat('fee', '100'), perUnit('usage', '3')]);
    await use('2026-01-05', 10);
    expect(await billed('2026-02-01')).toEqual([
      ['2026-01-01 REGULAR 50', 'FEE fee 1 = 50'],
      ['2026-02-01 REGULAR 53', 'USAGE usage 10 = 3', 'FEE fee 1 = 50'],
    ]);
  });

  test('6.2 a price agreed for some time cuts the period at both ends, to the second', async () => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await override(id, '2026-01-11', { price: 'usage', unitPrice: '0.1', validUntil: at('2026-01-21') } as { price: string });
    for (const day of ['2026-01-10', '2026-01-11', '2026-01-20', '2026-01-21']) await use(day, 10);
    const invoices = await billed('2026-02-01');
    expect(invoices.at(-1)).toEqual([
      '2026-02-01 REGULAR 84',
      ...['USAGE usage 10 = 10', 'USAGE usage 20 = 2', 'USAGE usage 10 = 10', 'FEE fee 1 = 62'],
    ]);
    expect(invoices.map(([head]) => head)).toEqual(['2026-01-01 REGULAR 62', '2026-02-01 REGULAR 84']);
  });

  test('an agreed fee is charged from its day on, and the plan’s own again from the day it is taken back', async () => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await override(id, '2026-01-11', { price: 'fee', amount: '31' } as { price: string });
    await world.get(AgreedPricesService).remove(world.tenantId, { subscription: id, prices: ['fee'], at: at('2026-02-01') });
    expect(await billed('2026-02-01')).toEqual([
      ['2026-01-01 REGULAR 62', 'FEE fee 1 = 62'],
      ['2026-01-11 PRORATION 0', 'PRORATION_CREDIT fee 1 = -42', 'PRORATION_CHARGE fee 1 = 21'],
      ['2026-02-01 REGULAR 41', 'FEE fee 1 = 62'],
    ]);
  });

  test('8.2 a price is not agreed for time that is billed', async () => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await world.bill('2026-02-01T01:00:00Z');
    await expect(override(id, '2026-01-11', { price: 'usage', unitPrice: '9' } as { price: string })).rejects.toMatchObject({
      code: 'ALREADY_BILLED',
    });
  });

  test('prices agreed for a plan end with it', async () => {
    await plan('other', [flat('fee', '93')]);
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await override(id, '2026-01-01', { price: 'fee', amount: '31' } as { price: string });
    await change(id, { plan: 'other', at: at('2026-01-11') });
    expect((await billed('2026-01-11')).at(-1)).toEqual([
      '2026-01-11 PRORATION 42',
      'PRORATION_CREDIT fee 1 = -21',
      'PRORATION_CHARGE fee 1 = 63',
    ]);
  });
});

describe('pauses', () => {
  beforeEach(() =>
    plan('base', [
      flat('fee', '31'),
      {
        key: 'usage',
        model: 'GRADUATED',
        meter: 'request',
        includedQuantity: '5',
        tiers: [{ upTo: '10', unitPrice: '1' }, { unitPrice: '0.1' }],
      },
    ]),
  );

  test('a pause credits the unused fee, rates no usage, and tiers and allowance go on after it', async () => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await use('2026-01-05', 12);
    await pause(id, '2026-01-11', '2026-01-21');
    await use('2026-01-15', 1_000);
    await use('2026-01-25', 13);
    expect(await billed('2026-02-01')).toEqual([
      ['2026-01-01 REGULAR 31', 'FEE fee 1 = 31'],
      ['2026-01-11 PRORATION 0', 'PRORATION_CREDIT fee 1 = -21'],
      ['2026-01-21 REGULAR 0', 'FEE fee 1 = 11'],
      // 25 calls, 5 included: 10 + 1; 10 of the credit are left
      ['2026-02-01 REGULAR 32', 'USAGE usage 25 = 11', 'FEE fee 1 = 31'],
    ]);
  });

  test('a pause over the end of a period is not charged, and the calendar stays', async () => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await use('2026-01-05', 6);
    await pause(id, '2026-01-11');
    await world.bill('2026-03-01T01:00:00Z');
    await resume(id, '2026-03-11');
    expect(await billed('2026-04-01')).toEqual([
      ['2026-01-01 REGULAR 31', 'FEE fee 1 = 31'],
      ['2026-01-11 PRORATION 0', 'PRORATION_CREDIT fee 1 = -21'],
      ['2026-02-01 REGULAR 0', 'USAGE usage 6 = 1'],
      ['2026-03-11 REGULAR 1', 'FEE fee 1 = 21'],
      ['2026-04-01 REGULAR 31', 'FEE fee 1 = 31'],
    ]);
  });

  test('credits that were bought stay through a pause and are not bought again in the same period', async () => {
    await plan('credits', [flat('fee', '31')], {
      kind: 'CREDIT',
      creditsPerInterval: '100',
      creditPrice: '0.31',
      burnRates: [{ meter: 'request', creditsPerUnit: '1' }],
    });
    const id = await world.subscribe('acme', 'credits', '2026-01-01T00:00:00Z');
    await world.bill('2026-01-01T01:00:00Z');
    await pause(id, '2026-01-11', '2026-01-21');
    const invoices = await billed('2026-02-01');
    expect(invoices.slice(1, 3)).toEqual([
      ['2026-01-11 PRORATION 0', 'PRORATION_CREDIT fee 1 = -21'],
      ['2026-01-21 REGULAR 0', 'FEE fee 1 = 11'],
    ]);
    expect((await world.balance('acme', '2026-01-25T00:00:00Z')).available.toString()).toBe('100');
  });

  test('8.2 a pause does not reach into time that is billed, and is there once', async () => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await expect(resume(id, '2026-01-05')).rejects.toMatchObject({ code: 'NOT_PAUSED', path: 'at' });
    await pause(id, '2026-01-11');
    await expect(pause(id, '2026-01-12')).rejects.toMatchObject({ code: 'ALREADY_PAUSED' });
    await world.bill('2026-02-01T01:00:00Z');
    await expect(resume(id, '2026-01-20')).rejects.toMatchObject({ code: 'ALREADY_BILLED' });
    await expect(pause(id, '2026-02-05', '2026-02-01')).rejects.toMatchObject({ code: 'ALREADY_PAUSED' });
  });
});

describe('ends', () => {
  beforeEach(() => plan('base', [flat('fee', '31'), perUnit('usage', '1')]));
  const cancel = (subscription: string, input: object) =>
    world.get(SubscriptionsService).cancel(world.tenantId, { subscription, ...input });

  test('6.3 a cancellation to a date bills usage up to then and keeps the fee, or credits what is unused of it', async () => {
    await world.customer('globex');
    const kept = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    const credited = await world.subscribe('globex', 'base', '2026-01-01T00:00:00Z');
    for (const customer of ['acme', 'globex'])
      await world.use(customer, { at: '2026-01-10T23:59:59Z', quantity: '50' }, { at: '2026-01-11T00:00:00Z', quantity: '9' });
    const when = { at: at('2026-01-05'), endsAt: at('2026-01-11') };
    await cancel(kept, when);
    await cancel(credited, { ...when, creditUnused: true });
    expect(await billed('2026-03-01')).toEqual([
      ['2026-01-01 REGULAR 31', 'FEE fee 1 = 31'],
      ['2026-01-11 REGULAR 50', 'USAGE usage 50 = 50'],
    ]);
    expect(shown(await world.invoices('globex')).at(-1)).toEqual([
      '2026-01-11 REGULAR 29',
      'USAGE usage 50 = 50',
      'PRORATION_CREDIT fee 1 = -21',
    ]);
  });

  test('a cancellation that is taken back leaves everything as it was agreed', async () => {
    await plan('small', [flat('fee', '10')]);
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await change(id, { plan: 'small', at: at('2026-01-05') });
    await cancel(id, { at: at('2026-01-06'), immediately: false });
    const uncancel = (day: string) => world.get(SubscriptionsService).uncancel(world.tenantId, { subscription: id, at: at(day) });
    expect((await uncancel('2026-01-20')).canceledAt).toBeNull();
    await expect(uncancel('2026-01-20')).rejects.toMatchObject({ code: 'NOT_CANCELED' });
    expect((await billed('2026-02-01')).at(-1)).toEqual(['2026-02-01 REGULAR 10', 'FEE fee 1 = 10']);
    await cancel(id, { at: at('2026-02-10'), immediately: true });
    await expect(uncancel('2026-02-10')).rejects.toMatchObject({ code: 'SUBSCRIPTION_ENDED' });
    await world.bill('2026-02-11T01:00:00Z');
    await expect(uncancel('2026-02-09')).rejects.toMatchObject({ code: 'ALREADY_BILLED' });
  });

  test.each([
    [{ at: at('2026-01-05'), endsAt: at('2026-01-04') }, 'INVALID_TIME', 'endsAt'],
    [{ at: at('2026-01-05'), endsAt: at('2026-01-06'), immediately: true }, 'FIELD_NOT_ALLOWED', 'endsAt'],
  ])('a cancellation that contradicts itself is refused (%#)', async (input, code, path) => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await expect(cancel(id, input)).rejects.toMatchObject({ code, path });
  });
});

describe('changes of plan', () => {
  test('6.2 a change of kind that is asked for immediately credits the old fee and starts the new plan', async () => {
    await plan('base', [flat('fee', '62')]);
    await plan('metered', [perUnit('usage', '1')], { kind: 'PER_QUERY' });
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await change(id, { plan: 'metered', at: at('2026-01-11'), immediately: true });
    await use('2026-01-12', 50);
    expect(await billed('2026-02-01')).toEqual([
      ['2026-01-01 REGULAR 62', 'FEE fee 1 = 62'],
      ['2026-01-11 PRORATION 0', 'PRORATION_CREDIT fee 1 = -42'],
      ['2026-02-01 REGULAR 8', 'USAGE usage 50 = 50'],
    ]);
  });

  test('6.2 a change from a monthly to a yearly plan starts a new calendar and credits the rest of the month', async () => {
    await plan('base', [flat('fee', '31')]);
    await plan('yearly', [flat('fee', '400')], { interval: 'YEAR' });
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await change(id, { plan: 'yearly', at: at('2026-01-11') });
    expect(await billed('2027-01-11')).toEqual([
      ['2026-01-01 REGULAR 31', 'FEE fee 1 = 31'],
      ['2026-01-11 PRORATION 379', 'PRORATION_CREDIT fee 1 = -21', 'FEE fee 1 = 400'],
      ['2027-01-11 REGULAR 400', 'FEE fee 1 = 400'],
    ]);
  });

  test('a yearly fee of a monthly plan is credited for the months that are left, also where a month ends', async () => {
    const yearly = (key: string, amount: string) => flat(key, amount, { everyIntervals: 12 });
    await plan('base', [yearly('support', '365'), flat('fee', '31')]);
    await plan('small', [yearly('support', '182.50'), flat('fee', '10')]);
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await change(id, { plan: 'small', at: at('2026-01-11') });
    await pause(id, '2026-03-01', '2026-04-01');
    expect(await billed('2026-04-01')).toEqual([
      ['2026-01-01 REGULAR 396', 'FEE support 1 = 365', 'FEE fee 1 = 31'],
      // 334 of 365 days are left
      ['2026-02-01 REGULAR 0', 'PRORATION_CREDIT support 1 = -334', 'PRORATION_CHARGE support 1 = 167', 'FEE fee 1 = 10'],
      ['2026-03-01 REGULAR 0', 'PRORATION_CREDIT support 1 = -153'],
      ['2026-04-01 REGULAR 0', 'FEE support 1 = 137.5', 'FEE fee 1 = 10'],
    ]);
  });

  test('a change to another currency does not happen inside of a paid period', async () => {
    await plan('base', [flat('fee', '31')]);
    await plan('euro', [flat('fee', '400')], { currency: 'EUR' });
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    const asked = change(id, { plan: 'euro', at: at('2026-01-11'), immediately: true });
    await expect(asked).rejects.toMatchObject({ code: 'NOT_AVAILABLE', path: 'immediately' });
    await change(id, { plan: 'euro', at: at('2026-01-11') });
    expect((await billed('2026-02-01')).at(-1)).toEqual(['2026-02-01 REGULAR 400', 'FEE fee 1 = 400']);
  });

  test('a backdated start bills every period that is over, in order, and its usage by its own time', async () => {
    await plan('base', [flat('fee', '10'), perUnit('usage', '1')]);
    await world.subscribe('acme', 'base', '2025-11-30T00:00:00Z');
    await use('2025-12-15', 3);
    await use('2026-01-15', 4);
    expect(await billed('2026-02-28')).toEqual([
      ['2025-11-30 REGULAR 10', 'FEE fee 1 = 10'],
      ['2025-12-30 REGULAR 13', 'USAGE usage 3 = 3', 'FEE fee 1 = 10'],
      ['2026-01-30 REGULAR 14', 'USAGE usage 4 = 4', 'FEE fee 1 = 10'],
      ['2026-02-28 REGULAR 10', 'FEE fee 1 = 10'],
    ]);
  });
});

describe('trials', () => {
  beforeEach(() => plan('trial', [flat('fee', '31'), perUnit('usage', '1')], { trialDays: 10 }));
  const setEnd = (subscription: string, day: string, trialEndsAt: string) =>
    world.get(PausesService).setTrialEnd(world.tenantId, { subscription, at: at(day), trialEndsAt: at(trialEndsAt) });

  test('6.4 a trial that is extended charges nothing until its new end, where periods begin', async () => {
    const id = await world.subscribe('acme', 'trial', '2026-01-01T00:00:00Z');
    await world.bill('2026-01-05T01:00:00Z');
    await setEnd(id, '2026-01-06', '2026-01-21');
    await use('2026-01-15', 100);
    await use('2026-01-25', 2);
    expect(await billed('2026-02-21')).toEqual([
      ['2026-01-21 REGULAR 31', 'FEE fee 1 = 31'],
      ['2026-02-21 REGULAR 33', 'USAGE usage 2 = 2', 'FEE fee 1 = 31'],
    ]);
  });

  test('6.4 a trial that ends early is charged from then on', async () => {
    const id = await world.subscribe('acme', 'trial', '2026-01-01T00:00:00Z');
    await setEnd(id, '2026-01-04', '2026-01-04');
    await use('2026-01-03', 100);
    await use('2026-01-05', 2);
    expect(await billed('2026-02-04')).toEqual([
      ['2026-01-04 REGULAR 31', 'FEE fee 1 = 31'],
      ['2026-02-04 REGULAR 33', 'USAGE usage 2 = 2', 'FEE fee 1 = 31'],
    ]);
    await expect(setEnd(id, '2026-02-05', '2026-02-10')).rejects.toMatchObject({ code: 'NOT_TRIALING' });
  });
});

describe('site licenses', () => {
  const LICENSE = { kind: 'SITE_LICENSE' as const, interval: 'MONTH' as const, termIntervals: 3 };

  test('5 a license that does not renew ends with its term, whatever changed meanwhile', async () => {
    await plan('license', [flat('seat', '31', { perSeat: true })], { ...LICENSE, autoRenew: false });
    const id = await world.subscribe('acme', 'license', '2026-01-01T00:00:00Z', { seats: 10 });
    await change(id, { seats: 12, at: at('2026-02-15') });
    expect(await billed('2026-06-01')).toEqual([
      ['2026-01-01 REGULAR 310', 'FEE seat 10 = 310'],
      ['2026-02-01 REGULAR 310', 'FEE seat 10 = 310'],
      ['2026-02-15 PRORATION 31', 'PRORATION_CREDIT seat 10 = -155', 'PRORATION_CHARGE seat 12 = 186'],
      ['2026-03-01 REGULAR 372', 'FEE seat 12 = 372'],
    ]);
  });

  test('5 a license that renews is committed to its term: cancelling and fewer seats wait for the renewal', async () => {
    await plan('license', [flat('seat', '31', { perSeat: true })], LICENSE);
    const id = await world.subscribe('acme', 'license', '2026-01-01T00:00:00Z', { seats: 2 });
    await change(id, { seats: 1, at: at('2026-01-15') });
    const { endsAt } = await world.get(SubscriptionsService).cancel(world.tenantId, { subscription: id, at: at('2026-04-15') });
    expect(new Date((endsAt ?? 0) / 1_000).toISOString().slice(0, 10)).toBe('2026-07-01');
    expect((await billed('2026-08-01')).map(([head]) => head)).toEqual([
      ...['2026-01-01 REGULAR 62', '2026-02-01 REGULAR 62', '2026-03-01 REGULAR 62'],
      ...['2026-04-01 REGULAR 31', '2026-05-01 REGULAR 31', '2026-06-01 REGULAR 31'],
    ]);
  });
});

test('every change says in the audit log who made it', async () => {
  await plan('base', [flat('fee', '31', { perSeat: true })]);
  const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
  await world.get(SubscriptionsService).change(world.tenantId, { subscription: id, seats: 2, at: at('2026-01-02') }, 'key 1');
  await world.get(PausesService).pause(world.tenantId, { subscription: id, at: at('2026-01-03') }, 'key 2');
  const entries = await world.database.withTenant(world.tenantId, (tx) =>
    tx.query<{ actor: string; action: string }>('SELECT actor, action FROM audit_entry WHERE subject = $1 ORDER BY at', [id]),
  );
  expect(entries.map(({ actor, action }) => `${actor} ${action}`)).toEqual([
    'tare subscription.create',
    'key 1 subscription.change',
    'key 2 subscription.pause',
  ]);
});

describe('discounts of a running subscription', () => {
  beforeEach(() => plan('base', [flat('fee', '100'), perUnit('usage', '1')]));
  const discounts = () => world.get(DiscountsService);
  const add = (subscription: string, day: string, discount: DiscountInput) =>
    discounts().add(world.tenantId, { subscription, discount, at: at(day) });
  const totals = (invoices: readonly string[][]) => invoices.map(([head]) => head);

  test('a discount is for the periods that begin after it was given, and ends with the last of them', async () => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await use('2026-01-20', 10);
    await add(id, '2026-01-15', { key: 'spring', percentOff: '10', periods: 2 });
    await use('2026-03-20', 10);
    expect(totals(await billed('2026-05-01'))).toEqual([
      '2026-01-01 REGULAR 100',
      '2026-02-01 REGULAR 100', // 10 of usage in full, 90 of the fee
      '2026-03-01 REGULAR 90',
      '2026-04-01 REGULAR 109', // 9 of usage, the fee in full
      '2026-05-01 REGULAR 100',
    ]);
  });

  test('a discount that is taken back stays with the periods that had begun', async () => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z', { discounts: [{ key: 'loyal', percentOff: '10' }] });
    await discounts().remove(world.tenantId, { subscription: id, key: 'loyal', at: at('2026-02-10') });
    await use('2026-02-20', 10);
    expect(totals(await billed('2026-03-01'))).toEqual(['2026-01-01 REGULAR 90', '2026-02-01 REGULAR 90', '2026-03-01 REGULAR 109']);
    const again = discounts().remove(world.tenantId, { subscription: id, key: 'loyal', at: at('2026-03-10') });
    await expect(again).rejects.toMatchObject({ code: 'NOT_FOUND', path: 'key' });
  });

  test('8.2 a discount is neither given nor taken back for time that is billed', async () => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z', { discounts: [{ key: 'loyal', percentOff: '10' }] });
    await world.bill('2026-02-01T01:00:00Z');
    await expect(add(id, '2026-02-01', { key: 'late', percentOff: '10' })).rejects.toMatchObject({ code: 'ALREADY_BILLED' });
    const removed = discounts().remove(world.tenantId, { subscription: id, key: 'loyal', at: at('2026-01-20') });
    await expect(removed).rejects.toMatchObject({ code: 'ALREADY_BILLED' });
  });

  test('a coupon is redeemed once by a subscription, and as often as it may', async () => {
    const coupon = { key: 'WELCOME', percentOff: '50', periods: 1, appliesTo: 'FEES' as const, maxRedemptions: 2 };
    await world.get(CouponsService).create(world.tenantId, coupon);
    const redeem = (subscription: string) => discounts().redeem(world.tenantId, { subscription, coupon: 'WELCOME', at: at('2026-01-01') });
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    expect((await redeem(id)).discounts).toMatchObject([{ key: 'WELCOME', coupon: 'WELCOME' }]);
    await expect(redeem(id)).rejects.toMatchObject({ code: 'DUPLICATE_DISCOUNT_KEY', path: 'coupon' });
    const others = await Promise.all([1, 2, 3].map(() => world.subscribe('acme', 'base', '2026-01-01T00:00:00Z', { overlap: true })));
    const redeemed = await Promise.allSettled(others.map((other) => redeem(other)));
    expect(redeemed.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    await world.bill('2026-02-01T01:00:00Z');
    const own = (await world.invoices('acme')).filter(({ subscriptionId }) => subscriptionId === id);
    expect(own.map(({ total }) => total.toString())).toEqual(['50', '100']);
  });

  test('a discount of the customer is for all its subscriptions, those to come included, each for itself', async () => {
    const one = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    const give = {
      customer: 'acme',
      discount: { key: 'group', amountOff: { amount: '30', currency: 'USD' }, periods: 2 },
      at: at('2026-02-01'),
    };
    await discounts().addToCustomer(world.tenantId, give);
    await expect(discounts().addToCustomer(world.tenantId, give)).rejects.toMatchObject({ code: 'DUPLICATE_DISCOUNT_KEY' });
    await expect(add(one, '2026-02-01', { key: 'group', percentOff: '1' })).rejects.toMatchObject({ code: 'DUPLICATE_DISCOUNT_KEY' });
    const two = await world.subscribe('acme', 'base', '2026-03-01T00:00:00Z', { overlap: true });
    await world.bill('2026-05-01T01:00:00Z');
    const invoices = await world.invoices('acme');
    const of = (id: string) => shown(invoices.filter(({ subscriptionId }) => subscriptionId === id)).map(([head]) => head);
    expect(of(one)).toEqual([
      ...['2026-01-01 REGULAR 100', '2026-02-01 REGULAR 70', '2026-03-01 REGULAR 70'],
      ...['2026-04-01 REGULAR 100', '2026-05-01 REGULAR 100'],
    ]);
    expect(of(two)).toEqual(['2026-03-01 REGULAR 70', '2026-04-01 REGULAR 70', '2026-05-01 REGULAR 100']);
  });

  test('what is left of an amount is carried on', async () => {
    await plan('small', [flat('fee', '20')]);
    const discount = { key: 'voucher', amountOff: { amount: '50', currency: 'USD' }, periods: 1, carriesOn: true };
    await world.subscribe('acme', 'small', '2026-01-01T00:00:00Z', { discounts: [discount] });
    expect(totals(await billed('2026-04-01'))).toEqual([
      ...['2026-01-01 REGULAR 0', '2026-02-01 REGULAR 0', '2026-03-01 REGULAR 10', '2026-04-01 REGULAR 20'],
    ]);
  });

  test.each([
    [{ key: 'd', percentOff: '10', prices: ['none'] }, 'UNKNOWN_PRICE', 'discount.prices[0]'],
    [{ key: 'd', percentOff: '10', addOns: ['none'] }, 'UNKNOWN_ADD_ON', 'discount.addOns[0]'],
    [{ key: 'd', amountOff: { amount: '1', currency: 'EUR' } }, 'CURRENCY_MISMATCH', 'discount.amountOff.currency'],
    [{ key: 'd' }, 'DISCOUNT_FIELD_MISSING', 'discount'],
  ])('a discount that would take off nothing is refused at its field (%#)', async (discount, code, path) => {
    const id = await world.subscribe('acme', 'base', '2026-01-01T00:00:00Z');
    await expect(add(id, '2026-01-15', discount)).rejects.toMatchObject({ code, path });
  });
});

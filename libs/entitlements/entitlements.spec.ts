import { AlertEvents } from '@tare/alerts';
import { Decimal, parseInstant, type PlanInput } from '@tare/core';
import { CreditsService } from '@tare/credits';
import { CustomersService, SubscriptionsService } from '@tare/customers';
import { createTestDatabase, Database, type TenantTransaction, type TestDatabase } from '@tare/database';
import { CorrectionsService } from '@tare/usage';
import { CapsService, EntitlementsService, LimitAlerts, type CapInput } from './index.ts';
import { LimitedWorld, readAnswer } from './limits.fixture.ts';

let db: TestDatabase;
let opened: LimitedWorld;
let world: LimitedWorld;

beforeAll(async () => {
  db = await createTestDatabase();
  opened = await LimitedWorld.open(db);
});
beforeEach(async () => {
  world = await opened.neighbour(db);
  await world.meter('chats');
  await world.meter('images');
});
afterAll(async () => {
  await opened.close();
  await db.drop();
});

const d = (text: string): Decimal => Decimal.parse(text);
const plan = (key: string, more: Partial<PlanInput> = {}): Promise<void> => world.plan({ key, kind: 'SUBSCRIPTION', ...more });
const cap = (customer: string, input: Partial<CapInput> & { limit: Decimal }): Promise<unknown> =>
  world.get(CapsService).set(world.tenantId, customer, { key: 'cap', kind: 'USAGE', meter: 'chats', period: 'DAY', ...input }, 'test');
const alertsOf = async (): Promise<unknown[]> => {
  const found = await world.get(AlertEvents).page(world.tenantId, {}, { beforeTime: null, beforeId: null, limit: 100 });
  return found.map(({ type, subject, payload }) => [type, subject, payload['key'], payload['percent'], payload['used']]).reverse();
};
/** Limit and use of a feature. */
const used = async (customer: string, feature: string, at: string): Promise<unknown> => {
  const answer = await world.answer(customer, feature, at);
  return [answer.limit?.toString(), answer.used?.toString()];
};
const lookAt = (at: string): Promise<boolean> => world.get(LimitAlerts).run(world.tenantId, parseInstant(at));

const CHAT_100 = { features: [{ key: 'chat', meter: 'chats', limit: '100' }, { key: 'sso' }, { key: 'voice', enabled: false }] };
const YES = { allowed: true, reason: null };

describe('who may do anything at all', () => {
  test('nobody that is unknown, has no subscription, has none yet, or whose subscription has ended', async () => {
    await plan('pro', CHAT_100);
    await world.customer('acme');
    expect(await world.ask('globex', 'chat', '2026-03-10T00:00:00Z')).toMatchObject({ allowed: false, reason: 'UNKNOWN_CUSTOMER' });
    expect(await world.ask('acme', 'chat', '2026-03-10T00:00:00Z')).toMatchObject({ allowed: false, reason: 'NO_SUBSCRIPTION' });
    const id = await world.subscribe('acme', 'pro', '2026-03-01T00:00:00Z');
    expect(await world.ask('acme', 'chat', '2026-02-28T23:59:59.999999Z')).toMatchObject({ reason: 'NO_SUBSCRIPTION' });
    expect(await world.ask('acme', 'chat', '2026-03-01T00:00:00Z')).toMatchObject(YES);
    await world
      .get(SubscriptionsService)
      .cancel(world.tenantId, { subscription: id, at: parseInstant('2026-03-20T00:00:00Z'), immediately: true });
    expect(await world.ask('acme', 'chat', '2026-03-19T23:59:59Z')).toMatchObject(YES);
    expect(await world.ask('acme', 'chat', '2026-03-20T00:00:00Z')).toMatchObject({ allowed: false, reason: 'NO_SUBSCRIPTION' });
  });

  test('a subscription that was cancelled in its trial says so', async () => {
    await plan('pro', { ...CHAT_100, trialDays: 14 });
    await world.customer('acme');
    const id = await world.subscribe('acme', 'pro', '2026-03-01T00:00:00Z');
    await world
      .get(SubscriptionsService)
      .cancel(world.tenantId, { subscription: id, at: parseInstant('2026-03-10T00:00:00Z'), immediately: true });
    expect(await world.ask('acme', 'chat', '2026-03-09T00:00:00Z')).toMatchObject(YES);
    expect(await world.ask('acme', 'chat', '2026-03-11T00:00:00Z')).toMatchObject({ allowed: false, reason: 'TRIAL_ENDED' });
  });
});

describe('features', () => {
  let subscription: string;

  beforeEach(async () => {
    await plan('pro', CHAT_100);
    await world.customer('acme');
    subscription = await world.subscribe('acme', 'pro', '2026-01-31T12:00:00Z');
  });

  test('a plan that lists features allows those; a switch has no limit', async () => {
    expect(await world.ask('acme', 'sso', '2026-03-10T00:00:00Z')).toEqual({ ...YES, remaining: null, resetsAt: null });
    for (const feature of ['voice', 'nothing']) {
      expect(await world.ask('acme', feature, '2026-03-10T00:00:00Z')).toMatchObject({ allowed: false, reason: 'FEATURE_NOT_INCLUDED' });
    }
  });

  test('a limit is used up to the last unit and begins anew with the billing period, to the microsecond', async () => {
    await world.use('acme', 'chats', '99.5', '2026-02-28T11:59:59.999999Z');
    await world.use('acme', 'images', '50', '2026-02-20T00:00:00Z');
    const february = { remaining: '0.5', resetsAt: '2026-02-28T12:00:00.000Z' };
    expect(await world.ask('acme', 'chat', '2026-02-28T11:59:59.999999Z')).toEqual({ ...YES, ...february });
    await world.use('acme', 'chats', '0.5', '2026-01-31T12:00:00Z');
    expect(await world.ask('acme', 'chat', '2026-02-28T11:59:59.999999Z')).toEqual({
      ...february,
      allowed: false,
      reason: 'LIMIT_REACHED',
      remaining: '0',
    });
    expect(await world.ask('acme', 'chat', '2026-02-28T12:00:00Z')).toEqual({
      ...YES,
      remaining: '100',
      resetsAt: '2026-03-31T12:00:00.000Z',
    });
    await world.use('acme', 'chats', '1', '2026-02-28T12:00:00Z');
    expect(await world.ask('acme', 'chat', '2026-02-28T12:00:00Z')).toMatchObject({ remaining: '99' });
  });

  test('usage that was summed before is added to, corrections are taken off', async () => {
    const at = '2026-03-10T00:00:00Z';
    for (const quantity of ['10', '20', '30']) {
      await world.use('acme', 'chats', quantity, at, { feature: quantity });
      await world.ask('acme', 'chat', at);
    }
    expect(await used('acme', 'chat', at)).toEqual(['100', '60']);
    await world.use('acme', 'chats', '40', at, { key: 'mistake' });
    expect(await world.ask('acme', 'chat', at)).toMatchObject({ reason: 'LIMIT_REACHED' });
    await world.get(CorrectionsService).voidEvents(world.tenantId, ['mistake'], { actor: 'test' } as never);
    expect(await world.ask('acme', 'chat', at)).toMatchObject({ ...YES, remaining: '40' });
  });

  test('a limit that does not stop is used beyond its end', async () => {
    await plan('open', { features: [{ key: 'chat', meter: 'chats', limit: '10', onLimit: 'ALLOW' }] });
    await world.customer('open');
    await world.subscribe('open', 'open', '2026-03-01T00:00:00Z');
    await world.use('open', 'chats', '12', '2026-03-02T00:00:00Z');
    expect(await world.ask('open', 'chat', '2026-03-03T00:00:00Z')).toMatchObject({ ...YES, remaining: '0' });
    expect(await used('open', 'chat', '2026-03-03T00:00:00Z')).toEqual(['10', '12']);
  });

  test('a limit per seat grows with the seats', async () => {
    await plan('team', { features: [{ key: 'chat', meter: 'chats', limit: '10', limitPerSeat: true }] });
    await world.customer('team');
    await world.subscribe('team', 'team', '2026-03-01T00:00:00Z', { seats: 3 });
    expect(await world.ask('team', 'chat', '2026-03-03T00:00:00Z')).toMatchObject({ remaining: '30' });
  });

  test('after an upgrade in mid-period, what was used still counts', async () => {
    await plan('max', {
      prices: [{ key: 'fee', model: 'FLAT', amount: '100' }],
      features: [{ key: 'chat', meter: 'chats', limit: '1000' }],
    });
    await world.use('acme', 'chats', '80', '2026-03-05T00:00:00Z');
    await world
      .get(SubscriptionsService)
      .change(world.tenantId, { subscription, plan: 'max', at: parseInstant('2026-03-10T10:17:33Z'), immediately: true });
    await world.use('acme', 'chats', '5', '2026-03-10T10:17:34Z');
    expect(await world.ask('acme', 'chat', '2026-03-11T00:00:00Z')).toEqual({
      ...YES,
      remaining: '915',
      resetsAt: '2026-03-31T12:00:00.000Z',
    });
  });

  test('of two subscriptions with a feature, limits add up; usage counts for the one that it names', async () => {
    await world.subscribe('acme', 'pro', '2026-02-10T00:00:00Z', { overlap: true });
    await world.use('acme', 'chats', '100', '2026-03-05T00:00:00Z');
    expect(await world.ask('acme', 'chat', '2026-03-06T00:00:00Z')).toMatchObject({ ...YES, remaining: '100' });
    expect(await used('acme', 'chat', '2026-03-06T00:00:00Z')).toEqual(['200', '100']);
  });

  test('3.6 usage that names a subscription counts for it while it is in force, and then for the one that runs, to the second', async () => {
    const service = world.get(SubscriptionsService);
    const second = await world.subscribe('acme', 'pro', '2026-02-10T00:00:00Z', { overlap: true });
    await world.use('acme', 'chats', '10', '2026-03-05T10:17:32Z', { subscription: second });
    await world.use('acme', 'chats', '20', '2026-03-05T10:17:33Z', { subscription: second });
    await world.use('acme', 'chats', '40', '2026-03-05T11:00:00Z', { subscription: '00000000-0000-4000-8000-000000000000' });
    expect(await used('acme', 'chat', '2026-03-06T00:00:00Z')).toEqual(['200', '70']);
    const at = parseInstant('2026-03-05T10:17:33Z');
    await service.cancel(world.tenantId, { subscription: second, at, immediately: true });
    expect(await used('acme', 'chat', '2026-03-06T00:00:00Z')).toEqual(['100', '60']);
  });

  test('3.6 spend of a customer holds what names a subscription that has ended', async () => {
    await plan('metered', { prices: [{ key: 'images', model: 'PER_UNIT', meter: 'images', unitPrice: '2' }] });
    await world.customer('globex');
    const first = await world.subscribe('globex', 'metered', '2026-03-01T00:00:00Z');
    const at = parseInstant('2026-03-05T10:17:33Z');
    await world.get(SubscriptionsService).cancel(world.tenantId, { subscription: first, at, immediately: true });
    await world.subscribe('globex', 'metered', '2026-03-05T10:17:33Z');
    await cap('globex', { kind: 'SPEND', meter: null, period: 'MONTH', limit: d('100') });
    for (const time of ['10:17:32', '10:17:33', '12:00:00'])
      await world.use('globex', 'images', '3', `2026-03-05T${time}Z`, { subscription: first });
    expect((await world.answer('globex', 'images', '2026-03-06T00:00:00Z')).caps.map(({ used: spent }) => spent.toString())).toEqual([
      '18',
    ]);
  });

  test('values of single events are counted too', async () => {
    await world.meter('people', { eventType: 'chats', aggregation: 'UNIQUE_COUNT', valueProperty: 'user' });
    await plan('seats', { features: [{ key: 'chat', meter: 'people', limit: '2' }] });
    await world.customer('club');
    await world.subscribe('club', 'seats', '2026-03-01T00:00:00Z');
    for (const user of ['ann', 'bob', 'ann']) await world.use('club', 'chats', '1', '2026-03-02T00:00:00Z', { user });
    expect(await world.ask('club', 'chat', '2026-03-03T00:00:00Z')).toMatchObject({ reason: 'LIMIT_REACHED', remaining: '0' });
  });
});

describe('plans that list no features', () => {
  test('restrict none, and the name of a meter tells what is left of what is included', async () => {
    await plan('plain', { prices: [{ key: 'chats', model: 'PER_UNIT', meter: 'chats', unitPrice: '1', includedQuantity: '50' }] });
    await world.customer('acme');
    await world.subscribe('acme', 'plain', '2026-03-01T00:00:00Z');
    await world.use('acme', 'chats', '30', '2026-03-02T00:00:00Z');
    expect(await world.ask('acme', 'anything', '2026-03-03T00:00:00Z')).toEqual({ ...YES, remaining: null, resetsAt: null });
    expect(await world.ask('acme', 'chats', '2026-03-03T00:00:00Z')).toEqual({
      ...YES,
      remaining: '20',
      resetsAt: '2026-04-01T00:00:00.000Z',
    });
    await world.use('acme', 'chats', '30', '2026-03-02T00:00:00Z');
    expect(await world.ask('acme', 'chats', '2026-03-03T00:00:00Z')).toMatchObject({ ...YES, remaining: '0' });
  });
});

describe('credits', () => {
  const grant = (key: string, credits: string, more: Record<string, unknown> = {}): Promise<unknown> =>
    world
      .get(CreditsService)
      .grant(
        world.tenantId,
        { customer: 'acme', key, credits: d(credits), effectiveAt: parseInstant('2026-03-01T00:00:00Z'), ...more },
        parseInstant('2026-03-01T00:00:00Z'),
      );
  const credit = (more: Partial<PlanInput> = {}): Promise<void> =>
    world.plan({ key: 'credit', kind: 'CREDIT', burnRates: [{ meter: 'chats', creditsPerUnit: '2' }], ...more });
  const AT = '2026-03-05T00:00:00Z';

  test('usage that burns stops where they are used up, other usage goes on', async () => {
    await credit();
    await world.customer('acme');
    await world.subscribe('acme', 'credit', '2026-03-01T00:00:00Z');
    expect(await world.ask('acme', 'chats', AT)).toMatchObject({ allowed: false, reason: 'CREDITS_EXHAUSTED', remaining: '0' });
    await grant('g', '100');
    await world.use('acme', 'chats', '20', '2026-03-02T00:00:00Z');
    expect(await world.ask('acme', 'chats', AT)).toMatchObject({ ...YES, remaining: '60' });
    expect((await world.answer('acme', 'chats', AT)).unit).toBe('CREDITS');
    await world.use('acme', 'chats', '40', '2026-03-03T00:00:00Z');
    expect(await world.ask('acme', 'chats', AT)).toMatchObject({ allowed: false, reason: 'CREDITS_EXHAUSTED' });
    expect(await world.ask('acme', 'images', AT)).toMatchObject(YES);
    await grant('more', '30');
    expect(await world.ask('acme', 'chats', AT)).toMatchObject(YES);
  });

  test('a plan with overage goes on, one with overdraft up to its limit', async () => {
    await credit({ creditExhaustion: 'OVERAGE', overagePricePerCredit: '0.01' });
    await world.customer('acme');
    await world.subscribe('acme', 'credit', '2026-03-01T00:00:00Z');
    expect(await world.ask('acme', 'chats', AT)).toMatchObject({ ...YES, remaining: '0' });
    await world.plan({
      key: 'overdraft',
      kind: 'CREDIT',
      burnRates: [{ meter: 'images', creditsPerUnit: '1' }],
      creditExhaustion: 'OVERDRAFT',
      overdraftLimit: '10',
    });
    await world.customer('globex');
    await world.subscribe('globex', 'overdraft', '2026-03-01T00:00:00Z');
    expect(await world.ask('globex', 'images', AT)).toMatchObject({ ...YES, remaining: '10' });
  });

  test('a listed feature with a meter is held against them, a switch is not', async () => {
    await credit({ features: [{ key: 'chat', meter: 'chats' }, { key: 'sso' }] });
    await world.customer('acme');
    await world.subscribe('acme', 'credit', '2026-03-01T00:00:00Z');
    expect(await world.ask('acme', 'chat', AT)).toMatchObject({ reason: 'CREDITS_EXHAUSTED' });
    expect(await world.ask('acme', 'sso', AT)).toMatchObject(YES);
  });

  test('who has no subscription may use prepaid credits', async () => {
    await world.customer('acme');
    await grant('g', '5');
    expect(await world.ask('acme', 'chats', AT)).toMatchObject({ ...YES, remaining: '5' });
  });

  test('a grant is gone at the very instant at which it expires', async () => {
    await credit();
    await world.customer('acme');
    await world.subscribe('acme', 'credit', '2026-03-01T00:00:00Z');
    await grant('g', '5', { expiresAt: parseInstant('2026-03-04T00:00:00Z') });
    expect(await world.ask('acme', 'chats', '2026-03-03T23:59:59.999999Z')).toMatchObject(YES);
    expect(await world.ask('acme', 'chats', '2026-03-04T00:00:00Z')).toMatchObject({ reason: 'CREDITS_EXHAUSTED' });
  });
});

describe('caps', () => {
  beforeEach(async () => {
    await plan('usage', {
      prices: [
        { key: 'chats', model: 'GRADUATED', meter: 'chats', tiers: [{ upTo: '10', unitPrice: '1' }, { unitPrice: '0.5' }] },
        { key: 'images', model: 'PER_UNIT', meter: 'images', unitPrice: '2' },
      ],
    });
  });

  test('a day is the day of the customer, 23 hours long when clocks go forward', async () => {
    await world.customer('acme', 'Europe/Berlin');
    await world.subscribe('acme', 'usage', '2026-03-01T00:00:00Z');
    await cap('acme', { limit: d('10') });
    await world.use('acme', 'chats', '10', '2026-03-28T22:59:59Z');
    await world.use('acme', 'chats', '9', '2026-03-28T23:00:00Z');
    await world.use('acme', 'chats', '1', '2026-03-29T21:59:59.999999Z');
    await world.use('acme', 'chats', '4', '2026-03-29T22:00:00Z');
    const ask = (at: string): Promise<unknown> => world.ask('acme', 'chats', at);
    expect(await ask('2026-03-28T22:59:59.999999Z')).toMatchObject({ reason: 'CAP_REACHED', resetsAt: '2026-03-28T23:00:00.000Z' });
    expect(await ask('2026-03-28T23:00:00Z')).toMatchObject({ reason: 'CAP_REACHED', resetsAt: '2026-03-29T22:00:00.000Z' });
    expect(await ask('2026-03-29T22:00:00Z')).toMatchObject({ ...YES, remaining: '6', resetsAt: '2026-03-30T22:00:00.000Z' });
  });

  test('spend counts credits above the balance at the price of the plan, in the day that used them', async () => {
    const overage = { creditExhaustion: 'OVERAGE' as const, overagePricePerCredit: '0.25' };
    await world.plan({ key: 'credits', kind: 'CREDIT', ...overage, burnRates: [{ meter: 'chats', creditsPerUnit: '2' }] });
    await world.customer('acme');
    await world.subscribe('acme', 'credits', '2026-03-01T00:00:00Z');
    await cap('acme', { key: 'all', kind: 'SPEND', meter: null, limit: d('3') });
    await cap('acme', { key: 'chats', kind: 'SPEND', meter: 'chats', limit: d('3') });
    const spent = async (at: string): Promise<unknown> =>
      (await world.answer('acme', 'chats', at)).caps.map(({ key, used: money }) => `${key} ${money.toString()}`).sort();
    await world.get(CreditsService).grant(world.tenantId, {
      ...{ customer: 'acme', key: 'pack', credits: d('10'), effectiveAt: parseInstant('2026-03-01T00:00:00Z') },
    });
    await world.use('acme', 'chats', '7', '2026-03-05T10:00:00Z');
    expect(await spent('2026-03-05T12:00:00Z')).toEqual(['all 1', 'chats 0']);
    await world.use('acme', 'chats', '4', '2026-03-06T10:00:00Z');
    expect(await spent('2026-03-06T12:00:00Z')).toEqual(['all 2', 'chats 0']);
    expect(await world.ask('acme', 'chats', '2026-03-06T12:00:00Z')).toMatchObject(YES);
    await world.use('acme', 'chats', '2', '2026-03-06T11:00:00Z');
    expect(await world.ask('acme', 'chats', '2026-03-06T12:00:00Z')).toMatchObject({
      reason: 'CAP_REACHED',
      resetsAt: '2026-03-07T00:00:00.000Z',
    });
    expect(await spent('2026-03-07T00:00:00Z')).toEqual(['all 0', 'chats 0']);
  });

  test('spend follows tiers: a day that begins in the second tier is charged by it', async () => {
    await world.customer('acme');
    await world.subscribe('acme', 'usage', '2026-03-01T00:00:00Z');
    await cap('acme', { kind: 'SPEND', meter: null, limit: d('7') });
    await world.use('acme', 'chats', '9', '2026-03-05T00:00:00Z');
    await world.use('acme', 'chats', '3', '2026-03-06T00:00:00Z');
    await world.use('acme', 'images', '2', '2026-03-06T01:00:00Z');
    const [standing] = (await world.answer('acme', 'chats', '2026-03-06T12:00:00Z')).caps;
    expect([standing?.unit, standing?.hard, standing?.used.toString(), standing?.remaining.toString()]).toEqual(['MONEY', true, '6', '1']);
    await world.use('acme', 'chats', '2', '2026-03-06T02:00:00Z');
    expect(await world.ask('acme', 'images', '2026-03-06T12:00:00Z')).toEqual({
      allowed: false,
      reason: 'CAP_REACHED',
      remaining: '0',
      resetsAt: '2026-03-07T00:00:00.000Z',
    });
    expect(await world.ask('acme', 'images', '2026-03-07T00:00:00Z')).toMatchObject(YES);
  });

  describe('on the spend of a part of usage', () => {
    const MODEL_A = [{ property: 'model', in: ['a'] }];
    const PART = { kind: 'SPEND' as const, meter: null, match: MODEL_A, period: 'MONTH' as const };
    const tiers = [{ upTo: '10', unitPrice: '1' }, { unitPrice: '0.5' }];
    const spent = async (at: string): Promise<string[]> =>
      (await world.answer('acme', 'chats', at)).caps.map(({ used: money }) => money.toString());
    const subscribed = async (prices: PlanInput['prices']): Promise<string> => {
      await plan('parts', { prices, allowOverlap: true });
      await world.customer('acme');
      return world.subscribe('acme', 'parts', '2026-03-01T00:00:00Z');
    };

    test('counts what its own groups, its own prices and prices by the unit charge, and nothing else', async () => {
      await subscribed([
        { key: 'chats', model: 'GRADUATED', meter: 'chats', tiers, groupBy: 'model', groups: [{ in: ['a'], tiers: [{ unitPrice: '3' }] }] },
        {
          key: 'of a',
          model: 'VOLUME',
          meter: 'images',
          match: MODEL_A,
          tiers: [{ upTo: '2', unitPrice: '5', flatFee: '4' }, { unitPrice: '1' }],
        },
        { key: 'of b', model: 'PACKAGE', meter: 'images', match: [{ property: 'model', in: ['b'] }], packageSize: '10', packagePrice: '7' },
        { key: 'every image', model: 'PER_UNIT', meter: 'images', unitPrice: '0.25' },
      ]);
      await cap('acme', { ...PART, limit: d('30') });
      expect(await spent('2026-03-05T00:00:00Z')).toEqual(['0']);
      await world.use('acme', 'chats', '4', '2026-03-05T00:00:00Z', { model: 'a' });
      await world.use('acme', 'chats', '50', '2026-03-05T00:00:00Z', { model: 'c' });
      await world.use('acme', 'images', '20', '2026-03-05T00:00:00Z', { model: 'b' });
      expect(await spent('2026-03-06T00:00:00Z')).toEqual(['12']);
      await world.use('acme', 'images', '2', '2026-03-07T00:00:00Z', { model: 'a' });
      // 4 x 3 in chats; 2 x 5 + 4 and 2 x 0.25 in images.
      expect(await spent('2026-03-08T00:00:00Z')).toEqual(['26.5']);
      expect(await world.ask('acme', 'chats', '2026-03-08T00:00:00Z')).toMatchObject(YES);
      await world.use('acme', 'chats', '2', '2026-03-09T00:00:00Z', { model: 'a' });
      expect(await world.ask('acme', 'chats', '2026-03-10T00:00:00Z')).toMatchObject({
        reason: 'CAP_REACHED',
        resetsAt: '2026-04-01T00:00:00.000Z',
      });
    });

    test.each([
      ['tiers', { model: 'GRADUATED', tiers }, 'its tiers'],
      ['packages', { model: 'PACKAGE', packageSize: '10', packagePrice: '1' }, 'its packages'],
      ['what is included', { model: 'PER_UNIT', unitPrice: '1', includedQuantity: '5' }, 'what it includes'],
      ['a maximum', { model: 'PER_UNIT', unitPrice: '1', maximumAmount: '5' }, 'its maximum'],
      ['tiers of what is in no group', { model: 'GRADUATED', tiers, groupBy: 'model', groups: [{ in: ['b'], tiers }] }, 'its tiers'],
    ] as const)('is refused because of %s', async (_name, price, why) => {
      await subscribed([{ key: 'chats', meter: 'chats', ...price }]);
      await expect(cap('acme', { ...PART, limit: d('1') })).rejects.toMatchObject({
        code: 'NOT_SEPARABLE',
        path: 'match',
        message: expect.stringContaining(`"chats" counts, a part has no price of its own: ${why}`),
      });
      await expect(cap('acme', { ...PART, meter: 'images', limit: d('1') })).resolves.toMatchObject({ meter: 'images' });
    });

    test('goes on after a change to a plan with tiers: the part is charged as if there were no other usage', async () => {
      const subscription = await subscribed([{ key: 'chats', model: 'PER_UNIT', meter: 'chats', unitPrice: '2' }]);
      await cap('acme', { ...PART, limit: d('30') });
      await world.use('acme', 'chats', '3', '2026-03-05T00:00:00Z', { model: 'a' });
      const change = { subscription, plan: 'usage', at: parseInstant('2026-03-10T00:00:00Z'), immediately: true };
      await world.get(SubscriptionsService).change(world.tenantId, change);
      await world.use('acme', 'chats', '100', '2026-03-11T00:00:00Z', { model: 'b' });
      await world.use('acme', 'chats', '12', '2026-03-12T00:00:00Z', { model: 'a' });
      // 3 x 2, then 10 x 1 and 2 x 0.5.
      expect(await spent('2026-03-13T00:00:00Z')).toEqual(['17']);
    });
  });

  test('a change of seats in mid-period does not begin tiers anew', async () => {
    await world.customer('acme');
    const id = await world.subscribe('acme', 'usage', '2026-03-01T00:00:00Z');
    await cap('acme', { kind: 'SPEND', meter: null, limit: d('100'), period: 'MONTH' });
    await world.use('acme', 'chats', '10', '2026-03-05T00:00:00Z');
    await world
      .get(SubscriptionsService)
      .change(world.tenantId, { subscription: id, seats: 2, at: parseInstant('2026-03-06T10:17:33Z'), immediately: true });
    await world.use('acme', 'chats', '4', '2026-03-06T10:17:34Z');
    const [standing] = (await world.answer('acme', 'chats', '2026-03-07T00:00:00Z')).caps;
    expect(standing?.used.toString()).toBe('12');
  });

  test('a cap on some usage stops that usage alone, a soft one nothing', async () => {
    await world.customer('acme');
    await world.subscribe('acme', 'usage', '2026-03-01T00:00:00Z');
    await cap('acme', { limit: d('1'), match: [{ property: 'feature', in: ['chat'] }] });
    await cap('acme', { key: 'soft', meter: 'images', limit: d('1'), enforcement: 'SOFT', period: 'MONTH' });
    await world.use('acme', 'chats', '1', '2026-03-06T00:00:00Z', { feature: 'chat' });
    await world.use('acme', 'images', '5', '2026-03-06T00:00:00Z');
    const at = '2026-03-06T12:00:00Z';
    expect(await world.ask('acme', 'chat', at)).toMatchObject({ reason: 'CAP_REACHED' });
    expect(await world.ask('acme', 'search', at)).toMatchObject(YES);
    expect((await world.answer('acme', 'images', at)).caps.map(({ key, hard }) => [key, hard])).toEqual([['soft', false]]);
    expect(await world.ask('acme', 'images', at)).toMatchObject(YES);
  });

  test('a cap is replaced by one with its key, and gone when it is removed', async () => {
    await world.customer('acme');
    await world.subscribe('acme', 'usage', '2026-03-01T00:00:00Z');
    await world.use('acme', 'chats', '5', '2026-03-06T00:00:00Z');
    const at = '2026-03-06T12:00:00Z';
    await cap('acme', { limit: d('5') });
    expect(await world.ask('acme', 'chats', at)).toMatchObject({ reason: 'CAP_REACHED' });
    await cap('acme', { limit: d('6') });
    expect(await world.ask('acme', 'chats', at)).toMatchObject({ ...YES, remaining: '1' });
    await world.get(CapsService).remove(world.tenantId, 'acme', 'cap', 'test');
    expect(await world.ask('acme', 'chats', at)).toMatchObject({ ...YES, remaining: null });
    await expect(world.get(CapsService).remove(world.tenantId, 'acme', 'cap', 'test')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('spend is capped in the currency that the customer pays in: in another one nothing would ever count', async () => {
    await world.get(CustomersService).create(world.tenantId, { key: 'euros', name: 'Euros', currency: 'EUR' });
    await expect(cap('euros', { kind: 'SPEND', meter: null, limit: d('1'), currency: 'USD' })).rejects.toMatchObject({
      code: 'CURRENCY_MISMATCH',
      path: 'currency',
    });
    await expect(cap('euros', { kind: 'SPEND', meter: null, limit: d('1'), currency: 'EUR' })).resolves.toMatchObject({ currency: 'EUR' });
  });

  test.each([
    ['a meter is needed for usage', { meter: null }, 'METER_NEEDED', 'meter'],
    ['a meter has to exist', { meter: 'nothing' }, 'UNKNOWN_METER', 'meter'],
    ['spend needs a currency', { kind: 'SPEND' }, 'CURRENCY_NEEDED', 'currency'],
    ['usage has none', { currency: 'USD' }, 'FIELD_NOT_ALLOWED', 'currency'],
    ['a limit is not below zero', { limit: d('-1') }, 'NEGATIVE_LIMIT', 'limit'],
    ['a filter names what usage has', { match: [{ property: 'colour', in: ['a'] }] }, 'UNKNOWN_PROPERTY', 'match[0].property'],
    ['percents are whole', { alertAt: [0.5] }, 'INVALID_PERCENTS', 'alertAt'],
    ['a key is needed', { key: '' }, 'KEY_MISSING', 'key'],
  ] as const)('%s', async (_name, input, code, path) => {
    await world.customer('acme');
    await expect(cap('acme', { limit: d('1'), ...(input as object) })).rejects.toMatchObject({ code, path });
  });
});

describe('alert events', () => {
  test('shares of limits are told once in a period, also when usage jumps past several, and again in the next', async () => {
    await plan('pro', {
      ...CHAT_100,
      prices: [{ key: 'images', model: 'PER_UNIT', meter: 'images', unitPrice: '1', includedQuantity: '4' }],
    });
    await world.customer('acme');
    await world.subscribe('acme', 'pro', '2026-03-01T00:00:00Z');
    await cap('acme', { limit: d('200'), period: 'MONTH', enforcement: 'SOFT', alertAt: [50] });
    await lookAt('2026-03-02T00:00:00Z');
    await world.use('acme', 'chats', '79', '2026-03-02T00:00:00Z');
    await lookAt('2026-03-02T00:00:00Z');
    expect(await alertsOf()).toEqual([]);
    await world.use('acme', 'chats', '21', '2026-03-02T00:00:00Z');
    await world.use('acme', 'images', '3.2', '2026-03-02T00:00:00Z');
    await lookAt('2026-03-02T00:00:00Z');
    await world.use('acme', 'chats', '1', '2026-03-02T00:00:00Z');
    await lookAt('2026-03-02T00:00:00Z');
    const march = [
      ['allowance.threshold_reached', 'acme', 'chat', 100, '100'],
      ['allowance.threshold_reached', 'acme', 'chat', 80, '100'],
      ['allowance.threshold_reached', 'acme', 'images', 80, '3.2'],
      ['cap.threshold_reached', 'acme', 'cap', 50, '100'],
    ];
    expect((await alertsOf()).sort()).toEqual(march);
    await world.use('acme', 'chats', '80', '2026-04-01T00:00:00Z');
    await lookAt('2026-04-01T00:00:00Z');
    expect(await alertsOf()).toContainEqual(['allowance.threshold_reached', 'acme', 'chat', 80, '80']);
    expect(await alertsOf()).toHaveLength(5);
  });

  test('the fair-use line of a license is told of and stops nothing', async () => {
    await world.plan({
      key: 'license',
      kind: 'SITE_LICENSE',
      prices: [{ key: 'fee', model: 'FLAT', amount: '1000' }],
      termIntervals: 12,
      fairUse: [{ meter: 'chats', quantity: '10' }],
    });
    await world.customer('acme');
    await world.subscribe('acme', 'license', '2026-03-01T00:00:00Z');
    await lookAt('2026-03-02T00:00:00Z');
    await world.use('acme', 'chats', '25', '2026-03-02T00:00:00Z');
    await lookAt('2026-03-02T00:00:00Z');
    expect(await world.ask('acme', 'chats', '2026-03-03T00:00:00Z')).toMatchObject({ ...YES, remaining: null });
    expect((await alertsOf()).sort()).toEqual([
      ['fair_use.threshold_reached', 'acme', 'chats', 100, '25'],
      ['fair_use.threshold_reached', 'acme', 'chats', 80, '25'],
    ]);
  });

  test('two workers at once tell of a limit once', async () => {
    await plan('pro', CHAT_100);
    await world.customer('acme');
    await world.subscribe('acme', 'pro', '2026-03-01T00:00:00Z');
    await lookAt('2026-03-02T00:00:00Z');
    await world.use('acme', 'chats', '80', '2026-03-02T00:00:00Z');
    await Promise.all(Array.from({ length: 4 }, () => lookAt('2026-03-02T00:00:00Z')));
    expect(await alertsOf()).toHaveLength(1);
  });
});

test('many that ask at once while usage comes in see all that was committed before they asked', async () => {
  const service = world.get(EntitlementsService);
  const now = new Date();
  const monthStart = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1)).toISOString();
  await plan('pro', CHAT_100);
  await world.customer('acme');
  await world.subscribe('acme', 'pro', monthStart);
  for (let used = 1; used <= 30; used += 1) {
    await world.use('acme', 'chats', '1', now.toISOString());
    service.moved(world.tenantId, [1]);
    const answers = await Promise.all(Array.from({ length: 5 }, async () => service.entitlement(world.tenantId, 'acme', 'chat')));
    expect(new Set(answers.map((answer) => readAnswer(answer).remaining))).toEqual(new Set([String(100 - used)]));
  }
});

test('an answer reads no event and no bucket, however many are stored: only what commits since the last one brought', async () => {
  const service = world.get(EntitlementsService);
  const now = new Date();
  const monthStart = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1)).toISOString();
  await plan('pro', CHAT_100);
  await world.customer('acme');
  await world.subscribe('acme', 'pro', monthStart);
  await cap('acme', { limit: d('90') });
  const ask = async (): Promise<string | null> => readAnswer(await service.entitlement(world.tenantId, 'acme', 'chat')).remaining;
  await world.use('acme', 'chats', '7', now.toISOString());
  expect(await ask()).toBe('83');

  service.changed(world.tenantId);
  const again = await statementsOf(async () => expect(await ask()).toBe('83'));
  expect(again.length).toBeGreaterThan(5);
  expect(again.filter((text) => /usage_event|usage_bucket/.test(text))).toEqual([]);

  await world.use('acme', 'chats', '3', now.toISOString());
  service.moved(world.tenantId, [1]);
  const moved = await statementsOf(async () => expect(await ask()).toBe('80'));
  expect(moved.filter((text) => text.includes('usage_event'))).toEqual([]);
  expect(moved.filter((text) => text.includes('usage_bucket'))).toEqual([expect.stringContaining('b.seq > $2 AND b.seq <= $3')]);
});

/** What Postgres is asked meanwhile. */
async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  const database = world.get(Database);
  const texts: string[] = [];
  const written = (tx: TenantTransaction): TenantTransaction => ({
    ...tx,
    prisma: tx.prisma,
    query: (text: string, values?: readonly unknown[]) => {
      texts.push(text);
      return tx.query(text, values);
    },
    queryPrepared: (name: string, text: string, values: readonly unknown[]) => {
      texts.push(text);
      return tx.queryPrepared(name, text, values);
    },
  });
  const withTenant = database.withTenant.bind(database);
  database.withTenant = (tenantId, run) => withTenant(tenantId, (tx) => run(written(tx)));
  try {
    await work();
  } finally {
    database.withTenant = withTenant;
  }
  return texts;
}

import { AuditLog } from '@tare/access';
import { MeterStore, MetersService, PlanDraftStore, PlanStore, PlansService } from '@tare/catalog';
import { Decimal, formatInstant, parseInstant, type PlanInput } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { CustomerStore } from './customer.store.ts';
import { CustomersService } from './customers.service.ts';
import { DiscountStore } from './discount.store.ts';
import { SubscriptionEditor } from './subscription-editor.ts';
import { SubscriptionStore } from './subscription.store.ts';
import type { SubscriptionView } from './subscription-editor.ts';
import { SubscriptionsService } from './subscriptions.service.ts';

const at = (text: string): number => parseInstant(text);
const shown = (instant: number | null): string | null => (instant === null ? null : formatInstant(instant));

const flat = (key: string, amount: string, more: Partial<PlanInput> = {}): PlanInput => ({
  key,
  name: key,
  kind: 'SUBSCRIPTION',
  currency: 'USD',
  interval: 'MONTH',
  prices: [{ key: 'fee', model: 'FLAT', amount }],
  ...more,
});
const metered = (key: string, meter: string, models: string[] = []): PlanInput => ({
  key,
  name: key,
  kind: 'PER_QUERY',
  currency: 'USD',
  interval: 'MONTH',
  prices: [
    { key: 'usage', model: 'PER_UNIT', meter, unitPrice: '0.01', match: models.length > 0 ? [{ property: 'model', in: models }] : [] },
  ],
});

describe('subscriptions', () => {
  let db: TestDatabase;
  let tenantId: string;
  let subscriptions: SubscriptionsService;
  let plans: PlansService;
  let customers: CustomersService;
  const planStore = new PlanStore();
  const meterStore = new MeterStore();
  const store = new SubscriptionStore(planStore);

  beforeAll(async () => {
    db = await createTestDatabase();
    const customerStore = new CustomerStore();
    customers = new CustomersService(db.database, customerStore, new AuditLog());
    plans = new PlansService(db.database, planStore, new PlanDraftStore(), meterStore, new AuditLog());
    const editor = new SubscriptionEditor(customerStore, store, planStore, meterStore, new AuditLog());
    subscriptions = new SubscriptionsService(db.database, store, planStore, new DiscountStore(), editor);
  });
  afterAll(() => db.drop());

  beforeEach(async () => {
    tenantId = await db.createTenant();
    const meters = new MetersService(db.database, meterStore);
    await meters.create(tenantId, { key: 'tokens', name: 'Tokens', eventType: '*', aggregation: 'SUM', valueProperty: 'tokens.total' });
    await customers.create(tenantId, { key: 'acme', name: 'Acme', timeZone: 'Europe/Berlin' });
    await plans.create(tenantId, flat('small', '10'));
    await plans.create(tenantId, flat('large', '100'));
  });

  const subscribe = (plan: string, startsAt: string, more: object = {}): Promise<SubscriptionView> =>
    subscriptions.create(tenantId, { customer: 'acme', plan, startsAt: at(startsAt), ...more });
  const stretches = async (id: string): Promise<string[]> => {
    const segments = await db.database.withTenant(tenantId, (tx) => store.segments(tx, { subscriptionIds: [id] }));
    return segments
      .filter(({ start, end }) => end === null || end > start)
      .map(({ planKey, start, end }) => `${planKey} ${shown(start)} ${shown(end)}`);
  };

  test('a subscription starts when it is told to, under the newest version of its plan', async () => {
    await plans.create(tenantId, flat('small', '12'));
    const made = await subscribe('small', '2026-01-31T09:00:00Z', { seats: 3 });
    expect(made.segment).toMatchObject({
      planKey: 'small',
      seats: 3,
      start: at('2026-01-31T09:00:00Z'),
      anchor: at('2026-01-31T09:00:00Z'),
      end: null,
    });
    expect(made.segment.terms.prices[0]).toMatchObject({ amount: Decimal.of(12) });
    expect(made.status).toBe('ACTIVE');
  });

  test('2.2 the current period is counted from the original day, month ends clamped', async () => {
    const made = await subscribe('small', '2026-01-31T09:00:00+01:00');
    expect(made.currentPeriodStart).not.toBeNull();
    const days = [made.currentPeriodStart, made.currentPeriodEnd].map((instant) => new Date((instant ?? 0) / 1_000).getUTCDate());
    expect(days.every((day) => day === 31 || day === 30 || day === 28)).toBe(true);
  });

  test('4.9 a new version of a plan leaves running subscriptions alone', async () => {
    const made = await subscribe('small', '2026-01-01T00:00:00Z');
    await plans.create(tenantId, flat('small', '99'));
    const kept = await subscriptions.byId(tenantId, made.id);
    expect(kept?.segment.planVersionId).toBe(made.segment.planVersionId);
    expect(kept?.segment.terms.prices[0]).toMatchObject({ amount: Decimal.of(10) });
  });

  test('6.4 a trial puts off charging: billing periods are counted from its end', async () => {
    await plans.create(tenantId, flat('trial', '10', { trialDays: 14 }));
    const made = await subscribe('trial', '2026-03-20T10:00:00+01:00');
    // 14 days on the customer's clock, over the change to summer time
    expect(shown(made.segment.trialEnd)).toBe('2026-04-03T08:00:00.000Z');
    expect(made.segment.anchor).toBe(made.segment.trialEnd);
  });

  test('a subscription that has not started is pending, and one in its trial is trialing', async () => {
    await plans.create(tenantId, flat('trial', '10', { trialDays: 30 }));
    const soon = formatInstant(Date.now() * 1_000 + 86_400_000_000);
    const now = formatInstant(Date.now() * 1_000 - 1_000_000);
    expect(await subscribe('small', soon)).toMatchObject({ status: 'PENDING', currentPeriodStart: null });
    expect(await subscribe('trial', now)).toMatchObject({ status: 'TRIALING' });
  });

  test('6.1 an upgrade takes effect at once, and the calendar goes on', async () => {
    const { id } = await subscribe('small', '2026-01-10T10:17:33Z');
    const changed = await subscriptions.change(tenantId, { subscription: id, plan: 'large', at: at('2026-01-20T11:41:07Z') });
    expect(await stretches(id)).toEqual(['small 2026-01-10T10:17:33.000Z 2026-01-20T11:41:07.000Z', 'large 2026-01-20T11:41:07.000Z null']);
    expect(changed.segment.anchor).toBe(at('2026-01-10T10:17:33Z'));
  });

  test('6.2 a downgrade waits for the end of the period', async () => {
    const { id } = await subscribe('large', '2026-01-10T00:00:00Z');
    await subscriptions.change(tenantId, { subscription: id, plan: 'small', at: at('2026-01-20T00:00:00Z') });
    expect(await stretches(id)).toEqual(['large 2026-01-10T00:00:00.000Z 2026-02-10T00:00:00.000Z', 'small 2026-02-10T00:00:00.000Z null']);
  });

  test('6.2 a downgrade that is asked for immediately does not wait', async () => {
    const { id } = await subscribe('large', '2026-01-10T00:00:00Z');
    await subscriptions.change(tenantId, { subscription: id, plan: 'small', at: at('2026-01-20T00:00:00Z'), immediately: true });
    expect(await stretches(id)).toEqual(['large 2026-01-10T00:00:00.000Z 2026-01-20T00:00:00.000Z', 'small 2026-01-20T00:00:00.000Z null']);
  });

  test('6.2 a change of interval starts a new calendar', async () => {
    await plans.create(tenantId, flat('yearly', '2400', { interval: 'YEAR' }));
    const { id } = await subscribe('small', '2026-01-10T00:00:00Z');
    const changed = await subscriptions.change(tenantId, { subscription: id, plan: 'yearly', at: at('2026-01-20T00:00:00Z') });
    expect(shown(changed.segment.anchor)).toBe('2026-01-20T00:00:00.000Z');
  });

  test('an upgrade takes the place of a downgrade that was planned', async () => {
    await plans.create(tenantId, flat('huge', '1000'));
    const { id } = await subscribe('large', '2026-01-10T00:00:00Z');
    await subscriptions.change(tenantId, { subscription: id, plan: 'small', at: at('2026-01-20T00:00:00Z') });
    await subscriptions.change(tenantId, { subscription: id, plan: 'huge', at: at('2026-01-25T00:00:00Z') });
    expect(await stretches(id)).toEqual(['large 2026-01-10T00:00:00.000Z 2026-01-25T00:00:00.000Z', 'huge 2026-01-25T00:00:00.000Z null']);
  });

  test('a change to the plan that runs takes back what was planned', async () => {
    const { id } = await subscribe('large', '2026-01-10T00:00:00Z');
    await subscriptions.change(tenantId, { subscription: id, plan: 'small', at: at('2026-01-20T00:00:00Z') });
    await subscriptions.change(tenantId, { subscription: id, plan: 'large', at: at('2026-01-21T00:00:00Z') });
    expect(await stretches(id)).toEqual(['large 2026-01-10T00:00:00.000Z null']);
  });

  test('a change of plan that is asked for before others does not undo them', async () => {
    const { id } = await subscribe('small', '2026-01-10T00:00:00Z');
    await subscriptions.change(tenantId, { subscription: id, plan: 'large', at: at('2026-01-20T00:00:00Z') });
    await subscriptions.change(tenantId, { subscription: id, seats: 5, at: at('2026-01-25T00:00:00Z') });
    const before = await stretches(id);
    const early = subscriptions.change(tenantId, { subscription: id, plan: 'small', at: at('2026-01-15T00:00:00Z') });
    await expect(early).rejects.toMatchObject({ code: 'CHANGED_SINCE', message: expect.stringContaining('2026-01-25T00:00:00.000Z') });
    expect(await stretches(id)).toEqual(before);
    await subscriptions.change(tenantId, { subscription: id, plan: 'small', at: at('2026-01-25T00:00:00Z') });
    expect((await stretches(id)).at(-1)).toBe('small 2026-02-10T00:00:00.000Z null');
  });

  test('before it has started a subscription changes wholly', async () => {
    const { id } = await subscribe('large', '2026-02-01T00:00:00Z');
    await subscriptions.change(tenantId, { subscription: id, plan: 'small', at: at('2026-01-20T00:00:00Z') });
    expect(await stretches(id)).toEqual(['small 2026-02-01T00:00:00.000Z null']);
  });

  test('6.3 a cancellation waits for the end of the period', async () => {
    const { id } = await subscribe('small', '2026-01-31T00:00:00+01:00');
    const ended = await subscriptions.cancel(tenantId, { subscription: id, at: at('2026-02-10T00:00:00Z') });
    expect(shown(ended.endsAt)).toBe('2026-02-27T23:00:00.000Z');
    expect(ended.status).toBe('CANCELED');
    expect(await stretches(id)).toEqual(['small 2026-01-30T23:00:00.000Z 2026-02-27T23:00:00.000Z']);
  });

  test('6.3 a cancellation at once ends the subscription to the second, and cancelling again never lengthens it', async () => {
    const { id } = await subscribe('small', '2026-01-31T00:00:00Z');
    await subscriptions.cancel(tenantId, { subscription: id, at: at('2026-02-10T00:00:07Z'), immediately: true });
    const again = await subscriptions.cancel(tenantId, { subscription: id, at: at('2026-02-09T00:00:00Z') });
    expect(shown(again.endsAt)).toBe('2026-02-10T00:00:07.000Z');
  });

  test('a subscription that is cancelled before it starts covers no time', async () => {
    const { id } = await subscribe('small', '2026-02-01T00:00:00Z');
    const ended = await subscriptions.cancel(tenantId, { subscription: id, at: at('2026-01-01T00:00:00Z') });
    expect(ended.status).toBe('CANCELED');
    expect(await stretches(id)).toEqual([]);
  });

  test('a cancelled subscription is not changed', async () => {
    const { id } = await subscribe('small', '2026-01-01T00:00:00Z');
    await subscriptions.cancel(tenantId, { subscription: id, at: at('2026-01-05T00:00:00Z') });
    const change = subscriptions.change(tenantId, { subscription: id, plan: 'large', at: at('2026-01-06T00:00:00Z') });
    await expect(change).rejects.toMatchObject({ code: 'SUBSCRIPTION_CANCELED' });
  });

  test('5 a license that does not renew has ended when its term is over', async () => {
    await plans.create(tenantId, flat('license', '5000', { kind: 'SITE_LICENSE', termIntervals: 3, autoRenew: false }));
    expect(await subscribe('license', '2026-01-01T00:00:00Z')).toMatchObject({
      status: 'ENDED',
      currentPeriodStart: null,
      currentPeriodEnd: null,
    });
  });

  test('3.6 a second subscription that would rate the same usage is refused unless it says that it may', async () => {
    await plans.create(tenantId, metered('usage', 'tokens'));
    await subscribe('usage', '2026-01-01T00:00:00Z');
    await expect(subscribe('usage', '2026-06-01T00:00:00Z')).rejects.toMatchObject({ code: 'AMBIGUOUS_METER', path: 'plan' });
    expect(await subscribe('usage', '2026-06-01T00:00:00Z', { overlap: true })).toMatchObject({ overlap: true });
  });

  test('3.6 subscriptions for different models stand beside each other, and so do those of different times', async () => {
    await plans.create(tenantId, metered('of-a', 'tokens', ['a']));
    await plans.create(tenantId, metered('of-b', 'tokens', ['b']));
    const first = await subscribe('of-a', '2026-01-01T00:00:00Z');
    expect(await subscribe('of-b', '2026-01-01T00:00:00Z')).toMatchObject({ status: 'ACTIVE' });
    await subscriptions.cancel(tenantId, { subscription: first.id, at: at('2026-01-10T00:00:00Z') });
    expect(await subscribe('of-a', '2026-02-01T00:00:00Z')).toMatchObject({ status: 'ACTIVE' });
  });

  test('3.6 of two that compete and are made at the same time one is refused', async () => {
    await plans.create(tenantId, metered('usage', 'tokens'));
    const made = await Promise.allSettled([1, 2, 3].map(() => subscribe('usage', '2026-01-01T00:00:00Z')));
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('3.6 a change to a plan that would compete is refused', async () => {
    await plans.create(tenantId, metered('usage', 'tokens'));
    await subscribe('usage', '2026-01-01T00:00:00Z');
    const { id } = await subscribe('small', '2026-01-01T00:00:00Z');
    const change = subscriptions.change(tenantId, { subscription: id, plan: 'usage', at: at('2026-01-05T00:00:00Z') });
    await expect(change).rejects.toMatchObject({ code: 'AMBIGUOUS_METER' });
    expect(await stretches(id)).toEqual(['small 2026-01-01T00:00:00.000Z null']);
  });

  test('discounts are kept as they were agreed', async () => {
    const discounts = [
      { key: 'launch', percentOff: '12.5', periods: 3 },
      { key: 'loyal', amountOff: { amount: '5', currency: 'USD' }, prices: ['fee'] },
    ];
    const { id } = await subscribe('small', '2026-01-01T00:00:00Z', { discounts });
    const [kept] = await db.database.withTenant(tenantId, (tx) => store.subscriptions(tx, { subscriptionIds: [id] }));
    const always = { addOns: null, appliesTo: 'ALL', until: null, carriesOn: false, from: null, coupon: null, ofCustomer: false };
    expect(kept?.discounts).toEqual([
      { ...always, key: 'launch', percentOff: Decimal.parse('12.5'), amountOff: null, prices: null, periods: 3 },
      { ...always, key: 'loyal', percentOff: null, amountOff: { amount: Decimal.of(5), currency: 'USD' }, prices: ['fee'], periods: null },
    ]);
  });

  test.each([
    [{ customer: 'nobody' }, 'NOT_FOUND', 'customer'],
    [{ plan: 'nothing' }, 'UNKNOWN_PLAN', 'plan'],
    [{ seats: 0 }, 'INVALID_COUNT', 'seats'],
    [{ discounts: [{ key: 'd', percentOff: '101' }] }, 'INVALID_PERCENT', 'discounts[0].percentOff'],
    [{ discounts: [{ key: 'd', percentOff: '0' }] }, 'INVALID_PERCENT', 'discounts[0].percentOff'],
    [{ discounts: [{ key: 'd' }] }, 'DISCOUNT_FIELD_MISSING', 'discounts[0]'],
    [
      { discounts: [{ key: 'd', percentOff: '1', amountOff: { amount: '1', currency: 'USD' } }] },
      'DISCOUNT_FIELD_NOT_ALLOWED',
      'discounts[0].amountOff',
    ],
    [{ discounts: [{ key: 'd', amountOff: { amount: '1', currency: 'EUR' } }] }, 'CURRENCY_MISMATCH', 'discounts[0].amountOff.currency'],
    [{ discounts: [{ key: 'd', amountOff: { amount: '-1', currency: 'USD' } }] }, 'NEGATIVE_PRICE', 'discounts[0].amountOff.amount'],
    [{ discounts: [{ key: 'd', percentOff: '1', prices: ['none'] }] }, 'UNKNOWN_PRICE', 'discounts[0].prices[0]'],
    [{ discounts: [{ key: 'd', percentOff: '1', periods: 0 }] }, 'INVALID_COUNT', 'discounts[0].periods'],
    [
      {
        discounts: [
          { key: 'd', percentOff: '1' },
          { key: 'd', percentOff: '2' },
        ],
      },
      'DUPLICATE_DISCOUNT_KEY',
      'discounts[1].key',
    ],
  ])('a subscription that cannot be billed is refused at its field (%#)', async (input, code, path) => {
    const create = subscriptions.create(tenantId, { customer: 'acme', plan: 'small', startsAt: at('2026-01-01T00:00:00Z'), ...input });
    await expect(create).rejects.toMatchObject({ code, path });
  });

  test('a customer that pays in one currency is not billed in another', async () => {
    await customers.create(tenantId, { key: 'euro', name: 'Euro', currency: 'EUR' });
    const create = subscriptions.create(tenantId, { customer: 'euro', plan: 'small', startsAt: at('2026-01-01T00:00:00Z') });
    await expect(create).rejects.toMatchObject({ code: 'CURRENCY_MISMATCH', path: 'plan' });
  });

  test("another tenant's subscription looks like one that does not exist", async () => {
    const { id } = await subscribe('small', '2026-01-01T00:00:00Z');
    const stranger = await db.createTenant();
    const nowhere = '00000000-0000-4000-8000-00000000dead';
    for (const unknown of [id, nowhere, 'not an id']) {
      expect(await subscriptions.byId(stranger, unknown)).toBeNull();
      await expect(subscriptions.cancel(stranger, { subscription: unknown })).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: `no subscription with id "${unknown}"`,
      });
      await expect(subscriptions.change(stranger, { subscription: unknown, plan: 'small' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(await stretches(id)).toEqual(['small 2026-01-01T00:00:00.000Z null']);
  });

  test('12 boundaries off the grid are named, those on it are not', async () => {
    const { id } = await subscribe('small', '2026-01-10T10:17:33Z');
    await subscriptions.change(tenantId, { subscription: id, plan: 'large', at: at('2026-01-20T10:45:00Z') });
    const boundaries = await db.database.withTenant(tenantId, (tx) =>
      subscriptions.offGridBoundaries(tx, id, { start: at('2026-01-01T00:00:00Z'), end: at('2026-03-01T00:00:00Z') }),
    );
    expect(boundaries.map(shown)).toEqual(['2026-01-10T10:17:33.000Z', '2026-02-10T10:17:33.000Z']);
  });

  test('12 where a price begins or ends off the grid is a boundary', async () => {
    const validity = { validFrom: '2026-01-15T00:00:00Z', validUntil: '2026-01-20T10:17:33Z' };
    const prices = [{ key: 'launch', model: 'FLAT' as const, amount: '5', ...validity }];
    await plans.create(tenantId, { key: 'timely', name: 'Timely', kind: 'SUBSCRIPTION', currency: 'USD', interval: 'MONTH', prices });
    const { id } = await subscribe('timely', '2026-01-01T00:00:00Z');
    const boundaries = await db.database.withTenant(tenantId, (tx) =>
      subscriptions.offGridBoundaries(tx, id, { start: at('2026-01-01T00:00:00Z'), end: at('2026-03-01T00:00:00Z') }),
    );
    expect(boundaries.map(shown)).toEqual(['2026-01-20T10:17:33.000Z']);
  });
});

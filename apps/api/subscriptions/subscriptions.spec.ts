import { TestApi } from '../test-api.ts';

const CUSTOMER = 'mutation ($input: CustomerInput!) { createCustomer(input: $input) { id key name } }';
const PLAN = 'mutation ($input: PlanInput!) { createPlan(input: $input) { key } }';
const SUBSCRIBE = `mutation ($input: SubscriptionInput!) {
  createSubscription(input: $input) { id status customer { key } plan { key version } startsAt endsAt currentPeriodStart currentPeriodEnd }
}`;
const CHANGE = 'mutation ($input: ChangeSubscriptionInput!) { changeSubscription(input: $input) { id status plan { key } } }';
const CANCEL =
  'mutation ($id: ID!, $at: DateTime, $now: Boolean) { cancelSubscription(subscription: $id, at: $at, immediately: $now) { status endsAt } }';

const plan = (key: string, amount: string) => ({
  key,
  name: key,
  kind: 'SUBSCRIPTION',
  currency: 'USD',
  interval: 'MONTH',
  prices: [{ key: 'fee', model: 'FLAT', amount }],
});
const subscription = { customer: 'acme', plan: 'small', startsAt: '2026-01-10T10:17:33Z' };

describe('customers and subscriptions over GraphQL', () => {
  let api: TestApi;

  beforeAll(async () => {
    api = await TestApi.open();
    await api.ask(CUSTOMER, { input: { key: 'acme', name: 'Acme', timeZone: 'Asia/Kathmandu' } });
    await api.ask(PLAN, { input: plan('small', '10') });
    await api.ask(PLAN, { input: plan('large', '100') });
  });
  afterAll(() => api.close());

  async function subscribe(): Promise<string> {
    const { data } = await api.ask(SUBSCRIBE, { input: subscription });
    return (data as unknown as { createSubscription: { id: string } }).createSubscription.id;
  }

  test('a customer subscribes, goes up, and cancels', async () => {
    const made = await api.ask(SUBSCRIBE, { input: subscription });
    expect(made.data).toMatchObject({
      createSubscription: {
        status: 'ACTIVE',
        customer: { key: 'acme' },
        plan: { key: 'small', version: 1 },
        startsAt: '2026-01-10T10:17:33.000Z',
        endsAt: null,
      },
    });
    const { id } = (made.data as unknown as { createSubscription: { id: string } }).createSubscription;
    const changed = await api.ask(CHANGE, { input: { subscription: id, plan: 'large', at: '2026-01-20T00:00:00Z' } });
    expect(changed.data).toEqual({ changeSubscription: { id, status: 'ACTIVE', plan: { key: 'large' } } });
    const canceled = await api.ask(CANCEL, { id, at: '2026-02-01T00:00:00Z' });
    expect(canceled.data).toEqual({ cancelSubscription: { status: 'CANCELED', endsAt: '2026-02-10T10:17:33.000Z' } });
  });

  test('12 usage is told where time is cut off its grid', async () => {
    const id = await subscribe();
    await api.ask(CHANGE, { input: { subscription: id, plan: 'large', at: '2026-01-20T11:41:07Z' } });
    const [row] = await api.test.database.withoutTenant((tx) =>
      tx.query<{ id: string }>('SELECT id FROM tenant ORDER BY created_at LIMIT 1'),
    );
    const cuts = await api.test.database.withTenant(row?.id ?? '', (tx) =>
      tx.query<{ cut: string }>(`SELECT to_char(at AT TIME ZONE 'UTC', 'MM-DD HH24:MI:SS') AS cut FROM usage_boundary ORDER BY at LIMIT 3`),
    );
    expect(cuts.map(({ cut }) => cut)).toEqual(['01-10 10:17:33', '01-20 11:41:07', '02-10 10:17:33']);
  });

  test('subscriptions of a page of customers are read with them', async () => {
    await api.ask(CUSTOMER, { input: { key: 'globex', name: 'Globex' } });
    const { data } = await api.ask(
      '{ customers(first: 10) { edges { node { key subscriptions { plan { key } } } } pageInfo { hasNextPage } } }',
    );
    const { edges } = (data as unknown as { customers: { edges: { node: { key: string; subscriptions: unknown[] } }[] } }).customers;
    expect(edges.map(({ node }) => [node.key, node.subscriptions.length > 0])).toEqual([
      ['acme', true],
      ['globex', false],
    ]);
  });

  test.each([
    [{ ...subscription, customer: 'nobody' }, 'NOT_FOUND', 'customer'],
    [{ ...subscription, plan: 'none' }, 'UNKNOWN_PLAN', 'plan'],
    [{ ...subscription, seats: -1 }, 'INVALID_COUNT', 'seats'],
    [{ ...subscription, startsAt: '2026-01-10 10:17' }, 'INVALID_TIME', 'startsAt'],
    [{ ...subscription, discounts: [{ key: 'd', percentOff: '120' }] }, 'INVALID_PERCENT', 'discounts[0].percentOff'],
    [
      { ...subscription, discounts: [{ key: 'd', amountOff: { amount: 'x', currency: 'USD' } }] },
      'INVALID_DECIMAL',
      'discounts[0].amountOff.amount',
    ],
  ])('a subscription that cannot be billed is refused at its field (%#)', async (input, code, field) => {
    expect(await api.refusal(SUBSCRIBE, { input })).toEqual({ code, field });
  });

  test.each([
    [{ key: '', name: 'No key' }, 'KEY_MISSING', 'key'],
    [{ key: 'acme', name: 'Another Acme' }, 'ALREADY_EXISTS', 'key'],
    [{ key: 'k', name: 'K', currency: 'KKK' }, 'UNKNOWN_CURRENCY', 'currency'],
    [{ key: 'k', name: 'K', timeZone: '+02:00' }, 'UNKNOWN_TIME_ZONE', 'timeZone'],
  ])('a customer that cannot be billed is refused at its field (%#)', async (input, code, field) => {
    expect(await api.refusal(CUSTOMER, { input })).toEqual({ code, field });
  });

  test('6.2 a downgrade that is asked for immediately takes effect at once', async () => {
    const id = await subscribe();
    await api.ask(CHANGE, { input: { subscription: id, plan: 'large', at: '2026-01-20T00:00:00Z' } });
    const input = { subscription: id, plan: 'small', at: '2026-01-21T00:00:00Z', immediately: true };
    expect((await api.ask(CHANGE, { input })).data).toMatchObject({ changeSubscription: { plan: { key: 'small' } } });
  });

  test('what a subscription agrees beside its plan is asked for and read back over GraphQL', async () => {
    const addOn = { ...plan('support', '5'), addOn: true, prices: [{ key: 'fee', model: 'FLAT', amount: '5' }] };
    await api.ask(PLAN, { input: addOn });
    const input = {
      ...subscription,
      seats: 2,
      addOns: [{ addOn: 'support', quantity: 3 }],
      overrides: [{ price: 'fee', amount: '8', validUntil: '2026-02-01T00:00:00Z' }],
    };
    const { data } = await api.ask(SUBSCRIBE, { input });
    const { id } = (data as unknown as { createSubscription: { id: string } }).createSubscription;
    const agreed = `{ seats addOns { addOn quantity } overrides { price amount } segments { start end paused overrides { price amount } }
      discounts { key percentOff from coupon ofCustomer } canceledAt renewsAt resumesAt }`;
    await api.ask('mutation ($c: CouponInput!) { createCoupon(input: $c) { key } }', {
      c: { key: 'SPRING', percentOff: '20', periods: 1 },
    });
    const give =
      'mutation ($discount: DiscountInput!) { addCustomerDiscount(customer: "acme", discount: $discount, at: "2027-01-01T00:00:00Z") { discounts { key } } }';
    expect((await api.ask(give, { discount: { key: 'group', percentOff: '3' } })).data).toEqual({
      addCustomerDiscount: { discounts: [{ key: 'group' }] },
    });
    await api.ask('mutation ($id: ID!) { redeemCoupon(subscription: $id, coupon: "SPRING", at: "2026-01-20T00:00:00Z") { id } }', { id });
    await api.ask(
      'mutation ($id: ID!) { pauseSubscription(subscription: $id, at: "2026-03-01T00:00:00Z", resumesAt: "2026-03-11T00:00:00Z") { id } }',
      { id },
    );
    const read = await api.ask(`query ($id: ID!) { subscription(id: $id) ${agreed} }`, { id });
    expect(read.data).toMatchObject({
      subscription: {
        seats: 2,
        addOns: [{ addOn: 'support', quantity: 3 }],
        overrides: [],
        segments: [
          { start: '2026-01-10T10:17:33.000Z', end: '2026-02-01T00:00:00.000Z', paused: false, overrides: [{ price: 'fee', amount: '8' }] },
          { end: '2026-03-01T00:00:00.000Z', paused: false, overrides: [] },
          { end: '2026-03-11T00:00:00.000Z', paused: true },
          { end: null, paused: false },
        ],
        discounts: [
          { key: 'group', percentOff: '3', ofCustomer: true, coupon: null },
          { key: 'SPRING', percentOff: '20', from: '2026-01-20T00:00:00.000Z', coupon: 'SPRING', ofCustomer: false },
        ],
      },
    });
    const cancel =
      'mutation ($id: ID!, $at: DateTime!, $end: DateTime!) { cancelSubscription(subscription: $id, at: $at, endsAt: $end, creditUnused: true) { endsAt } }';
    const ends = await api.ask(cancel, { id, at: '2026-04-01T00:00:00Z', end: '2030-05-05T05:05:05Z' });
    expect(ends.data).toEqual({ cancelSubscription: { endsAt: '2030-05-05T05:05:05.000Z' } });
    const back = await api.ask('mutation ($id: ID!) { uncancelSubscription(subscription: $id) { endsAt canceledAt } }', { id });
    expect(back.data).toEqual({ uncancelSubscription: { endsAt: null, canceledAt: null } });
    await api.ask('mutation { removeCustomerDiscount(customer: "acme", key: "group", at: "2027-01-01T00:00:00Z") { key } }');
  });

  test.each([
    [
      'overridePrices(subscription: $id, overrides: [{ price: "fee", unitPrice: "1" }]) { id }',
      'PRICE_FIELD_NOT_ALLOWED',
      'overrides[0].unitPrice',
    ],
    ['addAddOn(subscription: $id, addOn: "small") { id }', 'NOT_AN_ADD_ON', 'addOns'],
    ['resumeSubscription(subscription: $id) { id }', 'NOT_PAUSED', 'at'],
    ['setTrialEnd(subscription: $id, trialEndsAt: "2026-01-01T00:00:00Z") { id }', 'NOT_TRIALING', 'at'],
    ['addDiscount(subscription: $id, discount: { key: "d" }) { id }', 'DISCOUNT_FIELD_MISSING', 'discount'],
    ['redeemCoupon(subscription: $id, coupon: "none") { id }', 'UNKNOWN_COUPON', 'coupon'],
    ['changeSubscription(input: { subscription: $id }) { id }', 'CHANGE_FIELD_MISSING', 'plan'],
  ])('what cannot be agreed is refused at its field (%#)', async (mutation, code, field) => {
    const id = await subscribe();
    expect(await api.refusal(`mutation ($id: ID!) { ${mutation} }`, { id })).toEqual({ code, field });
  });

  test('4.9 subscriptions are migrated to another version over GraphQL, after a look at who pays what', async () => {
    await api.ask(CUSTOMER, { input: { key: 'initech', name: 'Initech' } });
    await api.ask(PLAN, { input: plan('growing', '10') });
    const made = await api.ask(SUBSCRIBE, { input: { customer: 'initech', plan: 'growing', startsAt: '2026-01-01T00:00:00Z' } });
    const { id } = (made.data as unknown as { createSubscription: { id: string } }).createSubscription;
    await api.ask(PLAN, { input: plan('growing', '15') });
    const preview = `{ previewMigration(input: { plan: "growing", fromVersion: 1 }) {
      edges { node { subscription customer { key } currency periodStart before after change } } payMore payLess pageInfo { hasNextPage }
    } }`;
    expect((await api.ask(preview)).data).toEqual({
      previewMigration: {
        edges: [
          {
            node: {
              ...{ subscription: id, customer: { key: 'initech' }, currency: 'USD', periodStart: null },
              ...{ before: '10', after: '15', change: '5' },
            },
          },
        ],
        ...{ payMore: 1, payLess: 0, pageInfo: { hasNextPage: false } },
      },
    });
    const migrate = `mutation ($timing: MigrationTiming!) { migrateSubscriptions(input: { plan: "growing", fromVersion: 1, customers: ["initech"] }, timing: $timing) {
      migrated unchanged refused { code } pageInfo { hasNextPage }
    } }`;
    const done = { refused: [], pageInfo: { hasNextPage: false } };
    expect((await api.ask(migrate, { timing: 'NEVER' })).data).toEqual({ migrateSubscriptions: { ...done, migrated: 1, unchanged: 0 } });
    expect((await api.ask(migrate, { timing: 'NOW' })).data).toEqual({ migrateSubscriptions: { ...done, migrated: 1, unchanged: 0 } });
    const read = await api.ask('query ($id: ID!) { subscription(id: $id) { plan { version } pinnedAt } }', { id });
    expect(read.data).toEqual({ subscription: { plan: { version: 2 }, pinnedAt: null } });
    const wrong = `mutation { migrateSubscriptions(input: { plan: "growing", fromVersion: 9 }, timing: NOW) { migrated } }`;
    expect(await api.refusal(wrong)).toEqual({ code: 'UNKNOWN_VERSION', field: 'fromVersion' });
  });

  test("another tenant's customer and subscription look like ones that do not exist", async () => {
    const id = await subscribe();
    const stranger = await api.stranger();
    expect((await api.ask('{ customer(key: "acme") { id } }', {}, stranger)).data).toEqual({ customer: null });
    expect((await api.ask('query ($id: ID!) { subscription(id: $id) { id } }', { id }, stranger)).data).toEqual({ subscription: null });
    const nowhere = '00000000-0000-4000-8000-00000000dead';
    for (const unknown of [id, nowhere, 'no id']) {
      const { errors } = await api.ask(CANCEL, { id: unknown }, stranger);
      expect(errors?.[0]).toMatchObject({
        message: `no subscription with id "${unknown}"`,
        extensions: { code: 'NOT_FOUND', field: 'subscription' },
      });
    }
  });
});

import { TestApi } from '../test-api.ts';

const CREATE_METER = 'mutation ($input: MeterInput!) { createMeter(input: $input) { id key name } }';
const CREATE_PLAN = 'mutation ($input: PlanInput!) { createPlan(input: $input) { id key name kind currency version } }';
const PLAN = 'query ($key: String!) { plan(key: $key) { key version name } }';
const QUOTE = `query ($price: PriceInput!, $quantity: Decimal!, $currency: String) {
  quotePrice(price: $price, quantity: $quantity, currency: $currency) { amount rounded lines { description quantity unitPrice amount } }
}`;

const tokens = { key: 'tokens', name: 'Tokens', eventType: '*', aggregation: 'SUM', valueProperty: 'tokens.total' };
const tiered = { key: 'usage', model: 'GRADUATED', meter: 'tokens', tiers: [{ upTo: '10', unitPrice: '1' }, { unitPrice: '0.5' }] };
const plan = { key: 'pro', name: 'Pro', kind: 'SUBSCRIPTION', currency: 'USD', interval: 'MONTH', prices: [tiered] };

describe('meters and plans over GraphQL', () => {
  let api: TestApi;

  beforeAll(async () => {
    api = await TestApi.open();
    await api.ask(CREATE_METER, { input: tokens });
  });
  afterAll(() => api.close());

  test('a meter is listed with what it counts', async () => {
    const { data } = await api.ask(
      '{ meters(first: 1) { edges { cursor node { key eventType aggregation valueProperty } } pageInfo { hasNextPage endCursor } } }',
    );
    expect(data).toEqual({
      meters: {
        edges: [{ cursor: expect.any(String), node: { key: 'tokens', eventType: '*', aggregation: 'SUM', valueProperty: 'tokens.total' } }],
        pageInfo: { hasNextPage: false, endCursor: expect.any(String) },
      },
    });
  });

  test('4.9 a plan is published, and published again under its key it is the next version', async () => {
    const first = await api.ask(CREATE_PLAN, { input: plan });
    expect(first.data).toEqual({
      createPlan: { id: expect.any(String), key: 'pro', name: 'Pro', kind: 'SUBSCRIPTION', currency: 'USD', version: 1 },
    });
    await api.ask(CREATE_PLAN, { input: { ...plan, name: 'Pro two' } });
    expect((await api.ask(PLAN, { key: 'pro' })).data).toEqual({ plan: { key: 'pro', version: 2, name: 'Pro two' } });
  });

  test.each([
    [
      { ...plan, prices: [{ ...tiered, tiers: [{ upTo: '10', unitPrice: '1' }, { upTo: '5' }, {}] }] },
      'TIERS_OUT_OF_ORDER',
      'prices[0].tiers[1].upTo',
    ],
    [{ ...plan, prices: [{ ...tiered, tiers: [{ upTo: '10', unitPrice: '1' }] }] }, 'TIERS_NOT_OPEN_ENDED', 'prices[0].tiers[0].upTo'],
    [{ ...plan, kind: 'PER_QUERY', prices: [{ key: 'fee', model: 'FLAT', amount: '1' }] }, 'PRICE_NOT_ALLOWED_FOR_KIND', 'prices[0].model'],
    [{ ...plan, prices: [tiered, { ...tiered, key: 'again' }] }, 'OVERLAPPING_METERS', 'prices[1].meter'],
    [{ ...plan, prices: [{ ...tiered, meter: 'none' }] }, 'UNKNOWN_METER', 'prices[0].meter'],
    [{ ...plan, prices: [{ key: 'fee', model: 'FLAT' }] }, 'PRICE_FIELD_MISSING', 'prices[0].amount'],
    [{ ...plan, prices: [{ key: 'fee', model: 'FLAT', amount: '1', markup: '1' }] }, 'PRICE_FIELD_NOT_ALLOWED', 'prices[0].markup'],
    [{ ...plan, prices: [{ key: 'fee', model: 'FLAT', amount: '0.0000000000000000001' }] }, 'TOO_PRECISE', 'prices[0].amount'],
    [{ ...plan, prices: [{ key: 'fee', model: 'FLAT', amount: 'ten' }] }, 'INVALID_DECIMAL', 'prices[0].amount'],
    [{ ...plan, prices: [{ key: 'fee', model: 'FLAT', amount: 0.1 + 0.2 }] }, 'NUMBER_NOT_EXACT', 'prices[0].amount'],
    [{ ...plan, prices: [{ ...tiered, rollover: true }] }, 'PRICE_FIELD_MISSING', 'prices[0].includedQuantity'],
    [{ ...plan, currency: 'DOLLARS' }, 'UNKNOWN_CURRENCY', 'currency'],
    [{ ...plan, intervalCount: 0 }, 'INVALID_COUNT', 'intervalCount'],
    [{ ...plan, key: 'k'.repeat(300) }, 'KEY_TOO_LONG', 'key'],
  ])('a plan that cannot be billed is refused at its field (%#)', async (input, code, field) => {
    expect(await api.refusal(CREATE_PLAN, { input: { ...input, key: input.key === 'pro' ? 'refused' : input.key } })).toEqual({
      code,
      field,
    });
    expect((await api.ask(PLAN, { key: 'refused' })).data).toEqual({ plan: null });
  });

  test('a kind of plan that does not exist is refused where it stands', async () => {
    const { errors } = await api.ask(CREATE_PLAN, { input: { ...plan, kind: 'FREE' } });
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', field: 'input.kind' });
  });

  test("another tenant's plans look like plans that do not exist", async () => {
    await api.ask(CREATE_PLAN, { input: { ...plan, key: 'mine' } });
    const stranger = await api.stranger();
    expect((await api.ask(PLAN, { key: 'mine' }, stranger)).data).toEqual({ plan: null });
    expect((await api.ask('{ plans { edges { node { key } } } meters { edges { node { key } } } }', {}, stranger)).data).toEqual({
      plans: { edges: [] },
      meters: { edges: [] },
    });
  });

  test('4.9 a plan is drafted, read back, reviewed, published and archived', async () => {
    const key = 'life';
    const tiers = [{ upTo: '1000', unitPrice: '0.10' }, { unitPrice: '0.08' }];
    const priced = { ...tiered, model: 'VOLUME', tiers, groupBy: 'model', groups: [{ in: ['big'], tiers: [{ unitPrice: '2' }] }] };
    const input = { ...plan, key, prices: [priced, { key: 'fee', model: 'FLAT', amount: '5', validFrom: '2026-02-01T00:00:00Z' }] };
    const cliff = [{ code: 'VOLUME_CLIFF', path: 'prices[0].tiers[0].upTo' }];
    const asked = 'key version status publishedAt warnings { code path }';
    expect((await api.ask('query ($input: PlanInput!) { reviewPlan(input: $input) { code path } }', { input })).data).toEqual({
      reviewPlan: cliff,
    });
    const drafted = await api.ask(`mutation ($input: PlanInput!) { draftPlan(input: $input) { ${asked} } }`, { input });
    expect(drafted.data).toEqual({ draftPlan: { key, version: 1, status: 'DRAFT', publishedAt: null, warnings: cliff } });
    const published = await api.ask(`mutation { publishPlan(key: "${key}") { ${asked} } }`);
    expect(published.data).toEqual({
      publishPlan: { key, version: 1, status: 'PUBLISHED', publishedAt: expect.any(String), warnings: cliff },
    });
    const terms = `terms { interval addOn prices { key model amount validFrom unitPrice tiers { upTo unitPrice flatFee } groupBy groups { in tiers { unitPrice } } } }`;
    expect(
      (await api.ask(`{ plan(key: "${key}", version: 1) { status warnings { code } ${terms} } planDraft(key: "${key}") { key } }`)).data,
    ).toEqual({
      plan: {
        status: 'PUBLISHED',
        warnings: null,
        terms: {
          interval: 'MONTH',
          addOn: false,
          prices: [
            expect.objectContaining({
              key: 'usage',
              unitPrice: null,
              validFrom: null,
              tiers: [
                { upTo: '1000', unitPrice: '0.1', flatFee: '0' },
                { upTo: null, unitPrice: '0.08', flatFee: '0' },
              ],
              groupBy: 'model',
              groups: [{ in: ['big'], tiers: [{ unitPrice: '2' }] }],
            }),
            expect.objectContaining({ key: 'fee', amount: '5', validFrom: '2026-02-01T00:00:00.000Z', groups: null }),
          ],
        },
      },
      planDraft: null,
    });
    expect((await api.ask(`mutation { archivePlan(key: "${key}") { status archivedAt } }`)).data).toEqual({
      archivePlan: { status: 'ARCHIVED', archivedAt: expect.any(String) },
    });
    expect(await api.refusal(CREATE_PLAN, { input: { ...input, name: 'Life 2' } })).toEqual({ code: 'PLAN_ARCHIVED', field: 'key' });
    await api.ask('mutation ($input: CustomerInput!) { createCustomer(input: $input) { id } }', { input: { key: 'acme', name: 'Acme' } });
    const subscribe = 'mutation ($input: SubscriptionInput!) { createSubscription(input: $input) { plan { key status } } }';
    const subscription = { customer: 'acme', plan: key, startsAt: '2026-01-01T00:00:00Z' };
    expect(await api.refusal(subscribe, { input: subscription })).toEqual({ code: 'PLAN_ARCHIVED', field: 'plan' });
    await api.ask(`mutation { unarchivePlan(key: "${key}") { status } }`);
    expect((await api.ask(subscribe, { input: subscription })).data).toEqual({
      createSubscription: { plan: { key, status: 'PUBLISHED' } },
    });
    await api.ask(`mutation { archivePlan(key: "${key}") { status } }`);
    const listed = await api.ask(
      '{ plans(status: ARCHIVED) { edges { node { key status } } } customer(key: "acme") { subscriptions { plan { status } } } }',
    );
    expect(listed.data).toEqual({
      plans: { edges: [{ node: { key, status: 'ARCHIVED' } }] },
      customer: { subscriptions: [{ plan: { status: 'ARCHIVED' } }] },
    });
    expect(await api.refusal('mutation { discardDraft(key: "life") { key } }')).toEqual({ code: 'NO_DRAFT', field: 'key' });
  });

  test('the versions of a plan are listed in the order in which they were published', async () => {
    await api.ask(CREATE_PLAN, { input: { ...plan, key: 'versions' } });
    await api.ask(CREATE_PLAN, { input: { ...plan, key: 'versions', name: 'Second' } });
    const page = (after: string): string =>
      `planVersions(key: "versions", first: 1${after}) { edges { cursor node { version name } } pageInfo { hasNextPage } }`;
    const { data } = await api.ask(`{ ${page('')} }`);
    const first = (data as unknown as { planVersions: { edges: { cursor: string; node: unknown }[] } }).planVersions.edges[0];
    expect(first?.node).toEqual({ version: 1, name: 'Pro' });
    expect((await api.ask(`{ ${page(`, after: "${first?.cursor ?? ''}"`)} }`)).data).toMatchObject({
      planVersions: { edges: [{ node: { version: 2, name: 'Second' } }], pageInfo: { hasNextPage: false } },
    });
  });

  test('9 a price below what usage cost in the last month is told when the plan is published', async () => {
    await api.ask(CREATE_METER, {
      input: { key: 'images', name: 'Images', eventType: 'image', aggregation: 'SUM', valueProperty: 'quantity' },
    });
    const event = { key: 'costly', customer: 'acme', type: 'image', at: new Date(Date.now() - 86_400_000).toISOString(), quantity: '10' };
    const reportedCost = { amount: '5', currency: 'USD' };
    const ingest = 'mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events) { accepted rejected { code } } }';
    expect((await api.ask(ingest, { events: [{ ...event, reportedCost }] })).data).toEqual({ ingestEvents: { accepted: 1, rejected: [] } });
    const input = { ...plan, key: 'images', prices: [{ key: 'image', model: 'PER_UNIT', meter: 'images', unitPrice: '0.4' }] };
    const { data } = await api.ask('mutation ($input: PlanInput!) { createPlan(input: $input) { warnings { code path message } } }', {
      input,
    });
    expect(data).toEqual({
      createPlan: {
        warnings: [
          {
            code: 'PRICE_BELOW_COST',
            path: 'prices[0].unitPrice',
            message: 'A unit of "images" cost 0.5 USD on average in the last month; at its cheapest this plan charges 0.4 USD for it.',
          },
        ],
      },
    });
  });

  test('a key that may only read publishes nothing', async () => {
    const { data } = await api.ask('mutation { createApiKey(name: "reader", scopes: [READ]) { secret } }');
    const { secret } = (data as unknown as { createApiKey: { secret: string } }).createApiKey;
    expect(await api.refusal(CREATE_PLAN, { input: { ...plan, key: 'unwanted' } }, secret)).toEqual({
      code: 'FORBIDDEN',
      field: undefined,
    });
    expect((await api.ask(PLAN, { key: 'unwanted' }, secret)).data).toEqual({ plan: null });
  });

  test('4.1 a quote walks the tiers, and rounds once', async () => {
    const { data } = await api.ask(QUOTE, {
      price: { ...tiered, tiers: [{ upTo: '10.5', unitPrice: '1' }, { unitPrice: '0.333' }] },
      quantity: '11',
    });
    expect(data).toEqual({ quotePrice: expect.objectContaining({ amount: '10.6665', rounded: '10.67' }) });
  });

  test('a quote needs no meter and stores nothing', async () => {
    const { data } = await api.ask(QUOTE, {
      price: { key: 'p', model: 'PACKAGE', packageSize: '1000', packagePrice: '2' },
      quantity: '1001',
      currency: 'JPY',
    });
    expect(data).toEqual({ quotePrice: expect.objectContaining({ amount: '4', rounded: '4' }) });
  });

  test.each([
    [{ price: { key: 'p', model: 'PER_UNIT', unitPrice: '-1' }, quantity: '1' }, 'NEGATIVE_PRICE', 'price.unitPrice'],
    [{ price: { key: 'p', model: 'PER_UNIT', unitPrice: '1' }, quantity: '-1' }, 'NEGATIVE_NUMBER', 'quantity'],
    [{ price: { key: 'p', model: 'PER_UNIT', unitPrice: '1' }, quantity: '1', currency: 'X' }, 'UNKNOWN_CURRENCY', 'currency'],
  ])('a quote that means nothing is refused at its field (%#)', async (variables, code, field) => {
    expect(await api.refusal(QUOTE, variables)).toEqual({ code, field });
  });
});

import { TestApi, type Answer } from '../test-api.ts';

let api: TestApi;
let key: string;

beforeAll(async () => {
  api = await TestApi.open();
  key = await api.stranger();
  await ask('mutation { createMeter(input: { key: "chats", name: "Chats", eventType: "chat", aggregation: COUNT }) { id } }');
  await ask(`mutation { createPlan(input: { key: "pro", name: "Pro", kind: SUBSCRIPTION, currency: "USD", interval: MONTH,
    prices: [{ key: "chats", model: PER_UNIT, meter: "chats", unitPrice: "0.5" }], features: [{ key: "chat", meter: "chats", limit: "3" }] }) { id } }`);
});
afterAll(() => api.close());

const data = ({ data: found, errors }: Answer): Record<string, never> => {
  if (found === null || errors) throw new Error(JSON.stringify(errors));
  return found;
};
const ask = async (query: string, variables: Record<string, unknown> = {}): Promise<Record<string, never>> =>
  data(await api.ask(query, variables, key));
const use = (eventKey: string): Promise<unknown> =>
  ask('mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events) { accepted } }', {
    events: [{ key: eventKey, customer: 'acme', type: 'chat', at: new Date().toISOString() }],
  });
const entitlement = async (fields = 'allowed reason remaining'): Promise<unknown> =>
  (await ask(`{ entitlement(customer: "acme", feature: "chat") { ${fields} } }`))['entitlement'];
const rest = async (path: string, bearer = key): Promise<{ status: number; body: Record<string, unknown> }> => {
  const answer = await api.app.inject({ method: 'GET', url: path, headers: { authorization: `Bearer ${bearer}` } });
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
};

test('whatever a request has committed, the next question sees: customer, subscription, usage, cap', async () => {
  expect(await entitlement()).toEqual({ allowed: false, reason: 'UNKNOWN_CUSTOMER', remaining: null });
  await ask('mutation { createCustomer(input: { key: "acme", name: "Acme" }) { id } }');
  expect(await entitlement()).toEqual({ allowed: false, reason: 'NO_SUBSCRIPTION', remaining: null });
  const startsAt = new Date(Date.now() - 86_400_000).toISOString();
  await ask('mutation ($at: DateTime!) { createSubscription(input: { customer: "acme", plan: "pro", startsAt: $at }) { id } }', {
    at: startsAt,
  });
  expect(await entitlement()).toEqual({ allowed: true, reason: null, remaining: '3' });
  await use('a');
  expect(await entitlement()).toEqual({ allowed: true, reason: null, remaining: '2' });
  await ask('mutation { setCap(customer: "acme", input: { key: "little", kind: SPEND, limit: "1", period: DAY }) { key } }');
  await use('b');
  expect(await entitlement('allowed reason limit used unit caps { key unit limit used remaining hard }')).toEqual({
    allowed: false,
    reason: 'CAP_REACHED',
    limit: '3',
    used: '2',
    unit: 'MONEY',
    caps: [{ key: 'little', unit: 'MONEY', limit: '1', used: '1', remaining: '0', hard: true }],
  });
  await ask('mutation { removeCap(customer: "acme", key: "little") { key } }');
  await use('c');
  expect(await entitlement()).toEqual({ allowed: false, reason: 'LIMIT_REACHED', remaining: '0' });
});

test('a debit of credits, and one that is held, is seen by the next question of that customer', async () => {
  await ask(`mutation { createPlan(input: { key: "credit", name: "Credit", kind: CREDIT, currency: "USD", interval: MONTH, prices: [],
    burnRates: [{ meter: "chats", creditsPerUnit: "1" }] }) { id } }`);
  await ask('mutation { createCustomer(input: { key: "prepaid", name: "Prepaid" }) { id } }');
  const startsAt = new Date(Date.now() - 86_400_000).toISOString();
  await ask('mutation ($at: DateTime!) { createSubscription(input: { customer: "prepaid", plan: "credit", startsAt: $at }) { id } }', {
    at: startsAt,
  });
  const check = async (): Promise<unknown> => (await rest('/v1/entitlements/prepaid/chats')).body;
  expect(await check()).toMatchObject({ allowed: false, reason: 'CREDITS_EXHAUSTED' });
  await ask('mutation { grantCredits(input: { customer: "prepaid", key: "g", credits: "10" }) { id } }');
  expect(await check()).toMatchObject({ allowed: true, remaining: '10', unit: 'CREDITS' });
  await ask('mutation { debitCredits(input: { customer: "prepaid", key: "d", credits: "3" }) { key } }');
  expect(await check()).toMatchObject({ remaining: '7' });
  const held = await ask('mutation { reserveCredits(customer: "prepaid", key: "r", credits: "7") { id } }');
  expect(await check()).toMatchObject({ allowed: false, reason: 'CREDITS_EXHAUSTED' });
  await ask('mutation ($id: ID!) { commitReservation(reservation: $id, credits: "2") { available } }', {
    id: (held['reserveCredits'] as unknown as { id: string }).id,
  });
  expect(await check()).toMatchObject({ allowed: true, remaining: '5' });
  await ask('mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events) { accepted } }', {
    events: Array.from({ length: 5 }, (_, i) => ({ key: `p${i}`, customer: 'prepaid', type: 'chat', at: new Date().toISOString() })),
  });
  expect(await check()).toMatchObject({ allowed: false, reason: 'CREDITS_EXHAUSTED', remaining: '0' });
});

test('REST answers the same', async () => {
  const { status, body } = await rest('/v1/entitlements/acme/chat');
  expect(status).toBe(200);
  expect(body).toEqual({
    allowed: false,
    reason: 'LIMIT_REACHED',
    remaining: '0',
    unit: 'USAGE',
    resetsAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    limit: '3',
    used: '3',
    caps: [],
  });
  expect((await rest('/v1/entitlements/no%20body/chat')).body).toMatchObject({ allowed: false, reason: 'UNKNOWN_CUSTOMER' });
  expect((await rest('/v1/entitlements/acme/chat', 'wrong')).status).toBe(401);
});

test('REST is told what is wrong as everywhere: nobody’s key, a key without the scope, a feature without a name', async () => {
  const made = await ask('mutation { createApiKey(name: "sends only", scopes: [INGEST]) { secret } }');
  const { secret } = made['createApiKey'] as unknown as { secret: string };
  expect(await rest('/v1/entitlements/acme/chat', secret)).toEqual({
    status: 403,
    body: { code: 'FORBIDDEN', message: 'This needs a key with the scope READ; this one has INGEST.' },
  });
  expect(await rest('/v1/entitlements/acme/chat', 'nobodys')).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
  expect(await rest('/v1/entitlements/acme/%20')).toMatchObject({ status: 400, body: { code: 'KEY_MISSING', field: 'feature' } });
  expect((await rest('/v1/entitlements/acme')).status).toBe(404);
});

test('a name with a slash in it is one name', async () => {
  await ask('mutation { createCustomer(input: { key: "acme/eu", name: "Acme in Europe" }) { id } }');
  expect((await rest('/v1/entitlements/acme%2Feu/chat')).body).toMatchObject({ reason: 'NO_SUBSCRIPTION' });
});

test('another tenant knows nothing of it', async () => {
  expect((await rest('/v1/entitlements/acme/chat', await api.stranger())).body).toMatchObject({ reason: 'UNKNOWN_CUSTOMER' });
});

test('caps are listed by their keys, and what is wrong with one is said with its place', async () => {
  const set = (input: string): string => `mutation { setCap(customer: "acme", input: ${input}) { key alertAt } }`;
  await ask(set('{ key: "b", kind: USAGE, meter: "chats", limit: "10", period: WEEK, enforcement: SOFT, alertAt: [90, 50] }'));
  await ask(set('{ key: "a", kind: SPEND, limit: "100", period: BILLING }'));
  expect(
    (await ask('{ caps(customer: "acme") { key kind meter limit currency period enforcement alertAt match { property } } }'))['caps'],
  ).toEqual([
    {
      key: 'a',
      kind: 'SPEND',
      meter: null,
      limit: '100',
      currency: 'USD',
      period: 'BILLING',
      enforcement: 'HARD',
      alertAt: null,
      match: [],
    },
    {
      key: 'b',
      kind: 'USAGE',
      meter: 'chats',
      limit: '10',
      currency: null,
      period: 'WEEK',
      enforcement: 'SOFT',
      alertAt: [50, 90],
      match: [],
    },
  ]);
  expect(await api.refusal(set('{ key: "c", kind: USAGE, limit: "1", period: DAY }'), {}, key)).toEqual({
    code: 'METER_NEEDED',
    field: 'meter',
  });
  expect(await api.refusal('{ caps(customer: "nobody") { key } }', {}, key)).toEqual({ code: 'NOT_FOUND', field: 'customer' });
});

test('alert rules are set, and taken back to their defaults', async () => {
  await ask('mutation { setAlertRule(kind: CAP, percents: [100, 75]) { percents } }');
  expect((await ask('{ alertRules { kind percents } }'))['alertRules']).toEqual([
    { kind: 'ALLOWANCE', percents: [80, 100] },
    { kind: 'CAP', percents: [75, 100] },
    { kind: 'FAIR_USE', percents: [80, 100] },
  ]);
  expect((await ask('mutation { setAlertRule(kind: CAP) { percents } }'))['setAlertRule']).toEqual({ percents: [80, 100] });
  expect((await ask('{ alertEvents(subject: "acme") { edges { node { type } } pageInfo { hasNextPage } } }'))['alertEvents']).toEqual({
    edges: [],
    pageInfo: { hasNextPage: false },
  });
});

import { MeterRollups } from '@tare/usage';
import { TestApi } from '../test-api.ts';

let api: TestApi;
let tenantId: string;

const EVENTS = [
  { key: 'e1', customer: 'acme', at: '2026-03-28T22:30:00Z', user: 'ada', model: 'a', properties: { pages: '2.5', plan: 'pro' } },
  { key: 'e2', customer: 'acme', at: '2026-03-28T23:30:00Z', user: 'bob', model: 'a', properties: { pages: 0.30000000000000004 } },
  { key: 'e3', customer: 'acme', at: '2026-03-29T21:59:59.999999Z', user: 'ada', model: 'b', properties: { pages: -1 } },
  { key: 'e4', customer: 'acme', at: '2026-03-29T22:00:00Z', user: 'ada', model: null, properties: { pages: 'many' } },
  { key: 'e5', customer: 'kathmandu', at: '2026-03-28T18:14:59Z', user: 'dev', model: 'a', properties: { pages: 7 } },
  { key: 'e6', customer: 'kathmandu', at: '2026-03-28T18:15:00Z', user: 'dev', model: 'a', properties: { pages: 8 } },
  { key: 'e7', customer: 'nobody yet', at: '2026-03-29T12:00:00Z', user: 'eve', model: 'a', properties: { pages: 100 } },
].map((event) => ({ type: 'doc', quantity: '1', ...event }));

beforeAll(async () => {
  api = await TestApi.open();
  const { data } = await api.ask(
    `mutation($events: [UsageEventInput!]!) {
    berlin: createCustomer(input: { key: "acme", name: "Acme", timeZone: "Europe/Berlin" }) { id }
    kathmandu: createCustomer(input: { key: "kathmandu", name: "Kathmandu", timeZone: "Asia/Kathmandu" }) { id }
    ingestEvents(events: $events) { accepted }
    users: createMeter(input: { key: "users", name: "Users", eventType: "doc", aggregation: UNIQUE_COUNT, valueProperty: "user", groupBy: ["properties.plan"] }) { id }
    pages: createMeter(input: { key: "pages", name: "Pages", eventType: "*", aggregation: SUM, valueProperty: "properties.pages" }) { id }
    latest: createMeter(input: { key: "latest", name: "Latest", eventType: "*", aggregation: LATEST, valueProperty: "properties.pages" }) { id }
    docs: createMeter(input: { key: "docs", name: "Docs", eventType: "doc", aggregation: SUM, valueProperty: "quantity" }) { id }
  }`,
    { events: EVENTS },
  );
  expect(data).toMatchObject({ ingestEvents: { accepted: EVENTS.length } });
  const [tenant] = await api.test.database.withoutTenant((tx) =>
    tx.query<{ id: string }>("SELECT id FROM tenant WHERE id <> '00000000-0000-4000-8000-000000000001'"),
  );
  tenantId = tenant?.id ?? '';
});
afterAll(() => api.close());

interface Page {
  readonly edges: readonly {
    cursor: string;
    node: { from: string; customer: string | null; value: string; inexactEvents: number; group: { value: string | null }[] };
  }[];
  readonly pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** Well formed, but of a customer with a number that nobody has. */
const cursorAt = (customerNo: number): string => Buffer.from(JSON.stringify([customerNo, 0, []])).toString('base64url');

const SPAN = 'from: "2026-03-27T00:00:00Z", to: "2026-03-31T00:00:00Z"';

async function page(rest: string): Promise<Page> {
  const { data, errors } = await api.ask(`{ usage(${SPAN}, ${rest}) {
    edges { cursor node { from to customer value inexactEvents group { property value } } } pageInfo { hasNextPage endCursor } } }`);
  expect(errors).toBeUndefined();
  return (data as unknown as { usage: Page }).usage;
}

const rows = async (rest: string): Promise<unknown[]> =>
  (await page(rest)).edges.map(({ node }) => [node.customer, node.from.slice(5, 16), ...node.group.map(({ value }) => value), node.value]);

/** Asked before anything is rolled up, while it is, and after: the answers are the same. */
async function answersWith(rest: string, expected: unknown[]): Promise<void> {
  expect(await rows(rest)).toEqual(expected);
}

const ANSWERS: readonly (readonly [string, string, unknown[]])[] = [
  [
    "2.1 days are days in the customer's zone, 23 hours when clocks go forward; usage of an unknown key counts in UTC",
    'meter: "docs", window: DAY',
    [
      ['acme', '03-27T23:00', '1'],
      ['acme', '03-28T23:00', '2'],
      ['acme', '03-29T22:00', '1'],
      ['kathmandu', '03-27T18:15', '1'],
      ['kathmandu', '03-28T18:15', '1'],
      ['nobody yet', '03-29T00:00', '1'],
    ],
  ],
  [
    'a zone that is given holds for all customers',
    'meter: "pages", window: DAY, timeZone: "UTC", customers: ["acme", "kathmandu"]',
    [
      ['acme', '03-28T00:00', '2.80000000000000004'],
      ['acme', '03-29T00:00', '-1'],
      ['kathmandu', '03-28T00:00', '15'],
    ],
  ],
  [
    'unique users of all customers together, and by what the meter groups by',
    'meter: "users", perCustomer: false, groupBy: ["properties.plan", "model"]',
    [
      [null, '03-27T00:00', null, null, '1'],
      [null, '03-27T00:00', null, 'a', '3'],
      [null, '03-27T00:00', null, 'b', '1'],
      [null, '03-27T00:00', 'pro', 'a', '1'],
    ],
  ],
  ['members are counted once, whatever the groups', 'meter: "users", perCustomer: false', [[null, '03-27T00:00', '4']]],
  [
    'the latest value is the one of the latest event that has one',
    'meter: "latest", customers: ["acme"], window: MONTH, timeZone: "Europe/Berlin"',
    [['acme', '03-27T00:00', '-1']],
  ],
  [
    'filters keep dimensions and what the meter groups by',
    'meter: "users", filters: [{ property: "model", in: ["a"] }, { property: "properties.plan", in: ["pro"] }]',
    [['acme', '03-27T00:00', '1']],
  ],
];

describe('usage over time', () => {
  test.each(ANSWERS)('before roll-ups: %s', (_, rest, expected) => answersWith(rest, expected));

  test('a meter made today has counted history when its backfill has not begun, and tells its progress', async () => {
    const query =
      '{ meters { edges { node { key backfill { state done total missing } } } } meter(key: "users") { groupBy backfill { state } } }';
    const { data } = await api.ask(query);
    expect(data).toMatchObject({
      meter: { groupBy: ['properties.plan'], backfill: { state: 'WAITING' } },
      meters: { edges: ['WAITING', 'WAITING', 'WAITING', 'NOT_NEEDED'].map((state) => ({ node: { backfill: { state } } })) },
    });
    await api.app.get(MeterRollups, { strict: false }).run(tenantId, { steps: 6, filledRows: 2 });
    expect((await api.ask('{ meter(key: "users") { backfill { state done total missing } } }')).data).toEqual({
      meter: { backfill: { state: 'RUNNING', done: 2, total: 7, missing: 0 } },
    });
  });

  test.each(ANSWERS)('while history is filled in: %s', (_, rest, expected) => answersWith(rest, expected));

  test('history is rolled up in the end', async () => {
    await api.app.get(MeterRollups, { strict: false }).run(tenantId);
    expect((await api.ask('{ meter(key: "users") { backfill { state done total missing } } }')).data).toEqual({
      meter: { backfill: { state: 'DONE', done: 7, total: 7, missing: 0 } },
    });
  });

  test.each(ANSWERS)('after roll-ups: %s', (_, rest, expected) => answersWith(rest, expected));

  test('1.1 numbers that may not be what was written are counted by their shortest form and told', async () => {
    const { edges } = await page('meter: "pages", customers: ["acme"]');
    expect(edges.map(({ node }) => [node.value, node.inexactEvents])).toEqual([['1.80000000000000004', 1]]);
  });

  test('pages follow each other without a gap or a repetition', async () => {
    const all = await rows('meter: "docs", window: HOUR');
    const seen: unknown[] = [];
    for (let after: string | null = null, more = true; more;) {
      const part: Page = await page(`meter: "docs", window: HOUR, first: 2${after === null ? '' : `, after: "${after}"`}`);
      expect(part.edges.length).toBeLessThanOrEqual(2);
      seen.push(...part.edges.map(({ node }) => [node.customer, node.from.slice(5, 16), node.value]));
      ({ hasNextPage: more, endCursor: after } = part.pageInfo);
    }
    expect(seen).toEqual(all);
    expect(all).toHaveLength(7);
  });

  test('3.5 a voided event is gone from the answer at once, and after the roll-up has followed', async () => {
    const before = await rows('meter: "users", perCustomer: false');
    await api.ask('mutation { voidEvents(keys: ["e7"]) { accepted } }');
    expect([before, await rows('meter: "users", perCustomer: false')]).toEqual([
      [[null, '03-27T00:00', '4']],
      [[null, '03-27T00:00', '3']],
    ]);
    await api.app.get(MeterRollups, { strict: false }).run(tenantId);
    expect(await rows('meter: "users", perCustomer: false')).toEqual([[null, '03-27T00:00', '3']]);
  });

  test.each([
    ['meter: "nothing"', 'NOT_FOUND', 'meter'],
    ['meter: "docs", customers: ["acme", "who"]', 'NOT_FOUND', 'customers[1]'],
    ['meter: "docs", groupBy: ["user"]', 'NOT_GROUPED_BY', 'groupBy[0]'],
    ['meter: "users", groupBy: ["properties.plan", "user"]', 'NOT_GROUPED_BY', 'groupBy[1]'],
    ['meter: "docs", filters: [{ property: "traceId", in: ["t"] }]', 'NOT_GROUPED_BY', 'filters[0].property'],
    ['meter: "docs", filters: [{ property: "model", in: [] }]', 'FILTER_EMPTY', 'filters[0].in'],
    ['meter: "docs", timeZone: "Mars/Olympus"', 'UNKNOWN_TIME_ZONE', 'timeZone'],
    ['meter: "docs", first: 0', 'INVALID_PAGE_SIZE', 'first'],
    ['meter: "docs", after: "nonsense"', 'INVALID_CURSOR', 'after'],
    [`meter: "docs", after: "${cursorAt(2 ** 31)}"`, 'INVALID_CURSOR', 'after'],
    [`meter: "docs", after: "${cursorAt(-1)}"`, 'INVALID_CURSOR', 'after'],
  ])('usage(%s) is refused with %s at %s', async (rest, code, field) => {
    expect(await api.refusal(`{ usage(${SPAN}, ${rest}) { pageInfo { hasNextPage } } }`)).toEqual({ code, field });
  });

  test('a span that ends before it begins, and more windows than anybody reads, are refused', async () => {
    const ask = (span: string): Promise<unknown> =>
      api.refusal(`{ usage(meter: "docs", window: HOUR, ${span}) { pageInfo { hasNextPage } } }`);
    expect(await ask('from: "2026-03-31T00:00:00Z", to: "2026-03-31T00:00:00Z"')).toEqual({ code: 'INVALID_SPAN', field: 'to' });
    expect(await ask('from: "2016-03-31T00:00:00Z", to: "2026-03-31T00:00:00Z"')).toEqual({ code: 'TOO_MANY_WINDOWS', field: 'window' });
  });

  test('another tenant has none of it', async () => {
    const stranger = await api.stranger();
    const query = `{ usage(${SPAN}, meter: "docs") { pageInfo { hasNextPage } } }`;
    expect((await api.refusal(query, {}, stranger)).code).toBe('NOT_FOUND');
  });
});

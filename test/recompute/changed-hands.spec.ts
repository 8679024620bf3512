import { LineExplanations } from '@tare/billing';
import { parseInstant } from '@tare/core';
import { PausesService, SubscriptionsService } from '@tare/customers';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { TestWorld, type StoryEvent } from '../../libs/billing/world.fixture.ts';
import { assembledOtherwise } from './same-again.ts';

/** Usage that another subscription of the customer rates since an invoice was issued (SEMANTICS 3.6, 8.3, 8.4, docs/decisions/0026). */
let database: TestDatabase;
let opened: TestWorld;
let tenant: TestWorld;
beforeAll(async () => {
  database = await createTestDatabase();
  opened = await TestWorld.open(database);
});
afterAll(async () => {
  await opened.close();
  await database.drop();
});
beforeEach(async () => {
  tenant = await opened.neighbour(database);
  await tenant.meter('calls', { eventType: 'call', aggregation: 'COUNT', valueProperty: null });
  await tenant.customer('acme');
  await tenant.plan(plan('all', '1'));
  await tenant.plan(plan('large', '3', 'large'));
});

const JANUARY = '2026-01-01T00:00:00Z';
/** By the call, of one model or of everything. */
const plan = (key: string, unitPrice: string, model?: string) => ({
  ...{ key, kind: 'PER_QUERY' as const, alignment: 'CALENDAR' as const },
  prices: [
    {
      ...{ key: 'calls', model: 'PER_UNIT' as const, meter: 'calls', unitPrice },
      ...(model === undefined ? {} : { match: [{ property: 'model', in: [model] }] }),
    },
  ],
});
const call = (key: string, at: string, model: string, subscription?: string): StoryEvent => ({
  ...{ key, at, type: 'call', model },
  ...(subscription === undefined ? {} : { subscription }),
});

/** Each line with the events behind it, and whether it is the same again, by the plan: in the order of billing. */
async function told(key: string): Promise<string[]> {
  const explanations = tenant.get(LineExplanations);
  const sentences: string[] = [];
  for (const { lines } of await tenant.invoices('acme')) {
    for (const { id, kind, amount } of lines) {
      const { events } = await explanations.eventsOf(tenant.tenantId, id, { first: 100 });
      const behind = events.map(({ event, state }) => `${event.key} ${state}`).join(', ');
      const explained = await explanations.explain(tenant.tenantId, id);
      if (explained?.plan?.planKey !== key) continue;
      const isSame = explained.hash === (await explanations.recomputedHash(tenant.tenantId, id));
      sentences.push(`${kind} ${amount.toString()}: ${behind}${isSame ? '' : ' (differs)'}`);
    }
  }
  return sentences;
}

/** How often what was agreed was kept. */
const kept = (): Promise<number> =>
  tenant.database.withTenant(tenant.tenantId, async (tx) => {
    const [row] = await tx.query<{ rows: number }>('SELECT count(*)::int AS rows FROM agreed_before WHERE tenant_id = $1', [tx.tenantId]);
    return row?.rows ?? 0;
  });

test('8.4 an invoice whose usage a subscription took that began in the past gives its lines again, and so does what corrects it', async () => {
  await tenant.subscribe('acme', 'all', JANUARY);
  await tenant.use('acme', call('a', '2026-01-05T00:00:00Z', 'large'), call('b', '2026-01-06T00:00:00Z', 'small'));
  await tenant.bill('2026-02-01T02:00:00Z');
  await tenant.subscribe('acme', 'large', '2026-01-02T10:17:33Z');
  expect(await told('all')).toEqual(['USAGE 2: a COUNTED, b COUNTED']);
  await tenant.bill('2026-03-01T02:00:00Z');
  const corrected = ['USAGE 2: a COUNTED, b COUNTED', 'DELTA -1: a CANCELED, b COUNTED'];
  expect(await told('all')).toEqual(corrected);
  expect(await told('large')).toEqual(['USAGE 3: a COUNTED']);
  await tenant.use('acme', call('c', '2026-01-07T00:00:00Z', 'small'), call('d', '2026-01-08T00:00:00Z', 'large'));
  await tenant.bill('2026-04-01T02:00:00Z');
  expect(await told('all')).toEqual([...corrected, 'DELTA 1: a CANCELED, b COUNTED, c LATE']);
  expect(await told('large')).toEqual(['USAGE 3: a COUNTED', 'DELTA 3: a COUNTED, d LATE']);
  expect(await assembledOtherwise(tenant, 'acme')).toEqual([]);
});

test('8.4 pauses and ends that are dated back, several between two invoices, leave each invoice and each correction as it was', async () => {
  await tenant.subscribe('acme', 'all', JANUARY);
  await tenant.plan({ ...plan('by the year', '3', 'large'), interval: 'YEAR' });
  const year = await tenant.subscribe('acme', 'by the year', JANUARY);
  await tenant.use(
    'acme',
    ...[call('z', '2026-01-03T00:00:00Z', 'small'), call('a', '2026-01-05T00:00:00Z', 'large')],
    ...[call('b', '2026-01-10T00:00:00Z', 'large'), call('c', '2026-01-20T00:00:00Z', 'large', year)],
    call('d', '2026-01-24T00:00:00Z', 'large'),
  );
  await tenant.bill('2026-02-01T02:00:00Z');
  const pause = (from: string, until: string) =>
    tenant.get(PausesService).pause(tenant.tenantId, { subscription: year, at: parseInstant(from), resumesAt: parseInstant(until) });
  const cancel = (endsAt: string) =>
    tenant
      .get(SubscriptionsService)
      .cancel(tenant.tenantId, { subscription: year, at: parseInstant(JANUARY), endsAt: parseInstant(endsAt) });
  await pause('2026-01-04T00:00:00Z', '2026-01-06T00:00:00Z');
  await tenant.bill('2026-03-01T02:00:00Z');
  await pause('2026-01-09T10:17:33Z', '2026-01-11T00:00:00Z');
  await tenant.bill('2026-04-01T02:00:00Z');
  await cancel('2026-01-22T00:00:00Z');
  await cancel('2026-01-15T10:17:33Z');
  await tenant.bill('2026-05-01T02:00:00Z');
  expect(await told('all')).toEqual([
    'USAGE 1: z COUNTED',
    'DELTA 1: z COUNTED, a LATE',
    'DELTA 1: z COUNTED, a LATE, b LATE',
    'DELTA 2: z COUNTED, a LATE, b LATE, c LATE, d LATE',
  ]);
  expect(await assembledOtherwise(tenant, 'acme')).toEqual([]);
  expect(await kept()).toBe(3);
});

test('8.4 a THRESHOLD invoice is the same after a subscription began beside it, with effect from before', async () => {
  await tenant.plan({ ...plan('soon', '1'), invoiceThreshold: '2' });
  await tenant.subscribe('acme', 'soon', JANUARY);
  await tenant.use('acme', call('a', '2026-01-05T00:00:00Z', 'large'), call('b', '2026-01-06T00:00:00Z', 'small'));
  await tenant.bill('2026-01-10T00:00:00Z');
  await tenant.subscribe('acme', 'large', JANUARY);
  await tenant.bill('2026-02-01T02:00:00Z');
  expect(await told('soon')).toEqual(['USAGE 2: a COUNTED, b COUNTED', 'USAGE -1: b COUNTED']);
  expect(await told('large')).toEqual(['USAGE 3: a COUNTED']);
  expect(await assembledOtherwise(tenant, 'acme')).toEqual([]);
});

test('8.4 nothing is kept of a customer with one subscription, nor of changes that no invoice can be made of', async () => {
  const all = await tenant.subscribe('acme', 'all', JANUARY);
  await tenant.use('acme', call('a', '2026-01-05T00:00:00Z', 'small'));
  await tenant.bill('2026-02-01T02:00:00Z');
  await tenant.get(PausesService).pause(tenant.tenantId, { subscription: all, at: parseInstant('2026-02-10T00:00:00Z') });
  const large = await tenant.subscribe('acme', 'large', '2026-02-01T00:00:00Z');
  await tenant.cancel(large, '2026-02-20T00:00:00Z', true);
  expect(await kept()).toBe(0);
  await tenant.subscribe('acme', 'large', '2026-01-31T23:59:59Z', { overlap: true });
  expect(await kept()).toBe(1);
});

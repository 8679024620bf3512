import { parseInstant, type PlanInput } from '@tare/core';
import { PausesService, SubscriptionsService } from '@tare/customers';
import { createTestDatabase, type TestDatabase } from '@tare/database';

import { LineExplanations } from '../explain/explain-line.ts';
import type { InvoiceView } from '../invoices/invoices.service.ts';
import { TestWorld, type StoryEvent } from '../world.fixture.ts';

/** Events that name a subscription, in force or not (SEMANTICS 3.6, docs/decisions/0026). */
let database: TestDatabase;
let opened: TestWorld;
let world: TestWorld;

beforeAll(async () => {
  database = await createTestDatabase();
  opened = await TestWorld.open(database);
});
afterAll(async () => {
  await opened.close();
  await database.drop();
});
beforeEach(async () => {
  world = await opened.neighbour(database);
  await world.meter('calls', { eventType: 'call', aggregation: 'COUNT', valueProperty: null });
  await world.meter('users', { eventType: 'call', aggregation: 'UNIQUE_COUNT', valueProperty: 'user' });
  await world.meter('peak', { eventType: 'call', aggregation: 'MAX', valueProperty: 'quantity' });
  await world.meter('level', { eventType: 'call', aggregation: 'LATEST', valueProperty: 'quantity' });
  await world.customer('acme');
});

/** By the call, by the user, by the highest and by the last quantity; off the grid of pre-aggregated usage. */
const ALL_WAYS: PlanInput['prices'] = ['calls', 'users', 'peak', 'level'].map((meter) => ({
  key: meter,
  model: 'PER_UNIT',
  meter,
  unitPrice: '1',
}));
const CHANGE = '2026-01-15T10:17:33Z';

const plan = (key: string, prices = ALL_WAYS): Promise<void> => world.plan({ key, kind: 'PER_QUERY', alignment: 'CALENDAR', prices });
const call = (key: string, at: string, user: string, quantity: string, subscription?: string): StoryEvent => ({
  ...{ key, at, type: 'call', user, quantity },
  ...(subscription === undefined ? {} : { subscription }),
});
const quantities = ({ lines }: InvoiceView): string[] =>
  lines.map(({ kind, priceKey, quantity }) => `${kind} ${priceKey ?? '-'} ${quantity.toString()}`);

/** Keys of the events behind each line. */
async function behind({ lines }: InvoiceView): Promise<Record<string, string[]>> {
  const keys: Record<string, string[]> = {};
  for (const { id, priceKey } of lines) {
    const page = await world.get(LineExplanations).eventsOf(world.tenantId, id, { first: 100 });
    keys[priceKey ?? '-'] = (page?.events ?? []).map(({ event }) => event.key);
  }
  return keys;
}

/** The first subscription ends where the second begins, at 10:17:33. */
async function twoAfterEachOther(): Promise<{ first: string; second: string }> {
  await plan('before');
  await plan('after');
  const first = await world.subscribe('acme', 'before', '2026-01-01T00:00:00Z');
  await world.cancel(first, CHANGE, true);
  return { first, second: await world.subscribe('acme', 'after', CHANGE) };
}

test('3.6, 12 from the second on in which a subscription ends, what names it is rated by the one that runs, however it is counted', async () => {
  const { first } = await twoAfterEachOther();
  await world.use(
    'acme',
    call('a', '2026-01-15T10:17:32Z', 'ann', '9', first),
    call('b', '2026-01-15T10:17:33Z', 'bob', '4', first),
    call('c', '2026-01-20T00:00:00Z', 'ann', '7', first),
    call('d', '2026-01-25T00:00:00Z', 'bob', '5'),
  );
  await world.bill('2026-02-01T02:00:00Z');
  const [before, after] = await world.invoices('acme');
  if (before === undefined || after === undefined) throw new Error('two invoices were expected');
  expect(quantities(before)).toEqual(['USAGE calls 1', 'USAGE users 1', 'USAGE peak 9', 'USAGE level 9']);
  expect(quantities(after)).toEqual(['USAGE calls 3', 'USAGE users 2', 'USAGE peak 7', 'USAGE level 5']);
  expect(await behind(before)).toEqual({ calls: ['a'], users: ['a'], peak: ['a'], level: ['a'] });
  expect(await behind(after)).toEqual({ calls: ['b', 'c', 'd'], users: ['b', 'c', 'd'], peak: ['b', 'c', 'd'], level: ['b', 'c', 'd'] });

  await world.use('acme', call('e', '2026-01-30T00:00:00Z', 'eve', '8', first));
  await world.bill('2026-03-01T02:00:00Z');
  const late = (await world.invoices('acme')).at(-1);
  expect(late && quantities(late)).toEqual(['DELTA calls 4', 'DELTA users 3', 'DELTA peak 8', 'DELTA level 8']);
  expect(late && (await behind(late))['calls']).toEqual(['b', 'c', 'd', 'e']);
});

test("3.6 a name of nothing, of another customer's and of one that has not begun is no name", async () => {
  await plan('before');
  await world.customer('umbrella');
  await world.subscribe('acme', 'before', '2026-01-01T00:00:00Z');
  const others = await world.subscribe('umbrella', 'before', '2026-01-01T00:00:00Z');
  await plan('planned');
  const planned = await world.subscribe('acme', 'planned', '2026-02-01T00:00:00Z', { overlap: true });
  await world.use(
    'acme',
    call('a', '2026-01-05T00:00:00Z', 'ann', '1', '00000000-0000-4000-8000-000000000000'),
    call('b', '2026-01-06T00:00:00Z', 'ann', '1', others),
    call('c', '2026-01-07T00:00:00Z', 'ann', '1', planned),
    call('d', '2026-02-07T00:00:00Z', 'ann', '1', planned),
  );
  await world.bill('2026-02-01T02:00:00Z');
  await world.bill('2026-03-01T02:00:00Z');
  expect((await world.invoices('acme')).map((invoice) => quantities(invoice)[0])).toEqual(['USAGE calls 3', 'USAGE calls 1']);
  expect(await world.invoices('umbrella')).toEqual([]);
});

test("3.6 what names a subscription in force is no other one's, also where it has no price for it, is paused or on trial", async () => {
  await plan('takes all');
  await world.plan({ key: 'of images', kind: 'PER_QUERY', alignment: 'CALENDAR', prices: [] });
  await world.plan({ key: 'on trial', kind: 'PER_QUERY', alignment: 'CALENDAR', trialDays: 60, prices: ALL_WAYS });
  await world.subscribe('acme', 'takes all', '2026-01-01T00:00:00Z');
  const of = (key: string): Promise<string> => world.subscribe('acme', key, '2026-01-01T00:00:00Z', { overlap: true });
  const [images, trial, paused] = [await of('of images'), await of('on trial'), await of('takes all')];
  await world.get(PausesService).pause(world.tenantId, { subscription: paused, at: parseInstant('2026-01-10T00:00:00Z') });
  await world.use(
    'acme',
    call('a', '2026-01-20T00:00:00Z', 'ann', '1', images),
    call('b', '2026-01-20T00:00:00Z', 'ann', '1', trial),
    call('c', '2026-01-20T00:00:00Z', 'ann', '1', paused),
    call('d', '2026-01-20T00:00:00Z', 'ann', '1'),
  );
  await world.bill('2026-02-01T02:00:00Z');
  const billed = (await world.invoices('acme')).flatMap((invoice) => quantities(invoice));
  expect(billed.filter((line) => line.startsWith('USAGE calls'))).toEqual(['USAGE calls 1']);
});

test('3.6, 6 a cancellation that is taken back, and one that is dated back, decide for periods that are open', async () => {
  await plan('before');
  await plan('beside');
  const first = await world.subscribe('acme', 'before', '2026-01-01T00:00:00Z', { overlap: true });
  await world.subscribe('acme', 'beside', '2026-01-01T00:00:00Z', { overlap: true });
  await world.use('acme', call('a', '2026-01-20T00:00:00Z', 'ann', '1', first), call('b', '2026-01-28T00:00:00Z', 'ann', '1', first));
  const service = world.get(SubscriptionsService);
  const endsAt = (at: string) =>
    service.cancel(world.tenantId, { subscription: first, at: parseInstant('2026-01-10T00:00:00Z'), endsAt: parseInstant(at) });
  await endsAt('2026-01-18T00:00:00Z');
  await service.uncancel(world.tenantId, { subscription: first, at: parseInstant('2026-01-11T00:00:00Z') });
  await endsAt('2026-01-25T00:00:00Z');
  await world.bill('2026-02-01T02:00:00Z');
  const keys = await Promise.all((await world.invoices('acme')).map(async (invoice) => (await behind(invoice))['calls']));
  expect(keys).toEqual([['a'], ['b']]);
});

test('8.3 a cancellation that is dated back into closed periods of another subscription gives them what named it', async () => {
  await plan('calendar', [{ key: 'calls', model: 'PER_UNIT', meter: 'calls', unitPrice: '1' }]);
  await world.plan({ key: 'own', kind: 'PER_QUERY', prices: [{ key: 'calls', model: 'PER_UNIT', meter: 'calls', unitPrice: '2' }] });
  await world.subscribe('acme', 'calendar', '2026-01-01T00:00:00Z');
  const own = await world.subscribe('acme', 'own', '2026-01-20T00:00:00Z', { overlap: true });
  await world.use('acme', call('a', '2026-01-21T00:00:00Z', 'ann', '1', own), call('b', '2026-01-25T00:00:00Z', 'ann', '1', own));
  await world.bill('2026-02-01T02:00:00Z');
  await world.cancel(own, '2026-01-22T00:00:00Z', true);
  await world.bill('2026-03-01T02:00:00Z');
  const lines = (await world.invoices('acme')).flatMap(({ lines: all }) => all.map((line) => `${line.kind} ${line.amount.toString()}`));
  expect(lines).toEqual(['USAGE 2', 'DELTA 1']);
});

test('3.6, 8.3 a subscription that starts in the past takes what is its own out of closed periods of another one', async () => {
  await plan('all', [{ key: 'calls', model: 'PER_UNIT', meter: 'calls', unitPrice: '1' }]);
  const match = [{ property: 'model', in: ['large'] }];
  await plan('large', [{ key: 'calls', model: 'PER_UNIT', meter: 'calls', match, unitPrice: '3' }]);
  await world.subscribe('acme', 'all', '2026-01-01T00:00:00Z');
  const large = { model: 'large' };
  await world.use('acme', { ...call('a', '2026-01-05T00:00:00Z', 'ann', '1'), ...large }, call('b', '2026-01-06T00:00:00Z', 'ann', '1'));
  await world.bill('2026-02-01T02:00:00Z');
  await world.subscribe('acme', 'large', '2026-01-01T00:00:00Z');
  await world.bill('2026-03-01T02:00:00Z');
  const lines = (await world.invoices('acme')).flatMap(({ lines: all }) => all.map((line) => `${line.kind} ${line.amount.toString()}`));
  expect(lines.sort()).toEqual(['DELTA -1', 'USAGE 2', 'USAGE 3']);
});

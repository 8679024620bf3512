import { Test, type TestingModule } from '@nestjs/testing';
import { AlertEvents, AlertsModule, AlertsService, type Alert } from '@tare/alerts';
import { MetersService, PlansService } from '@tare/catalog';
import { parseInstant, type PlanInput } from '@tare/core';
import { CustomersService, SubscriptionsService } from '@tare/customers';
import { createTestDatabase, DatabaseModule, type TestDatabase } from '@tare/database';
import { CorrectionsService } from '../corrections/corrections.service.ts';
import { IngestService } from '../ingest/ingest.service.ts';
import { UsageModule } from '../usage.module.ts';
import { NameAlerts } from './name-alerts.ts';

const NOW = '2026-03-10T12:00:00Z';
const UNKNOWN = '00000000-0000-4000-8000-000000000000';

let db: TestDatabase;
let module: TestingModule;
let tenantId: string;
let keys = 0;

beforeAll(async () => {
  db = await createTestDatabase();
  const imports = [DatabaseModule.register({ url: db.url, connections: 6 }), UsageModule, AlertsModule];
  module = await Test.createTestingModule({ imports }).compile();
});
afterAll(async () => {
  await module.close();
  await db.drop();
});
beforeEach(async () => {
  tenantId = await db.createTenant();
  const meter = { key: 'calls', name: 'calls', eventType: 'call', aggregation: 'COUNT' as const };
  await module.get(MetersService).create(tenantId, meter);
  await plan('payg', { kind: 'PER_QUERY', prices: [{ key: 'calls', model: 'PER_UNIT', meter: 'calls', unitPrice: '1' }] });
  for (const key of ['acme', 'umbrella']) await module.get(CustomersService).create(tenantId, { key, name: key });
});

async function plan(key: string, more: Partial<PlanInput> & Pick<PlanInput, 'kind'>): Promise<void> {
  await module.get(PlansService).create(tenantId, { key, name: key, currency: 'USD', interval: 'MONTH', prices: [], ...more });
}

async function subscribe(customer: string, startsAt: string, of = 'payg'): Promise<string> {
  const input = { customer, plan: of, startsAt: parseInstant(startsAt), overlap: true };
  return (await module.get(SubscriptionsService).create(tenantId, input)).id;
}

async function end(subscription: string, at: string): Promise<void> {
  await module.get(SubscriptionsService).cancel(tenantId, { subscription, at: parseInstant(at), immediately: true });
}

/** Events of a customer that name a subscription. Answers their keys. */
async function name(customer: string, subscription: string | null, ...times: string[]): Promise<string[]> {
  const events = times.map((at) => ({
    key: `k${(keys += 1)}`,
    type: 'call',
    customer,
    at,
    ...(subscription === null ? {} : { subscription }),
  }));
  expect(await module.get(IngestService).ingest(tenantId, events, parseInstant('2026-11-21T12:00:00Z'))).toMatchObject({ rejected: [] });
  return events.map(({ key }) => key);
}

const look = (at = NOW): Promise<boolean> => module.get(NameAlerts).run(tenantId, parseInstant(at));
const open = (): Promise<Alert[]> => module.get(AlertsService).open(tenantId);
const told = async (): Promise<unknown[]> =>
  (await open()).map(({ kind, detail }) => [
    kind,
    detail['customer'],
    detail['subscription'],
    detail['problem'],
    detail['events'],
    detail['since'],
  ]);
const events = async (): Promise<unknown[]> => {
  const found = await module.get(AlertEvents).page(tenantId, {}, { beforeTime: null, beforeId: null, limit: 100 });
  return found.map(({ type, subject, payload }) => [type, subject, payload['problem'], payload['since']]);
};

const KIND = 'SUBSCRIPTION_NOT_IN_FORCE';

test('one alert tells of all that names a subscription in vain since it has ended, to the event, and goes on counting', async () => {
  const first = await subscribe('acme', '2026-01-01T00:00:00Z');
  await end(first, '2026-02-10T10:17:33Z');
  await name('acme', first, '2026-02-01T00:00:00Z', '2026-02-10T10:17:32Z');
  await look();
  expect(await told()).toEqual([]);
  await name('acme', first, '2026-02-10T10:17:32Z', '2026-02-10T10:17:33Z', '2026-02-10T10:25:00Z');
  await look();
  await name('acme', first, '2026-02-11T00:00:00Z', '2026-02-11T00:01:00Z');
  await name('acme', null, '2026-02-11T00:00:00Z');
  await look();
  await look();
  expect(await told()).toEqual([[KIND, 'acme', first, 'ENDED', 4, '2026-02-10T10:17:33.000Z']]);
  expect(await events()).toEqual([['usage.subscription_not_in_force', 'acme', 'ENDED', '2026-02-10T10:17:33.000Z']]);
  expect((await open())[0]?.message).toBe(
    `4 events of "acme" since 2026-02-10T10:17:33.000Z named subscription ${first}, which ended at 2026-02-10T10:17:33.000Z. They were rated as if they named none.`,
  );
});

test('what is unknown, of another customer, or has not begun is told with its reason, each once', async () => {
  const theirs = await subscribe('umbrella', '2026-01-01T00:00:00Z');
  const planned = await subscribe('acme', '2026-04-01T00:00:00Z');
  await name('acme', UNKNOWN, '2026-02-03T00:00:00Z', '2026-02-01T00:00:00Z');
  await name('acme', theirs, '2026-02-01T00:00:00Z');
  await name('umbrella', theirs, '2026-02-01T00:00:00Z');
  await name('acme', planned, '2026-02-01T00:00:00Z', '2026-04-01T00:00:00Z');
  await name('stranger', theirs, '2026-02-01T00:00:00Z');
  await look();
  const since = '2026-02-01T00:00:00.000Z';
  const expected = [
    [KIND, 'acme', UNKNOWN, 'UNKNOWN', 2, since],
    [KIND, 'acme', theirs, 'OTHER_CUSTOMER', 1, since],
    [KIND, 'acme', planned, 'NOT_BEGUN', 1, since],
    [KIND, 'stranger', theirs, 'OTHER_CUSTOMER', 1, since],
  ];
  const found = await told();
  expect(found).toHaveLength(expected.length);
  expect(found).toEqual(expect.arrayContaining(expected));
});

test('a license that does not renew has ended with its term', async () => {
  await plan('license', {
    kind: 'SITE_LICENSE',
    prices: [{ key: 'fee', model: 'FLAT', amount: '10' }],
    termIntervals: 1,
    autoRenew: false,
  });
  const license = await subscribe('acme', '2026-01-01T00:00:00Z', 'license');
  await name('acme', license, '2026-01-31T23:59:59Z', '2026-02-01T00:00:00Z');
  await look();
  expect(await told()).toEqual([[KIND, 'acme', license, 'ENDED', 1, '2026-02-01T00:00:00.000Z']]);
});

test('a day after the last of them it is over, and told anew when it goes on', async () => {
  await name('acme', UNKNOWN, '2026-02-01T00:00:00Z');
  await look('2026-03-10T12:00:00Z');
  await look('2026-03-11T12:00:00Z');
  expect(await told()).toHaveLength(1);
  await look('2026-03-11T12:00:01Z');
  expect(await told()).toEqual([]);
  await name('acme', UNKNOWN, '2026-02-02T00:00:00Z');
  await look('2026-03-12T00:00:00Z');
  expect(await told()).toEqual([[KIND, 'acme', UNKNOWN, 'UNKNOWN', 1, '2026-02-02T00:00:00.000Z']]);
  expect(await events()).toHaveLength(2);
});

test('what was voided is not counted, and where all of it was there is nothing to tell', async () => {
  const sent = await name('acme', UNKNOWN, '2026-02-01T00:00:00Z', '2026-02-02T00:00:00Z');
  await look();
  const void_ = (key: string | undefined) =>
    module.get(CorrectionsService).voidEvents(tenantId, [key ?? ''], { actor: 'a test', reason: null });
  await void_(sent[0]);
  await look();
  expect((await told()).map((alert) => (alert as unknown[])[4])).toEqual([1]);
  await void_(sent[1]);
  await look();
  expect(await told()).toEqual([]);
});

test('it is over when the name means something after all, as when a cancellation is taken back', async () => {
  const first = await subscribe('acme', '2026-01-01T00:00:00Z');
  const service = module.get(SubscriptionsService);
  const [at, endsAt] = [parseInstant('2026-01-10T00:00:00Z'), parseInstant('2026-02-10T00:00:00Z')];
  await service.cancel(tenantId, { subscription: first, at, endsAt });
  await name('acme', first, '2026-02-20T00:00:00Z');
  await look();
  expect(await told()).toHaveLength(1);
  await service.uncancel(tenantId, { subscription: first, at });
  await look();
  expect(await told()).toEqual([]);
});

test('a client that makes names up does not fill the list, and several workers at once tell each once', async () => {
  for (let from = 0; from < 250; from += 50) {
    const ids = Array.from({ length: 50 }, (_, i) => `00000000-0000-4000-8000-${String(from + i).padStart(12, '0')}`);
    const sent = ids.map((subscription, i) => ({
      key: `made up ${from + i}`,
      type: 'call',
      customer: 'acme',
      at: '2026-02-01T00:00:00Z',
      subscription,
    }));
    await module.get(IngestService).ingest(tenantId, sent, parseInstant('2026-11-21T12:00:00Z'));
  }
  await Promise.all([look(), look(), look()]);
  expect(await open()).toHaveLength(200);
  expect((await open()).every(({ detail }) => detail['events'] === 1)).toBe(true);
});

import { Test, type TestingModule } from '@nestjs/testing';
import { CatalogModule, MetersService } from '@tare/catalog';
import { CustomersModule, CustomerStore } from '@tare/customers';
import { SLOT, aggregate, formatInstant, parseInstant, parseUsageEvent, recordOfEvent, recordText } from '@tare/core';
import type { Instant, Meter, UsageRecord } from '@tare/core';
import { createTestDatabase, DatabaseModule, type TestDatabase } from '@tare/database';
import fc from 'fast-check';
import { CorrectionsService } from '../corrections/corrections.service.ts';
import { IngestService } from '../ingest/ingest.service.ts';
import { UsageBoundaries } from '../buckets/usage-boundaries.ts';
import { UsageModule } from '../usage.module.ts';
import { MeterRollups } from './meter-rollups.service.ts';
import { MeterUsageModule } from './meter-usage.module.ts';
import { MeterUsageService, type MeterUsageRow } from './meter-usage.service.ts';

const NOW = parseInstant('2026-11-21T12:00:00Z');
/** Two slots on either side of a month's end: events lie in two partitions. */
const ORIGIN = parseInstant('2026-10-31T23:30:00Z');
const SPAN = 4 * SLOT;
const CUSTOMERS = ['acme', 'zoe'] as const;
const AUTHOR = { actor: 'a key', reason: null };

let db: TestDatabase;
let module: TestingModule;

beforeAll(async () => {
  db = await createTestDatabase();
  module = await Test.createTestingModule({
    imports: [DatabaseModule.register({ url: db.url, connections: 6 }), CatalogModule, CustomersModule, UsageModule, MeterUsageModule],
  }).compile();
});
afterAll(async () => {
  await module.close();
  await db.drop();
});

const METERS: readonly Meter[] = [
  meter('quantity', 'SUM', 'quantity'),
  meter('pages', 'SUM', 'properties.pages'),
  meter('max', 'MAX', 'properties.pages', { eventType: 'llm' }),
  meter('latest', 'LATEST', 'properties.pages', { groupBy: ['user'] }),
  meter('latest-quantity', 'LATEST', 'quantity'),
  meter('users', 'UNIQUE_COUNT', 'user'),
  meter('plans', 'UNIQUE_COUNT', 'properties.plan', { groupBy: ['properties.plan'], filters: [{ property: 'model', in: ['a'] }] }),
  meter('calls', 'COUNT', null, { filters: [{ property: 'user', in: ['u1', 'u2'] }] }),
  meter('tokens', 'SUM', 'tokens.total', { groupBy: ['user', 'model'] }),
];

function meter(key: string, aggregation: Meter['aggregation'], valueProperty: string | null, more: Partial<Meter> = {}): Meter {
  return { key, eventType: '*', aggregation, valueProperty, filters: [], groupBy: [], ...more };
}

interface Contents {
  readonly customer: (typeof CUSTOMERS)[number];
  readonly at: Instant;
  readonly type: string;
  readonly model: string | null;
  readonly user: string | null;
  readonly quantity: number;
  readonly tokens: number;
  readonly pages: unknown;
  readonly plan: string | null;
}

const instant = fc.oneof(
  fc.integer({ min: 0, max: SPAN / 1_000 - 1 }).map((millis) => ORIGIN + millis * 1_000),
  fc.constantFrom(ORIGIN, ORIGIN + SLOT, ORIGIN + SLOT + 1, ORIGIN + 2 * SLOT - 1),
);
const contents = fc.record({
  customer: fc.constantFrom(...CUSTOMERS),
  at: instant,
  type: fc.constantFrom('llm', 'image'),
  model: fc.constantFrom('a', 'b', null),
  user: fc.constantFrom('u1', 'u2', '', null),
  quantity: fc.nat(5),
  tokens: fc.nat(100),
  pages: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom('1.50', '-0.25', 'many', null, 0.1, 0.1 + 0.2)),
  plan: fc.constantFrom('free', 'pro', null),
});
const key = fc.integer({ min: 0, max: 11 }).map((no) => `event-${no}`);
const keyed = fc.array(fc.tuple(key, contents), { minLength: 1, maxLength: 6 });
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('SEND' as const), events: keyed }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('AMEND' as const), events: keyed }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('VOID' as const), keys: fc.array(key, { minLength: 1, maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('CUT' as const), customer: fc.constantFrom(...CUSTOMERS), at: instant }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ROLL_UP' as const), steps: fc.constantFrom(1, 3, 9, 20, 1_000) }) },
);
const scenario = fc.record({
  operations: fc.array(operation, { minLength: 1, maxLength: 12 }),
  metersAfter: fc.nat(4),
  cuts: fc.uniqueArray(instant, { minLength: 2, maxLength: 3 }).map((cuts) => cuts.sort((a, b) => a - b)),
});

const wireOf = ([eventKey, { tokens, pages, plan, at, ...rest }]: readonly [string, Contents]): Record<string, unknown> => ({
  ...rest,
  key: eventKey,
  at: formatInstant(at),
  tokens: { input: tokens },
  properties: { pages, plan },
});

/** Which event stands under each key, by the rules of SEMANTICS 3.1 and 3.5. */
class Standing {
  private readonly known = new Map<string, Set<string>>();
  readonly events = new Map<string, Contents | 'VOIDED'>();

  send(eventKey: string, event: Contents): void {
    if (!this.known.has(eventKey)) this.put(eventKey, event);
  }

  amend(eventKey: string, event: Contents): void {
    const current = this.events.get(eventKey);
    if (current === undefined || current === 'VOIDED' || this.known.get(eventKey)?.has(contentsOf(event)) === true) return;
    this.put(eventKey, event);
  }

  cancel(eventKey: string): void {
    if (this.events.has(eventKey)) this.events.set(eventKey, 'VOIDED');
  }

  records(): { customer: string; record: UsageRecord }[] {
    return [...this.events].flatMap(([eventKey, event]) => {
      if (event === 'VOIDED') return [];
      const parsed = parseUsageEvent(wireOf([eventKey, event]), { now: NOW, backdatingLimit: null });
      return [{ customer: event.customer, record: recordOfEvent(parsed, { state: 'UNPRICED', amount: null, currency: null }) }];
    });
  }

  private put(eventKey: string, event: Contents): void {
    this.known.set(eventKey, (this.known.get(eventKey) ?? new Set()).add(contentsOf(event)));
    this.events.set(eventKey, event);
  }
}

/** An empty user is none. */
const contentsOf = (event: Contents): string => JSON.stringify({ ...event, user: event.user || null });

async function makeMeters(tenantId: string): Promise<void> {
  for (const one of METERS) await module.get(MetersService).create(tenantId, { ...one, name: one.key });
}

async function cut(tenantId: string, customer: string, at: Instant): Promise<void> {
  await db.database.withTenant(tenantId, async (tx) => {
    const no = (await module.get(CustomerStore).numbersOf(tx, [customer])).get(customer) ?? NaN;
    await module.get(UsageBoundaries).register(tx, no, [at]);
  });
}

type Shown = readonly [customer: string | null, from: number, group: string, value: string];

const shownRows = (rows: readonly MeterUsageRow[]): Shown[] =>
  rows.map(({ customer, from, group, value }): Shown => [customer, from, JSON.stringify(group), value.toString()]).sort(byText);
const byText = (a: Shown, b: Shown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** What core counts over the single events: the definition. */
function expectedRows(one: Meter, standing: Standing, cuts: readonly Instant[], perCustomer: boolean): Shown[] {
  const places = new Map<string, { place: readonly [string | null, number, string]; records: UsageRecord[] }>();
  for (const { customer, record } of standing.records()) {
    const counted = aggregate({ ...one, aggregation: 'COUNT', valueProperty: null }, [], [record]);
    const from = cuts.slice(0, -1).find((start, i) => start <= record.from && record.from < (cuts[i + 1] ?? start));
    if (counted.isZero() || from === undefined) continue;
    const group = JSON.stringify(one.groupBy.map((property) => recordText(property, record)));
    const place = [perCustomer ? customer : null, from, group] as const;
    const known = places.get(place.join(' ')) ?? { place, records: [] };
    known.records.push(record);
    places.set(place.join(' '), known);
  }
  return [...places.values()].map(({ place, records }): Shown => [...place, aggregate(one, [], records).toString()]).sort(byText);
}

async function check(tenantId: string, one: Meter, standing: Standing, cuts: readonly Instant[], perCustomer: boolean): Promise<void> {
  const rows: MeterUsageRow[] = [];
  for (const [i, from] of cuts.slice(0, -1).entries()) {
    const request = { meter: one.key, from, to: cuts[i + 1] ?? from, groupBy: one.groupBy, perCustomer };
    rows.push(...(await module.get(MeterUsageService).page(tenantId, request)).rows);
  }
  expect({ meter: one.key, rows: shownRows(rows) }).toEqual({ meter: one.key, rows: expectedRows(one, standing, cuts, perCustomer) });
}

test('usage over time is what core counts over the single events: any order, batching, repetition, corrections, boundaries and progress of roll-ups', async () => {
  const [ingest, corrections, rollups] = [module.get(IngestService), module.get(CorrectionsService), module.get(MeterRollups)];
  await fc.assert(
    fc.asyncProperty(scenario, async ({ operations, metersAfter, cuts }) => {
      const tenantId = await db.createTenant();
      const standing = new Standing();
      for (const [i, op] of operations.entries()) {
        if (i === metersAfter) await makeMeters(tenantId);
        if (op.kind === 'SEND') {
          for (const [eventKey, event] of op.events) standing.send(eventKey, event);
          await ingest.ingest(tenantId, op.events.map(wireOf), NOW);
        } else if (op.kind === 'AMEND') {
          for (const [eventKey, event] of op.events) standing.amend(eventKey, event);
          await corrections.amendEvents(tenantId, op.events.map(wireOf), AUTHOR, NOW);
        } else if (op.kind === 'VOID') {
          for (const eventKey of op.keys) standing.cancel(eventKey);
          await corrections.voidEvents(tenantId, op.keys, AUTHOR);
        } else if (op.kind === 'CUT') {
          await cut(tenantId, op.customer, op.at);
        } else {
          await rollups.run(tenantId, { steps: op.steps, changedRows: 3, filledRows: 3, filledEvents: 2 });
        }
        const one = METERS[i % METERS.length] as Meter;
        if (i >= metersAfter) await check(tenantId, one, standing, cuts, i % 2 === 0);
      }
      if (operations.length <= metersAfter) await makeMeters(tenantId);
      for (const one of METERS) await check(tenantId, one, standing, cuts, true);
      await rollups.run(tenantId);
      for (const one of METERS) await check(tenantId, one, standing, cuts, true);
    }),
    { numRuns: Number(process.env['TARE_PROPERTY_RUNS'] ?? 25) },
  );
}, 240_000);

test('the same events give the same roll-ups and buckets whatever the order, the batches and the repetitions', async () => {
  const events = fc.uniqueArray(fc.tuple(key, contents), { minLength: 1, maxLength: 10, selector: ([eventKey]) => eventKey });
  const arrival = fc.record({
    order: fc.infiniteStream(fc.nat()),
    batch: fc.integer({ min: 1, max: 5 }),
    rollUp: fc.boolean(),
    repeat: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(events, arrival, arrival, async (sent, first, second) => {
      const facts: unknown[] = [];
      for (const { order, batch, rollUp, repeat } of [first, second]) {
        const tenantId = await db.createTenant();
        await makeMeters(tenantId);
        const placed = sent.map((event) => ({ event, place: order.next().value ?? 0 })).sort((a, b) => a.place - b.place);
        const wire = (repeat ? [...placed, ...placed] : placed).map(({ event }) => wireOf(event));
        for (let i = 0; i < wire.length; i += batch) {
          await module.get(IngestService).ingest(tenantId, wire.slice(i, i + batch), NOW);
          if (rollUp) await module.get(MeterRollups).run(tenantId);
        }
        await module.get(MeterRollups).run(tenantId);
        facts.push(await storedFacts(tenantId));
      }
      expect(facts[1]).toEqual(facts[0]);
    }),
    { numRuns: 10 },
  );
}, 120_000);

/** Everything that is pre-aggregated, by what it says: numbers of customers, dimensions and groups depend on who came first. */
async function storedFacts(tenantId: string): Promise<unknown> {
  return db.database.withTenant(tenantId, async (tx) => ({
    buckets: await tx.query(
      `SELECT k.key, b.from_at, d.type, d.model, sum(b.events)::text AS events, trim_scale(sum(b.quantity))::text AS quantity,
         trim_scale(sum(b.uncached_input))::text AS input
       FROM usage_bucket b JOIN customer_key k ON k.tenant_id = b.tenant_id AND k.no = b.customer_no
       JOIN usage_dimension d ON d.tenant_id = b.tenant_id AND d.no = b.dimension_no
       WHERE b.tenant_id = $1 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`,
      [tenantId],
    ),
    rollups: await tx.query(
      `SELECT m.key AS meter, k.key, c.from_at, c.to_at, g.properties, c.events, c.inexact, trim_scale(c.value)::text AS value, c.value_at,
         (SELECT array_agg(member || ' ' || events ORDER BY member) FROM unnest(c.members::text[], c.member_events) AS one (member, events)) AS members
       FROM meter_rollup_cell c JOIN meter m ON m.tenant_id = c.tenant_id AND m.id = c.meter_id
       JOIN customer_key k ON k.tenant_id = c.tenant_id AND k.no = c.customer_no
       JOIN meter_rollup_group g ON g.tenant_id = c.tenant_id AND g.meter_id = c.meter_id AND g.no = c.group_no
       WHERE c.tenant_id = $1 ORDER BY 1, 2, 3, 5`,
      [tenantId],
    ),
  }));
}

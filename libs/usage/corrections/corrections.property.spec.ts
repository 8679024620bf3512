import { Test, type TestingModule } from '@nestjs/testing';
import { CustomersModule, CustomerStore } from '@tare/customers';
import { Decimal, SLOT, formatInstant, parseInstant, sumRecords, type Instant, type UsageRecord } from '@tare/core';
import { createTestDatabase, DatabaseModule, type TestDatabase } from '@tare/database';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { CorrectionsService } from './corrections.service.ts';
import { IngestService, type IngestResult } from '../ingest/ingest.service.ts';
import { UsageBoundaries } from '../buckets/usage-boundaries.ts';
import { UsageCosting } from '../costing/usage-costing.ts';
import { UsageModule } from '../usage.module.ts';
import { UsageReader } from '../buckets/usage-reader.ts';

const NOW = parseInstant('2026-11-21T12:00:00Z');
const ORIGIN = parseInstant('2026-10-31T23:30:00Z');
/** Two slots on either side of a month's end: events move between partitions. */
const SPAN = 4 * SLOT;
const CUSTOMERS = ['acme', 'zoe'] as const;
const AUTHOR = { actor: 'a key', reason: null };

let db: TestDatabase;
let module: TestingModule;

beforeAll(async () => {
  db = await createTestDatabase();
  module = await Test.createTestingModule({
    imports: [DatabaseModule.register({ url: db.url, connections: 6 }), UsageModule, CustomersModule],
  }).compile();
});
afterAll(async () => {
  await module.close();
  await db.drop();
});

/** Contents of an event. */
interface Contents {
  readonly customer: (typeof CUSTOMERS)[number];
  readonly at: Instant;
  readonly model: 'a' | 'b';
  readonly quantity: number;
}

type Operation =
  | { readonly kind: 'INGEST' | 'AMEND'; readonly events: readonly (Contents & { readonly key: string })[] }
  | { readonly kind: 'VOID'; readonly keys: readonly string[] }
  | { readonly kind: 'COST'; readonly model: 'a' | 'b'; readonly amount: number; readonly currency: 'USD' | 'EUR' }
  | { readonly kind: 'CUT'; readonly customer: (typeof CUSTOMERS)[number]; readonly at: readonly Instant[] };

/** What the rules say is stored under a key. */
interface KeptInModel {
  readonly contents: Contents;
  readonly known: ReadonlySet<string>;
  readonly isVoided: boolean;
  /** Frozen, with its currency; null: unknown. */
  readonly cost: readonly [number, string] | null;
  readonly restated: readonly [number, string] | null;
}

/** The rules of SEMANTICS 3.1, 3.2, 3.5 and 9.2, in a page of plain code. */
class Model {
  readonly kept = new Map<string, KeptInModel>();

  ingest(key: string, contents: Contents): string {
    const event = this.kept.get(key);
    if (event) return event.known.has(JSON.stringify(contents)) ? 'duplicate' : 'rejected';
    this.kept.set(key, newEvent(contents, new Set()));
    return 'accepted';
  }

  amend(key: string, contents: Contents): string {
    const event = this.kept.get(key);
    if (!event) return 'rejected';
    if (event.known.has(JSON.stringify(contents))) return 'duplicate';
    if (event.isVoided) return 'rejected';
    this.kept.set(key, newEvent(contents, event.known));
    return 'accepted';
  }

  voidEvent(key: string): string {
    const event = this.kept.get(key);
    if (!event) return 'rejected';
    if (event.isVoided) return 'duplicate';
    this.kept.set(key, { ...event, isVoided: true });
    return 'accepted';
  }

  cost(model: string, amount: number, currency: string): void {
    for (const [key, event] of this.kept) {
      if (event.isVoided || event.contents.model !== model) continue;
      const known = [amount, currency] as const;
      this.kept.set(key, { ...event, cost: event.cost ?? known, restated: known });
    }
  }

  /** Sums of a customer between cuts, as `shown`. */
  sums(customer: string, cuts: readonly Instant[]): string[] {
    const sums = new Map<string, [number, number, number, number]>();
    const add = (cell: string, ...[events, quantity, cost, restated]: [number, number, number, number]): void => {
      const sum = sums.get(cell) ?? [0, 0, 0, 0];
      sums.set(cell, [sum[0] + events, sum[1] + quantity, sum[2] + cost, sum[3] + restated]);
    };
    for (const { contents, isVoided, cost, restated } of this.kept.values()) {
      const { at, model, quantity } = contents;
      const window = cuts.findLast((cut) => cut <= at);
      if (isVoided || contents.customer !== customer || window === undefined || at >= (cuts.at(-1) ?? 0)) continue;
      const cell = (currency: string | null): string => `${window} ${model} ${currency}`;
      add(cell(cost?.[1] ?? null), 1, quantity, cost?.[0] ?? 0, 0);
      if (restated) add(cell(restated[1]), 0, 0, 0, restated[0]);
    }
    return [...sums]
      .filter(([, sum]) => sum.some((count) => count !== 0))
      .map(([cell, sum]) => `${cell}: ${sum.join(' ')}`)
      .sort();
  }
}

const newEvent = (contents: Contents, known: ReadonlySet<string>): KeptInModel => ({
  contents,
  known: new Set([...known, JSON.stringify(contents)]),
  isVoided: false,
  cost: null,
  restated: null,
});

const shown = (records: readonly UsageRecord[]): string[] =>
  records
    .map((one) => `${one.from} ${one.model} ${one.costCurrency}: ${[one.events, one.quantity, one.cost, one.restatedCost].join(' ')}`)
    .sort();

/** The same without the restated cost: a single event shows it in its own currency. */
const frozen = (sums: readonly string[]): string[] => sums.map((sum) => sum.replace(/ \S+$/, '')).filter((sum) => !sum.endsWith(': 0 0 0'));

const instant = fc.integer({ min: 0, max: SPAN / 1_000_000 - 1 }).map((seconds) => ORIGIN + seconds * 1_000_000);
const key = fc.constantFrom('1', '2', '3', '4');
const customer = fc.constantFrom(...CUSTOMERS);
const model = fc.constantFrom('a' as const, 'b' as const);
const contents = {
  customer,
  at: fc.constantFrom(0, 1, SPAN / 2 - 1, SPAN / 2 + 1).chain((offset) => fc.oneof(instant, fc.constant(ORIGIN + offset))),
  model,
};
const event = fc.record({ key, ...contents, quantity: fc.integer({ min: 1, max: 3 }) });
const events = fc.array(event, { minLength: 1, maxLength: 5 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('INGEST' as const), events }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('AMEND' as const), events }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('VOID' as const), keys: fc.array(key, { minLength: 1, maxLength: 3 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('COST' as const),
      model,
      amount: fc.integer({ min: 1, max: 9 }),
      currency: fc.constantFrom('USD' as const, 'EUR' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('CUT' as const), customer, at: fc.array(instant, { minLength: 1, maxLength: 3 }) }),
  },
);

async function happen(tenantId: string, operation: Operation, rules: Model): Promise<void> {
  if (operation.kind === 'VOID') {
    const result = await module.get(CorrectionsService).voidEvents(tenantId, operation.keys, AUTHOR);
    return expectOutcomes(
      result,
      operation.keys.map((one) => rules.voidEvent(one)),
    );
  }
  if (operation.kind === 'COST') {
    await cost(tenantId, operation);
    return rules.cost(operation.model, operation.amount, operation.currency);
  }
  if (operation.kind === 'CUT') return cut(tenantId, operation);
  const raws = operation.events.map(({ at, ...one }) => ({ ...one, type: 'call', provider: 'nobody', at: formatInstant(at) }));
  if (operation.kind === 'INGEST') {
    const result = await module.get(IngestService).ingest(tenantId, raws, NOW);
    return expectOutcomes(
      result,
      operation.events.map(({ key: name, ...one }) => rules.ingest(name, one)),
    );
  }
  const result = await module.get(CorrectionsService).amendEvents(tenantId, raws, AUTHOR, NOW);
  expectOutcomes(
    result,
    operation.events.map(({ key: name, ...one }) => rules.amend(name, one)),
  );
}

function expectOutcomes({ accepted, duplicates, rejected }: IngestResult, outcomes: readonly string[]): void {
  const positions = (outcome: string): number[] => [...outcomes.keys()].filter((i) => outcomes[i] === outcome);
  expect([accepted, duplicates, rejected.map(({ index }) => index)]).toEqual([
    positions('accepted').length,
    positions('duplicate').length,
    positions('rejected'),
  ]);
}

/** As a new rate of the book would have it. */
async function cost(tenantId: string, { model: name, amount, currency }: Operation & { kind: 'COST' }): Promise<void> {
  const costing = module.get(UsageCosting);
  await db.database.withTenant(tenantId, async (tx) => {
    await costing.lock(tx);
    const match = { provider: 'nobody', model: name, pool: null };
    const found = await costing.eventsToCost(tx, { match, from: ORIGIN - SPAN, to: null, after: null, limit: 1_000 });
    const changes = found.map((one) => ({ event: one, amount: Decimal.parse(String(amount)), currency, rateId: randomUUID() }));
    const costed = changes.filter((change) => change.event.cost === null);
    await costing.applyCosts(tx, { costed, restated: changes.filter((change) => change.event.cost !== null) });
  });
}

function cut(tenantId: string, { customer: name, at }: Operation & { kind: 'CUT' }): Promise<void> {
  return db.database.withTenant(tenantId, async (tx) => {
    const no = (await new CustomerStore().numbersOf(tx, [name])).get(name) ?? -1;
    await module.get(UsageBoundaries).register(tx, no, at);
  });
}

test('3.5, 12 whatever is sent, voided, amended, costed and cut in whatever order: at every commit, buckets and events are what the rules say', async () => {
  const cuts = fc
    .uniqueArray(instant, { minLength: 0, maxLength: 3 })
    .map((inner) => [...new Set([ORIGIN, ...inner, ORIGIN + SPAN])].sort((a, b) => a - b));
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 4, maxLength: 16 }), cuts, async (operations, someCuts) => {
      const tenantId = await db.createTenant();
      const reader = module.get(UsageReader);
      const rules = new Model();
      const whole = [ORIGIN, ORIGIN + SPAN];
      const expected = new Map<number, Record<string, [string[], string[]]>>();
      for (const one of operations) {
        await happen(tenantId, one, rules);
        const seq = await db.database.withTenant(tenantId, (tx) => reader.currentSeq(tx));
        expected.set(seq, Object.fromEntries(CUSTOMERS.map((name) => [name, [rules.sums(name, whole), rules.sums(name, someCuts)]])));
      }
      await db.database.withTenant(tenantId, async (tx) => {
        const numbers = await new CustomerStore().numbersOf(tx, CUSTOMERS);
        for (const [upToSeq, sums] of expected) {
          for (const name of CUSTOMERS) {
            const customerNo = numbers.get(name) ?? -1;
            const [inWhole, inCuts] = sums[name] ?? [[], []];
            expect(shown(await reader.read(tx, { customerNo, cuts: whole, upToSeq }))).toEqual(inWhole);
            expect(shown(await reader.read(tx, { customerNo, cuts: someCuts, upToSeq }))).toEqual(inCuts);
            const single = await reader.readEvents(tx, { customerNo, from: ORIGIN, to: ORIGIN + SPAN, upToSeq });
            const records = sumRecords(single.map((record) => ({ ...record, from: ORIGIN })));
            expect(frozen(shown(records))).toEqual(frozen(inWhole));
          }
        }
      });
    }),
    { numRuns: Number(process.env['TARE_PROPERTY_RUNS'] ?? 40) },
  );
}, 300_000);

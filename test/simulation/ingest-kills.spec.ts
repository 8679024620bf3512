import { AccessService } from '@tare/access';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningApi } from './running-api.fixture.ts';

/**
 * The API is killed with -9 in the midst of ingest, again and again, by a seed. Clients remember what was acknowledged, send the rest again, and send
 * some of what was acknowledged again too. In between a rate is set, so that costs are filled in while processes die.
 */
const SEED = 20_261_121;
const EVENTS = 50_000;
const CLIENTS = 4;
const KILLS = 5;
const KEY = 'tare_postgresingest_kills_0123456789';
const FIRST_AT = Date.parse('2026-03-30T00:00:00Z');

interface Event {
  readonly key: string;
  readonly tokens: { readonly input: number; readonly output: number };
  readonly [field: string]: unknown;
}
interface Answer {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly unknown[];
}

/** Whole numbers below a bound, the same for the same seed. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Of forty customers, of five models (one never priced), over four days on both sides of a month's end. */
function someEvents(random: (below: number) => number): Event[] {
  return Array.from({ length: EVENTS }, (_, i) => ({
    key: `event-${i}`,
    customer: `customer-${random(40)}`,
    type: 'llm.completion',
    at: new Date(FIRST_AT + random(4 * 86_400_000)).toISOString(),
    provider: 'own-lab',
    model: `lab-${random(5)}`,
    quantity: `0.${random(1_000) + 1}`,
    tokens: { input: random(10_000), output: random(3_000) },
  }));
}

function batchesOf(events: readonly Event[], random: (below: number) => number): Event[][] {
  const batches: Event[][] = [];
  for (let from = 0; from < events.length;) {
    const size = 50 + random(700);
    batches.push(events.slice(from, from + size));
    from += size;
  }
  return batches;
}

describe('ingest under kill -9', () => {
  let postgres: TestDatabase;
  let api: RunningApi;
  let tenantId: string;
  const random = seeded(SEED);
  const events = someEvents(random);
  const acknowledged = { events: 0, lost: 0, unanswered: 0 };

  beforeAll(async () => {
    postgres = await createTestDatabase();
    const access = new AccessService(postgres.database);
    await access.bootstrap(KEY);
    tenantId = (await access.authenticate(KEY))?.tenantId ?? '';
    api = new RunningApi(postgres.url);
    await api.start();
  });
  afterAll(async () => {
    await api.kill();
    await postgres.drop();
  });

  /** Until it is answered: what the answer to a request was that a kill cut off, nobody knows. */
  async function post(path: string, body: unknown): Promise<Record<string, unknown>> {
    for (;;) {
      try {
        const response = await fetch(`${api.url ?? 'http://127.0.0.1:9'}${path}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
        if (response.status === 200) return (await response.json()) as Record<string, unknown>;
        throw new Error(`status ${response.status}: ${await response.text()}`);
      } catch (error) {
        if (api.url !== null && !(error instanceof TypeError)) throw error;
        acknowledged.unanswered += 1;
        await sleep(50);
      }
    }
  }
  const send = async (batch: readonly Event[]): Promise<Answer> => (await post('/v1/events', batch)) as unknown as Answer;

  /** Sends its batches in turn; one in eight that was acknowledged once more, which must find all of it there. */
  async function client(batches: readonly Event[][], own: (below: number) => number): Promise<void> {
    const done: Event[][] = [];
    for (const batch of batches) {
      const answer = await send(batch);
      expect([answer.accepted + answer.duplicates, answer.rejected]).toEqual([batch.length, []]);
      acknowledged.events += batch.length;
      done.push(batch);
      if (own(8) === 0) acknowledged.lost += (await send(done[own(done.length)] ?? batch)).accepted;
    }
  }

  async function killAndStartAgain(): Promise<void> {
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const enough = Math.floor((EVENTS * kill) / (KILLS + 1));
      while (acknowledged.events < enough) await sleep(5);
      await sleep(random(60));
      await api.kill();
      await api.start();
    }
  }

  const setRates = async (price: number, models: readonly string[]): Promise<void> => {
    for (const model of models) {
      const input = { provider: 'own-lab', model, currency: 'USD', validFrom: '2020-01-01T00:00:00Z', input: `${price}`, output: '7' };
      const query = 'mutation ($input: CostRateInput!) { setCostRate(input: $input) { id } }';
      expect(await post('/graphql', { query, variables: { input } })).toMatchObject({ data: { setCostRate: {} } });
    }
  };

  const rows = (sql: string): Promise<Record<string, unknown>[]> => postgres.database.withTenant(tenantId, (tx) => tx.query(sql));

  test('3.3 an acknowledged event is never lost and never counted twice, whatever is killed', async () => {
    const batches = batchesOf(events, random);
    const shares = Array.from({ length: CLIENTS }, (_, i) => batches.filter((_batch, n) => n % CLIENTS === i));
    const rateIsSet = (async () => {
      while (acknowledged.events < EVENTS / 2) await sleep(5);
      await setRates(3, ['lab-0', 'lab-1', 'lab-2', 'lab-3']);
    })();
    await Promise.all([...shares.map((share, i) => client(share, seeded(SEED + i + 1))), killAndStartAgain(), rateIsSet]);

    expect(acknowledged).toMatchObject({ events: EVENTS, lost: 0 });
    expect(acknowledged.unanswered).toBeGreaterThan(0);
    expect(await rows('SELECT count(*)::int AS events, count(DISTINCT key)::int AS keys FROM usage_event')).toEqual([
      { events: EVENTS, keys: EVENTS },
    ]);
  });

  test('3.3 each event stands there with the contents that were sent', async () => {
    const sum = (of: (event: Event) => number): string => String(events.reduce((total, event) => total + of(event), 0));
    expect(await rows('SELECT sum(uncached_input)::text AS input, sum(plain_output)::text AS output FROM usage_event')).toEqual([
      { input: sum(({ tokens }) => tokens.input), output: sum(({ tokens }) => tokens.output) },
    ]);
  });

  test('12 buckets are what a recount of the events gives, cell by cell', async () => {
    const sums = 'sum(uncached_input) AS input, sum(plain_output) AS output, sum(quantity) AS quantity, sum(cost) AS cost';
    const cell = 'tenant_id, customer_no, dimension_no';
    const counted = `SELECT ${cell}, date_bin('15 minutes', at, '2000-01-01T00:00:00Z') AS from_at, count(*)::numeric AS events,
      sum(uncached_input) AS input, sum(plain_output) AS output, sum(quantity) AS quantity, coalesce(sum(cost), 0) AS cost
      FROM usage_event GROUP BY 1, 2, 3, 4`;
    const kept = `SELECT ${cell}, from_at, sum(events)::numeric AS events, ${sums} FROM usage_bucket GROUP BY 1, 2, 3, 4 HAVING sum(events) <> 0`;
    const difference = `(TABLE counted EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE counted)`;
    expect(await rows(`WITH counted AS (${counted}), kept AS (${kept}) SELECT count(*)::int AS cells FROM counted`)).not.toEqual([
      { cells: 0 },
    ]);
    expect(await rows(`WITH counted AS (${counted}), kept AS (${kept}) ${difference} LIMIT 5`)).toEqual([]);
    expect(await rows('SELECT 1 FROM usage_bucket GROUP BY customer_no, dimension_no, from_at HAVING sum(events) < 0')).toEqual([]);
  });

  test('9.2 costs that a kill left unfilled are filled once: exact, frozen, and the same in events and buckets', async () => {
    // A later rate works off whatever was left to do, and itself only restates.
    await setRates(4, ['lab-0']);
    const micros = events.reduce(
      (total, { tokens, model }) => (model === 'lab-4' ? total : total + BigInt(tokens.input * 3 + tokens.output * 7)),
      0n,
    );
    const restated = events.reduce((total, { tokens, model }) => (model === 'lab-0' ? total + BigInt(tokens.input) : total), micros);
    const [recount] = await rows('SELECT (sum(cost) * 1000000)::bigint::text AS cost, count(cost)::int AS priced FROM usage_event');
    expect(recount).toEqual({ cost: String(micros), priced: events.filter(({ model }) => model !== 'lab-4').length });
    expect(
      await rows(
        'SELECT (sum(cost) * 1000000)::bigint::text AS cost, (sum(restated_cost) * 1000000)::bigint::text AS restated FROM usage_bucket',
      ),
    ).toEqual([{ cost: String(micros), restated: String(restated) }]);
    expect(await rows('SELECT id FROM costing_task')).toEqual([]);
  });
});

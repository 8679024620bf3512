import pg from 'pg';
import { CEILING_TABLE, ceilingRows, copyIn } from './baselines/copy-events.ts';
import { makePriceList, MODELS } from './billing-company.ts';
import { timeOrderedUuid, type BenchEvent } from './events.ts';
import { requestBytes, sendAll } from './load-client.ts';
import { print, rounded } from './measure.ts';
import { startBenchPlatform, type BenchPlatform } from './platform.ts';

/** Each customer has so many events, so a million are those of 10,000 customers. */
const EVENTS_OF_CUSTOMER = 100;
const BATCH = 1_000;
const CONNECTIONS = 8;
const CHUNKS = 10;

/**
 * Events over HTTP to finalized invoices, against bare COPY of the same events: both in turns, a tenth of the events each, on one PostgreSQL with fsync on;
 * then one billing run through the API. The subscriptions are there before the clock runs.
 */
export async function wholeWay(events: number): Promise<void> {
  const customers = Math.ceil(events / EVENTS_OF_CUSTOMER);
  const platform = await startBenchPlatform();
  const client = new pg.Client({ connectionString: platform.databaseUrl });
  try {
    await client.connect();
    await client.query(CEILING_TABLE);
    await makeCustomers(platform, client, customers);
    let [copySeconds, ingestSeconds] = [0, 0];
    for (let chunk = 0; chunk < CHUNKS; chunk += 1) {
      const own = Array.from({ length: events / CHUNKS }, (_, i) => eventOf(chunk * (events / CHUNKS) + i, { events, customers }));
      const rows = ceilingRows(own);
      copySeconds += await secondsOf(() => copyIn(client, platform.tenantId, rows, BATCH));
      const requests = batchesOf(own).map((batch) => requestBytes(platform.apiUrl, '/v1/events', platform.key, JSON.stringify(batch)));
      ingestSeconds += await secondsOf(() =>
        sendAll(platform.apiUrl, requests, CONNECTIONS, ({ body }) => {
          if ((JSON.parse(body) as { accepted: number }).accepted !== BATCH) throw new Error(body.slice(0, 500));
        }),
      );
    }
    const billingSeconds = await secondsOf(() => bill(platform, customers));
    await check(client, events);
    const seconds = ingestSeconds + billingSeconds;
    print({
      bench: 'billing',
      what: `the whole way: ${events} events over HTTP to final invoices of ${customers} customers, as a multiple of bare COPY's time`,
      ratio: rounded(seconds / copySeconds),
      atMost: 4,
      seconds: rounded(seconds),
      ingestSeconds: rounded(ingestSeconds),
      billingSeconds: rounded(billingSeconds),
      copySeconds: rounded(copySeconds),
    });
  } finally {
    await client.end();
    await platform.stop();
  }
}

/** A month that ended yesterday: the API takes events of the last 35 days, and a live tenant bills nothing ahead of the clock. */
function month(): { start: Date; end: Date } {
  const now = new Date();
  const day = (month: number): Date =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + month, Math.min(now.getUTCDate(), 28) - 1));
  return { start: day(-1), end: day(0) };
}

async function makeCustomers(platform: BenchPlatform, client: pg.Client, customers: number): Promise<void> {
  const versionId = await makePriceList(platform.databaseUrl, platform.tenantId, client);
  const { start } = month();
  const values = [platform.tenantId, customers];
  await client.query(
    `INSERT INTO customer_key (tenant_id, no, key) SELECT $1, n, 'customer-' || n FROM generate_series(1, $2::int) AS n`,
    values,
  );
  await client.query(
    `INSERT INTO customer (tenant_id, id, no, name) SELECT $1, gen_random_uuid(), n, 'Customer ' || n FROM generate_series(1, $2::int) AS n`,
    values,
  );
  await client.query(
    `INSERT INTO subscription (tenant_id, id, customer_id, starts_at, discounts)
     SELECT tenant_id, gen_random_uuid(), id, $2::timestamptz, '[]' FROM customer WHERE tenant_id = $1`,
    [platform.tenantId, start],
  );
  await client.query(
    `INSERT INTO subscription_segment (tenant_id, id, subscription_id, position, plan_version_id, start_at, anchor_at, time_zone)
     SELECT tenant_id, gen_random_uuid(), id, 0, $3, $2::timestamptz, $2::timestamptz, 'UTC' FROM subscription WHERE tenant_id = $1`,
    [platform.tenantId, start, versionId],
  );
}

/** The nth of so many, in order of time: customers take turns, and each uses every model. */
function eventOf(i: number, { events, customers }: { events: number; customers: number }): BenchEvent {
  const { start, end } = month();
  const ms = start.getTime() + Math.floor((i / events) * (end.getTime() - start.getTime()));
  const input = 200 + ((i * 37) % 8_000);
  return {
    key: timeOrderedUuid(ms, i),
    customer: `customer-${1 + (i % customers)}`,
    type: 'llm.completion',
    at: new Date(ms).toISOString(),
    provider: 'openai',
    model: MODELS[Math.floor(i / customers) % MODELS.length]?.model ?? 'gpt-4o',
    tokens: { input, output: 20 + ((i * 13) % 1_500), cacheRead: 0 },
    feature: 'chat',
  };
}

async function bill({ apiUrl, key }: BenchPlatform, customers: number): Promise<void> {
  const response = await fetch(new URL('/graphql', apiUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({
      query: 'mutation Run($asOf: DateTime!) { runBilling(asOf: $asOf) { invoicesFinalized } }',
      variables: { asOf: new Date().toISOString() },
    }),
  });
  const { data, errors } = (await response.json()) as { data?: { runBilling: { invoicesFinalized: number } }; errors?: unknown };
  if (data?.runBilling.invoicesFinalized !== customers) throw new Error(JSON.stringify({ data, errors }).slice(0, 1_000));
}

/** Every event is on an invoice. */
async function check(client: pg.Client, events: number): Promise<void> {
  const { rows } = await client.query<{ billed: string; used: string }>(
    `SELECT (SELECT sum(quantity) FROM invoice_line) AS billed, (SELECT sum(uncached_input + plain_output) FROM usage_event) AS used`,
  );
  const [sums] = rows;
  if (sums === undefined || Number(sums.billed) !== Number(sums.used)) throw new Error(`${events} events: ${JSON.stringify(sums)}`);
}

function batchesOf(events: readonly BenchEvent[]): BenchEvent[][] {
  return Array.from({ length: Math.ceil(events.length / BATCH) }, (_, i) => events.slice(i * BATCH, (i + 1) * BATCH));
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

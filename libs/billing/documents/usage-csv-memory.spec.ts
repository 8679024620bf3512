import { createTestDatabase, type TestDatabase } from '@tare/database';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { InvoiceWithLines } from '../invoices/invoice.ts';
import { TestWorld } from '../world.fixture.ts';
import { DocumentsService } from './documents.service.ts';

const EVENTS = 200_000;
/** What may be alive of the stream; all rows together are more, even as text. */
const MOST_ALIVE_BYTES = 24 * 1_048_576;
const LEAST_TEXT_BYTES = 48 * 1_048_576;

let database: TestDatabase;
let world: TestWorld;
let invoice: InvoiceWithLines;

beforeAll(async () => {
  database = await createTestDatabase();
  world = await TestWorld.open(database);
  await world.meter('tokens', { eventType: 'call' });
  await world.plan({ key: 'p', kind: 'PER_QUERY', prices: [{ key: 'tokens', model: 'PER_UNIT', meter: 'tokens', unitPrice: '0.001' }] });
  await world.customer('acme');
  await world.subscribe('acme', 'p', '2026-01-01T00:00:00Z');
  await world.use('acme', {
    ...{ key: 'event', at: '2026-01-05T00:00:00Z', type: 'call', provider: 'anthropic', model: 'claude-sonnet-4-5', quantity: '1' },
    properties: { request: 'a property of the size that the requests of an agent have when they name their tool and their customer' },
  });
  await world.bill('2026-02-02T00:00:00Z');
  invoice = (await world.invoices('acme'))[0] as InvoiceWithLines;
  await repeated(EVENTS - 1);
}, 300_000);
afterAll(async () => {
  await world.close();
  await database.drop();
});

/** The same event again and again, a second apart, as if the invoice had seen them all: what is listed is what is stored, and storing takes no ingest. */
async function repeated(times: number): Promise<void> {
  await world.database.withTenant(world.tenantId, async (tx) => {
    const columns = await tx.query<{ name: string }>(
      `SELECT quote_ident(attname) AS name FROM pg_attribute WHERE attrelid = 'usage_event'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`,
    );
    const names = columns.map(({ name }) => name);
    const ours: Readonly<Record<string, string>> = {
      key_hash: 'gen_random_uuid()',
      key: `'event ' || n`,
      at: `e.at + n * interval '1 second'`,
    };
    await tx.query(
      `INSERT INTO usage_event (${names.join(', ')}) SELECT ${names.map((name) => ours[name] ?? `e.${name}`).join(', ')}
       FROM usage_event e CROSS JOIN generate_series(1, $2::int) n WHERE e.tenant_id = $1`,
      [world.tenantId, times],
    );
  });
}

/** Bytes that are still in use when everything else was thrown away. */
function aliveBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test('the usage of an invoice with 200,000 events is written as it is read: a slow reader never makes it gather rows', async () => {
  const { content } = await world.get(DocumentsService).usageCsv(world.tenantId, invoice.id);
  const before = aliveBytes();
  let [bytes, rows, pieces, most] = [0, 0, 0, 0];
  let last = '';
  for await (const piece of Readable.from(content, { objectMode: false }) as AsyncIterable<Buffer>) {
    bytes += piece.length;
    const text = piece.toString('utf8');
    rows += text.split('\r\n').length - 1;
    last = text.slice(-400);
    if (pieces % 10 === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      most = Math.max(most, aliveBytes() - before);
    }
    pieces += 1;
  }
  expect(rows).toBe(EVENTS + 1);
  expect(last).toContain(`event ${EVENTS - 1}`);
  expect(bytes).toBeGreaterThan(LEAST_TEXT_BYTES);
  expect(most).toBeLessThan(MOST_ALIVE_BYTES);
}, 300_000);

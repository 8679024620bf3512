import Stripe from 'stripe';
import { randomUUID } from 'node:crypto';
import { TestApi } from '../test-api.ts';

const SECRET = 'whsec_of_the_spec';

let api: TestApi;
let tenantId: string;
const invoiceId = randomUUID();

beforeAll(async () => {
  process.env['STRIPE_WEBHOOK_SECRET'] = SECRET;
  api = await TestApi.open();
  tenantId = await api.test.createTenant();
  await api.test.database.withTenant(tenantId, (tx) =>
    tx.query(
      `INSERT INTO stripe_sync (tenant_id, invoice_id, step, state, next_attempt_at) VALUES ($1, $2, 'TRACK', 'SYNCED', '2100-01-01')`,
      [tenantId, invoiceId],
    ),
  );
});
afterAll(async () => {
  delete process.env['STRIPE_WEBHOOK_SECRET'];
  await api.close();
});

/** Indented as Stripe sends it: only the bytes that came fit the signature, not the body put together again. */
function delivery(id: string): string {
  const object = { id: 'in_1', object: 'invoice', metadata: { tare_tenant: tenantId, tare_invoice: invoiceId } };
  return JSON.stringify({ id, object: 'event', type: 'invoice.paid', data: { object } }, null, 2);
}

async function deliver(payload: string, { secret = SECRET, path = '/webhooks/stripe' } = {}): Promise<{ status: number; code: unknown }> {
  const signature = new Stripe('sk_test_any').webhooks.generateTestHeaderString({ payload, secret });
  const { statusCode, body } = await api.app.inject({
    method: 'POST',
    url: path,
    headers: { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': signature },
    payload,
  });
  return { status: statusCode, code: (JSON.parse(body) as { code?: unknown }).code };
}

const kept = async (): Promise<string[]> =>
  (
    await api.test.database.withTenant(tenantId, (tx) =>
      tx.query<{ event_id: string }>('SELECT event_id FROM stripe_event WHERE tenant_id = $1 ORDER BY 1', [tenantId]),
    )
  ).map(({ event_id: id }) => id);

test('a delivery that Stripe signed is kept once, without an API key', async () => {
  expect(await deliver(delivery('evt_1'))).toMatchObject({ status: 200 });
  expect(await deliver(delivery('evt_1'))).toMatchObject({ status: 200 });
  expect(await deliver(delivery('evt_2'), { path: `/webhooks/stripe/${tenantId}` })).toMatchObject({ status: 200 });
  expect(await kept()).toEqual(['evt_1', 'evt_2']);
});

test('a delivery that somebody else signed is refused and leaves nothing', async () => {
  const before = await kept();
  expect(await deliver(delivery('evt_3'), { secret: 'whsec_other' })).toEqual({ status: 400, code: 'INVALID_SIGNATURE' });
  expect(await deliver(delivery('evt_3'), { secret: 'whsec_other', path: `/webhooks/stripe/${tenantId}` })).toMatchObject({ status: 400 });
  expect(await kept()).toEqual(before);
});

test('a delivery at the address of another tenant is answered and forgotten', async () => {
  const before = await kept();
  expect(await deliver(delivery('evt_4'), { path: `/webhooks/stripe/${randomUUID()}` })).toMatchObject({ status: 200 });
  expect(await kept()).toEqual(before);
});

import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { startStripeEmulator, type StripeEmulator } from './emulator.ts';

const KEY = 'sk_test_webhooks';
const SECRET = 'whsec_of_the_test';

let emulator: StripeEmulator;
let stripe: Stripe;
let receiver: Server;
let url: string;
let received: { body: string; signature: string }[];
/** How often the receiver still answers 500. */
let refusals: number;

async function control(method: string, path: string, body?: unknown): Promise<ReturnType<typeof JSON.parse>> {
  const response = await fetch(emulator.url + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return response.json();
}

const settled = (): Promise<unknown> => control('POST', '/emulator/webhooks/settle');
const receivedTypes = (): string[] => received.map(({ body }) => (JSON.parse(body) as Stripe.Event).type);
const receivedNames = (): unknown[] => received.map(({ body }) => JSON.parse(body).data.object.name);

beforeAll(async () => {
  emulator = await startStripeEmulator();
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ body: Buffer.concat(chunks).toString('utf8'), signature: String(request.headers['stripe-signature']) });
      const refuse = refusals > 0;
      refusals -= refuse ? 1 : 0;
      response.writeHead(refuse ? 500 : 200).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhooks/stripe`;
});
afterAll(async () => {
  await emulator.stop();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});
beforeEach(async () => {
  await control('POST', '/emulator/reset');
  await control('POST', '/emulator/settings', { webhookRetryDelaysMs: [10, 10, 10] });
  received = [];
  refusals = 0;
  stripe = new Stripe(KEY, { host: '127.0.0.1', port: emulator.port, protocol: 'http', telemetry: false });
});

test('an event is delivered with a signature that the SDK accepts, and no other secret', async () => {
  await control('POST', '/emulator/webhooks', { key: KEY, url, secret: SECRET });
  const customer = await stripe.customers.create({ name: 'Ada' });
  await settled();
  const [delivery] = received;
  const event = stripe.webhooks.constructEvent(delivery?.body ?? '', delivery?.signature ?? '', SECRET);
  expect(event).toMatchObject({ type: 'customer.created', data: { object: { id: customer.id } } });
  expect(() => stripe.webhooks.constructEvent(delivery?.body ?? '', delivery?.signature ?? '', 'whsec_other')).toThrow();
});

test('signatures carry the real time, whatever the clock of the emulator says', async () => {
  await control('POST', '/emulator/clock', { advanceSeconds: 90_000 });
  await control('POST', '/emulator/webhooks', { key: KEY, url, secret: SECRET });
  await stripe.customers.create({ name: 'Ada' });
  await settled();
  expect(stripe.webhooks.constructEvent(received[0]?.body ?? '', received[0]?.signature ?? '', SECRET).type).toBe('customer.created');
});

test('endpoints made through the API show their secret once and get only the events they want', async () => {
  const endpoint = await stripe.webhookEndpoints.create({ url, enabled_events: ['customer.updated'] });
  expect(endpoint.secret).toMatch(/^whsec_/);
  expect((await stripe.webhookEndpoints.retrieve(endpoint.id)).secret).toBeUndefined();
  const customer = await stripe.customers.create({ name: 'Ada' });
  await stripe.customers.update(customer.id, { name: 'Bob' });
  await settled();
  expect(receivedTypes()).toEqual(['customer.updated']);
  stripe.webhooks.constructEvent(received[0]?.body ?? '', received[0]?.signature ?? '', endpoint.secret ?? '');
});

test('a refused delivery is tried again until it is taken', async () => {
  refusals = 2;
  await control('POST', '/emulator/webhooks', { key: KEY, url, secret: SECRET });
  await stripe.customers.create({ name: 'Ada' });
  await settled();
  expect(receivedNames()).toEqual(['Ada', 'Ada', 'Ada']);
  expect(await control('GET', '/emulator/counters')).toMatchObject({ 'webhook refused': 2, 'webhook retried': 2, 'webhook delivered': 1 });
});

test('a delivery that is never taken is given up', async () => {
  refusals = 100;
  await control('POST', '/emulator/webhooks', { key: KEY, url, secret: SECRET });
  await stripe.customers.create({ name: 'Ada' });
  await settled();
  expect(received).toHaveLength(4);
  expect(await control('GET', '/emulator/counters')).toMatchObject({ 'webhook given up': 1 });
});

test('deliveries can be doubled', async () => {
  await control('POST', '/emulator/webhooks', { key: KEY, url, secret: SECRET, duplicate: 1 });
  await stripe.customers.create({ name: 'Ada' });
  await settled();
  expect(received).toHaveLength(2);
  expect(new Set(received.map(({ body }) => JSON.parse(body).id)).size).toBe(1);
});

test('deliveries can be dropped, and resent by hand', async () => {
  await control('POST', '/emulator/webhooks', { key: KEY, url, secret: SECRET, drop: 1 });
  await stripe.customers.create({ name: 'Ada' });
  await settled();
  expect(received).toEqual([]);
  await control('POST', '/emulator/webhooks', { key: KEY, url, secret: SECRET });
  const [event] = (await stripe.events.list()).data;
  await control('POST', `/emulator/events/${event?.id}/resend`);
  await settled();
  expect(receivedNames()).toEqual(['Ada']);
});

test('deliveries can come in another order, all of them', async () => {
  await control('POST', '/emulator/webhooks', { key: KEY, url, secret: SECRET, reorder: 4, seed: 3 });
  const names = ['a', 'b', 'c', 'd'];
  await Promise.all(names.map((name, index) => stripe.customers.create({ name }, { idempotencyKey: `k${index}` })));
  await settled();
  const order = (await stripe.events.list()).data.map(({ data }) => (data.object as Stripe.Customer).name).reverse();
  expect(receivedNames().sort()).toEqual(names);
  expect(received.map(({ body }) => JSON.parse(body).data.object.name)).not.toEqual(order);
});

test('a URL that is registered again keeps its place, and removed ones hear nothing more', async () => {
  const first = await control('POST', '/emulator/webhooks', { key: KEY, url, secret: SECRET });
  const second = await control('POST', '/emulator/webhooks', { key: KEY, url, secret: 'whsec_new' });
  expect(second).toMatchObject({ id: first.id, secret: 'whsec_new' });
  expect((await control('GET', '/emulator/webhooks')).webhooks).toHaveLength(1);
  await control('DELETE', '/emulator/webhooks');
  await stripe.customers.create({ name: 'Ada' });
  await settled();
  expect(received).toEqual([]);
});

import { Decimal, parseInstant } from '@tare/core';
import { PurchasesService } from '@tare/credits';
import { InvoiceRegeneration, InvoicesService, type InvoiceView } from '@tare/billing';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { StripeConfiguration, StripeModule, StripeSync, StripeWebhooks } from '@tare/stripe';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TestWorld } from '../../libs/billing/world.fixture.ts';
import { Emulator, type EmulatedInvoice } from '../../libs/stripe/emulator.fixture.ts';

const SECRET = 'whsec_of_the_spec';
const KEY = `sk_test_${randomUUID().replaceAll('-', '')}`;

let database: TestDatabase;
let emulator: Emulator;
let first: TestWorld;
let world: TestWorld;
let receiver: Server;

beforeAll(async () => {
  [database, emulator] = await Promise.all([createTestDatabase(), Emulator.start()]);
  const configuration = new StripeConfiguration({ secretKey: KEY, apiBase: emulator.url, webhookSecrets: [SECRET] });
  first = await TestWorld.open(database, {}, [StripeModule.register(configuration)]);
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const received = first.get(StripeWebhooks).receive(Buffer.concat(chunks), String(request.headers['stripe-signature']));
      void received.then(
        () => response.writeHead(200).end(),
        () => response.writeHead(400).end(),
      );
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  await emulator.control('POST', '/emulator/webhooks', { key: KEY, url, secret: SECRET, duplicate: 1, reorder: 3, seed: 11 });
});
afterAll(async () => {
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
  await first.close();
  await emulator.stop();
  await database.drop();
});
beforeEach(async () => {
  world = await first.neighbour(database);
  await world.meter('request');
  await world.customer('acme');
});

const d = (text: string): Decimal => Decimal.parse(text);
const usage = { key: 'usage', model: 'PER_UNIT' as const, meter: 'request', unitPrice: '1' };

/** What our invoices are at Stripe, in the order of ours. */
async function atStripe(): Promise<EmulatedInvoice[]> {
  const { invoices } = await emulator.account(KEY);
  const ours = (await world.invoices('acme')).map(({ id }) => id);
  const found = ours.map((id) => invoices.filter(({ metadata }) => metadata['tare_invoice'] === id));
  expect(found.filter((copies) => copies.length > 1)).toEqual([]);
  return found.flat();
}

/** Two workers at once. Where one waits for the customer that the other makes, it is its turn again after a while. */
async function synced(): Promise<EmulatedInvoice[]> {
  await Promise.all([1, 2].map(() => world.get(StripeSync).syncTenant(world.tenantId)));
  for (let attempt = 0; attempt < 100 && (await onTheirWay()) > 0; attempt += 1) {
    await delay(100);
    await world.get(StripeSync).syncTenant(world.tenantId);
  }
  expect(await onTheirWay()).toBe(0);
  await settled();
  return atStripe();
}

const onTheirWay = (): Promise<number> =>
  world.database.withTenant(
    world.tenantId,
    async (tx) => (await tx.query(`SELECT 1 FROM stripe_sync WHERE state IN ('NOT_SYNCED', 'SYNCING') AND step <> 'DONE'`)).length,
  );

/** Every delivery has come, twice each and in another order, and was looked at. */
async function settled(): Promise<void> {
  await emulator.control('POST', '/emulator/webhooks/settle');
  await world.get(StripeWebhooks).idle();
}

const shown = (invoices: readonly InvoiceView[]): string[] =>
  invoices.map(({ kind, status, total }) => `${kind} ${status} ${total.toString()}`);
const shownThere = (invoices: readonly EmulatedInvoice[]): string[] => invoices.map(({ status, total }) => `${status} ${total}`);
const ours = async (): Promise<string[]> => shown(await world.invoices('acme'));
/** In an hour: what is paid at Stripe is paid by the clock. */
const available = async (): Promise<string> =>
  (await world.balance('acme', new Date(Date.now() + 3_600_000).toISOString())).available.toString();
const purchases = (): Promise<{ status: string }[]> =>
  world.database.withTenant(world.tenantId, (tx) => tx.query<{ status: string }>('SELECT status FROM credit_purchase ORDER BY key'));

describe('a PREPAID invoice', () => {
  beforeEach(async () => {
    const bought = { customer: 'acme', key: 'pack', credits: d('1000'), price: { amount: d('50'), currency: 'USD' } };
    await world.get(PurchasesService).purchase(world.tenantId, bought, parseInstant('2026-01-01T00:00:00Z'));
    await world.bill('2026-01-02T00:00:00Z');
    expect(shownThere(await synced())).toEqual(['open 5000']);
    expect([await available(), await purchases()]).toEqual(['0', [{ status: 'INVOICED' }]]);
  });

  test('7.6 that is paid at Stripe grants its credits once, however often and in how many ways we hear of it', async () => {
    const [remote] = await atStripe();
    await Promise.all([
      emulator.control('POST', `/emulator/invoices/${remote?.id}/pay`).then(settled),
      ...[1, 2, 3].map(() => world.get(StripeSync).syncTenant(world.tenantId)),
    ]);
    await synced();
    expect([await ours(), await available(), await purchases()]).toEqual([['PREPAID PAID 50'], '1000', [{ status: 'PAID' }]]);
    const { events } = await emulator.account(KEY);
    for (const { id } of events.filter(({ type }) => type === 'invoice.paid'))
      await emulator.control('POST', `/emulator/events/${id}/resend`);
    await settled();
    expect(await available()).toBe('1000');
  });

  test('7.6 that is voided at Stripe cancels the purchase, and brings nothing', async () => {
    const [remote] = await atStripe();
    await emulator.control('POST', `/emulator/invoices/${remote?.id}/void`);
    await settled();
    await synced();
    expect([await ours(), await available(), await purchases()]).toEqual([['PREPAID VOID 50'], '0', [{ status: 'CANCELED' }]]);
  });

  test('that is paid here past Stripe grants them once too', async () => {
    const [invoice] = await world.invoices('acme');
    await world.get(InvoicesService).pay(world.tenantId, invoice?.id ?? '', parseInstant('2026-01-03T00:00:00Z'));
    const [remote] = await atStripe();
    if (remote?.status === 'open') await emulator.control('POST', `/emulator/invoices/${remote.id}/pay`);
    await synced();
    expect([await ours(), await available()]).toEqual([['PREPAID PAID 50'], '1000']);
  });
});

test('4.7 THRESHOLD invoices and the REGULAR one that bills the rest get there, each once, and are paid one by one', async () => {
  await world.plan({ key: 'metered', kind: 'PER_QUERY', invoiceThreshold: '50', prices: [usage] });
  await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
  await world.use('acme', { at: '2026-01-07T00:00:00Z', quantity: '90' });
  await world.bill('2026-01-08T00:00:00Z');
  await synced();
  await world.use('acme', { at: '2026-01-20T00:00:00Z', quantity: '5' });
  await world.bill('2026-02-01T01:00:00Z');
  const [threshold, regular] = await synced();
  expect(shownThere([threshold, regular].filter((invoice) => invoice !== undefined))).toEqual(['open 9000', 'open 500']);
  await emulator.control('POST', `/emulator/invoices/${threshold?.id}/pay`);
  await settled();
  expect(await ours()).toEqual(['THRESHOLD PAID 90', 'REGULAR FINALIZED 5']);
});

test('8.3 a SUPPLEMENTARY invoice of late usage after the end gets there beside the one that was paid', async () => {
  await world.plan({ key: 'metered', kind: 'PER_QUERY', prices: [usage] });
  const subscription = await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
  await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '10' });
  await world.cancel(subscription, '2026-01-20T00:00:00Z', true);
  await world.bill('2026-02-02T00:00:00Z');
  const [last] = await synced();
  await emulator.control('POST', `/emulator/invoices/${last?.id}/pay`);
  await settled();
  await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '3' });
  await world.bill('2026-02-05T00:00:00Z');
  expect(shownThere(await synced())).toEqual(['paid 1000', 'open 300']);
  expect(await ours()).toEqual(['REGULAR PAID 10', 'SUPPLEMENTARY FINALIZED 3']);
});

test('6.1 a PRORATION invoice of an upgrade gets there with its credit and its charge', async () => {
  await world.plan({ key: 'pro', kind: 'SUBSCRIPTION', prices: [{ key: 'fee', model: 'FLAT', amount: '31' }] });
  await world.plan({ key: 'max', kind: 'SUBSCRIPTION', prices: [{ key: 'fee', model: 'FLAT', amount: '62' }] });
  const subscription = await world.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
  await world.bill('2026-01-01T01:00:00Z');
  await world.change(subscription, 'max', '2026-01-11T00:00:00Z');
  await world.bill('2026-01-11T01:00:00Z');
  const [, proration] = await synced();
  expect(await ours()).toEqual(['REGULAR FINALIZED 31', 'PRORATION FINALIZED 21']);
  expect(proration?.lines.map(({ amount, metadata }) => `${metadata['kind']} ${amount}`)).toEqual([
    'PRORATION_CREDIT -2100',
    'PRORATION_CHARGE 4200',
  ]);
});

test('8.2 an invoice that is billed again is a new one there, and the voided one asks for nothing', async () => {
  await world.plan({ key: 'metered', kind: 'PER_QUERY', prices: [usage] });
  await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
  await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '10' });
  await world.bill('2026-02-01T01:00:00Z');
  await synced();
  const [invoice] = await world.invoices('acme');
  await world.get(InvoicesService).voidInvoice(world.tenantId, invoice?.id ?? '');
  await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '2' });
  await world.get(InvoiceRegeneration).regenerate(world.tenantId, invoice?.id ?? '', 'tester');
  const [voided, again] = await synced();
  expect(shownThere([voided, again].filter((found) => found !== undefined))).toEqual(['void 1000', 'open 1200']);
  await emulator.control('POST', `/emulator/invoices/${again?.id}/pay`);
  await settled();
  expect(await ours()).toEqual(['REGULAR VOID 10', 'REGULAR PAID 12']);
});

import { Decimal } from '@tare/core';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { SyncBench, WEBHOOK_SECRET, type Worker } from './stripe-sync.fixture.ts';

const PREVIOUS_SECRET = 'whsec_previous';

let bench: SyncBench;
let worker: Worker;
let receiver: Server;
let url: string;
let answers: number[];

beforeAll(async () => {
  bench = await SyncBench.open();
  worker = await bench.worker({ webhookSecrets: [WEBHOOK_SECRET, PREVIOUS_SECRET] });
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const signature = String(request.headers['stripe-signature']);
      void worker.webhooks.receive(Buffer.concat(chunks), signature).then(
        () => answer(200),
        () => answer(400),
      );
    });
    const answer = (status: number): void => {
      answers.push(status);
      response.writeHead(status).end();
    };
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
  await bench.close();
});
beforeEach(async () => {
  answers = [];
  await register({});
});

const register = (trouble: object, secret = WEBHOOK_SECRET): Promise<unknown> =>
  bench.emulator.control('POST', '/emulator/webhooks', { key: bench.key, url, secret, ...trouble });

async function settled(): Promise<void> {
  await bench.emulator.control('POST', '/emulator/webhooks/settle');
  await worker.webhooks.idle();
}

async function atStripe(invoiceId: string, action: string): Promise<void> {
  const { stripeInvoiceId } = await bench.row(invoiceId);
  await bench.emulator.control('POST', `/emulator/invoices/${stripeInvoiceId}/${action}`);
}

async function synced(): Promise<string> {
  const id = await bench.finalized({ amounts: ['10'] });
  await bench.drive(worker, id);
  await settled();
  return id;
}

const eventsOf = (invoiceId: string): Promise<{ type: string; applied: boolean }[]> =>
  bench.database.withTenant(bench.tenantId, (tx) =>
    tx.query(
      `SELECT e.type, e.applied_at IS NOT NULL AS applied FROM stripe_event e JOIN stripe_sync s ON s.tenant_id = e.tenant_id AND s.stripe_invoice_id = e.object_id
       WHERE e.tenant_id = $1 AND s.invoice_id = $2`,
      [bench.tenantId, invoiceId],
    ),
  );

describe('what Stripe tells', () => {
  test('a payment makes our invoice paid, with the time of the payment', async () => {
    const id = await synced();
    await atStripe(id, 'pay');
    await settled();
    const { status, paidAt } = await bench.status(id);
    const [remote] = await bench.atStripe(id);
    expect([status, paidAt]).toEqual(['PAID', (remote?.status_transitions.paid_at ?? 0) * 1_000_000]);
    expect(await bench.row(id)).toMatchObject({ step: 'DONE', remoteStatus: 'paid' });
    expect(new Set(answers)).toEqual(new Set([200]));
    const events = await eventsOf(id);
    expect(events.map(({ type }) => type)).toContain('invoice.paid');
    expect(events.filter(({ type, applied }) => type === 'invoice.paid' && !applied)).toEqual([]);
  });

  test('a written-off invoice becomes uncollectible, and paid if the money comes after all', async () => {
    const id = await synced();
    await atStripe(id, 'mark_uncollectible');
    await settled();
    expect(await bench.status(id)).toMatchObject({ status: 'UNCOLLECTIBLE' });
    await atStripe(id, 'pay');
    await settled();
    expect(await bench.status(id)).toMatchObject({ status: 'PAID' });
  });

  test('an invoice that is voided in Stripe is void here', async () => {
    const id = await synced();
    await atStripe(id, 'void');
    await settled();
    expect(await bench.status(id)).toMatchObject({ status: 'VOID' });
    await worker.sync.sweep();
    expect(await bench.row(id)).toMatchObject({ state: 'SYNCED', step: 'DONE', remoteStatus: 'void' });
  });

  test('twice and in another order changes nothing: what is paid stays paid', async () => {
    await register({ duplicate: 1, reorder: 4, seed: 7 });
    const ids = [await synced(), await synced(), await synced()];
    for (const id of ids) {
      await atStripe(id, 'mark_uncollectible');
      await atStripe(id, 'pay');
    }
    await settled();
    for (const id of ids) {
      expect(await bench.status(id)).toMatchObject({ status: 'PAID' });
      const types = (await eventsOf(id)).map(({ type }) => type);
      expect(new Set(types).size).toBe(types.length);
    }
  });

  test('an event that comes again long after is taken and changes nothing', async () => {
    const id = await synced();
    await atStripe(id, 'mark_uncollectible');
    await settled();
    await atStripe(id, 'pay');
    await settled();
    const { events } = await bench.emulator.account(bench.key);
    const before = await eventsOf(id);
    for (const { id: event } of events.filter(({ type }) => type === 'invoice.marked_uncollectible')) {
      await bench.emulator.control('POST', `/emulator/events/${event}/resend`);
    }
    await settled();
    expect(await bench.status(id)).toMatchObject({ status: 'PAID' });
    expect(await eventsOf(id)).toEqual(before);
  });

  test('a credit note that is voided in Stripe stops, and somebody hears of it; its making changes nothing', async () => {
    const id = await synced();
    const note = await bench.credited(worker, id, { amount: Decimal.parse('3') });
    const { stripeCreditNoteId } = await bench.driveNote(worker, note);
    await settled();
    expect(await bench.noteRow(note)).toMatchObject({ state: 'SYNCED', step: 'TRACK' });
    await bench.emulator.control('POST', `/emulator/credit_notes/${stripeCreditNoteId}/void`);
    await settled();
    expect(await bench.noteRow(note)).toMatchObject({ state: 'FAILED', errorCode: 'VOIDED_AT_STRIPE' });
    expect(await bench.openAlerts(note)).toEqual(['STRIPE_SYNC_FAILED']);
    const types = await bench.database.withTenant(bench.tenantId, (tx) =>
      tx.query<{ type: string }>('SELECT type FROM stripe_event WHERE tenant_id = $1 AND object_id = $2 ORDER BY received_at', [
        tx.tenantId,
        stripeCreditNoteId,
      ]),
    );
    expect(types.map(({ type }) => type)).toEqual(['credit_note.created', 'credit_note.voided']);
  });

  test('a payment heard of while Stripe cannot be asked is applied by the sweep', async () => {
    const id = await synced();
    await bench.fault({ fault: 'rate_limit', next: 2 });
    await atStripe(id, 'pay');
    await settled();
    expect(await bench.status(id)).toMatchObject({ status: 'FINALIZED' });
    await bench.noFaults();
    await bench.pass(61_000);
    await worker.sync.sweep();
    expect(await bench.status(id)).toMatchObject({ status: 'PAID' });
  });
});

describe('a signature', () => {
  const sdk = new Stripe('sk_test_any');
  const payload = JSON.stringify({
    id: 'evt_1',
    object: 'event',
    type: 'invoice.paid',
    data: { object: { object: 'invoice', id: 'in_1' } },
  });
  const signed = (secret: string, timestamp = Math.floor(Date.now() / 1_000)): string =>
    sdk.webhooks.generateTestHeaderString({ payload, secret, timestamp });
  const receive = (signature: string, body = payload): Promise<void> => worker.webhooks.receive(Buffer.from(body), signature);

  test('of the current or the previous secret is good', async () => {
    await expect(receive(signed(WEBHOOK_SECRET))).resolves.toBeUndefined();
    await expect(receive(signed(PREVIOUS_SECRET))).resolves.toBeUndefined();
  });

  test.each([
    ['of another secret', () => receive(signed('whsec_other'))],
    ['of another body', () => receive(signed(WEBHOOK_SECRET), `${payload} `)],
    ['that is older than five minutes', () => receive(signed(WEBHOOK_SECRET, Math.floor(Date.now() / 1_000) - 301))],
    ['that is missing', () => receive('')],
    ['of a body that is no JSON', () => receive(signed(WEBHOOK_SECRET), 'nope')],
  ])('%s is refused', async (_, attempt) => {
    await expect(attempt()).rejects.toMatchObject({ code: 'INVALID_SIGNATURE' });
  });

  test('cannot be checked without a secret, and nothing is believed then', async () => {
    const unarmed = await bench.worker({ webhookSecrets: [] });
    await expect(unarmed.webhooks.receive(Buffer.from(payload), signed(WEBHOOK_SECRET))).rejects.toMatchObject({
      code: 'WEBHOOKS_NOT_SET_UP',
    });
  });

  test('that is refused changes nothing, however true the event is', async () => {
    const id = await synced();
    const before = await eventsOf(id);
    await register({}, 'whsec_other');
    await bench.emulator.control('POST', '/emulator/settings', { webhookRetryDelaysMs: [] });
    await atStripe(id, 'pay');
    await settled();
    expect(answers.filter((status) => status === 400).length).toBeGreaterThan(0);
    expect(await bench.status(id)).toMatchObject({ status: 'FINALIZED' });
    expect(await eventsOf(id)).toEqual(before);
  });
});

test('events of another tenant are not taken at this one', async () => {
  const id = await synced();
  const other = await bench.test.createTenant();
  const { stripeInvoiceId } = await bench.row(id);
  const object = { object: 'invoice', id: stripeInvoiceId, metadata: { tare_tenant: bench.tenantId, tare_invoice: id } };
  const payload = JSON.stringify({ id: 'evt_elsewhere', object: 'event', type: 'invoice.paid', data: { object } });
  const signature = new Stripe('sk_test_any').webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET });
  const before = await eventsOf(id);
  await worker.webhooks.receive(Buffer.from(payload), signature, other);
  expect(await eventsOf(id)).toEqual(before);
  await worker.webhooks.receive(Buffer.from(payload), signature, bench.tenantId);
  await worker.webhooks.idle();
  expect(await eventsOf(id)).toHaveLength(before.length + 1);
});

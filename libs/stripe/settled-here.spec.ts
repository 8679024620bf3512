import { Decimal } from '@tare/core';
import type Stripe from 'stripe';
import { StripeClient } from './stripe-client.ts';
import { SyncBench, type Worker } from './stripe-sync.fixture.ts';

const DAY_MS = 24 * 3_600_000;

let bench: SyncBench;
let worker: Worker;

beforeAll(async () => {
  bench = await SyncBench.open();
  worker = await bench.worker();
});
afterAll(() => bench.close());
beforeEach(() => bench.noFaults());

async function open(): Promise<string> {
  const id = await bench.finalized({ amounts: ['100'] });
  await bench.drive(worker, id);
  return id;
}

const atStripe = async (id: string) => {
  const [invoice, ...more] = await bench.atStripe(id);
  expect(more).toEqual([]);
  return invoice;
};

describe('an invoice that is paid here', () => {
  test('is asked for by Stripe no longer, whose sweep need not pass first', async () => {
    const id = await open();
    await bench.paidHere(worker, id);
    await worker.sync.sweep();
    expect(await bench.row(id)).toMatchObject({ state: 'SYNCED', step: 'DONE', remoteStatus: 'paid' });
    expect(await atStripe(id)).toMatchObject({ status: 'paid', amount_remaining: 0, amount_paid_off_stripe: 10000 });
    expect(await bench.status(id)).toMatchObject({ status: 'PAID' });
  });

  test('before it is there gets there and is paid at once', async () => {
    const id = await bench.finalized({ amounts: ['100'] });
    await bench.paidHere(worker, id);
    await worker.sync.sweep();
    await worker.sync.sweep();
    expect(await bench.row(id)).toMatchObject({ step: 'DONE', remoteStatus: 'paid' });
    expect(await atStripe(id)).toMatchObject({ status: 'paid', amount_paid_off_stripe: 10000 });
  });

  test('and at Stripe in the same moment is paid once there, and nothing is wrong', async () => {
    const id = await open();
    await bench.emulator.control('POST', `/emulator/invoices/${(await bench.row(id)).stripeInvoiceId}/pay`);
    await bench.paidHere(worker, id);
    await worker.sync.sweep();
    expect(await bench.row(id)).toMatchObject({ step: 'DONE', remoteStatus: 'paid' });
    expect(await atStripe(id)).toMatchObject({ amount_paid: 10000, amount_paid_off_stripe: 0 });
    expect(await bench.openAlerts(id)).toEqual([]);
  });

  test('less a credit note is paid without what the note took off, and keeps nothing for the customer', async () => {
    const customer = await bench.customer();
    const id = await bench.finalized({ amounts: ['100'], customer });
    await bench.drive(worker, id);
    const note = await bench.credited(worker, id, { amount: Decimal.of(30) });
    await bench.paidHere(worker, id);
    for (let round = 0; round < 4; round += 1) {
      await worker.sync.sweep();
      await bench.pass(61_000);
    }
    expect([(await bench.noteRow(note)).state, (await bench.row(id)).step]).toEqual(['SYNCED', 'DONE']);
    expect(await atStripe(id)).toMatchObject({ status: 'paid', amount_due: 7000, amount_paid_off_stripe: 7000 });
    expect(await bench.balance(customer.id)).toBe('0');
  });

  test('and given back then is credited out of band, after Stripe knows of the payment', async () => {
    const id = await open();
    await bench.paidHere(worker, id);
    const note = await bench.credited(worker, id, { amount: Decimal.of(30), settlement: 'REFUND' });
    await worker.sync.stepCreditNote(bench.tenantId, note);
    await worker.sync.sweep();
    await worker.sync.sweep();
    expect(await bench.noteRow(note)).toMatchObject({ state: 'SYNCED' });
    expect((await bench.noteAtStripe(note))[0]).toMatchObject({ post_payment_amount: 3000, out_of_band_amount: 3000, refunds: [] });
  });
});

test('an invoice that is written off here is written off at Stripe, and may still be paid', async () => {
  const id = await open();
  await worker.invoices.markUncollectible(bench.tenantId, id, 'tester');
  await worker.sync.sweep();
  expect(await bench.row(id)).toMatchObject({ state: 'SYNCED', step: 'TRACK', remoteStatus: 'uncollectible' });
  expect(await atStripe(id)).toMatchObject({ status: 'uncollectible' });
  await bench.paidHere(worker, id);
  await worker.sync.sweep();
  expect(await atStripe(id)).toMatchObject({ status: 'paid' });
  expect(await bench.status(id)).toMatchObject({ status: 'PAID' });
});

test.each(['rate_limit', 'idempotency_key_in_use', 'error_500_before', 'error_500_after', 'reset_before', 'reset_after'])(
  'after %s it is settled all the same, once',
  async (fault) => {
    const [paid, writtenOff] = [await open(), await open()];
    await bench.paidHere(worker, paid);
    await worker.invoices.markUncollectible(bench.tenantId, writtenOff, 'tester');
    for (const path of ['/v1/invoices/{id}/pay', '/v1/invoices/{id}/mark_uncollectible'])
      await bench.fault({ fault, path, method: 'POST', next: fault === 'reset_before' ? 2 : 1 });
    await bench.drive(worker, paid);
    await bench.drive(worker, writtenOff);
    for (let round = 0; round < 3; round += 1) {
      await bench.pass(61_000);
      await worker.sync.sweep();
    }
    expect(await bench.row(paid)).toMatchObject({ step: 'DONE', remoteStatus: 'paid', lastError: null });
    expect(await atStripe(paid)).toMatchObject({ status: 'paid', amount_paid_off_stripe: 10000 });
    expect(await bench.row(writtenOff)).toMatchObject({ step: 'TRACK', remoteStatus: 'uncollectible', lastError: null });
  },
);

test('a day after an answer was lost, what Stripe knows is found and not told again', async () => {
  const id = await open();
  await bench.paidHere(worker, id);
  class DyingClient extends StripeClient {
    override async pay(...args: Parameters<StripeClient['pay']>): Promise<Stripe.Invoice> {
      await super.pay(...args);
      throw new Error('killed');
    }
  }
  const dying = await bench.worker({ client: DyingClient });
  await dying.sync.step(bench.tenantId, id);
  expect(await bench.row(id)).toMatchObject({ step: 'PAY', request: { step: 'PAY' } });
  await bench.pass(DAY_MS + 3_600_000);
  await worker.sync.sweep();
  expect(await bench.row(id)).toMatchObject({ step: 'DONE', remoteStatus: 'paid', generation: 0 });
});

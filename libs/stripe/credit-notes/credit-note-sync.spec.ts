import { Decimal } from '@tare/core';
import type Stripe from 'stripe';
import { StripeClient } from '../stripe-client.ts';
import { SyncBench, type InvoiceTerms, type Worker } from '../stripe-sync.fixture.ts';

let bench: SyncBench;
let worker: Worker;

beforeAll(async () => {
  bench = await SyncBench.open();
  worker = await bench.worker();
});
afterAll(() => bench.close());
beforeEach(() => bench.noFaults());

const d = (text: string): Decimal => Decimal.parse(text);

/** An invoice that is at Stripe and open. */
async function open(terms: Partial<InvoiceTerms> = {}): Promise<string> {
  const id = await bench.finalized({ amounts: ['100'], ...terms });
  await bench.drive(worker, id);
  return id;
}

/** An invoice that was paid at Stripe, as we know. */
async function paid(terms: Partial<InvoiceTerms> = {}): Promise<string> {
  const id = await open(terms);
  await bench.paidAtStripe(worker, id);
  expect(await bench.status(id)).toMatchObject({ status: 'PAID' });
  return id;
}

async function invoiceAtStripe(id: string) {
  const [invoice] = await bench.atStripe(id);
  if (invoice === undefined) throw new Error('the invoice is not at Stripe');
  return invoice;
}

async function balancesAtStripe(): Promise<number[]> {
  const { customers } = await bench.emulator.account(bench.key);
  return [...new Set(customers.map(({ balance }) => balance))];
}

describe('a credit note on an open invoice', () => {
  test('lowers what Stripe asks for, line by line and with its tax', async () => {
    const id = await open({ tax: '19' });
    const note = await bench.credited(worker, id, { amount: d('23.80') });
    expect(await bench.driveNote(worker, note)).toMatchObject({ state: 'SYNCED', step: 'TRACK', request: null, lastError: null });
    const [remote, ...more] = await bench.noteAtStripe(note);
    expect(more).toEqual([]);
    expect(remote).toMatchObject({
      ...{ total: 2380, pre_payment_amount: 2380, post_payment_amount: 0, type: 'pre_payment', currency: 'usd', out_of_band_amount: null },
      metadata: { tare_tenant: bench.tenantId, tare_credit_note: note },
    });
    expect(remote?.memo).toMatch(/^TARE-CN-\d{6}: The model was down$/);
    expect(remote?.lines.data.map(({ amount, description }) => [amount, description])).toEqual([
      [2000, 'Tokens, part 0'],
      [380, 'Tax'],
    ]);
    expect(await invoiceAtStripe(id)).toMatchObject({ status: 'open', total: 11900, amount_due: 9520, amount_remaining: 9520 });
    await bench.paidAtStripe(worker, id);
    expect(await invoiceAtStripe(id)).toMatchObject({ status: 'paid', amount_paid: 9520 });
    expect(await bench.status(id)).toMatchObject({ status: 'PAID' });
  });

  test('of all that is owed makes it paid there too, and nothing is asked for', async () => {
    const id = await open();
    await bench.driveNote(worker, await bench.credited(worker, id, { amount: d('40') }));
    const rest = await bench.credited(worker, id);
    expect(await bench.driveNote(worker, rest)).toMatchObject({ state: 'SYNCED' });
    expect(await invoiceAtStripe(id)).toMatchObject({ status: 'paid', amount_paid: 0, pre_payment_credit_notes_amount: 10000 });
    expect(await bench.status(id)).toMatchObject({ status: 'PAID' });
    await bench.pass(7 * 3_600_000);
    await worker.sync.sweep();
    expect([(await bench.row(id)).step, (await bench.noteRow(rest)).step]).toEqual(['DONE', 'DONE']);
  });

  test('waits for an invoice that is not at Stripe yet, and goes as soon as it is', async () => {
    const id = await bench.finalized({ amounts: ['100'] });
    const note = await bench.credited(worker, id, { amount: d('30') });
    await bench.fault({ fault: 'rate_limit', path: '/v1/invoices', method: 'POST' });
    await worker.sync.syncTenant(bench.tenantId);
    expect(await bench.noteRow(note)).toMatchObject({ state: 'SYNCING', errorCode: 'INVOICE_NOT_SYNCED', attempts: 0 });
    expect(await bench.noteAtStripe(note)).toEqual([]);
    await bench.pass(61_000);
    await worker.sync.syncTenant(bench.tenantId);
    expect(await bench.noteRow(note)).toMatchObject({ state: 'SYNCED', errorCode: null });
    expect(await invoiceAtStripe(id)).toMatchObject({ status: 'open', amount_due: 7000 });
  });

  test('with more lines than Stripe takes is told as one, to the same total', async () => {
    const id = await open({ amounts: Array.from({ length: 260 }, () => '1.01') });
    const note = await bench.credited(worker, id);
    expect(await bench.driveNote(worker, note)).toMatchObject({ state: 'SYNCED' });
    const [remote] = await bench.noteAtStripe(note);
    expect([remote?.total, remote?.lines.data.length]).toEqual([26_260, 1]);
  });

  test.each([
    ['JPY', '1000', '250', 250],
    ['ISK', '1000', '250', 25_000],
    ['KWD', '10', '2.500', 2500],
  ])('1.5 %s %s less %s is %d to Stripe', async (currency, amount, credit, minor) => {
    const id = await open({ currency, amounts: [amount] });
    const note = await bench.credited(worker, id, { amount: d(credit) });
    expect(await bench.driveNote(worker, note)).toMatchObject({ state: 'SYNCED' });
    expect((await bench.noteAtStripe(note))[0]).toMatchObject({ total: minor, currency: currency.toLowerCase() });
  });
});

describe('a credit note on a paid invoice', () => {
  test.each(['CUSTOMER_BALANCE', 'OUT_OF_BAND'] as const)(
    '8.6 settled to %s is credited outside of Stripe, whose balance stays untouched',
    async (settlement) => {
      const customer = await bench.customer();
      const id = await paid({ customer });
      const note = await bench.credited(worker, id, { amount: d('30'), settlement });
      expect(await bench.driveNote(worker, note)).toMatchObject({ state: 'SYNCED', step: 'DONE' });
      expect((await bench.noteAtStripe(note))[0]).toMatchObject({
        ...{ total: 3000, post_payment_amount: 3000, out_of_band_amount: 3000, refunds: [], customer_balance_transaction: null },
      });
      expect(await invoiceAtStripe(id)).toMatchObject({ amount_paid: 10000, post_payment_credit_notes_amount: 3000 });
      expect(await balancesAtStripe()).toEqual([0]);
      expect(await bench.balance(customer.id)).toBe(settlement === 'CUSTOMER_BALANCE' ? '30' : '0');
    },
  );

  test('settled by REFUND is refunded by Stripe', async () => {
    const id = await paid();
    const note = await bench.credited(worker, id, { amount: d('30'), settlement: 'REFUND' });
    expect(await bench.driveNote(worker, note)).toMatchObject({ state: 'SYNCED' });
    expect((await bench.noteAtStripe(note))[0]).toMatchObject({ out_of_band_amount: null, refunds: [{ amount_refunded: 3000 }] });
  });

  test('tells Stripe nothing of what was paid with our balance, and refunds all that was paid there', async () => {
    const id = await paid({ amounts: ['100'], balanceApplied: '40' });
    const first = await bench.credited(worker, id, { amount: d('30') });
    const second = await bench.credited(worker, id, { amount: d('20') });
    const refund = await bench.credited(worker, id, { amount: d('50'), settlement: 'REFUND' });
    expect(await bench.driveNote(worker, refund)).toMatchObject({ state: 'SYNCED' });
    expect(await bench.driveNote(worker, second)).toMatchObject({ state: 'SYNCED' });
    expect(await bench.driveNote(worker, first)).toMatchObject({ state: 'NOT_SYNCED', step: 'DONE', stripeCreditNoteId: null });
    const totals = await Promise.all([first, second, refund].map(async (note) => (await bench.noteAtStripe(note))[0]?.total));
    expect(totals).toEqual([undefined, 1000, 5000]);
    expect(await invoiceAtStripe(id)).toMatchObject({ total: 6000, post_payment_credit_notes_amount: 6000 });
  });

  test('that was paid outside of Stripe cannot be refunded by it: it is settled outside', async () => {
    const id = await open();
    const { stripeInvoiceId } = await bench.row(id);
    await post(`/v1/invoices/${stripeInvoiceId}/pay`, { paid_out_of_band: 'true' });
    await bench.pass(7 * 3_600_000);
    await worker.sync.step(bench.tenantId, id);
    const note = await bench.credited(worker, id, { amount: d('30'), settlement: 'REFUND' });
    expect(await bench.driveNote(worker, note)).toMatchObject({ state: 'SYNCED' });
    expect((await bench.noteAtStripe(note))[0]).toMatchObject({ out_of_band_amount: 3000, refunds: [] });
  });
});

describe('a customer who pays before Stripe knows of the credit note', () => {
  test.each([
    ['CUSTOMER_BALANCE', { out_of_band_amount: 3000, refunds: [] }, '30'],
    ['REFUND', { out_of_band_amount: null, refunds: [{ amount_refunded: 3000 }] }, '0'],
  ] as const)('gets what was paid too much as %s says', async (settlement, atStripe, kept) => {
    const customer = await bench.customer();
    const id = await open({ customer });
    const note = await bench.credited(worker, id, { amount: d('30'), settlement });
    await bench.paidAtStripe(worker, id);
    expect(await invoiceAtStripe(id)).toMatchObject({ amount_paid: 10000 });
    expect(await bench.driveNote(worker, note)).toMatchObject({ state: 'SYNCED', step: 'DONE' });
    expect((await bench.noteAtStripe(note))[0]).toMatchObject({ pre_payment_amount: 0, post_payment_amount: 3000, ...atStripe });
    await worker.sync.sweep();
    expect(await bench.balance(customer.id)).toBe(kept);
  });

  test('past Stripe has paid what was owed, not more: nothing is kept for it', async () => {
    const customer = await bench.customer();
    const id = await open({ customer });
    const note = await bench.credited(worker, id, { amount: d('30') });
    await post(`/v1/invoices/${(await bench.row(id)).stripeInvoiceId}/pay`, { paid_out_of_band: 'true' });
    expect(await bench.driveNote(worker, note)).toMatchObject({ state: 'SYNCED' });
    expect((await bench.noteAtStripe(note))[0]).toMatchObject({ post_payment_amount: 3000, out_of_band_amount: 3000 });
    expect(await bench.balance(customer.id)).toBe('0');
  });

  test('in the very moment in which it is sent is asked for again', async () => {
    const customer = await bench.customer();
    const id = await open({ customer });
    class OvertakenClient extends StripeClient {
      override async createCreditNote(...args: Parameters<StripeClient['createCreditNote']>): Promise<Stripe.CreditNote> {
        const { stripeInvoiceId } = await bench.row(id);
        if ((await invoiceAtStripe(id)).status === 'open')
          await bench.emulator.control('POST', `/emulator/invoices/${stripeInvoiceId}/pay`);
        return super.createCreditNote(...args);
      }
    }
    const overtaken = await bench.worker({ client: OvertakenClient });
    const note = await bench.credited(overtaken, id, { amount: d('30') });
    await overtaken.sync.stepCreditNote(bench.tenantId, note);
    expect(await bench.noteRow(note)).toMatchObject({ state: 'SYNCING', lastError: expect.stringContaining('changed') });
    expect(await bench.driveNote(overtaken, note)).toMatchObject({ state: 'SYNCED', generation: 1 });
    expect(await bench.noteAtStripe(note)).toMatchObject([{ post_payment_amount: 3000, out_of_band_amount: 3000 }]);
    expect(await bench.balance(customer.id)).toBe('30');
  });
});

describe('a credit note stops, and says why', () => {
  test('when Stripe has credited something else, and is never made twice', async () => {
    const id = await open();
    class WrongClient extends StripeClient {
      override createCreditNote(params: Stripe.CreditNoteCreateParams, key: string): Promise<Stripe.CreditNote> {
        return super.createCreditNote(
          { ...params, lines: [{ type: 'custom_line_item', quantity: 1, unit_amount: 2999, description: 'x' }] },
          key,
        );
      }
    }
    const wrong = await bench.worker({ client: WrongClient });
    const note = await bench.credited(wrong, id, { amount: d('30') });
    const stopped = {
      state: 'FAILED',
      step: 'VERIFY',
      errorCode: 'STRIPE_AMOUNTS_DIFFER',
      lastError: expect.stringContaining('total is 2999, not 3000'),
    };
    expect(await bench.driveNote(wrong, note)).toMatchObject(stopped);
    expect(await bench.openAlerts(note)).toEqual(['STRIPE_SYNC_FAILED']);
    await worker.sync.retryCreditNote(bench.tenantId, note);
    expect(await bench.noteRow(note)).toMatchObject(stopped);
    expect(await bench.noteAtStripe(note)).toHaveLength(1);
  });

  test('when the invoice was paid here unannounced and is open there, until somebody has put it right', async () => {
    const id = await open();
    await bench.paidUnannounced(id);
    const note = await bench.credited(worker, id, { amount: d('30') });
    expect(await bench.driveNote(worker, note)).toMatchObject({ state: 'FAILED', errorCode: 'INVOICE_UNPAID_AT_STRIPE' });
    expect(await bench.noteAtStripe(note)).toEqual([]);
    const { stripeInvoiceId } = await bench.row(id);
    await post(`/v1/invoices/${stripeInvoiceId}/pay`, { paid_out_of_band: 'true' });
    await worker.sync.retryCreditNote(bench.tenantId, note);
    expect(await bench.noteRow(note)).toMatchObject({ state: 'SYNCED', errorCode: null });
    expect(await bench.openAlerts(note)).toEqual([]);
  });

  test('when it was voided in Stripe, which the sweep finds out by itself', async () => {
    const id = await open();
    const note = await bench.credited(worker, id, { amount: d('30') });
    const { stripeCreditNoteId } = await bench.driveNote(worker, note);
    await bench.emulator.control('POST', `/emulator/credit_notes/${stripeCreditNoteId}/void`);
    await bench.pass(16 * 60_000);
    await worker.sync.sweep();
    expect(await bench.noteRow(note)).toMatchObject({ state: 'FAILED', errorCode: 'VOIDED_AT_STRIPE' });
    expect(await bench.openAlerts(note)).toEqual(['STRIPE_SYNC_FAILED']);
  });
});

test('without a key of Stripe nothing is told, and a key that comes later finds it', async () => {
  const off = await bench.worker({ secretKey: null });
  const id = await bench.finalized({ amounts: ['100'] });
  const note = await bench.credited(off, id, { amount: d('30') });
  await off.sync.stepCreditNote(bench.tenantId, note);
  await off.sync.sweep();
  await expect(bench.noteRow(note)).rejects.toThrow('no sync row');
  const swept = await worker.sync.sweep();
  expect(swept).toMatchObject({ creditNotes: expect.any(Number) });
  expect(await bench.noteRow(note)).toMatchObject({ state: 'SYNCED' });
});

/** By hand, as in Stripe's dashboard. */
async function post(path: string, params: Record<string, string>): Promise<void> {
  const response = await fetch(bench.emulator.url + path, {
    method: 'POST',
    headers: { Authorization: `Bearer ${bench.key}` },
    body: new URLSearchParams(params),
  });
  expect(response.status).toBe(200);
}

import { SyncBench, type Worker } from './stripe-sync.fixture.ts';

let bench: SyncBench;
let worker: Worker;

beforeAll(async () => {
  bench = await SyncBench.open();
  worker = await bench.worker();
});
afterAll(() => bench.close());
beforeEach(() => bench.noFaults());

const amountsOf = (lines: readonly { amount: number }[]): number[] => lines.map(({ amount }) => amount);

describe('a finalized invoice', () => {
  test('gets to Stripe with its lines, is finalized there and is asked for by mail', async () => {
    const id = await bench.finalized({ amounts: ['12.34', '0.07'] });
    const row = await bench.drive(worker, id);
    expect(row).toMatchObject({ state: 'SYNCED', step: 'TRACK', remoteStatus: 'open', request: null, lastError: null });
    const [remote, ...more] = await bench.atStripe(id);
    expect(more).toEqual([]);
    expect(remote).toMatchObject({
      id: row.stripeInvoiceId,
      status: 'open',
      currency: 'usd',
      total: 1241,
      amount_due: 1241,
      collection_method: 'send_invoice',
      auto_advance: true,
      metadata: { tare_tenant: bench.tenantId, tare_invoice: id },
    });
    expect(remote?.custom_fields?.[0]?.value).toMatch(/^TARE-\d{6}$/);
    expect(amountsOf(remote?.lines ?? [])).toEqual([1234, 7]);
    expect(remote?.lines[0]?.metadata).toMatchObject({ kind: 'USAGE', price_key: 'price-0', quantity: '1000' });
    expect(new Set(remote?.lines.map(({ metadata }) => metadata['line_id'])).size).toBe(2);
  });

  test('8.1 has the same total in Stripe when discounts, tax, prepaid credits and balance are in it', async () => {
    const id = await bench.finalized({ amounts: ['100'], discount: '10', tax: '17.10', creditsApplied: '7.11', balanceApplied: '20' });
    await bench.drive(worker, id);
    const [remote] = await bench.atStripe(id);
    expect(remote?.total).toBe(7999);
    expect(remote?.lines.map(({ amount, metadata }) => [metadata['kind'], amount])).toEqual([
      ['USAGE', 10000],
      ['DISCOUNTS', -1000],
      ['CREDITS_APPLIED', -711],
      ['TAX', 1710],
      ['BALANCE_APPLIED', -2000],
    ]);
  });

  test('8.6 a total below zero was carried to our balance: Stripe gets 0 and keeps none', async () => {
    const id = await bench.finalized({ amounts: ['5', '-25'], balanceCarried: '20' });
    expect(await bench.drive(worker, id)).toMatchObject({ state: 'SYNCED', step: 'DONE', remoteStatus: 'paid' });
    const [remote] = await bench.atStripe(id);
    expect([remote?.total, ...amountsOf(remote?.lines ?? [])]).toEqual([0, 500, -2500, 2000]);
    const { customers } = await bench.emulator.account(bench.key);
    expect(customers.find(({ id: customer }) => customer === remote?.customer)?.balance).toBe(0);
  });

  test('8.6 a few cents are asked for, not put into the balance that Stripe keeps', async () => {
    const id = await bench.finalized({ amounts: ['0.07'] });
    expect(await bench.drive(worker, id)).toMatchObject({ remoteStatus: 'open' });
    const [remote] = await bench.atStripe(id);
    expect([remote?.amount_due, remote?.ending_balance]).toEqual([7, 0]);
  });

  test('8.6 a few cents of a customer without an email are refused, larger amounts are charged', async () => {
    const small = await bench.finalized({ amounts: ['0.49'], email: null });
    const large = await bench.finalized({ amounts: ['0.50'], email: null });
    expect(await bench.drive(worker, small)).toMatchObject({ state: 'FAILED', lastError: expect.stringContaining('email') });
    expect(await bench.alertCodes(small)).toEqual(['EMAIL_MISSING_AT_STRIPE']);
    expect(await bench.drive(worker, large)).toMatchObject({ state: 'SYNCED', remoteStatus: 'open' });
    expect((await bench.atStripe(large))[0]).toMatchObject({ collection_method: 'charge_automatically', amount_due: 50 });
  });

  test('of one customer and the next share the customer at Stripe', async () => {
    const customer = await bench.customer();
    const ids = [await bench.finalized({ amounts: ['1'], customer }), await bench.finalized({ amounts: ['2'], customer })];
    await worker.sync.syncTenant(bench.tenantId);
    const { customers } = await bench.emulator.account(bench.key);
    expect(customers.filter(({ metadata }) => metadata['tare_customer'] === customer.id)).toHaveLength(1);
    expect((await Promise.all(ids.map((id) => bench.row(id)))).map(({ state }) => state)).toEqual(['SYNCED', 'SYNCED']);
  });

  test('with more lines than Stripe takes is rolled up, to the same total', async () => {
    const id = await bench.finalized({
      amounts: Array.from({ length: 300 }, (_, index) => `1.${String(index % 100).padStart(2, '0')}`),
      tax: '1',
    });
    expect(await bench.drive(worker, id)).toMatchObject({ state: 'SYNCED' });
    const [remote] = await bench.atStripe(id);
    expect(remote?.lines).toHaveLength(250);
    expect(remote?.lines[248]).toMatchObject({ description: '52 further items', metadata: { kind: 'ROLLED_UP', lines: '52' } });
    expect(remote?.total).toBe(30_000 + 3 * 4_950 + 100);
  });

  test('without a line is there too, and paid at once', async () => {
    const id = await bench.finalized({ amounts: [] });
    expect(await bench.drive(worker, id)).toMatchObject({ state: 'SYNCED', step: 'DONE', remoteStatus: 'paid' });
    expect(await bench.status(id)).toMatchObject({ status: 'PAID' });
  });
});

describe('1.5 currencies', () => {
  test.each([
    ['JPY', '1234', 1234],
    ['ISK', '1235', 123_500],
    ['HUF', '10.13', 1013],
    ['TWD', '10.13', 1013],
    ['KWD', '1.230', 1230],
  ])('1.5 %s %s is %d to Stripe', async (currency, amount, minor) => {
    const id = await bench.finalized({ currency, amounts: [amount] });
    expect(await bench.drive(worker, id)).toMatchObject({ state: 'SYNCED', lastError: null });
    expect((await bench.atStripe(id))[0]).toMatchObject({ currency: currency.toLowerCase(), total: minor });
  });

  test('1.5 UGX is refused with a reason before anything is made at Stripe', async () => {
    const customer = await bench.customer({ currency: 'UGX' });
    const id = await bench.finalized({ currency: 'UGX', amounts: ['5000'], customer });
    expect(await bench.drive(worker, id)).toMatchObject({
      state: 'FAILED',
      stripeInvoiceId: null,
      lastError: expect.stringContaining('UGX'),
    });
    const { customers } = await bench.emulator.account(bench.key);
    expect(customers.filter(({ metadata }) => metadata['tare_customer'] === customer.id)).toEqual([]);
    expect(await bench.openAlerts(id)).toEqual(['STRIPE_SYNC_FAILED']);
    expect(await bench.alertCodes(id)).toEqual(['CURRENCY_NOT_SYNCED']);
    const states = await bench.database.withTenant(bench.tenantId, (tx) => worker.sync.syncStates(tx, [id]));
    expect(states.get(id)).toEqual({ state: 'FAILED', stripeInvoiceId: null });
  });

  test('1.3 an amount that is finer than the currency is refused, not rounded', async () => {
    const id = await bench.finalized({ amounts: ['0.005'] });
    expect(await bench.drive(worker, id)).toMatchObject({ state: 'FAILED', stripeInvoiceId: null });
    expect(await bench.atStripe(id)).toEqual([]);
  });
});

describe('a draft that is not our invoice', () => {
  test('is not finalized: it fails with what differs, and fails again while nobody has put it right', async () => {
    const id = await bench.finalized({ amounts: ['10', '20'] });
    await bench.fault({ fault: 'rate_limit', method: 'GET', path: '/v1/invoices/{id}' });
    await worker.sync.step(bench.tenantId, id);
    const { stripeInvoiceId } = await bench.row(id);
    const stranger = { 'lines[0][amount]': '500', 'lines[0][description]': 'by hand' };
    await post(`/v1/invoices/${stripeInvoiceId}/add_lines`, stranger);
    const failed = await bench.drive(worker, id);
    expect(failed).toMatchObject({ state: 'FAILED', step: 'VERIFY', lastError: expect.stringContaining('total is 3500, not 3000') });
    expect(await bench.openAlerts(id)).toEqual(['STRIPE_SYNC_FAILED']);
    expect(await bench.alertCodes(id)).toEqual(['STRIPE_AMOUNTS_DIFFER']);
    expect((await bench.atStripe(id))[0]?.status).toBe('draft');
    await worker.sync.retry(bench.tenantId, id);
    expect(await bench.row(id)).toMatchObject({ state: 'FAILED', step: 'VERIFY' });
  });

  test('8.6 is not finalized while the customer has a balance in Stripe', async () => {
    const customer = await bench.customer();
    await bench.drive(worker, await bench.finalized({ amounts: ['1'], customer }));
    const { customers } = await bench.emulator.account(bench.key);
    const remote = customers.find(({ metadata }) => metadata['tare_customer'] === customer.id)?.id;
    await post(`/v1/customers/${remote}`, { balance: '-500' });
    const id = await bench.finalized({ amounts: ['10'], customer });
    expect(await bench.drive(worker, id)).toMatchObject({ state: 'FAILED', lastError: expect.stringContaining('balance of -500') });
    expect(await bench.alertCodes(id)).toEqual(['BALANCE_AT_STRIPE']);
    await post(`/v1/customers/${remote}`, { balance: '0' });
    await worker.sync.retry(bench.tenantId, id);
    expect(await bench.row(id)).toMatchObject({ state: 'SYNCED' });
    expect(await bench.openAlerts(id)).toEqual([]);
  });
});

describe('a voided invoice', () => {
  test('is voided in Stripe', async () => {
    const id = await bench.finalized({ amounts: ['10'] });
    await bench.drive(worker, id);
    await bench.voided(id);
    await worker.sync.sweep();
    expect(await bench.row(id)).toMatchObject({ state: 'SYNCED', step: 'DONE', remoteStatus: 'void' });
    expect((await bench.atStripe(id)).map(({ status }) => status)).toEqual(['void']);
  });

  test('leaves nothing at Stripe when it got no further than a draft', async () => {
    const id = await bench.finalized({ amounts: ['10'] });
    await bench.fault({ fault: 'rate_limit', path: '/v1/invoices/{id}/add_lines' });
    await worker.sync.step(bench.tenantId, id);
    expect((await bench.atStripe(id)).map(({ status }) => status)).toEqual(['draft']);
    await bench.voided(id);
    expect(await bench.drive(worker, id)).toMatchObject({ state: 'NOT_SYNCED', step: 'DONE', stripeInvoiceId: null });
    expect(await bench.atStripe(id)).toEqual([]);
  });

  test('never gets there when it was voided before', async () => {
    const id = await bench.finalized({ amounts: ['10'] });
    await bench.voided(id);
    expect(await bench.drive(worker, id)).toMatchObject({ state: 'NOT_SYNCED', step: 'DONE' });
    expect(await bench.atStripe(id)).toEqual([]);
  });

  test('that failed on its way is closed, with its alert', async () => {
    const id = await bench.finalized({ currency: 'UGX', amounts: ['5000'] });
    await bench.drive(worker, id);
    await bench.voided(id);
    expect(await bench.drive(worker, id)).toMatchObject({ state: 'NOT_SYNCED', step: 'DONE' });
    expect(await bench.openAlerts(id)).toEqual([]);
  });

  test('that was paid in Stripe meanwhile cannot be, and somebody hears of it', async () => {
    const id = await bench.finalized({ amounts: ['10'] });
    const { stripeInvoiceId } = await bench.drive(worker, id);
    await bench.emulator.control('POST', `/emulator/invoices/${stripeInvoiceId}/pay`);
    await bench.voided(id);
    await worker.sync.syncTenant(bench.tenantId);
    expect(await bench.row(id)).toMatchObject({ state: 'FAILED', lastError: expect.stringContaining('paid in Stripe') });
    expect(await bench.alertCodes(id)).toEqual(['INVOICE_PAID_AT_STRIPE']);
    expect(await bench.openAlerts(id)).toEqual(['STRIPE_SYNC_FAILED']);
  });
});

describe('nothing is synced', () => {
  test('without a key', async () => {
    const off = await bench.worker({ secretKey: null });
    const id = await bench.finalized({ amounts: ['10'] });
    await off.sync.step(bench.tenantId, id);
    expect(await off.sync.sweep()).toEqual({ tenants: 0, invoices: 0, creditNotes: 0 });
    expect(await off.sync.progress(bench.tenantId, id)).toBeNull();
    const states = await bench.database.withTenant(bench.tenantId, (tx) => off.sync.syncStates(tx, [id]));
    expect(states.get(id)).toEqual({ state: 'NOT_SYNCED', stripeInvoiceId: null });
  });

  test('of a test tenant with a live key', async () => {
    const live = await bench.worker({ secretKey: 'sk_live_real' });
    const id = await bench.finalized({ amounts: ['10'] });
    await live.sync.step(bench.tenantId, id);
    expect(await live.sync.progress(bench.tenantId, id)).toBeNull();
  });
});

describe('the sweep', () => {
  test('finds the invoices of every tenant, whoever announced them, and has nothing to do the second time', async () => {
    await worker.sync.sweep();
    const other = await bench.test.createTenant();
    const theirs = await bench.finalized({ amounts: ['1'], tenantId: other });
    const ours = await bench.finalized({ amounts: ['2'] });
    expect(await worker.sync.sweep()).toEqual({ tenants: 2, invoices: 2, creditNotes: 0 });
    expect((await bench.atStripe(theirs))[0]?.metadata['tare_tenant']).toBe(other);
    expect((await bench.atStripe(ours))[0]?.status).toBe('open');
    expect(await worker.sync.sweep()).toEqual({ tenants: 0, invoices: 0, creditNotes: 0 });
  });

  test('hears of a payment whose webhook was dropped', async () => {
    const id = await bench.finalized({ amounts: ['10'] });
    const { stripeInvoiceId } = await bench.drive(worker, id);
    await bench.emulator.control('POST', `/emulator/invoices/${stripeInvoiceId}/pay`);
    await worker.sync.sweep();
    expect(await bench.status(id)).toMatchObject({ status: 'FINALIZED', paidAt: null });
    await bench.pass(16 * 60_000);
    await worker.sync.sweep();
    expect(await bench.row(id)).toMatchObject({ step: 'DONE', remoteStatus: 'paid' });
    const { status, paidAt } = await bench.status(id);
    expect([status, paidAt !== null]).toEqual(['PAID', true]);
  });
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

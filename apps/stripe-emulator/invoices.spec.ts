import Stripe from 'stripe';
import { startStripeEmulator, type StripeEmulator } from './emulator.ts';

let emulator: StripeEmulator;
let stripe: Stripe;
let customer: Stripe.Response<Stripe.Customer>;

function connect(key: string): Stripe {
  return new Stripe(key, { host: '127.0.0.1', port: emulator.port, protocol: 'http', maxNetworkRetries: 0, telemetry: false });
}

async function control(method: string, path: string, body?: unknown): Promise<ReturnType<typeof JSON.parse>> {
  const response = await fetch(emulator.url + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return response.json();
}

async function draft(amounts: number[], more: Stripe.InvoiceCreateParams = {}): Promise<Stripe.Invoice> {
  const invoice = await stripe.invoices.create({
    customer: customer.id,
    currency: 'usd',
    auto_advance: false,
    collection_method: 'charge_automatically',
    pending_invoice_items_behavior: 'exclude',
    ...more,
  });
  if (amounts.length === 0) return invoice;
  return stripe.invoices.addLines(invoice.id, { lines: amounts.map((amount, index) => ({ amount, description: `Line ${index}` })) });
}

beforeAll(async () => {
  emulator = await startStripeEmulator();
});
afterAll(() => emulator.stop());
beforeEach(async () => {
  await control('POST', '/emulator/reset');
  stripe = connect('sk_test_invoices');
  customer = await stripe.customers.create({ email: 'ada@example.com', name: 'Ada', metadata: { tare: 'c1' } });
});

describe('who may call', () => {
  test.each(['sk_live_abc', 'nonsense'])('the key %s is refused with 401', async (key) => {
    await expect(connect(key).customers.list()).rejects.toMatchObject({ type: 'StripeAuthenticationError', statusCode: 401 });
  });

  test('each test key has a state of its own', async () => {
    const other = connect('sk_test_other');
    expect((await other.customers.list()).data).toEqual([]);
    await expect(other.customers.retrieve(customer.id)).rejects.toMatchObject({ statusCode: 404, code: 'resource_missing' });
    expect((await stripe.customers.list()).data).toHaveLength(1);
  });

  test('every answer says that it comes from an emulator', async () => {
    expect(customer.lastResponse.headers['tare-emulator']).toBe('stripe');
    const page = await fetch(emulator.url);
    expect(page.headers.get('tare-emulator')).toBe('stripe');
    expect(await page.text()).toContain('This is an emulator of Stripe');
  });
});

describe('customers', () => {
  test('an update merges metadata and unsets what is sent empty', async () => {
    const updated = await stripe.customers.update(customer.id, { name: 'Ada L.', metadata: { plan: 'pro', tare: '' } });
    expect(updated).toMatchObject({ name: 'Ada L.', email: 'ada@example.com', metadata: { plan: 'pro' } });
    expect((await stripe.customers.retrieve(customer.id)) as Stripe.Customer).toMatchObject({ metadata: { plan: 'pro' } });
  });

  test('are listed by email, and a deleted one is gone from lists but still answered', async () => {
    const other = await stripe.customers.create({ email: 'bob@example.com' });
    expect((await stripe.customers.list({ email: 'bob@example.com' })).data.map(({ id }) => id)).toEqual([other.id]);
    await stripe.customers.del(other.id);
    expect((await stripe.customers.list({ email: 'bob@example.com' })).data).toEqual([]);
    expect(await stripe.customers.retrieve(other.id)).toMatchObject({ id: other.id, deleted: true });
  });

  test('search by metadata finds them only after its lag', async () => {
    const query = { query: "metadata['tare']:'c1'" };
    expect((await stripe.customers.search(query)).data).toEqual([]);
    await control('POST', '/emulator/clock', { advanceSeconds: 61 });
    expect((await stripe.customers.search(query)).data.map(({ id }) => id)).toEqual([customer.id]);
  });

  test('a parameter that the emulator does not know is refused, never dropped', async () => {
    const strange = { tax_id_data: [{ type: 'eu_vat', value: 'DE1' }] } as Stripe.CustomerCreateParams;
    await expect(stripe.customers.create(strange)).rejects.toMatchObject({ code: 'parameter_unknown', param: 'tax_id_data' });
  });
});

describe('a draft', () => {
  test('is made of lines that come back as they were sent', async () => {
    const invoice = await draft([], { metadata: { tare_invoice: 'i1' }, description: 'June' });
    const filled = await stripe.invoices.addLines(invoice.id, {
      lines: [
        { amount: 1234, description: 'Tokens', period: { start: 1_700_000_000, end: 1_700_086_400 }, metadata: { line_id: 'l1' } },
        { amount: -234, description: 'Correction', metadata: { line_id: 'l2' } },
      ],
      invoice_metadata: { lines: '2' },
    });
    expect(filled).toMatchObject({ status: 'draft', subtotal: 1000, total: 1000, amount_due: 1000, number: null, description: 'June' });
    expect(filled.metadata).toEqual({ tare_invoice: 'i1', lines: '2' });
    expect(filled.lines.data).toHaveLength(2);
    expect(filled.lines.data[0]).toMatchObject({
      amount: 1234,
      currency: 'usd',
      description: 'Tokens',
      period: { start: 1_700_000_000, end: 1_700_086_400 },
      metadata: { line_id: 'l1' },
      quantity: 1,
    });
  });

  test('prices a quantity by price_data, rounded half away from zero', async () => {
    const invoice = await draft([]);
    const filled = await stripe.invoices.addLines(invoice.id, {
      lines: [
        {
          price_data: { currency: 'usd', product_data: { name: 'Requests' }, unit_amount_decimal: Stripe.Decimal.from('0.25') },
          quantity: 6,
        },
      ],
    });
    expect(filled.lines.data[0]).toMatchObject({ amount: 2, quantity: 6, description: 'Requests' });
    expect(filled.lines.data[0]?.pricing?.unit_amount_decimal?.toString()).toBe('0.25');
  });

  test('takes 250 lines in one call, lists them all in order, and refuses one more', async () => {
    const amounts = Array.from({ length: 250 }, (_, index) => index + 1);
    const invoice = await draft(amounts);
    expect(invoice.total).toBe((250 * 251) / 2);
    expect(invoice.lines).toMatchObject({ has_more: true });
    expect(invoice.lines.data).toHaveLength(10);
    const listed = await stripe.invoices.listLineItems(invoice.id, { limit: 100 }).autoPagingToArray({ limit: 1000 });
    expect(listed.map(({ amount }) => amount)).toEqual(amounts);
    await expect(stripe.invoices.addLines(invoice.id, { lines: [{ amount: 1 }] })).rejects.toMatchObject({
      code: 'invoice_too_many_lines',
    });
  });

  test('refuses 251 lines in one call', async () => {
    const invoice = await draft([]);
    const lines = Array.from({ length: 251 }, () => ({ amount: 1 }));
    await expect(stripe.invoices.addLines(invoice.id, { lines })).rejects.toMatchObject({ statusCode: 400, param: 'lines' });
  });

  test.each([
    [{ amount: 1.5 }, 'lines[0][amount]'],
    [{ amount: 1, quantity: 2 }, 'lines[0][amount]'],
    [{ description: 'nothing' }, 'lines[0][amount]'],
    [{ amount: 1, period: { start: 2, end: 1 } }, 'lines[0][period][end]'],
    [{ amount: 1, metadata: { long: 'x'.repeat(501) } }, 'lines[0][metadata][long]'],
  ])('refuses the line %j', async (line, param) => {
    const invoice = await draft([]);
    await expect(stripe.invoices.addLines(invoice.id, { lines: [line] })).rejects.toMatchObject({ statusCode: 400, param });
    expect((await stripe.invoices.retrieve(invoice.id)).total).toBe(0);
  });

  test('1.5 amounts whose last digit the currency has not are refused', async () => {
    const dinars = await draft([], { currency: 'kwd' });
    await expect(stripe.invoices.addLines(dinars.id, { lines: [{ amount: 1234 }] })).rejects.toMatchObject({ param: 'lines[0][amount]' });
    const kronas = await draft([], { currency: 'isk' });
    await expect(stripe.invoices.addLines(kronas.id, { lines: [{ amount: 150 }] })).rejects.toMatchObject({ param: 'lines[0][amount]' });
    expect((await stripe.invoices.addLines(kronas.id, { lines: [{ amount: 15_000 }] })).total).toBe(15_000);
  });

  test('adds our tax amounts to its total, inclusive ones not', async () => {
    const invoice = await draft([]);
    const tax = (inclusive: boolean, amount: number) => ({
      amount,
      taxable_amount: 1000,
      tax_rate_data: { display_name: 'VAT', inclusive, percentage: 19 },
    });
    const taxed = await stripe.invoices.addLines(invoice.id, {
      lines: [
        { amount: 1000, tax_amounts: [tax(false, 190)] },
        { amount: 1000, tax_amounts: [tax(true, 160)] },
      ],
    });
    expect(taxed).toMatchObject({ subtotal: 2000, total: 2190, total_excluding_tax: 1840, amount_due: 2190 });
  });

  test('fetches automatic tax while it is a draft', async () => {
    await control('POST', '/emulator/settings', { automaticTaxPercent: '8.875' });
    const invoice = await draft([1000], { automatic_tax: { enabled: true } });
    expect(invoice).toMatchObject({ subtotal: 1000, total: 1089, automatic_tax: { enabled: true, status: 'complete' } });
  });

  test('may be changed and deleted; then it is gone', async () => {
    const invoice = await draft([100]);
    expect(await stripe.invoices.update(invoice.id, { description: 'Changed', metadata: { a: 'b' } })).toMatchObject({
      description: 'Changed',
    });
    expect(await stripe.invoices.del(invoice.id)).toMatchObject({ id: invoice.id, deleted: true });
    await expect(stripe.invoices.retrieve(invoice.id)).rejects.toMatchObject({ statusCode: 404, code: 'resource_missing' });
  });

  test('to be sent needs a due date and a customer with an email', async () => {
    const sent = { collection_method: 'send_invoice' } as const;
    await expect(draft([], sent)).rejects.toMatchObject({ param: 'days_until_due' });
    const invoice = await draft([], { ...sent, days_until_due: 30 });
    expect(invoice.due_date).toBe(invoice.created + 30 * 86_400);
    const nameless = await stripe.customers.create({});
    await expect(draft([], { ...sent, days_until_due: 30, customer: nameless.id })).rejects.toMatchObject({ code: 'missing_email' });
  });
});

describe('an invoice on its way', () => {
  test('gets the next number of its customer when it is finalized, and is then closed to changes', async () => {
    const first = await stripe.invoices.finalizeInvoice((await draft([1000])).id);
    const second = await stripe.invoices.finalizeInvoice((await draft([2000])).id);
    expect(first).toMatchObject({ status: 'open', amount_due: 1000, amount_remaining: 1000 });
    expect(first.number).toMatch(/^[A-Z]{8}-0001$/);
    expect(second.number).toBe(first.number?.replace('0001', '0002'));
    const closed = { statusCode: 400, code: 'invoice_not_editable' };
    await expect(stripe.invoices.finalizeInvoice(first.id)).rejects.toMatchObject(closed);
    await expect(stripe.invoices.addLines(first.id, { lines: [{ amount: 1 }] })).rejects.toMatchObject(closed);
    await expect(stripe.invoices.update(first.id, { description: 'late' })).rejects.toMatchObject(closed);
    await expect(stripe.invoices.del(first.id)).rejects.toMatchObject(closed);
    expect(await stripe.invoices.update(first.id, { metadata: { still: 'allowed' } })).toMatchObject({ metadata: { still: 'allowed' } });
  });

  test('is paid once', async () => {
    const open = await stripe.invoices.finalizeInvoice((await draft([1000])).id);
    const paid = await stripe.invoices.pay(open.id);
    expect(paid).toMatchObject({ status: 'paid', amount_paid: 1000, amount_remaining: 0, attempt_count: 1 });
    await expect(stripe.invoices.pay(open.id)).rejects.toMatchObject({ statusCode: 400, message: 'Invoice is already paid' });
    await expect(stripe.invoices.voidInvoice(open.id)).rejects.toMatchObject({ code: 'invoice_not_editable' });
  });

  test('can be paid by its customer, after a declined attempt', async () => {
    const open = await stripe.invoices.finalizeInvoice((await draft([1000])).id);
    expect(await control('POST', `/emulator/invoices/${open.id}/pay`, { outcome: 'declined' })).toMatchObject({
      status: 'open',
      attempted: true,
    });
    expect(await control('POST', `/emulator/invoices/${open.id}/pay`)).toMatchObject({ status: 'paid' });
    const types = (await stripe.events.list({ limit: 100 })).data.map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['invoice.payment_failed', 'invoice.paid', 'invoice.payment_succeeded']));
  });

  test('can be void or uncollectible, and an uncollectible one may still be paid', async () => {
    const first = await stripe.invoices.finalizeInvoice((await draft([1000])).id);
    expect(await stripe.invoices.voidInvoice(first.id)).toMatchObject({ status: 'void' });
    const second = await stripe.invoices.finalizeInvoice((await draft([1000])).id);
    expect(await stripe.invoices.markUncollectible(second.id)).toMatchObject({ status: 'uncollectible' });
    expect(await stripe.invoices.pay(second.id, { paid_out_of_band: true })).toMatchObject({ status: 'paid' });
    await expect(stripe.invoices.voidInvoice((await draft([1])).id)).rejects.toMatchObject({ code: 'invoice_not_editable' });
  });

  test('with a total of 0 is paid as soon as it is finalized', async () => {
    const invoice = await stripe.invoices.finalizeInvoice((await draft([500, -500])).id);
    expect(invoice).toMatchObject({ status: 'paid', total: 0, amount_due: 0, amount_paid: 0 });
  });

  test('with a negative total credits the customer, and the next invoice takes it off', async () => {
    const refund = await stripe.invoices.finalizeInvoice((await draft([-700])).id);
    expect(refund).toMatchObject({ status: 'paid', total: -700, amount_due: 0, starting_balance: 0, ending_balance: -700 });
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ balance: -700 });
    const next = await stripe.invoices.finalizeInvoice((await draft([1000])).id);
    expect(next).toMatchObject({ status: 'open', total: 1000, amount_due: 300, starting_balance: -700, ending_balance: 0 });
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ balance: 0 });
    await stripe.invoices.voidInvoice(next.id);
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ balance: -700 });
  });

  test('below the minimum charge is carried over when charged automatically, and stays open when sent', async () => {
    const charged = await stripe.invoices.finalizeInvoice((await draft([30])).id);
    expect(charged).toMatchObject({ status: 'paid', total: 30, amount_due: 0, ending_balance: 30 });
    const fresh = await stripe.customers.create({ email: 'carl@example.com' });
    const sent = await draft([30], { customer: fresh.id, collection_method: 'send_invoice', days_until_due: 5 });
    expect(await stripe.invoices.sendInvoice(sent.id)).toMatchObject({ status: 'open', amount_due: 30 });
  });
});

describe('lists', () => {
  test('are newest first, filtered, and paged by cursors in both directions', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) ids.unshift((await draft([1000 + index])).id);
    await stripe.invoices.finalizeInvoice(ids[0] ?? '');
    const other = await stripe.customers.create({ email: 'x@example.com' });
    await draft([1], { customer: other.id });

    const all = await stripe.invoices.list({ customer: customer.id, limit: 2 }).autoPagingToArray({ limit: 100 });
    expect(all.map(({ id }) => id)).toEqual(ids);
    const open = await stripe.invoices.list({ customer: customer.id, status: 'open' });
    expect(open.data.map(({ id }) => id)).toEqual([ids[0]]);
    const before = await stripe.invoices.list({ customer: customer.id, limit: 2, ending_before: ids[3] ?? '' });
    expect(before).toMatchObject({ has_more: true });
    expect(before.data.map(({ id }) => id)).toEqual(ids.slice(1, 3));
    const created = all[0]?.created ?? 0;
    expect((await stripe.invoices.list({ created: { gt: created + 100 } })).data).toEqual([]);
    expect((await stripe.invoices.list({ created: { gte: created - 100, lt: created + 100 } })).data).toHaveLength(6);
  });

  test('expand the customer when asked to', async () => {
    const invoice = await draft([100]);
    const expanded = await stripe.invoices.retrieve(invoice.id, { expand: ['customer'] });
    expect(expanded.customer).toMatchObject({ id: customer.id, name: 'Ada' });
  });
});

describe('credit notes', () => {
  test('reduce what an open invoice still asks for, and never more', async () => {
    const open = await stripe.invoices.finalizeInvoice((await draft([1000])).id);
    const note = await stripe.creditNotes.create({ invoice: open.id, amount: 400, memo: 'sorry', metadata: { tare: 'n1' } });
    expect(note).toMatchObject({
      total: 400,
      type: 'pre_payment',
      status: 'issued',
      metadata: { tare: 'n1' },
      number: `${open.number}-CN-01`,
    });
    expect(await stripe.invoices.retrieve(open.id)).toMatchObject({
      amount_remaining: 600,
      total: 1000,
      pre_payment_credit_notes_amount: 400,
    });
    await expect(stripe.creditNotes.create({ invoice: open.id, amount: 601 })).rejects.toMatchObject({ statusCode: 400, param: 'amount' });
    await stripe.creditNotes.create({ invoice: open.id, amount: 600 });
    expect(await stripe.invoices.retrieve(open.id)).toMatchObject({ status: 'paid', amount_remaining: 0 });
  });

  test('on a paid invoice say where the money goes', async () => {
    const open = await stripe.invoices.finalizeInvoice((await draft([1000])).id);
    const paid = await stripe.invoices.pay(open.id);
    const line = paid.lines.data[0]?.id ?? '';
    const lines = [{ type: 'invoice_line_item' as const, invoice_line_item: line, amount: 250 }];
    await expect(stripe.creditNotes.create({ invoice: paid.id, lines })).rejects.toMatchObject({ param: 'amount' });
    const note = await stripe.creditNotes.create({ invoice: paid.id, lines, credit_amount: 250 });
    expect(note).toMatchObject({ total: 250, type: 'post_payment' });
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ balance: -250 });
    expect((await stripe.creditNotes.list({ invoice: paid.id })).data.map(({ id }) => id)).toEqual([note.id]);
  });

  test('refund what was paid through Stripe, and no more; what was paid past it only outside of Stripe', async () => {
    const paid = await stripe.invoices.pay((await stripe.invoices.finalizeInvoice((await draft([1000])).id)).id);
    const credit = (amount: number, where: object, invoice = paid.id) => stripe.creditNotes.create({ invoice, amount, ...where });
    const note = await credit(600, { refund_amount: 500, out_of_band_amount: 100 });
    expect(note).toMatchObject({ post_payment_amount: 600, out_of_band_amount: 100, refunds: [{ amount_refunded: 500, type: 'refund' }] });
    await expect(credit(401, { refund_amount: 401 })).rejects.toMatchObject({ param: 'amount' });
    await expect(credit(400, { refund_amount: 399 })).rejects.toMatchObject({ param: 'amount' });
    expect(await credit(400, { refund_amount: 400 })).toMatchObject({ type: 'post_payment' });
    expect(await stripe.invoices.retrieve(paid.id)).toMatchObject({ amount_paid: 1000, post_payment_credit_notes_amount: 1000 });
    const past = await stripe.invoices.finalizeInvoice((await draft([1000])).id);
    await stripe.invoices.pay(past.id, { paid_out_of_band: true });
    await expect(credit(100, { refund_amount: 100 }, past.id)).rejects.toMatchObject({ param: 'refund_amount' });
    expect(await credit(100, { out_of_band_amount: 100 }, past.id)).toMatchObject({ out_of_band_amount: 100, refunds: [] });
  });

  test('of an open invoice settle nothing, and can be voided by hand: then all of it is asked for again', async () => {
    const open = await stripe.invoices.finalizeInvoice((await draft([1000])).id);
    await expect(stripe.creditNotes.create({ invoice: open.id, amount: 400, out_of_band_amount: 400 })).rejects.toMatchObject({
      param: 'amount',
    });
    const note = await stripe.creditNotes.create({ invoice: open.id, amount: 400 });
    await control('POST', `/emulator/credit_notes/${note.id}/void`);
    expect(await stripe.creditNotes.retrieve(note.id)).toMatchObject({ status: 'void' });
    expect(await stripe.invoices.retrieve(open.id)).toMatchObject({ amount_due: 1000, amount_remaining: 1000 });
  });

  test('are not for drafts', async () => {
    await expect(stripe.creditNotes.create({ invoice: (await draft([100])).id, amount: 1 })).rejects.toMatchObject({ statusCode: 400 });
  });
});

test('events tell the story of an invoice, each with the object as it was', async () => {
  const invoice = await draft([1000]);
  await stripe.invoices.finalizeInvoice(invoice.id);
  await stripe.invoices.pay(invoice.id);
  const events = (await stripe.events.list({ type: 'invoice.*', limit: 100 })).data.reverse();
  expect(events.map(({ type }) => type)).toEqual([
    'invoice.created',
    'invoice.updated',
    'invoice.finalized',
    'invoice.paid',
    'invoice.payment_succeeded',
  ]);
  expect(events.map(({ data }) => (data.object as Stripe.Invoice).status)).toEqual(['draft', 'draft', 'open', 'paid', 'paid']);
  expect(await stripe.events.retrieve(events[0]?.id ?? '')).toMatchObject({ type: 'invoice.created' });
});

test('the state for assertions holds every invoice with all of its lines', async () => {
  const invoice = await draft(Array.from({ length: 12 }, () => 5));
  const { accounts } = await control('GET', '/emulator/state?key=sk_test_invoices');
  expect(accounts).toHaveLength(1);
  expect(accounts[0].invoices).toHaveLength(1);
  expect(accounts[0].invoices[0]).toMatchObject({ id: invoice.id, total: 60 });
  expect(accounts[0].invoices[0].lines).toHaveLength(12);
});

test('the pages show invoices and never run what a description says', async () => {
  const invoice = await draft([123_456], { description: '<script>alert(1)</script>' });
  const list = await (await fetch(emulator.url)).text();
  expect(list).toContain('1,234.56 USD');
  const page = await (await fetch(`${emulator.url}/invoices/${invoice.id}`)).text();
  expect(page).toContain('&lt;script&gt;');
  expect(page).not.toContain('<script>');
});

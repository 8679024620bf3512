import { TestApi } from '../test-api.ts';

let api: TestApi;

beforeAll(async () => {
  api = await TestApi.open();
  await data('mutation { createMeter(input: { key: "requests", name: "requests", eventType: "request", aggregation: COUNT }) { key } }');
  await data(`mutation { createPlan(input: { key: "pro", name: "Pro", kind: SUBSCRIPTION, currency: "USD", interval: MONTH, invoiceThreshold: "1000",
    prices: [{ key: "fee", model: FLAT, amount: "100" }] }) { key } }`);
});
afterAll(() => api.close());

/** What GraphQL answers when nothing is refused. */
async function data(query: string, variables: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const { data: answer, errors } = await api.ask(query, variables);
  if (errors !== undefined || answer === null) throw new Error(JSON.stringify(errors));
  return answer;
}

/** A customer with an invoice of January. */
async function invoiceOf(customer: string, asOf = '2026-01-02T00:00:00Z'): Promise<{ id: string; lines: { id: string }[] }> {
  await data('mutation ($key: String!) { createCustomer(input: { key: $key, name: $key }) { id } }', { key: customer });
  await data(
    `mutation { setCustomerTax(customer: "${customer}", input: { rates: [{ name: "VAT", percent: "19" }], taxId: "DE 1" }) { validFrom } }`,
  );
  await data(`mutation { createSubscription(input: { customer: "${customer}", plan: "pro", startsAt: "2026-01-01T00:00:00Z" }) { id } }`);
  await data(`mutation { runBilling(asOf: "${asOf}") { invoicesFinalized } }`);
  const { invoices } = await data(`{ invoices(customer: "${customer}") { edges { node { id lines { id } } } } }`);
  return (invoices as { edges: { node: { id: string; lines: { id: string }[] } }[] }).edges[0]?.node as {
    id: string;
    lines: { id: string }[];
  };
}

const FIELDS = 'status number taxes { name percent base amount } tax total credited amountDue replaces';

test('an invoice is taxed, credited, and paid outside of Stripe', async () => {
  await data(
    'mutation { updateTenantSettings(input: { invoiceNumberPrefix: "ACME", creditNoteNumberPrefix: "ACME-CN" }) { invoiceNumberPrefix } }',
  );
  const invoice = await invoiceOf('acme');
  expect(await data('{ customerTax(customer: "acme") { rates { name percent } exempt taxId creditsTaxed } }')).toEqual({
    customerTax: { rates: [{ name: 'VAT', percent: '19' }], exempt: false, taxId: 'DE 1', creditsTaxed: 'AT_PURCHASE' },
  });
  const lines = [{ line: invoice.lines[0]?.id, amount: '50' }];
  const input = { invoice: invoice.id, key: 'half', lines, reason: 'half of it' };
  const credit =
    'mutation ($input: CreditNoteInput!) { creditNote(input: $input) { id number settlement subtotal taxes { name amount } total offInvoice settled sync } }';
  const { creditNote } = await data(credit, { input });
  expect(creditNote).toMatchObject({
    ...{ number: 'ACME-CN-000001', settlement: 'CUSTOMER_BALANCE', subtotal: '50', taxes: [{ name: 'VAT', amount: '9.5' }] },
    ...{ total: '59.5', offInvoice: '59.5', settled: '0', sync: 'NOT_SYNCED' },
  });
  expect((await data(credit, { input }))['creditNote']).toEqual(creditNote);
  expect(await api.refusal(credit, { input: { ...input, key: 'more', lines: [{ ...lines[0], amount: '50.01' }] } })).toEqual({
    code: 'CREDIT_EXCEEDS_LINE',
    field: 'lines.0.amount',
  });
  const { creditNotes } = await data(
    '{ creditNotes(customer: "acme") { edges { node { id customer { key } } } pageInfo { hasNextPage } } }',
  );
  expect(creditNotes).toEqual({
    edges: [{ node: { id: (creditNote as { id: string }).id, customer: { key: 'acme' } } }],
    pageInfo: { hasNextPage: false },
  });
  await showsItsSync((creditNote as { id: string }).id, invoice.id);
  const pay = `mutation ($id: ID!) { payInvoice(invoice: $id, at: "2026-01-05T00:00:00Z") { ${FIELDS} paidAt } }`;
  const { payInvoice } = await data(pay, { id: invoice.id });
  expect(payInvoice).toEqual({
    ...{
      status: 'PAID',
      number: 'ACME-000001',
      taxes: [{ name: 'VAT', percent: '19', base: '100', amount: '19' }],
      tax: '19',
      total: '119',
    },
    ...{ credited: '59.5', amountDue: '0', replaces: null, paidAt: '2026-01-05T00:00:00.000Z' },
  });
  expect((await data(pay, { id: invoice.id }))['payInvoice']).toEqual(payInvoice);
});

test('an invoice is voided and billed again, and another one written off', async () => {
  const { id } = await invoiceOf('globex');
  const regenerate = `mutation ($id: ID!) { regenerateInvoice(invoice: $id) { id ${FIELDS} } }`;
  expect((await api.refusal(regenerate, { id })).code).toBe('INVOICE_NOT_VOID');
  await data('mutation ($id: ID!) { voidInvoice(invoice: $id) { status } }', { id });
  const { regenerateInvoice: again } = await data(regenerate, { id });
  expect(again).toMatchObject({ status: 'FINALIZED', total: '119', amountDue: '119', replaces: id });
  const writeOff = 'mutation ($id: ID!) { markUncollectible(invoice: $id) { status amountDue } }';
  const { markUncollectible } = await data(writeOff, { id: (again as { id: string }).id });
  expect(markUncollectible).toEqual({ status: 'UNCOLLECTIBLE', amountDue: '119' });
});

test('a draft is finalized before its grace period is over', async () => {
  const { id } = await invoiceOf('initech', '2026-01-01T00:10:00Z');
  const finalize = 'mutation ($id: ID!) { finalizeInvoice(invoice: $id) { status finalizedAt } }';
  const { finalizeInvoice } = await data(finalize, { id });
  expect(finalizeInvoice).toEqual({ status: 'FINALIZED', finalizedAt: '2026-01-01T00:10:00.000Z' });
  expect((await data(finalize, { id }))['finalizeInvoice']).toEqual(finalizeInvoice);
});

test('of another tenant nothing is found', async () => {
  const { id } = await invoiceOf('hooli');
  const stranger = await api.stranger();
  for (const call of ['voidInvoice', 'regenerateInvoice', 'finalizeInvoice', 'payInvoice', 'markUncollectible']) {
    expect((await api.refusal(`mutation ($id: ID!) { ${call}(invoice: $id) { id } }`, { id }, stranger)).code).toBe('NOT_FOUND');
  }
  const credit = 'mutation ($input: CreditNoteInput!) { creditNote(input: $input) { id } }';
  expect((await api.refusal(credit, { input: { invoice: id, reason: 'x' } }, stranger)).code).toBe('NOT_FOUND');
});

/** Where the sync stands with a credit note, and that only what has failed can be started again. */
async function showsItsSync(creditNote: string, invoice: string): Promise<void> {
  const query = '{ creditNotes(invoice: "INVOICE") { edges { node { sync stripeCreditNoteId syncProblem { code message } } } } }';
  const shown = async (): Promise<unknown> => (await data(query.replace('INVOICE', invoice)))['creditNotes'];
  const only = (node: object): object => ({ edges: [{ node }] });
  expect(await shown()).toEqual(only({ sync: 'NOT_SYNCED', stripeCreditNoteId: null, syncProblem: null }));
  const tenants = await api.test.database.withoutTenant((tx) => tx.query<{ id: string }>('SELECT id FROM tenant'));
  const failed = await api.test.database.withTenants(
    tenants.map(({ id }) => id),
    (tx) =>
      tx.query(
        `INSERT INTO stripe_credit_note_sync (tenant_id, credit_note_id, invoice_id, step, state, next_attempt_at, error_code, last_error)
         SELECT tenant_id, id, invoice_id, 'CREATE', 'FAILED', '2100-01-01', 'INVOICE_UNPAID_AT_STRIPE', 'It is open there.' FROM credit_note
         WHERE id = $1 RETURNING 1`,
        [creditNote],
      ),
  );
  expect(failed).toHaveLength(1);
  const syncProblem = { code: 'INVOICE_UNPAID_AT_STRIPE', message: 'It is open there.' };
  expect(await shown()).toEqual(only({ sync: 'FAILED', stripeCreditNoteId: null, syncProblem }));
  const retry = 'mutation ($id: ID!) { retryCreditNoteSync(creditNote: $id) { sync } }';
  expect(await data(retry, { id: creditNote })).toEqual({ retryCreditNoteSync: { sync: 'SYNCING' } });
  expect(await api.refusal(retry, { id: creditNote })).toMatchObject({ code: 'NOT_FOUND' });
  expect(await api.refusal('mutation ($id: ID!) { retryInvoiceSync(invoice: $id) { id } }', { id: invoice })).toMatchObject({
    code: 'NOT_FOUND',
  });
}

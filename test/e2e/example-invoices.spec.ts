import { Decimal } from '@tare/core';
import { PRICES_DECIDED_DIFFERENTLY } from '../../libs/core/invoicing/examples-decided-differently.ts';
import { readPriceExamples, type PriceExample } from '../../libs/core/pricing/price-examples.fixture.ts';
import { standsOnAnInvoice } from './example-invoices.fixture.ts';
import { startTare, type RunningTare } from './running-tare.ts';

/** The shared price examples that need an invoice, through the public API: plan, subscription, usage, billing run, invoice. February 2023 has 28 days. */
const all = readPriceExamples();
const withExamples = all === null ? describe.skip : describe;
const examples = (all ?? []).filter((example) => standsOnAnInvoice(example) && PRICES_DECIDED_DIFFERENTLY[example.id] === undefined);

interface Line {
  readonly kind: string;
  readonly priceKey: string | null;
  readonly amount: string;
  readonly discount: string;
  readonly periodStart: string;
}

const METER = 'mutation ($input: MeterInput!) { createMeter(input: $input) { id } }';
const PLAN = 'mutation ($input: PlanInput!) { createPlan(input: $input) { id } }';
const CUSTOMER = 'mutation ($input: CustomerInput!) { createCustomer(input: $input) { id } }';
const SUBSCRIBE = 'mutation ($input: SubscriptionInput!) { createSubscription(input: $input) { id } }';
const INGEST = 'mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events) { accepted rejected { code } } }';
const LINES = `query ($customer: String!) {
  invoices(customer: $customer) { edges { node { lines { kind priceKey amount discount periodStart } } } }
}`;
const MARCH = '2023-03-01T00:00:00';

function pricesOf({ params }: PriceExample): object[] {
  // What is split by weights does not depend on their size: fees of less than a cent would be nothing.
  if (params.weights !== undefined)
    return params.weights.map(([key, weight]) => ({
      key,
      model: 'FLAT',
      amount: Decimal.parse(weight).times(Decimal.of(1_000)).toString(),
    }));
  if (params.base?.model === 'flat') return [{ key: 'fee', model: 'FLAT', amount: params.base['amount'] }];
  return [{ key: 'usage', model: 'PER_UNIT', meter: 'units', unitPrice: params.base?.['unit_price'], minimumAmount: params['min'] }];
}

function discountsOf({ params, currency }: PriceExample): object[] {
  const amounts = params.weights === undefined ? (params.amounts ?? []) : [params['amount'] ?? '0'];
  return [
    ...amounts.map((amount, index) => ({ key: `amount-${index}`, amountOff: { amount, currency } })),
    ...(params.percents ?? []).map((percentOff, index) => ({ key: `percent-${index}`, percentOff })),
  ];
}

withExamples('the shared price examples that need an invoice, through the public API', () => {
  let tare: RunningTare;

  beforeAll(async () => {
    tare = await startTare();
    const { client } = tare;
    await client.graphql(METER, { input: { key: 'units', name: 'Units', eventType: '*', aggregation: 'SUM', valueProperty: 'quantity' } });
    for (const example of examples) await subscribe(example);
    await client.graphql('mutation { runBilling(asOf: "2023-03-01T01:00:00Z") { invoicesFinalized } }');
  }, 120_000);
  afterAll(() => tare.stop());

  async function subscribe(example: PriceExample): Promise<void> {
    const { id, currency, params } = example;
    const { client } = tare;
    const isCommitment = params['min'] !== undefined && params.base?.model === 'flat';
    const terms = {
      key: id,
      name: id,
      kind: 'SUBSCRIPTION',
      currency,
      interval: 'MONTH',
      alignment: 'CALENDAR',
      prices: pricesOf(example),
    };
    await client.graphql(PLAN, { input: { ...terms, ...(isCommitment ? { minimumCommitment: params['min'] } : {}) } });
    await client.graphql(CUSTOMER, { input: { key: id, name: id } });
    const startsAt = params.prorate === undefined ? '2023-02-01T00:00:00Z' : '2023-02-04T00:00:00Z';
    await client.graphql(SUBSCRIBE, { input: { customer: id, plan: id, startsAt, discounts: discountsOf(example) } });
    if (params.base?.model === 'flat' || params.weights !== undefined) return;
    const event = { key: id, customer: id, type: 'unit', at: '2023-02-10T00:00:00Z', quantity: example.quantity };
    expect(await client.graphql(INGEST, { events: [event] })).toEqual({ ingestEvents: { accepted: 1, rejected: [] } });
  }

  /** What February has cost, on whichever invoice it stands. */
  async function february(customer: string): Promise<Line[]> {
    const { invoices } = await tare.client.graphql<{ invoices: { edges: { node: { lines: Line[] } }[] } }>(LINES, { customer });
    return invoices.edges.flatMap(({ node }) => node.lines).filter(({ periodStart }) => periodStart < MARCH);
  }

  const sum = (values: readonly string[]): Decimal => Decimal.sum(values.map((value) => Decimal.parse(value)));
  const due = (lines: readonly Line[]): Decimal => sum(lines.map(({ amount }) => amount)).minus(sum(lines.map(({ discount }) => discount)));

  test('these are the cases that need an invoice', () => {
    expect(examples.map(({ id }) => id).sort()).toEqual([
      'alloc-01',
      'fp-disc-01',
      'fp-disc-06',
      'fp-disc-08',
      'fp-disc-19',
      'la-min-02',
      'la-min-07',
      'la-min-10',
      'me-disc-04',
      'om-alloc-08',
      'x-jpy-05',
    ]);
  });

  test.each(examples.map((example) => [example.id, example] as const))('invoices agree with %s', async (id, example) => {
    const lines = await february(id);
    const { params, expected_rounded: rounded, expected_discount: discount, expected_lines: split } = example;
    if (discount !== undefined) expect(sum(lines.map((line) => line.discount)).toString()).toBe(Decimal.parse(discount).toString());
    if (params.weights !== undefined) {
      expect(lines.map((line) => [line.priceKey, line.discount])).toEqual(split);
    } else if (params['assert'] === 'true_up' && params.base?.model === 'flat') {
      expect(due(lines.filter(({ kind }) => kind === 'COMMITMENT')).toString()).toBe(rounded);
    } else if (params['assert'] === 'true_up') {
      const used = Decimal.parse(example.quantity ?? '0').times(Decimal.parse(params.base?.['unit_price'] ?? '0'));
      expect(due(lines).minus(used).toString()).toBe(rounded);
    } else {
      expect(due(lines).toString()).toBe(Decimal.parse(rounded ?? '').toString());
    }
  });
});

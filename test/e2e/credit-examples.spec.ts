import { Decimal } from '@tare/core';
import { readCreditExamples, type CreditExample } from '../../libs/core/credits/credit-examples.fixture.ts';
import { DECIDED_DIFFERENTLY } from '../../libs/core/credits/examples-decided-differently.ts';
import { ExampleCompany } from './example-company.fixture.ts';
import { startTare, type RunningTare } from './running-tare.ts';

/**
 * The shared credit examples through the public API, each in a tenant of its own: grants; usage that burns them, or debits by key; balances and overage.
 * Allowances that are carried on are those of a plan: what is left of one shows by what is charged beyond it.
 */
const found = readCreditExamples();
const withExamples = found === null ? describe.skip : describe;
const examples = (found ?? []).filter(({ id }) => DECIDED_DIFFERENTLY[id] === undefined);
const carried = examples.filter(({ model }) => model === 'rollover');
const recurring = examples.filter(({ grants }) => grants.some(({ recurrence }) => recurrence !== undefined));
const wallets = examples.filter((example) => !carried.includes(example) && !recurring.includes(example));
const FIRST_DAY = Date.parse('2024-01-01T00:00:00Z');
const DAY_MS = 86_400_000;
/** What a plan that bills uncovered credits in arrears takes for one. */
const OVERAGE = { creditExhaustion: 'OVERAGE', overagePricePerCredit: '1' };

interface Balance {
  readonly available: string;
  readonly grants: readonly { readonly key: string; readonly remaining: string }[];
}

const GRANT = 'mutation ($input: CreditGrantInput!) { grantCredits(input: $input) { id } }';
const DEBIT = 'mutation ($input: DebitCreditsInput!) { debitCredits(input: $input) { key } }';
const BALANCE = 'query ($at: DateTime!) { creditBalance(customer: "customer", at: $at) { available grants { key remaining } } }';
const PREVIEW = 'query ($at: DateTime!) { invoicePreview(customer: "customer", at: $at) { lines { kind quantity } } }';

type Spend = (company: ExampleCompany, usage: { readonly at: string; readonly amount: string }, index: number) => Promise<unknown>;
const byUsage: Spend = (company, { at, amount }) => company.use('unit', at, amount);
const byDebits: Spend = (company, { at, amount }, index) =>
  company.client.graphql(DEBIT, { input: { customer: 'customer', key: `debit ${index}`, credits: amount, at } });

withExamples('the shared credit examples, through the public API', () => {
  let tare: RunningTare;
  beforeAll(async () => {
    tare = await startTare();
  }, 120_000);
  afterAll(() => tare.stop());

  /** A customer whose usage burns credits, one for a unit. */
  async function burning(id: string, startsAt: string, terms: Readonly<Record<string, unknown>>): Promise<ExampleCompany> {
    const company = await ExampleCompany.found(tare, id);
    await company.meter('unit');
    await company.plan('credits', { kind: 'CREDIT', burnRates: [{ meter: 'unit', creditsPerUnit: '1' }], ...terms });
    await company.subscribe('credits', startsAt);
    return company;
  }

  async function balanceAt(company: ExampleCompany, at: string): Promise<Balance> {
    return (await company.client.graphql<{ creditBalance: Balance }>(BALANCE, { at })).creditBalance;
  }

  async function overageAt(company: ExampleCompany, at: string): Promise<string> {
    const { invoicePreview } = await company.client.graphql<{
      invoicePreview: { lines: { kind: string; quantity: string }[] }[];
    }>(PREVIEW, { at });
    const lines = invoicePreview.flatMap((invoice) => invoice.lines).filter(({ kind }) => kind === 'OVERAGE');
    return Decimal.sum(lines.map(({ quantity }) => Decimal.parse(quantity))).toString();
  }

  /** Grants in the order in which they were made, then all usage in the order in which it came; after that, what is expected at each time is asked for. */
  async function agree(example: CreditExample, spend: Spend): Promise<void> {
    const start = example.start ?? example.grants.map((grant) => grant.effective_at).sort()[0] ?? '';
    const company = await burning(example.id, start, { ...OVERAGE, interval: 'YEAR' });
    const madeAt = ({ created_at: createdAt, effective_at: effectiveAt }: CreditExample['grants'][number]): string =>
      createdAt ?? effectiveAt;
    const grants = [...example.grants].sort((a, b) => (madeAt(a) === madeAt(b) ? (a.id < b.id ? -1 : 1) : madeAt(a) < madeAt(b) ? -1 : 1));
    for (const { id, amount, priority, effective_at: effectiveAt, expires_at: expiresAt, cost_basis: basis } of grants) {
      const price = basis !== undefined &&
        basis !== '0' && { price: { amount: Decimal.parse(basis).times(Decimal.parse(amount)).toString(), currency: 'USD' } };
      const input = { customer: 'customer', key: id, credits: amount, priority, effectiveAt, expiresAt, ...price };
      await company.client.graphql(GRANT, { input });
    }
    for (const [index, usage] of example.usage.entries()) await spend(company, usage, index);
    for (const expected of example.expected) {
      const { available, grants: told } = await balanceAt(company, expected.at);
      const remaining = new Map(told.map((grant) => [grant.key, grant.remaining]));
      const balances = Object.fromEntries(Object.keys(expected.balances ?? {}).map((key) => [key, remaining.get(key) ?? '0']));
      expect({ available, balances }).toEqual({ available: expected.total, balances: expected.balances ?? {} });
      expect(await overageAt(company, expected.at)).toBe(expected.overage ?? '0');
    }
  }

  test('there is a way to tell each case', () => {
    expect((found ?? []).length - examples.length).toBe(Object.keys(DECIDED_DIFFERENTLY).length);
    expect([wallets.length, carried.length, recurring.length]).toEqual([11, 4, 1]);
  });

  const named = wallets.map((example) => [example.id, example] as const);
  test.each(named)('usage that burns agrees with %s', (_id, example) => agree(example, byUsage), 60_000);
  test.each(named)('debits agree with %s', (_id, example) => agree(example, byDebits), 60_000);

  test.each(recurring.map((example) => [example.id, example] as const))(
    'a plan that grants each day agrees with %s',
    async (id, { grants: [grant], start = '', usage, expected }) => {
      expect(grant?.recurrence?.interval).toBe('1d');
      const terms = { interval: 'DAY', creditsPerInterval: grant?.amount, creditExhaustion: 'OVERDRAFT', overdraftLimit: '1000' };
      const company = await burning(id, start, terms);
      await company.bill(new Date(Date.parse(start) + DAY_MS / 24).toISOString());
      for (const event of usage) await company.use('unit', event.at, event.amount);
      for (const { at, total } of expected) {
        await company.bill(at);
        expect((await balanceAt(company, at)).available).toBe(total);
      }
    },
    60_000,
  );

  test.each(carried.map((example) => [example.id, example] as const))(
    'an allowance that is carried on agrees with %s',
    async (id, { grants: [grant], resets = [], usage, expected }) => {
      const allowance = Decimal.parse(grant?.amount ?? '0');
      const { max, max_percentage: percentage } = grant?.rollover ?? {};
      const ofPercentage =
        percentage === null || percentage === undefined ? null : allowance.times(Decimal.parse(percentage)).times(Decimal.parse('0.01'));
      const maximum = max ?? ofPercentage?.toString();
      // Times of the case only say an order: a day lies between two resets.
      const dayOf = (at: string): number => FIRST_DAY + DAY_MS * resets.filter((reset) => reset.at <= at).length;
      const noon = (at: string): string => new Date(dayOf(at) + DAY_MS / 2).toISOString();
      for (const { at, total } of expected) {
        const company = await ExampleCompany.found(tare, id);
        await company.meter('unit');
        const price = { key: 'units', model: 'PER_UNIT', meter: 'unit', unitPrice: '1', includedQuantity: allowance.toString() };
        const rollover = { rollover: true, ...(maximum === undefined ? {} : { rolloverMaximum: maximum }) };
        await company.plan('plan', { interval: 'DAY', prices: [{ ...price, ...rollover }] });
        await company.subscribe('plan', new Date(FIRST_DAY).toISOString());
        for (const event of usage.filter((event) => event.at < at)) await company.use('unit', noon(event.at), event.amount);
        // All that is left is used, and 7 more: those are charged.
        await company.use('unit', noon(at), Decimal.parse(total).plus(Decimal.parse('7')).toString());
        await company.bill(new Date(dayOf(at) + DAY_MS + DAY_MS / 2).toISOString());
        const charged = (await company.lines()).filter(({ amount }) => amount !== '0').map((line) => [line.periodStart, line.amount]);
        expect(charged).toEqual([[new Date(dayOf(at)).toISOString(), '7']]);
      }
    },
    60_000,
  );
});

import fc from 'fast-check';
import { Decimal } from '../money/index.ts';
import { parseInstant } from '../time/index.ts';
import type { PriceInput } from '../pricing/index.ts';
import { sampleSegment } from '../subscriptions/segment.fixture.ts';
import { sampleUsage } from '../subscriptions/usage.fixture.ts';
import { assembleInvoice } from './assemble-invoice.ts';
import type { AssembledInvoice } from './assembled-invoice.ts';
import { billedLinesOf } from './billed-facts.ts';
import { endedAt, feeAt, sampleDiscount, sampleFacts } from './facts.fixture.ts';
import type { Discount, DiscountUse, InvoiceFacts } from './invoice-facts.ts';

const d = (text: string): Decimal => Decimal.parse(text);
const [JANUARY, FEBRUARY, MARCH] = ['2026-01-05T00:00:00Z', '2026-02-05T00:00:00Z', '2026-03-05T00:00:00Z'];
const STARTS = ['2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z'].map((text) => parseInstant(text));

const fee: PriceInput = { key: 'fee', model: 'FLAT', amount: '100' };
const calls: PriceInput = { key: 'calls', model: 'PER_UNIT', meter: 'calls', unitPrice: '1' };
const plan = sampleSegment({ prices: [fee, calls] });
const payAsYouGo = sampleSegment({ kind: 'PER_QUERY', prices: [calls] });
const used = (events: number, at = JANUARY) => sampleUsage(at, { events: Decimal.of(events) });
const invoice = (facts: Partial<InvoiceFacts>): AssembledInvoice => assembleInvoice(sampleFacts(facts));
const shown = ({ lines }: AssembledInvoice): string[] =>
  lines.map((line) => `${line.kind} ${line.priceKey ?? '-'} ${line.amount.toString()} -${line.discount.toString()}`);
const boundary = (events: number, discounts: Discount[]): AssembledInvoice =>
  invoice({ ended: [endedAt(plan, JANUARY, { records: [used(events)] })], next: [feeAt(plan, FEBRUARY)], discounts });

test('8.1 a discount for fees leaves usage alone, and one for usage leaves fees alone', () => {
  const ofFees = sampleDiscount('f', { percentOff: d('10'), appliesTo: 'FEES' });
  const ofUsage = sampleDiscount('u', { percentOff: d('20'), appliesTo: 'USAGE' });
  expect(shown(boundary(50, [ofFees, ofUsage]))).toEqual(['USAGE calls 50 -10', 'FEE fee 100 -10']);
});

test('8.1 a discount for fees or usage is a line discount: the commitment is compared with what is left, and its true-up is not discounted', () => {
  const committed = sampleSegment({ kind: 'PER_QUERY', prices: [calls], minimumCommitment: '100' });
  const discounts = [sampleDiscount('u', { percentOff: d('50'), appliesTo: 'USAGE' })];
  const result = invoice({ ended: [endedAt(committed, JANUARY, { records: [used(80)] })], discounts });
  expect(shown(result)).toEqual(['USAGE calls 80 -40', 'COMMITMENT - 60 -0']);
});

test('8.1 a discount for an add-on takes its prices only', () => {
  const withAddOn = sampleSegment({
    prices: [fee, { ...fee, key: 'storage/fee', amount: '30' }, { ...fee, key: 'storages', amount: '7' }],
  });
  const result = invoice({
    next: [feeAt(withAddOn, JANUARY)],
    discounts: [sampleDiscount('a', { percentOff: d('50'), addOns: ['storage'] })],
  });
  expect(shown(result)).toEqual(['FEE fee 100 -0', 'FEE storage/fee 30 -15', 'FEE storages 7 -0']);
});

test('8.1 stacking: line discounts first, in each round percentages on what is left in the order they were given, then amounts', () => {
  const discounts = [
    sampleDiscount('amount of all', { amountOff: d('5') }),
    sampleDiscount('ten of all', { percentOff: d('10') }),
    sampleDiscount('amount of the fee', { amountOff: d('10'), prices: ['fee'] }),
    sampleDiscount('half of fees', { percentOff: d('50'), appliesTo: 'FEES' }),
  ];
  const result = invoice({ next: [feeAt(plan, JANUARY)], discounts });
  // 100 - 50 (half of fees) - 10 (amount of the fee) - 4 (ten of all) - 5 (amount of all)
  expect(result.lines.flatMap(({ discounts: shares }) => shares.map(({ key, amount }) => `${key} ${amount.toString()}`))).toEqual([
    'half of fees 50',
    'amount of the fee 10',
    'ten of all 4',
    'amount of all 5',
  ]);
  expect(result.total.toString()).toBe('31');
});

test('8.1 a discount until a date is for service periods that begin before it', () => {
  const until = sampleDiscount('u', { percentOff: d('10'), until: parseInstant('2026-02-01T00:00:00Z') });
  expect(shown(boundary(50, [until]))).toEqual(['USAGE calls 50 -5', 'FEE fee 100 -0']);
  expect(shown(boundary(50, [{ ...until, until: parseInstant('2026-02-01T00:00:00.000001Z') }]))).toEqual([
    'USAGE calls 50 -5',
    'FEE fee 100 -10',
  ]);
});

test('8.1 what a billing period leaves of an amount off is lost with it, or carried on where the discount says so, also past its end', () => {
  const lost = sampleDiscount('off', { amountOff: d('100'), until: STARTS[1] ?? null });
  const carried = { ...lost, givenAt: STARTS.slice(0, 1) };
  const months = (discount: Discount): string[] => {
    const uses: DiscountUse[] = [];
    return [JANUARY, FEBRUARY, MARCH].map((month) => {
      const part = endedAt(payAsYouGo, month, { records: [used(60, month)] });
      const result = invoice({ ended: [part], discounts: [{ ...discount, used: uses }] });
      uses.push(...result.discountUses);
      return `${result.subtotal.toString()} -${result.discounts.toString()}`;
    });
  };
  expect(months(lost)).toEqual(['60 -60', '60 -0', '60 -0']);
  expect(months(carried)).toEqual(['60 -60', '60 -40', '60 -0']);
});

test('8.1 an amount off that is carried on is shared by all billing periods of an invoice, the earlier one first', () => {
  const carried = sampleDiscount('off', { amountOff: d('60'), givenAt: STARTS.slice(0, 2) });
  const result = boundary(50, [carried]);
  expect(shown(result)).toEqual(['USAGE calls 50 -50', 'FEE fee 100 -70']);
  expect(result.discountUses.map(({ periodStart, amount }) => [periodStart, amount.toString()])).toEqual([
    [STARTS[0], '50'],
    [STARTS[1], '70'],
  ]);
});

test('8.3 a correction takes what is left of an amount that is carried on, and records what it took', () => {
  const carried = sampleDiscount('off', { amountOff: d('100'), givenAt: STARTS.slice(0, 1) });
  const first = invoice({ ended: [endedAt(payAsYouGo, JANUARY, { records: [used(60)] })], discounts: [carried] });
  const second = invoice({
    ended: [endedAt(payAsYouGo, FEBRUARY, { records: [used(15, FEBRUARY)] })],
    discounts: [{ ...carried, used: first.discountUses }],
  });
  const facts = sampleFacts({
    ended: [endedAt(payAsYouGo, JANUARY, { records: [used(60), used(70)] })],
    discounts: [{ ...carried, used: second.discountUses }],
  });
  const late = { invoiceId: 'first', facts, billed: billedLinesOf(first.lines), discountUses: first.discountUses };
  const third = invoice({ late: [late] });
  // 130 - 85 that are left of the amount, less 60 - 60 billed
  expect(shown(third)).toEqual(['DELTA calls 45 -0']);
  expect(third.discountUses.map(({ periodStart, amount }) => [periodStart, amount.toString()])).toEqual([[STARTS[0], '25']]);
});

test('8.3 a period that is rated again keeps its amount off, whatever later periods took of theirs', () => {
  const carried = sampleDiscount('off', { amountOff: d('50'), givenAt: STARTS.slice(0, 2) });
  const january = [endedAt(payAsYouGo, JANUARY, { records: [used(60)] })];
  const first = invoice({ ended: january, discounts: [carried] });
  const february = [endedAt(payAsYouGo, FEBRUARY, { records: [used(60, FEBRUARY)] })];
  const second = invoice({ ended: february, discounts: [{ ...carried, used: first.discountUses }] });
  const facts = sampleFacts({ ended: january, discounts: [{ ...carried, used: second.discountUses }] });
  const late = { invoiceId: 'first', facts, billed: billedLinesOf(first.lines), discountUses: first.discountUses };
  expect(invoice({ late: [late] }).lines).toEqual([]);
});

test('8.3 an amount off on threshold invoices is the one of their period: the closing one has what is left', () => {
  const cents = (amount: number): Decimal => Decimal.fromUnits(BigInt(amount), 2);
  const discounts = fc.array(
    fc.record({
      percent: fc.boolean(),
      amount: fc.integer({ min: 1, max: 9_999 }),
      appliesTo: fc.constantFrom('ALL', 'USAGE', 'FEES'),
      carried: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  );
  const priced = sampleSegment({ kind: 'PER_QUERY', prices: [{ ...calls, unitPrice: '0.333' }] });
  fc.assert(
    fc.property(discounts, fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 4 }), (drafts, steps) => {
      const given = drafts.map(({ percent, amount, appliesTo, carried }, index) => {
        const off = percent ? { percentOff: Decimal.min(cents(amount), Decimal.of(100)) } : { amountOff: cents(amount) };
        return sampleDiscount(`d${index}`, { ...off, appliesTo, givenAt: carried && !percent ? STARTS.slice(0, 1) : null });
      });
      const whole = invoice({ ended: [endedAt(priced, JANUARY, { records: steps.map((events) => used(events)) })], discounts: given });
      const parts: AssembledInvoice[] = [];
      for (const [index] of steps.entries()) {
        const records = steps.slice(0, index + 1).map((events) => used(events));
        const billed = billedLinesOf(parts.flatMap(({ lines }) => lines));
        const uses = parts.flatMap(({ discountUses }) => discountUses);
        const withUses = given.map((discount) => ({ ...discount, used: uses.filter(({ key }) => key === discount.key) }));
        const closing = index === steps.length - 1;
        parts.push(invoice({ ended: [endedAt(priced, JANUARY, { records, billed, closing })], discounts: withUses }));
      }
      const sum = (field: 'subtotal' | 'discounts'): string => Decimal.sum(parts.map((part) => part[field])).toString();
      expect([sum('subtotal'), sum('discounts')]).toEqual([whole.subtotal.toString(), whole.discounts.toString()]);
    }),
  );
});

test('8.1 an amount off that is finer than the currency takes off what can be billed of it', () => {
  const result = invoice({ next: [feeAt(plan, JANUARY)], discounts: [sampleDiscount('fine', { amountOff: d('10.019') })] });
  expect(shown(result)).toEqual(['FEE fee 100 -10.01']);
});

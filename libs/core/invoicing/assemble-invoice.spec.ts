import fc from 'fast-check';
import { CodedError } from '../coded-error.ts';
import { Decimal } from '../money/index.ts';
import { parseInstant } from '../time/index.ts';
import type { PriceInput } from '../pricing/index.ts';
import { sampleSegment } from '../subscriptions/segment.fixture.ts';
import { sampleUsage } from '../subscriptions/usage.fixture.ts';
import type { Segment } from '../subscriptions/index.ts';
import { sumRecords } from '../usage/index.ts';
import type { UsageRecord } from '../usage/index.ts';
import { assembleInvoice } from './assemble-invoice.ts';
import type { AssembledInvoice } from './assembled-invoice.ts';
import { billedFeesOf, billedLinesOf, feesNetOf } from './billed-facts.ts';
import { checkInvoice } from './check-invoice.ts';
import { endedAt, feeAt, sampleDiscount, sampleFacts } from './facts.fixture.ts';
import type { Discount, InvoiceFacts } from './invoice-facts.ts';
import type { InvoiceTax } from './invoice-tax.ts';

const d = (text: string): Decimal => Decimal.parse(text);
const at = (text: string): number => parseInstant(text);
const JANUARY = '2026-01-05T00:00:00Z';
const FEBRUARY = '2026-02-05T00:00:00Z';

const fee = (amount: string, more: Partial<PriceInput> = {}): PriceInput => ({ key: 'fee', model: 'FLAT', amount, ...more });
const calls = (unitPrice: string, more: Partial<PriceInput> = {}): PriceInput => ({
  key: 'calls',
  model: 'PER_UNIT',
  meter: 'calls',
  unitPrice,
  ...more,
});
const used = (events: string, when = JANUARY): UsageRecord => sampleUsage(when, { events: d(events) });
const invoice = (facts: Partial<InvoiceFacts>): AssembledInvoice => assembleInvoice(sampleFacts(facts));
const shown = ({ lines }: AssembledInvoice): string[] =>
  lines.map((line) => `${line.kind} ${line.priceKey ?? '-'} ${line.amount.toString()} -${line.discount.toString()}`);

const vat = (percent: string): InvoiceTax => ({
  kind: 'RATES',
  rates: [{ name: 'VAT', percent: d(percent) }],
  creditsTaxed: 'AT_PURCHASE',
});

const pro = sampleSegment({ prices: [fee('100'), calls('0.015')] });

test('8.5 the boundary invoice holds the usage of the ended period and the fee of the next, each line with its own period', () => {
  const result = invoice({ ended: [endedAt(pro, JANUARY, { records: [used('101')] })], next: [feeAt(pro, FEBRUARY)] });
  expect(shown(result)).toEqual(['USAGE calls 1.52 -0', 'FEE fee 100 -0']);
  expect(result.total.toString()).toBe('101.52');
  expect(result.lines.map((line) => line.period.start)).toEqual([at('2026-01-01T00:00:00Z'), at('2026-02-01T00:00:00Z')]);
});

test('groups of a price are lines of their own, each with its scope', () => {
  const grouped = sampleSegment({
    prices: [calls('0.01', { groupBy: 'model', groups: [{ in: ['big', 'huge'], unitPrice: '0.5' }] })],
  });
  const records = ['big', 'huge', 'small'].map((model) => sampleUsage(JANUARY, { model, events: d('3') }));
  const result = invoice({ ended: [endedAt(grouped, JANUARY, { records })] });
  expect(result.lines.map(({ description, group, amount }) => [description, group, amount.toString()])).toEqual([
    ['Plan: calls (big, huge)', 'big, huge', '3'],
    ['Plan: calls', null, '0.03'],
  ]);
  expect(new Set(result.lines.map(({ scopeKey }) => scopeKey)).size).toBe(2);
  const again = endedAt(grouped, JANUARY, {
    records: [...records, sampleUsage(JANUARY, { model: 'huge' })],
    billed: billedLinesOf(result.lines),
  });
  expect(shown(invoice({ ended: [again] }))).toEqual(['USAGE calls 0.5 -0', 'USAGE calls 0 -0']);
});

test('a fee that is valid for some time is charged by the second of its validity, and its line says so', () => {
  const timely = sampleSegment({ prices: [fee('31', { validFrom: '2026-01-11T00:00:00Z', validUntil: '2026-02-01T12:00:00Z' })] });
  const [january] = invoice({ next: [feeAt(timely, JANUARY)] }).lines;
  expect([january?.amount.toString(), january?.period]).toEqual([
    '21',
    { start: at('2026-01-11T00:00:00Z'), end: at('2026-02-01T00:00:00Z') },
  ]);
  const [february] = invoice({ next: [feeAt(timely, FEBRUARY)] }).lines;
  expect([february?.amount.toString(), february?.period.end]).toEqual(['0.55', at('2026-02-01T12:00:00Z')]);
  expect(invoice({ next: [feeAt(timely, '2026-03-05T00:00:00Z')] }).lines).toEqual([]);
});

test('8.5 a fee in arrears that became valid within the period counts towards its commitment', () => {
  const plan = sampleSegment({ minimumCommitment: '30', prices: [fee('31', { timing: 'IN_ARREARS', validFrom: '2026-01-11T00:00:00Z' })] });
  expect(shown(invoice({ ended: [endedAt(plan, JANUARY)] }))).toEqual(['FEE fee 21 -0', 'COMMITMENT - 9 -0']);
});

test('1.3 a line is rounded once, not per event or tier, and totals are sums of rounded lines', () => {
  const halves = sampleSegment({ prices: [calls('0.005'), { key: 'images', model: 'PER_UNIT', meter: 'images', unitPrice: '0.005' }] });
  const records = [used('1'), used('1'), used('1'), sampleUsage(JANUARY, { type: 'image' })];
  const result = invoice({ ended: [endedAt(halves, JANUARY, { records })] });
  expect(shown(result)).toEqual(['USAGE calls 0.02 -0', 'USAGE images 0.01 -0']);
  expect(result.subtotal.toString()).toBe('0.03');
});

test('1.5 lines are rounded to the increment of the currency', () => {
  const yen = sampleSegment({ currency: 'JPY', prices: [calls('0.5')] });
  const dinar = sampleSegment({ currency: 'KWD', prices: [calls('0.0015')] });
  expect(invoice({ currency: 'JPY', ended: [endedAt(yen, JANUARY, { records: [used('3')] })] }).total.toString()).toBe('2');
  expect(invoice({ currency: 'KWD', ended: [endedAt(dinar, JANUARY, { records: [used('3333')] })] }).total.toString()).toBe('5');
});

test('4.2 a flat fee of the first tier is a line without usage; a price without usage or fee is none', () => {
  const tiered = sampleSegment({ prices: [{ key: 'v', model: 'VOLUME', meter: 'images', tiers: [{ flatFee: '5' }] }, calls('1')] });
  expect(shown(invoice({ ended: [endedAt(tiered, JANUARY)] }))).toEqual(['USAGE v 5 -0']);
});

test('4.5 a line that awaits its cost is left off, and billed by a correction when the cost is known', () => {
  const plus = sampleSegment({
    prices: [{ key: 'cost', model: 'COST_PLUS', meter: 'calls', markup: '0.3' }, fee('10', { timing: 'IN_ARREARS' })],
  });
  const unpriced = sampleUsage(JANUARY, { costState: 'UNPRICED', costCurrency: null });
  const first = invoice({ ended: [endedAt(plus, JANUARY, { records: [unpriced] })] });
  expect(shown(first)).toEqual(['FEE fee 10 -0']);
  expect(first.awaitingCost.map(({ priceKey, events }) => [priceKey, events.toString()])).toEqual([['cost', '1']]);
  const priced = sampleFacts({ ended: [endedAt(plus, JANUARY, { records: [sampleUsage(JANUARY, { cost: d('2') })] })] });
  const late = invoice({ late: [{ invoiceId: 'first', facts: priced, billed: billedLinesOf(first.lines) }] });
  expect(shown(late)).toEqual(['DELTA cost 2.6 -0']);
});

describe('4.5 a late event without a cost', () => {
  const prices: PriceInput[] = [
    { key: 'cost', model: 'COST_PLUS', meter: 'calls', markup: '0' },
    { key: 'images', model: 'PER_UNIT', meter: 'images', unitPrice: '1' },
  ];
  const plus = sampleSegment({ kind: 'PER_QUERY', prices, minimumCommitment: '100' });
  const known = sampleUsage(JANUARY, { cost: d('60') });
  const unpriced = sampleUsage(JANUARY, { costState: 'UNPRICED', costCurrency: null });
  const priced = sampleUsage(JANUARY, { cost: d('5') });
  const images = (count: string): UsageRecord => sampleUsage(JANUARY, { type: 'image', events: d(count) });
  const scopeOf = (records: UsageRecord[], discounts: Discount[] = []): InvoiceFacts =>
    sampleFacts({ ended: [endedAt(plus, JANUARY, { records })], discounts });
  const late = (
    records: UsageRecord[],
    before: readonly AssembledInvoice[],
    discounts: Discount[] = [],
    voided = false,
  ): AssembledInvoice => {
    const billed = billedLinesOf(before.flatMap(({ lines }) => lines));
    return invoice({ late: [{ invoiceId: 'i', facts: scopeOf(records, discounts), billed, voided }] });
  };

  test('leaves its line as it was billed, and the other lines and the true-up of the period are corrected at once', () => {
    const original = assembleInvoice(scopeOf([known, images('10')]));
    expect(shown(original)).toEqual(['USAGE cost 60 -0', 'USAGE images 10 -0', 'COMMITMENT - 30 -0']);
    const held = late([known, unpriced, images('30')], [original]);
    expect([shown(held), held.awaitingCost.map(({ priceKey }) => priceKey)]).toEqual([['DELTA images 20 -0', 'DELTA - -20 -0'], ['cost']]);
    expect(late([known, unpriced, images('30')], [original, held]).lines).toEqual([]);
    const after = late([known, priced, images('30')], [original, held]);
    expect(shown(after)).toEqual(['DELTA cost 5 -0', 'DELTA - -5 -0']);
    const again = late([known, priced, unpriced, images('90')], [original, held, after]);
    expect(shown(again)).toEqual(['DELTA images 60 -0', 'DELTA - -5 -0']);
  });

  test('leaves it in what a discount is taken off: all that an amount off gives is given, once', () => {
    const discounts = [sampleDiscount('tenth', { percentOff: d('10'), prices: ['cost'] }), sampleDiscount('off', { amountOff: d('10') })];
    const records = [known, images('46')];
    const original = assembleInvoice(scopeOf(records, discounts));
    expect(shown(original)).toEqual(['USAGE cost 60 -11.4', 'USAGE images 46 -4.6']);
    expect(late([...records, unpriced], [original], discounts).lines).toEqual([]);
    const held = late([known, unpriced, images('54')], [original], discounts);
    expect(shown(held)).toEqual(['DELTA cost 0.4 -0', 'DELTA images 7.6 -0']);
    expect(late([known, unpriced, images('54')], [original, held], discounts).lines).toEqual([]);
    const after = late([known, images('54')], [original, held], discounts);
    expect(after.lines).toEqual([]);
  });

  test('and nothing billed for the line yet corrects the rest without it', () => {
    const original = assembleInvoice(scopeOf([unpriced, images('10')]));
    expect(shown(original)).toEqual(['USAGE images 10 -0', 'COMMITMENT - 90 -0']);
    expect(shown(late([unpriced, images('30')], [original]))).toEqual(['DELTA images 20 -0', 'DELTA - -20 -0']);
  });

  test('keeps nothing back when its invoice is void: what corrections billed for the line is given back', () => {
    const original = assembleInvoice(scopeOf([known, images('90')]));
    const corrected = late([known, priced, images('90')], [original]);
    expect(shown(corrected)).toEqual(['DELTA cost 5 -0']);
    const back = late([known, priced, unpriced, images('90')], [corrected], [], true);
    expect(shown(back)).toEqual(['DELTA cost -5 -0']);
    // Made again without the line: what stands of the void one's corrections is no bill of it.
    const remade = billedLinesOf(corrected.lines);
    const facts = scopeOf([known, priced, unpriced, images('90')]);
    expect(invoice({ late: [{ invoiceId: 'remade', facts, billed: remade }] }).lines.map(({ priceKey }) => priceKey)).not.toContain('cost');
  });
});

test('4.6 a commitment adds one true-up to what fee and usage of the same period come to', () => {
  const committed = sampleSegment({ prices: [fee('100'), calls('1')], minimumCommitment: '150' });
  const result = invoice({ ended: [endedAt(committed, JANUARY, { records: [used('20')], feesNet: d('100') })] });
  expect(shown(result)).toEqual(['USAGE calls 20 -0', 'COMMITMENT - 30 -0']);
  expect(shown(invoice({ ended: [endedAt(committed, JANUARY, { records: [used('60')], feesNet: d('100') })] }))).toEqual([
    'USAGE calls 60 -0',
  ]);
});

test('8.5 a commitment counts usage net of line discounts, before invoice discounts', () => {
  const committed = sampleSegment({ kind: 'PER_QUERY', prices: [calls('1')], minimumCommitment: '100' });
  const discounts = [sampleDiscount('line', { percentOff: d('50'), prices: ['calls'] }), sampleDiscount('all', { percentOff: d('10') })];
  const result = invoice({ ended: [endedAt(committed, JANUARY, { records: [used('80')] })], discounts });
  expect(shown(result)).toEqual(['USAGE calls 80 -44', 'COMMITMENT - 60 -6']);
  expect(result.total.toString()).toBe('90');
});

test('4.7 a threshold invoice bills the cumulative amount, the closing one the rest, with one tier position', () => {
  const tiered = sampleSegment({
    prices: [
      {
        key: 'g',
        model: 'GRADUATED',
        meter: 'calls',
        tiers: [{ upTo: '10', unitPrice: '1' }, { unitPrice: '0.333' }],
        minimumAmount: '11.5',
      },
    ],
  });
  const threshold = invoice({ ended: [endedAt(tiered, JANUARY, { records: [used('8')], closing: false })] });
  const second = invoice({
    ended: [endedAt(tiered, JANUARY, { records: [used('8'), used('3')], closing: false, billed: billedLinesOf(threshold.lines) })],
  });
  const billed = billedLinesOf([...threshold.lines, ...second.lines]);
  const closing = invoice({ ended: [endedAt(tiered, JANUARY, { records: [used('8'), used('4')], billed })] });
  expect([threshold, second, closing].map((part) => part.total.toString())).toEqual(['8', '2.33', '1.17']);
});

test('8.3 what a threshold invoice billed too much is taken back when the period closes', () => {
  const plain = sampleSegment({ kind: 'PER_QUERY', prices: [calls('1')] });
  const threshold = invoice({ ended: [endedAt(plain, JANUARY, { records: [used('8')], closing: false })] });
  const closing = invoice({ ended: [endedAt(plain, JANUARY, { billed: billedLinesOf(threshold.lines) })] });
  expect(shown(closing)).toEqual(['USAGE calls -8 -0']);
  expect([closing.total.toString(), closing.balanceCarried.toString()]).toEqual(['0', '8']);
});

test('8.3 a threshold invoice and the closing one share the amount off of their period', () => {
  const plain = sampleSegment({ kind: 'PER_QUERY', prices: [calls('1')] });
  const off = sampleDiscount('off', { amountOff: d('10') });
  const threshold = invoice({ ended: [endedAt(plain, JANUARY, { records: [used('8')], closing: false })], discounts: [off] });
  const part = endedAt(plain, JANUARY, { records: [used('30')], billed: billedLinesOf(threshold.lines) });
  const closing = invoice({ ended: [part], discounts: [{ ...off, used: threshold.discountUses }] });
  expect([threshold, closing].map((one) => `${one.subtotal.toString()} -${one.discounts.toString()}`)).toEqual(['8 -8', '22 -2']);
  expect(closing.discountUses.map(({ amount }) => amount.toString())).toEqual(['2']);
  const facts = sampleFacts({ ended: [{ ...part, records: [used('31')] }], discounts: [off] });
  const late = invoice({ late: [{ invoiceId: 'i', facts, billed: billedLinesOf([...threshold.lines, ...closing.lines]) }] });
  expect(shown(late)).toEqual(['DELTA calls 1 -0']);
});

test('6.2 a member of UNIQUE_COUNT is charged once in a billing period that a change of plan cuts', () => {
  const when = at('2026-01-16T00:00:00Z');
  const users: PriceInput = { key: 'users', model: 'PER_UNIT', meter: 'users', unitPrice: '10' };
  const before = sampleSegment({ prices: [users] }, { id: 'before', end: when });
  const after = sampleSegment({ prices: [users] }, { id: 'after', planVersionId: 'other', start: when, anchor: before.anchor });
  const seen = (user: string, day: string): UsageRecord => sampleUsage(day, { user });
  const first = endedAt(before, JANUARY, { records: [seen('ann', JANUARY)] });
  const second = endedAt(after, '2026-01-20T00:00:00Z', {
    records: [seen('ann', '2026-01-20T00:00:00Z'), seen('bob', '2026-01-20T00:00:00Z')],
  });
  expect(shown(invoice({ ended: [first, second] }))).toEqual(['USAGE users 10 -0', 'USAGE users 10 -0']);
});

test('6.2 a member of UNIQUE_COUNT that no price of the plan before counted is charged by the plan after it', () => {
  const when = at('2026-01-16T00:00:00Z');
  const users: PriceInput = { key: 'users', model: 'PER_UNIT', meter: 'users', unitPrice: '10' };
  const seen = (user: string, day: string, model = 'small'): UsageRecord => sampleUsage(day, { user, model });
  const billed = (...prices: PriceInput[]): string[] => {
    const before = sampleSegment({ prices }, { id: 'before', end: when });
    const after = sampleSegment({ prices: [users] }, { id: 'after', planVersionId: 'other', start: when, anchor: before.anchor });
    const first = endedAt(before, JANUARY, { records: [seen('ann', JANUARY), seen('bob', JANUARY, 'big')] });
    const records = ['ann', 'bob'].map((user) => seen(user, '2026-01-20T00:00:00Z'));
    return shown(invoice({ ended: [first, endedAt(after, '2026-01-20T00:00:00Z', { records })] }));
  };
  expect(billed(fee('5'))).toContain('USAGE users 20 -0');
  expect(billed({ key: 'calls', model: 'PER_UNIT', meter: 'calls', unitPrice: '1' })).toEqual(['USAGE calls 2 -0', 'USAGE users 20 -0']);
  expect(billed({ ...users, match: [{ property: 'model', in: ['big'] }] })).toEqual(['USAGE users 10 -0', 'USAGE users 10 -0']);
  expect(billed({ ...users, validUntil: '2026-01-01T00:00:00Z' })).toEqual(['USAGE users 20 -0']);
});

test('5 a license charges its fee in advance, per interval and seat, and no usage', () => {
  const license = sampleSegment(
    { kind: 'SITE_LICENSE', interval: 'YEAR', termIntervals: 2, prices: [fee('1200', { perSeat: true })] },
    { seats: 3 },
  );
  const start = invoice({ next: [feeAt(license, JANUARY)] });
  expect(shown(start)).toEqual(['FEE fee 3600 -0']);
  expect(start.lines[0]?.period.end).toBe(at('2027-01-01T00:00:00Z'));
  expect(invoice({ ended: [endedAt(license, JANUARY, { records: [used('1000000')] })] }).lines).toEqual([]);
});

test('6.4 a trial has usage and no charge', () => {
  const trial = sampleSegment({ prices: [fee('31'), calls('1')], minimumCommitment: '500' }, { trialEnd: at('2026-01-15T00:00:00Z') });
  expect(invoice({ ended: [endedAt(trial, JANUARY, { records: [used('100')] })], next: [feeAt(trial, JANUARY)] }).lines).toEqual([]);
  expect(shown(invoice({ next: [feeAt(trial, '2026-01-15T00:00:00Z')] }))).toEqual(['FEE fee 17 -0']);
});

test('6.2 in a shortened period commitment and minimum are prorated per second', () => {
  const segment = sampleSegment(
    { prices: [calls('1', { minimumAmount: '31' })], minimumCommitment: '62' },
    { end: at('2026-01-11T00:00:00Z') },
  );
  expect(shown(invoice({ ended: [endedAt(segment, JANUARY)] }))).toEqual(['USAGE calls 10 -0', 'COMMITMENT - 10 -0']);
});

test('6.2 usage is split at a change of plan to the second and each part starts its own tiers', () => {
  const change = at('2026-01-11T10:17:33Z');
  const tiers = [{ upTo: '10', unitPrice: '1' }, { unitPrice: '0.1' }];
  const price: PriceInput = { key: 'g', model: 'GRADUATED', meter: 'calls', tiers };
  const before = sampleSegment({ prices: [price] }, { id: 'before', end: change });
  const after = sampleSegment({ prices: [price] }, { id: 'after', planVersionId: 'other', start: change, anchor: before.anchor });
  const records = [used('15', '2026-01-11T10:17:32.999999Z'), used('12', '2026-01-11T10:17:33Z')];
  const result = invoice({ ended: [endedAt(before, JANUARY, { records }), endedAt(after, '2026-01-20T00:00:00Z', { records })] });
  expect(shown(result)).toEqual(['USAGE g 10.5 -0', 'USAGE g 10.2 -0']);
});

function change(
  amount: string,
  next: string,
  when: string,
  discounts: Discount[],
  seats = 1,
): { first: AssembledInvoice; second: AssembledInvoice } {
  const changeAt = at(when);
  const from = sampleSegment({ prices: [fee(amount, { perSeat: true })] }, { id: 'from', seats });
  const to = sampleSegment({ prices: [fee(next, { perSeat: true })] }, { id: 'to', seats, start: changeAt, anchor: from.anchor });
  const first = invoice({ next: [feeAt(from, JANUARY)], discounts });
  const usedUp = discounts.map((discount) => ({ ...discount, used: first.discountUses.filter(({ key }) => key === discount.key) }));
  const billed = billedFeesOf(first.lines, from, changeAt);
  const second = invoice({ changes: [{ at: changeAt, from: { ...from, end: changeAt }, billed, to: feeAt(to, when) }], discounts: usedUp });
  return { first, second };
}

test('6.1 an upgrade credits the unused part of what was billed and charges the rest of the new fee, per second', () => {
  const { second } = change('100', '300', '2026-01-16T12:00:00Z', []);
  expect(shown(second)).toEqual(['PRORATION_CREDIT fee -50 -0', 'PRORATION_CHARGE fee 150 -0']);
});

test('6.1 the credit is of what was actually billed, discounts included', () => {
  const { second } = change('100', '300', '2026-01-16T12:00:00Z', [sampleDiscount('ten', { percentOff: d('10') })]);
  expect(shown(second)).toEqual(['PRORATION_CREDIT fee -50 --5', 'PRORATION_CHARGE fee 150 -15']);
  expect(second.total.toString()).toBe('90');
});

test('6.1 when nothing changes, credit and charge are zero together, at any second, fee and discount', () => {
  const cents = fc.integer({ min: 1, max: 99_999 }).map((amount) => Decimal.of(amount).times(d('0.001')).toString());
  const percent = fc.integer({ min: 1, max: 999 }).map((tenths) => sampleDiscount('p', { percentOff: Decimal.of(tenths).times(d('0.1')) }));
  const fixed = fc.integer({ min: 1, max: 3_000 }).map((off) => sampleDiscount('a', { amountOff: Decimal.of(off).times(d('0.01')) }));
  fc.assert(
    fc.property(
      cents,
      fc.integer({ min: 1, max: 2_678_399 }),
      fc.array(fc.oneof(percent, fixed), { maxLength: 1 }),
      fc.integer({ min: 1, max: 7 }),
      (amount, second, discounts, seats) => {
        const when = new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
        const { second: result } = change(amount, amount, when, discounts, seats);
        expect([result.total.toString(), result.balanceCarried.toString(), result.taxBase.toString()]).toEqual(['0', '0', '0']);
        expect(result.lines.length).toBe(2);
      },
    ),
  );
});

test('6.1 an amount off belongs to the billing period: what a credit gives back, the charge may take', () => {
  const { first, second } = change('100', '300', '2026-01-16T12:00:00Z', [sampleDiscount('off', { amountOff: d('10') })]);
  expect(shown(first)).toEqual(['FEE fee 100 -10']);
  expect(shown(second)).toEqual(['PRORATION_CREDIT fee -50 --5', 'PRORATION_CHARGE fee 150 -5']);
});

test('6.1 a second change in the same period credits the charge of the first, and the amount off is still that of the period', () => {
  const off = sampleDiscount('off', { amountOff: d('10') });
  const [one, two] = ['2026-01-16T12:00:00Z', '2026-01-24T06:00:00Z'];
  const { first, second } = change('100', '300', one, [off]);
  const from = sampleSegment({ prices: [fee('300', { perSeat: true })] }, { id: 'to', start: at(one), anchor: at('2026-01-01T00:00:00Z') });
  const to = sampleSegment({ prices: [fee('400', { perSeat: true })] }, { id: 'last', start: at(two), anchor: from.anchor });
  const usedUp = [{ ...off, used: [...first.discountUses, ...second.discountUses] }];
  const billed = billedFeesOf(second.lines, from, at(two));
  const third = invoice({ changes: [{ at: at(two), from: { ...from, end: at(two) }, billed, to: feeAt(to, two) }], discounts: usedUp });
  expect(shown(third)).toEqual(['PRORATION_CREDIT fee -75 --2.5', 'PRORATION_CHARGE fee 100 -2.5']);
});

test('6.2 a change of interval credits the old fee and charges a whole period of the new one', () => {
  const when = '2026-01-16T12:00:00Z';
  const from = sampleSegment({ prices: [fee('100')] }, { id: 'from' });
  const to = sampleSegment({ interval: 'YEAR', prices: [fee('1200')] }, { id: 'to', start: at(when) });
  const billed = billedFeesOf(invoice({ next: [feeAt(from, JANUARY)] }).lines, from, at(when));
  expect(shown(invoice({ changes: [{ at: at(when), from, billed, to: feeAt(to, when) }] }))).toEqual([
    'PRORATION_CREDIT fee -50 -0',
    'FEE fee 1200 -0',
  ]);
});

test('8.5 after a change, each part counts its own share of the fees toward its commitment', () => {
  const { first, second } = change('100', '300', '2026-01-16T12:00:00Z', []);
  const lines = [...first.lines, ...second.lines];
  const from = sampleSegment({ prices: [fee('100', { perSeat: true })] }, { id: 'from' });
  expect(feesNetOf(lines, from, feeAt(from, JANUARY).period).toString()).toBe('50');
  expect(feesNetOf(lines, { ...from, id: 'to' }, feeAt(from, JANUARY).period).toString()).toBe('150');
});

test('8.5 a fixed fee in arrears stands with the usage and is not counted among the fees billed before', () => {
  const arrears = sampleSegment({ prices: [fee('30', { timing: 'IN_ARREARS' })], minimumCommitment: '100' });
  const closing = invoice({ ended: [endedAt(arrears, JANUARY)] });
  expect(shown(closing)).toEqual(['FEE fee 30 -0', 'COMMITMENT - 70 -0']);
  expect(feesNetOf(closing.lines, arrears, feeAt(arrears, JANUARY).period).toString()).toBe('0');
});

const credits = sampleSegment({
  kind: 'CREDIT',
  creditsPerInterval: '1000',
  creditPrice: '0.0333',
  burnRates: [{ meter: 'tokens', creditsPerUnit: '1' }],
  creditExhaustion: 'OVERAGE',
  overagePricePerCredit: '0.05',
});

test('7.6 a credit plan sells its credits in advance and grants them at what they cost net of discounts', () => {
  const result = invoice({ next: [feeAt(credits, JANUARY)], discounts: [sampleDiscount('p', { percentOff: d('10') })] });
  expect(shown(result)).toEqual(['CREDITS - 33.3 -3.33']);
  expect(result.grants.map((grant) => [grant.credits.toString(), grant.costBasis?.amount.toString(), grant.promotional])).toEqual([
    ['1000', '29.97', false],
  ]);
  expect(result.grants[0]?.expiresAt).toBe(at('2026-02-01T00:00:00Z'));
});

test('7.5 overage is billed in arrears at its price per credit; a plan that blocks charges nothing and shows leakage', () => {
  const overage = invoice({ ended: [endedAt(credits, JANUARY, { uncoveredCredits: d('70.5') })] });
  expect(shown(overage)).toEqual(['OVERAGE - 3.53 -0']);
  const blocking = sampleSegment({ kind: 'CREDIT', burnRates: [{ meter: 'tokens', creditsPerUnit: '1' }] });
  const blocked = invoice({ ended: [endedAt(blocking, JANUARY, { uncoveredCredits: d('70.5') })] });
  expect(blocked.lines).toEqual([]);
  expect(blocked.leakage.map((leak) => leak.credits.toString())).toEqual(['70.5']);
});

test('7.6 a change to more credits grants the difference at what it costs', () => {
  const when = '2026-01-16T12:00:00Z';
  const more = sampleSegment(
    { kind: 'CREDIT', creditsPerInterval: '5000', creditPrice: '0.02' },
    { id: 'more', start: at(when), anchor: credits.anchor },
  );
  const billed = billedFeesOf(invoice({ next: [feeAt(credits, JANUARY)] }).lines, credits, at(when));
  const result = invoice({ changes: [{ at: at(when), from: credits, billed, to: feeAt(more, when) }] });
  expect(shown(result)).toEqual(['PRORATION_CREDIT - -16.65 -0', 'PRORATION_CHARGE - 50 -0']);
  expect(result.grants.map((grant) => [grant.credits.toString(), grant.costBasis?.amount.toString()])).toEqual([['2000', '33.35']]);
  const later = '2026-01-20T00:00:00Z';
  const less = { ...credits, id: 'less', start: at(later) };
  const back = invoice({
    changes: [{ at: at(later), from: more, billed: billedFeesOf(result.lines, more, at(later)), to: feeAt(less, later) }],
  });
  expect([back.lines, back.grants]).toEqual([[], []]);
});

test('8.1 line discounts, true-up, invoice discounts, prepaid money, tax: in this order', () => {
  const segment = sampleSegment({ kind: 'PER_QUERY', prices: [calls('1')], minimumCommitment: '100' });
  const discounts = [sampleDiscount('all', { amountOff: d('20') }), sampleDiscount('line', { percentOff: d('50'), prices: ['calls'] })];
  const result = invoice({
    ended: [endedAt(segment, JANUARY, { records: [used('60')] })],
    discounts,
    tax: vat('19'),
    prepaidAmount: d('30'),
  });
  expect([result.subtotal, result.discounts, result.taxBase, result.creditsApplied, result.tax, result.total].map(String)).toEqual([
    '130',
    '50',
    '80',
    '30',
    '15.2',
    '65.2',
  ]);
});

test('8.1 prepaid money pays what is left after discounts and no more', () => {
  const result = invoice({
    next: [feeAt(pro, JANUARY)],
    discounts: [sampleDiscount('p', { percentOff: d('10') })],
    prepaidAmount: d('500'),
  });
  expect([result.creditsApplied, result.total, result.balanceCarried].map(String)).toEqual(['90', '0', '0']);
});

test('8.1 an invoice discount is split over its lines by largest remainder, and a percentage comes before an amount', () => {
  const segment = sampleSegment({
    prices: [
      calls('1'),
      { key: 'images', model: 'PER_UNIT', meter: 'images', unitPrice: '1' },
      { key: 'tokens', model: 'PER_UNIT', meter: 'tokens', unitPrice: '1' },
    ],
  });
  const records = [used('1'), sampleUsage(JANUARY, { type: 'image' }), sampleUsage(JANUARY, { events: d('0'), input: '1' })];
  const amount = sampleDiscount('amount', { amountOff: d('1') });
  expect(shown(invoice({ ended: [endedAt(segment, JANUARY, { records })], discounts: [amount] }))).toEqual([
    'USAGE calls 1 -0.34',
    'USAGE images 1 -0.33',
    'USAGE tokens 1 -0.33',
  ]);
  const both = invoice({
    ended: [endedAt(segment, JANUARY, { records })],
    discounts: [amount, sampleDiscount('half', { percentOff: d('50') })],
  });
  expect(both.discounts.toString()).toBe('2.5');
});

test('8.1 a discount never takes more than there is, and ends with its periods', () => {
  const discounts = [sampleDiscount('big', { amountOff: d('500'), until: at('2026-02-01T00:00:00Z') })];
  const result = invoice({ ended: [endedAt(pro, JANUARY, { records: [used('100')] })], next: [feeAt(pro, FEBRUARY)], discounts });
  expect(shown(result)).toEqual(['USAGE calls 1.5 -1.5', 'FEE fee 100 -0']);
});

test('8.1 an amount off is taken once for a billing period, however many invoices bill it', () => {
  const off = sampleDiscount('off', { amountOff: d('101') });
  const first = invoice({ next: [feeAt(pro, JANUARY)], discounts: [off] });
  const second = invoice({
    ended: [endedAt(pro, JANUARY, { records: [used('1000')] })],
    discounts: [{ ...off, used: first.discountUses }],
  });
  expect([shown(first), shown(second)]).toEqual([['FEE fee 100 -100'], ['USAGE calls 15 -1']]);
});

function regular(segment: Segment, records: UsageRecord[], discounts: Discount[] = []): InvoiceFacts {
  return sampleFacts({ ended: [endedAt(segment, JANUARY, { records })], next: [feeAt(segment, FEBRUARY)], discounts });
}

test('8.3 late usage rates the whole period again: the correction is the new total less what was billed, true-up included', () => {
  const committed = sampleSegment({ prices: [fee('10'), calls('1')], minimumCommitment: '100' });
  const original = assembleInvoice(regular(committed, [used('70')]));
  expect(shown(original)).toEqual(['USAGE calls 70 -0', 'COMMITMENT - 30 -0', 'FEE fee 10 -0']);
  const facts = regular(committed, [used('70'), used('50')]);
  const late = invoice({ late: [{ invoiceId: 'i1', facts, billed: billedLinesOf(original.lines) }] });
  expect(shown(late)).toEqual(['DELTA calls 50 -0', 'DELTA - -30 -0']);
  expect(late.lines.map((line) => [line.adjusts, line.adjustsKind, line.period.start])).toEqual([
    ['i1', 'USAGE', at('2026-01-01T00:00:00Z')],
    ['i1', 'COMMITMENT', at('2026-01-01T00:00:00Z')],
  ]);
});

test('8.3 corrections keep the original discounts and are exempt from those, and the commitment, of the new period', () => {
  const committed = sampleSegment({ prices: [fee('10'), calls('1')], minimumCommitment: '5' });
  const half = sampleDiscount('half', { percentOff: d('50') });
  const original = assembleInvoice(regular(committed, [used('70')], [half]));
  const late = { invoiceId: 'i1', facts: regular(committed, [used('60')], [half]), billed: billedLinesOf(original.lines) };
  const result = invoice({
    late: [late],
    ended: [endedAt(committed, FEBRUARY)],
    discounts: [sampleDiscount('new', { percentOff: d('10') })],
  });
  expect(shown(result)).toEqual(['COMMITMENT - 5 -0.5', 'DELTA calls -5 -0']);
});

test('8.3 corrections of corrections count what the earlier ones billed', () => {
  const plain = sampleSegment({ prices: [calls('0.0149')] });
  const original = assembleInvoice(regular(plain, [used('1')]));
  const once = invoice({ late: [{ invoiceId: 'i', facts: regular(plain, [used('2')]), billed: billedLinesOf(original.lines) }] });
  const billed = billedLinesOf([...original.lines, ...once.lines]);
  const twice = invoice({ late: [{ invoiceId: 'i', facts: regular(plain, [used('3')]), billed }] });
  expect([original, once, twice].map((part) => part.subtotal.toString())).toEqual(['0.01', '0.02', '0.01']);
});

test('8.3 usage that is all gone is given back, and facts of another invoice are refused', () => {
  const plain = sampleSegment({ prices: [calls('1')] });
  const original = assembleInvoice(regular(plain, [used('7')]));
  const late = { invoiceId: 'i', facts: regular(plain, []), billed: billedLinesOf(original.lines) };
  expect(shown(invoice({ late: [late] }))).toEqual(['DELTA calls -7 -0']);
  const foreign = { ...late, facts: sampleFacts({}) };
  expect(() => invoice({ late: [foreign] })).toThrow(CodedError);
});

test('8.4 recomputing a closed invoice from its facts gives it back, to the byte', () => {
  const facts = regular(pro, [used('3'), used('98')], [sampleDiscount('p', { percentOff: d('33.3') })]);
  const shuffled = { ...facts, ended: facts.ended.map((part) => ({ ...part, records: [...part.records].reverse() })) };
  expect(JSON.stringify(assembleInvoice(shuffled))).toBe(JSON.stringify(assembleInvoice(facts)));
  const billed = billedLinesOf(assembleInvoice(facts).lines);
  expect(invoice({ late: [{ invoiceId: 'i', facts, billed }] }).lines).toEqual([]);
});

test('8.4 the walk of every line adds up to its exact amount, and the rounding step leads from there to the line', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 100_000 }),
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 0, max: 100 }),
      (events, days, percentOff) => {
        const segment = sampleSegment(
          { prices: [fee('99.99'), calls('0.00123', { minimumAmount: '7.77', maximumAmount: '88.88' })], minimumCommitment: '123.45' },
          { end: at(`2026-01-${String(days + 1).padStart(2, '0')}T03:04:05Z`) },
        );
        const discounts = [sampleDiscount('p', { percentOff: Decimal.of(percentOff) })];
        const result = invoice({
          ended: [
            endedAt(segment, '2026-01-01T00:00:00Z', { records: [used(String(events), '2026-01-01T00:00:00Z')], feesNet: d('3.21') }),
          ],
          discounts,
        });
        for (const line of result.lines) {
          expect(Decimal.sum(line.walk.map((step) => step.amount)).toString()).toBe(line.exactAmount.toString());
          expect(line.rounding.rounded.minus(line.rounding.alreadyBilled).toString()).toBe(line.amount.toString());
        }
        expect(result.lines.length).toBeGreaterThan(0);
      },
    ),
  );
});

test('8.6 a total is never below zero: the rest stays with us and pays the next invoice', () => {
  const plain = sampleSegment({ kind: 'PER_QUERY', prices: [calls('1')] });
  const original = assembleInvoice(regular(plain, [used('70')]));
  const first = invoice({
    late: [{ invoiceId: 'i', facts: regular(plain, []), billed: billedLinesOf(original.lines) }],
    tax: vat('10'),
  });
  expect([first.total.toString(), first.balanceCarried.toString()]).toEqual(['0', '77']);
  const next = invoice({ next: [feeAt(pro, JANUARY)], customerBalance: d('77') });
  expect([next.total.toString(), next.balanceApplied.toString()]).toEqual(['23', '77']);
});

test('8.1 several taxes are each rounded once, on the whole base and none on another', () => {
  const rates = [
    { name: 'GST', percent: d('5') },
    { name: 'QST', percent: d('9.975') },
  ];
  const lines = { next: [feeAt(sampleSegment({ prices: [fee('33.33')] }), JANUARY)] };
  const result = invoice({ ...lines, tax: { kind: 'RATES', rates, creditsTaxed: 'AT_PURCHASE' } });
  expect(result.taxes.map(({ name, base, amount }) => `${name} ${base.toString()} ${amount.toString()}`)).toEqual([
    'GST 33.33 1.67',
    'QST 33.33 3.32',
  ]);
  expect([result.tax, result.total].map(String)).toEqual(['4.99', '38.32']);
  const again = invoice({ ...lines, tax: { kind: 'AMOUNTS', taxes: result.taxes, creditsTaxed: 'AT_PURCHASE' } });
  expect([again.taxes, again.total]).toEqual([result.taxes, result.total]);
});

test('8.6 credits are taxed when they are bought or when they are burnt, never in both', () => {
  const credits = sampleSegment({ kind: 'CREDIT', prices: [fee('10')], creditsPerInterval: '100', creditPrice: '1' });
  const facts = { next: [feeAt(credits, JANUARY)], tax: vat('20') };
  const atPurchase = invoice(facts);
  const atUse = invoice({ ...facts, tax: { ...facts.tax, creditsTaxed: 'AT_USE' }, untaxedBurns: d('40') });
  expect([atPurchase.subtotal, atPurchase.taxBase, atPurchase.tax, atPurchase.total].map(String)).toEqual(['110', '110', '22', '132']);
  expect([atUse.subtotal, atUse.taxBase, atUse.tax, atUse.total].map(String)).toEqual(['110', '50', '10', '120']);
});

test('8.2 what corrections billed or gave for an invoice that is void now is taken back', () => {
  const plain = sampleSegment({ kind: 'PER_QUERY', prices: [calls('1')] });
  const facts = (events: string): InvoiceFacts => sampleFacts({ ended: [endedAt(plain, JANUARY, { records: [used(events)] })] });
  const original = assembleInvoice(facts('70'));
  const lowered = invoice({ late: [{ invoiceId: 'i', facts: facts('60'), billed: billedLinesOf(original.lines) }] });
  expect(shown(lowered)).toEqual(['DELTA calls -10 -0']);
  const deltas = billedLinesOf(lowered.lines);
  const after = invoice({ late: [{ invoiceId: 'i', facts: facts('60'), billed: deltas, voided: true }] });
  expect(shown(after)).toEqual(['DELTA calls 10 -0']);
  expect(
    invoice({ late: [{ invoiceId: 'i', facts: facts('60'), billed: [...deltas, ...billedLinesOf(after.lines)], voided: true }] }).lines,
  ).toEqual([]);
  const regenerated = invoice({ ended: [endedAt(plain, JANUARY, { records: [used('60')], billed: deltas })] });
  expect(shown(regenerated)).toEqual(['USAGE calls 70 -0']);
});

test('an invoice that does not add up is refused with INVARIANT_BROKEN', () => {
  const good = invoice({ next: [feeAt(pro, JANUARY)] });
  const [line] = good.lines;
  const broken: AssembledInvoice[] = [
    { ...good, subtotal: d('99') },
    { ...good, total: d('99') },
    { ...good, lines: line === undefined ? [] : [line, line] },
    { ...good, lines: line === undefined ? [] : [{ ...line, walk: [] }] },
  ];
  for (const invoiceOfThese of broken)
    expect(() => checkInvoice(invoiceOfThese)).toThrow(expect.objectContaining({ code: 'INVARIANT_BROKEN' }));
});

test('an invoice bills one currency', () => {
  const euro = sampleSegment({ currency: 'EUR', prices: [fee('1')] });
  expect(() => invoice({ next: [feeAt(euro, JANUARY)] })).toThrow(expect.objectContaining({ code: 'CURRENCY_MISMATCH' }));
});

test('12 a start at 10:17:33 and a change at 10:41:07 in Kathmandu cut usage to the second, from sums as from events', () => {
  const zone = { timeZone: 'Asia/Kathmandu' };
  const [start, changed] = [at('2026-01-15T10:17:33+05:45'), at('2026-01-15T10:41:07+05:45')];
  const before = sampleSegment({ prices: [calls('1')] }, { id: 'before', start, end: changed, ...zone });
  const after = sampleSegment({ prices: [calls('100')] }, { id: 'after', start: changed, anchor: start, ...zone });
  const events = [start - 1_000_000, start, start + 1_000_000, changed - 1_000_000, changed, changed + 1_000_000].map((from) => ({
    ...used('1'),
    from,
  }));
  const cells = [start, changed, Infinity].map((end) =>
    events.filter((event) => event.from < end && event.from >= (end === changed ? start : end === start ? 0 : changed)),
  );
  const billed = (records: UsageRecord[]): AssembledInvoice =>
    invoice({
      ended: [endedAt(before, '2026-01-15T10:20:00+05:45', { records }), endedAt(after, '2026-01-15T10:50:00+05:45', { records })],
    });
  expect(shown(billed(events))).toEqual(['USAGE calls 3 -0', 'USAGE calls 200 -0']);
  expect(JSON.stringify(billed(cells.flatMap((cell) => sumRecords(cell))))).toBe(JSON.stringify(billed(events)));
});

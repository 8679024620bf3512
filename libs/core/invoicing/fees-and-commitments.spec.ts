import fc from 'fast-check';
import { Decimal } from '../money/index.ts';
import { formatInstant, parseInstant } from '../time/index.ts';
import type { PriceInput } from '../pricing/index.ts';
import { servicePeriods } from '../subscriptions/index.ts';
import type { Segment } from '../subscriptions/index.ts';
import { sampleSegment } from '../subscriptions/segment.fixture.ts';
import { sampleUsage } from '../subscriptions/usage.fixture.ts';
import { assembleInvoice } from './assemble-invoice.ts';
import type { AssembledInvoice, AssembledLine } from './assembled-invoice.ts';
import { billedFeesOf, billedLinesOf, feesNetOf } from './billed-facts.ts';
import { commitmentSpan } from './commitment-span.ts';
import { endedAt, feeAt, sampleDiscount, sampleFacts } from './facts.fixture.ts';
import type { Discount, EndedPart, InvoiceFacts, LateInvoice } from './invoice-facts.ts';

const d = (text: string | number): Decimal => Decimal.parse(String(text));
const at = (text: string): number => parseInstant(text);
const invoice = (facts: Partial<InvoiceFacts>): AssembledInvoice => assembleInvoice(sampleFacts(facts));
const yearly: PriceInput = { key: 'yearly', model: 'FLAT', amount: '1200', everyIntervals: 12 };
const monthly: PriceInput = { key: 'monthly', model: 'FLAT', amount: '10' };
const calls: PriceInput = { key: 'calls', model: 'PER_UNIT', meter: 'calls', unitPrice: '1' };
const day = (instant: number): string => formatInstant(instant).slice(0, 10);
const shown = ({ lines }: AssembledInvoice): string[] =>
  lines.map(
    ({ kind, priceKey, amount, period }) => `${kind} ${priceKey ?? '-'} ${amount.toString()} ${day(period.start)} ${day(period.end)}`,
  );

test('8.5 a fee for several billing intervals is billed with the first of them, for all of them', () => {
  const plan = sampleSegment({ prices: [yearly, monthly] });
  const due = (when: string): string[] => shown(invoice({ next: [feeAt(plan, when)] }));
  expect(due('2026-01-05T00:00:00Z')).toEqual(['FEE yearly 1200 2026-01-01 2027-01-01', 'FEE monthly 10 2026-01-01 2026-02-01']);
  expect(due('2026-02-05T00:00:00Z')).toEqual(['FEE monthly 10 2026-02-01 2026-03-01']);
  expect(due('2027-01-05T00:00:00Z')[0]).toBe('FEE yearly 1200 2027-01-01 2028-01-01');
});

test('2.2 aligned with the calendar, the first year of a yearly fee is as short as its first month', () => {
  const plan = sampleSegment({ alignment: 'CALENDAR', prices: [{ ...yearly, amount: '365' }] }, { start: at('2026-01-11T00:00:00Z') });
  expect(shown(invoice({ next: [feeAt(plan, '2026-01-12T00:00:00Z')] }))).toEqual(['FEE yearly 355 2026-01-11 2027-01-01']);
});

test('6.4 a yearly fee begins where the trial ends', () => {
  const plan = sampleSegment({ prices: [yearly] }, { trialEnd: at('2026-01-15T00:00:00Z'), anchor: at('2026-01-15T00:00:00Z') });
  expect(shown(invoice({ next: [feeAt(plan, '2026-01-15T00:00:00Z')] }))).toEqual(['FEE yearly 1200 2026-01-15 2027-01-15']);
});

test('6.1 a change credits what is unused of the year and charges the rest of the new one, per second', () => {
  const changeAt = at('2026-05-26T12:00:00Z');
  const from = sampleSegment({ prices: [{ ...yearly, amount: '730' }, monthly] }, { id: 'from' });
  const to = sampleSegment({ prices: [{ ...yearly, amount: '1460' }] }, { id: 'to', start: changeAt, anchor: from.anchor });
  const first = invoice({ next: [feeAt(from, '2026-01-05T00:00:00Z')] });
  const billed = billedFeesOf(first.lines, from, changeAt);
  const change = { at: changeAt, from: { ...from, end: changeAt }, billed, to: feeAt(to, '2026-05-26T12:00:00Z') };
  expect(shown(invoice({ changes: [change] }))).toEqual([
    'PRORATION_CREDIT yearly -439 2026-05-26 2027-01-01',
    'PRORATION_CHARGE yearly 878 2026-05-26 2027-01-01',
  ]);
});

test('6.1 when nothing changes, credit and charge of a fee for several intervals are zero together, at any second', () => {
  const amounts = fc.integer({ min: 1, max: 99_999 }).map((units) => Decimal.fromUnits(BigInt(units), 3).toString());
  const discounts = fc.constantFrom<Discount[]>(
    [],
    [sampleDiscount('p', { percentOff: d('33.3') })],
    [sampleDiscount('a', { amountOff: d('7.77') })],
  );
  fc.assert(
    fc.property(
      amounts,
      fc.integer({ min: 2, max: 12 }),
      fc.integer({ min: 1, max: 5_000_000 }),
      discounts,
      (amount, everyIntervals, second, given) => {
        const fee = { ...yearly, amount, everyIntervals };
        const when = formatInstant(at('2026-01-01T00:00:00Z') + second * 1_000_000);
        const from = sampleSegment({ prices: [fee] }, { id: 'from' });
        const to = sampleSegment({ prices: [fee] }, { id: 'to', start: at(when), anchor: from.anchor });
        const first = invoice({ next: [feeAt(from, '2026-01-05T00:00:00Z')], discounts: given });
        const billed = billedFeesOf(first.lines, from, at(when));
        const withUses = given.map((discount) => ({ ...discount, used: first.discountUses }));
        const second_ = invoice({
          changes: [{ at: at(when), from: { ...from, end: at(when) }, billed, to: feeAt(to, when) }],
          discounts: withUses,
        });
        if (billed.length === 0) return;
        expect([second_.total.toString(), second_.balanceCarried.toString(), second_.taxBase.toString()]).toEqual(['0', '0', '0']);
      },
    ),
  );
});

test('8.5 the months of a yearly fee, as a commitment counts them, add up to it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9_999_999 }), (units) => {
      const plan = sampleSegment({ prices: [{ ...yearly, amount: Decimal.fromUnits(BigInt(units), 2).toString() }] });
      const { lines, total } = invoice({ next: [feeAt(plan, '2026-01-05T00:00:00Z')] });
      const periods = servicePeriods(plan, plan.start, at('2027-01-01T00:00:00Z'));
      const shares = periods.map((period) => feesNetOf(lines, plan, period));
      expect(periods.length).toBe(12);
      expect(Decimal.sum(shares).toString()).toBe(total.toString());
      expect(shares[0]?.compare(shares[1] ?? Decimal.ZERO)).toBe(1);
    }),
  );
});

test('8.5 a monthly commitment counts the part of a yearly fee that belongs to the month', () => {
  const plan = sampleSegment({ prices: [{ ...yearly, amount: '365' }, calls], minimumCommitment: '100' });
  const { lines } = invoice({ next: [feeAt(plan, '2026-01-05T00:00:00Z')] });
  const feesNet = feesNetOf(lines, plan, feeAt(plan, '2026-02-05T00:00:00Z').period);
  expect(feesNet.toString()).toBe('28');
  expect(shown(invoice({ ended: [endedAt(plan, '2026-02-05T00:00:00Z', { feesNet })] }))).toEqual([
    'COMMITMENT - 72 2026-02-01 2026-03-01',
  ]);
});

const quarterly = { prices: [calls], minimumCommitment: '300', commitmentIntervals: 3 };
const date = (number: number): string => `2026-${String(number).padStart(2, '0')}-05T00:00:00Z`;

/** Closes the parts one after the other, each knowing the lines of those before; answers the invoices. */
function closed(segments: readonly Segment[], parts: readonly EndedPart[], feeLines: readonly AssembledLine[] = []): AssembledInvoice[] {
  const lines: AssembledLine[] = [...feeLines];
  return parts.map((part) => {
    const result = invoice({ ended: [{ ...part, commitment: commitmentSpan(part, [part], segments, lines) }] });
    lines.push(...result.lines);
    return result;
  });
}
const usedIn = (segment: Segment, number: number, events: number): EndedPart =>
  endedAt(segment, date(number), { records: [sampleUsage(date(number), { events: d(events) })] });

test('4.6 a commitment over several billing periods has one true-up, at the end of the last', () => {
  const plan = sampleSegment(quarterly);
  const results = closed([plan], [usedIn(plan, 1, 250), usedIn(plan, 2, 10), usedIn(plan, 3, 15)]);
  expect(results.map(shown)).toEqual([
    ['USAGE calls 250 2026-01-01 2026-02-01'],
    ['USAGE calls 10 2026-02-01 2026-03-01'],
    ['USAGE calls 15 2026-03-01 2026-04-01', 'COMMITMENT - 25 2026-01-01 2026-04-01'],
  ]);
  expect(results[2]?.lines[1]?.walk.map(({ description, amount }) => `${description} ${amount.toString()}`)).toEqual([
    'commitment 300',
    'usage billed before -260',
    'usage of the period -15',
  ]);
});

test('4.6 what one period of a commitment uses above its share fulfils it for the others; the next span begins anew', () => {
  const plan = sampleSegment(quarterly);
  const results = closed(
    [plan],
    [1, 2, 3, 4, 5, 6].map((number) => usedIn(plan, number, number === 1 ? 900 : 1)),
  );
  expect(results.map(({ total }) => total.toString())).toEqual(['900', '1', '1', '1', '1', '298']);
});

test('4.6 fees of the whole span count, of a fee that reaches beyond it the part by real time', () => {
  const plan = sampleSegment({ ...quarterly, prices: [calls, { ...yearly, amount: '365' }, monthly] });
  const fees = [1, 2, 3].flatMap((number) => invoice({ next: [feeAt(plan, date(number))] }).lines);
  const [, , march] = closed([plan], [usedIn(plan, 1, 100), usedIn(plan, 2, 0), usedIn(plan, 3, 0)], fees);
  // 300 - 90 of 365 days - 3 x 10 - 100
  expect(march === undefined ? [] : shown(march)).toEqual(['COMMITMENT - 80 2026-01-01 2026-04-01']);
});

test('4.6 a change inside of the span does not settle it: segments with such a commitment fulfil it together, each for its time', () => {
  const change = at('2026-02-15T00:00:00Z');
  const before = sampleSegment(quarterly, { id: 'before', end: change });
  const after = sampleSegment({ ...quarterly, minimumCommitment: '600' }, { id: 'after', start: change, anchor: before.anchor });
  const segments = [before, after];
  const january = invoice({ ended: [usedIn(before, 1, 200)] });
  const february = [usedIn(before, 2, 50), endedAt(after, '2026-02-20T00:00:00Z')];
  const second = invoice({
    ended: february.map((part) => ({ ...part, commitment: commitmentSpan(part, february, segments, january.lines) })),
  });
  expect(shown(second)).toEqual(['USAGE calls 50 2026-02-01 2026-02-15']);
  const march = usedIn(after, 3, 20);
  const third = invoice({
    ended: [{ ...march, commitment: commitmentSpan(march, [march], segments, [...january.lines, ...second.lines]) }],
  });
  // 45 of 90 days at 300 and 45 at 600, less 270 used
  expect(shown(third)).toEqual(['USAGE calls 20 2026-03-01 2026-04-01', 'COMMITMENT - 180 2026-01-01 2026-04-01']);
});

test('4.6 where the subscription ends inside of the span, its part of the commitment is due then', () => {
  const plan = sampleSegment(quarterly, { end: at('2026-02-15T00:00:00Z') });
  const results = closed([plan], [usedIn(plan, 1, 100), usedIn(plan, 2, 20)]);
  expect(results.map(shown)[1]).toEqual(['USAGE calls 20 2026-02-01 2026-02-15', 'COMMITMENT - 30 2026-01-01 2026-02-15']);
});

test('4.6 what was agreed for later does not keep the commitment going where the subscription ends before it, nor what was agreed instead of it', () => {
  const [end, never] = [at('2026-02-15T00:00:00Z'), at('2026-03-01T00:00:00Z')];
  const plan = sampleSegment(quarterly, { id: 'plan', end });
  const agreed = sampleSegment(quarterly, { id: 'agreed', start: never, end: never, anchor: plan.anchor });
  const results = closed([plan, agreed], [usedIn(plan, 1, 100), usedIn(plan, 2, 20)]);
  expect(results.map(shown)[1]).toEqual(['USAGE calls 20 2026-02-01 2026-02-15', 'COMMITMENT - 30 2026-01-01 2026-02-15']);
  const january = sampleSegment(quarterly, { id: 'january', end: never });
  const instead = sampleSegment(quarterly, { id: 'instead', start: never, anchor: plan.anchor });
  const goesOn = closed([january, agreed, instead], [usedIn(january, 1, 100), usedIn(january, 2, 20), usedIn(instead, 3, 80)]);
  expect(goesOn.map(shown)).toEqual([
    ['USAGE calls 100 2026-01-01 2026-02-01'],
    ['USAGE calls 20 2026-02-01 2026-03-01'],
    ['USAGE calls 80 2026-03-01 2026-04-01', 'COMMITMENT - 100 2026-01-01 2026-04-01'],
  ]);
});

test('4.6 time of a pause is not committed, and does not settle the span', () => {
  const [pause, resume] = [at('2026-01-16T00:00:00Z'), at('2026-03-02T00:00:00Z')];
  const before = sampleSegment(quarterly, { id: 'before', end: pause });
  const paused = sampleSegment(quarterly, { id: 'paused', start: pause, end: resume, anchor: before.anchor, paused: true });
  const after = sampleSegment(quarterly, { id: 'after', start: resume, anchor: before.anchor });
  const segments = [before, paused, after];
  const results = closed(segments, [usedIn(before, 1, 20), endedAt(paused, date(2)), usedIn(after, 3, 60)]);
  // 15 + 30 of 90 days at 300 are 150
  expect(results.map(shown)).toEqual([
    ['USAGE calls 20 2026-01-01 2026-01-16'],
    [],
    ['USAGE calls 60 2026-03-02 2026-04-01', 'COMMITMENT - 70 2026-01-01 2026-04-01'],
  ]);
});

test('4.6 a true-up that was due when nothing followed counts for the span that goes on after all', () => {
  const [stop, again] = [at('2026-01-16T00:00:00Z'), at('2026-03-02T00:00:00Z')];
  const before = sampleSegment(quarterly, { id: 'before', end: stop });
  const after = sampleSegment(quarterly, { id: 'after', start: again, anchor: before.anchor });
  const [january] = closed([before], [usedIn(before, 1, 20)]);
  expect(january === undefined ? [] : shown(january)[1]).toBe('COMMITMENT - 30 2026-01-01 2026-01-16');
  const march = usedIn(after, 3, 120);
  const result = invoice({ ended: [{ ...march, commitment: commitmentSpan(march, [march], [before, after], january?.lines ?? []) }] });
  // 15 + 30 of 90 days at 300 are 150: 50 are billed already, 120 are used now.
  expect(shown(result)).toEqual(['USAGE calls 120 2026-03-02 2026-04-01']);
});

test('8.3 late usage of an early period lowers the true-up of its span, also when both are corrected on one invoice', () => {
  const plan = sampleSegment(quarterly);
  const parts = [usedIn(plan, 1, 50), usedIn(plan, 2, 0), usedIn(plan, 3, 40)];
  const results = closed([plan], parts);
  const lines = results.flatMap((result) => result.lines);
  expect(results[2]?.total.toString()).toBe('250');
  const lateOf = (id: string, part: EndedPart, own: AssembledInvoice | undefined): LateInvoice => {
    const commitment = commitmentSpan(part, [part], [plan], lines);
    return { invoiceId: id, facts: sampleFacts({ ended: [{ ...part, commitment }] }), billed: billedLinesOf(own?.lines ?? []) };
  };
  const late = [lateOf('january', usedIn(plan, 1, 150), results[0]), lateOf('march', usedIn(plan, 3, 40), results[2])];
  expect(shown(invoice({ late }))).toEqual(['DELTA calls 100 2026-01-01 2026-02-01', 'DELTA - -100 2026-01-01 2026-04-01']);
});

test('8.3 a correction on the invoice that ends the span counts for its true-up', () => {
  const plan = sampleSegment(quarterly);
  const [january] = closed([plan], [usedIn(plan, 1, 50)]);
  const march = usedIn(plan, 3, 40);
  const late = { invoiceId: 'january', facts: sampleFacts({ ended: [usedIn(plan, 1, 90)] }), billed: billedLinesOf(january?.lines ?? []) };
  const result = invoice({ ended: [{ ...march, commitment: commitmentSpan(march, [march], [plan], january?.lines ?? []) }], late: [late] });
  expect(shown(result)).toEqual([
    'USAGE calls 40 2026-03-01 2026-04-01',
    'COMMITMENT - 170 2026-01-01 2026-04-01',
    'DELTA calls 40 2026-01-01 2026-02-01',
  ]);
});

test('4.6 over any usage, a span is billed its commitment or its usage, whichever is more, and no cent else', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 250 }), { minLength: 3, maxLength: 3 }),
      fc.integer({ min: 1, max: 59_999 }),
      (events, committed) => {
        const plan = sampleSegment({ ...quarterly, minimumCommitment: Decimal.fromUnits(BigInt(committed), 2).toString() });
        const results = closed(
          [plan],
          events.map((count, index) => usedIn(plan, index + 1, count)),
        );
        const usage = Decimal.of(events.reduce((sum, count) => sum + count, 0));
        const due = Decimal.max(usage, Decimal.fromUnits(BigInt(committed), 2));
        expect(Decimal.sum(results.map(({ total }) => total)).toString()).toBe(due.toString());
      },
    ),
  );
});

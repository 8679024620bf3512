import { Decimal } from '../money/index.ts';
import { localDay, parseInstant, periodContaining, periodIndexAt, periodOfIndex } from '../time/index.ts';
import type { BillingCalendar, Instant, Period } from '../time/index.ts';
import { servicePeriodAt, shareOf, unusedShare } from '../subscriptions/index.ts';
import { sampleSegment } from '../subscriptions/segment.fixture.ts';
import { PRORATIONS_DECIDED_DIFFERENTLY } from './examples-decided-differently.ts';
import { readProrationExamples, type ProrationExample as Example } from './proration-examples.fixture.ts';

const found = readProrationExamples();
const isThere = found !== null;
const EXAMPLES = found ?? [];
const DAY = 86_400_000_000;
const CENT = Decimal.parse('0.01');

const at = (text: unknown): Instant => parseInstant(String(text).includes('T') ? String(text) : `${String(text)}T00:00:00Z`);
const number = (value: unknown): Decimal => Decimal.parse(String(value));
const same = (actual: Decimal, expected: unknown): boolean => expected === undefined || actual.equals(number(expected));

function periodOf(example: Example): Period {
  return { start: at(example.period?.start), end: at(example.period?.end) };
}

/** The part of an amount for the time from `from` to the end of the period. */
function rest(amount: unknown, period: Period, from: Instant, increment = CENT): Decimal {
  return unusedShare(number(amount), period, from, increment);
}

function holdsPerDay(example: Example): boolean {
  const { params, expected } = example;
  if (expected.coefficient_terms !== undefined) {
    const { start, end } = periodOf(example);
    const period = servicePeriodAt(sampleSegment({}, { start, end, anchor: end }), start);
    const share = period === null ? undefined : shareOf(period);
    return share !== undefined && `${share.numerator / BigInt(DAY)}/${share.denominator / BigInt(DAY)}` === expected.coefficient_terms[0];
  }
  if (params.old_cents !== undefined) return holdsAsChange(example);
  const credit = rest(params.rate, periodOf(example), at(example.change_at)).negated();
  return same(credit.plus(number(params.plus ?? '0')), expected.amount);
}

function holdsAsChange(example: Example): boolean {
  const { params, expected } = example;
  const [before, after] = [params.old_cents, params.new_cents].map((amount) =>
    rest(amount, periodOf(example), at(example.change_at), Decimal.ONE),
  );
  if (before === undefined || after === undefined) return false;
  const credit = number(expected.credit_cents).abs();
  return same(before, credit) && same(after, expected.debit_cents) && same(after.minus(before), expected.net_cents);
}

/** `n` of `of` days, the last day included: a period of whole days that ends with it. */
function holdsInclusive({ params, expected, period }: Example): boolean {
  const end = at(period?.end) + DAY;
  const whole = { start: end - Number(params.of) * DAY, end };
  const start = at(period?.start);
  const isSpan = end - start === Number(params.n) * DAY;
  const precise = unusedShare(number(params.amount_cents), whole, start, Decimal.parse('0.0000000001'));
  const isPrecise = expected.precise_cents === undefined || precise.equals(number(expected.precise_cents).roundedTo(10));
  return isSpan && isPrecise && same(rest(params.amount_cents, whole, start, Decimal.ONE), expected.cents);
}

function holdsPerSecond(example: Example): boolean {
  const { params, expected } = example;
  if (params.old_cents !== undefined) return holdsAsChange(example);
  if (params.service_start !== undefined) {
    const whole = periodOf(example);
    const length = at(params.service_end) - at(params.service_start);
    return same(rest(params.amount, whole, whole.end - length), expected.amount);
  }
  if (params.amount !== undefined) return same(rest(params.amount, periodOf(example), at(example.change_at)), expected.amount);
  const [credit, charge] = [params.old, params.new].map((amount) => rest(amount, periodOf(example), at(example.change_at)));
  return credit !== undefined && charge !== undefined && same(credit.negated(), expected.credit) && same(charge, expected.charge);
}

function holdsOnCalendar({ params, expected, period }: Example): boolean {
  const calendar: BillingCalendar = {
    interval: 'MONTH',
    intervalCount: Number(params.months ?? 1),
    alignment: 'ANNIVERSARY',
    timeZone: 'UTC',
    anchor: at(params.anchor),
  };
  if (expected.boundaries !== undefined) {
    const last = periodIndexAt(calendar, at(period?.end) - 1);
    const starts = Array.from({ length: last + 1 }, (_, index) => localDay(periodOfIndex(calendar, index).start, 'UTC'));
    return JSON.stringify(starts) === JSON.stringify(expected.boundaries);
  }
  return periodContaining(calendar, at(params.now ?? params.current_start)).end === at(expected.next);
}

function daysBetween({ period, params }: Example): number {
  const [from, to] = [period?.start, period?.end].map((instant) => at(localDay(at(instant), String(params.timezone))));
  return ((to ?? 0) - (from ?? 0)) / DAY;
}

/** Whether every expectation of the case holds; false also where the case needs what is not there. */
function holds(example: Example): boolean {
  switch (example.method) {
    case 'day':
      return holdsPerDay(example);
    case 'day_inclusive_boundaries':
      return holdsInclusive(example);
    case 'second':
    case 'second_end_minus_1s':
      return holdsPerSecond(example);
    case 'calendar_anchor':
      return holdsOnCalendar(example);
    case 'day_count_local':
    case 'day_count_utc_fields':
      return String(daysBetween(example)) === (example.expected.local_days ?? example.expected.days);
    default:
      return false;
  }
}

(isThere ? describe : describe.skip)('proration examples of other systems', () => {
  test('the list of cases decided differently names cases that exist', () => {
    expect(Object.keys(PRORATIONS_DECIDED_DIFFERENTLY).filter((id) => !EXAMPLES.some((example) => example.id === id))).toEqual([]);
  });

  test('there are cases, and most agree', () => {
    expect(EXAMPLES.length - Object.keys(PRORATIONS_DECIDED_DIFFERENTLY).length).toBeGreaterThanOrEqual(20);
  });

  test.each(EXAMPLES.map((example) => [example.id, example] as const))('%s agrees, or is listed with its reason', (id, example) => {
    expect(holds(example)).toBe(PRORATIONS_DECIDED_DIFFERENTLY[id] === undefined);
  });
});

if (!isThere) test.skip('the shared examples are not beside this repository', () => undefined);

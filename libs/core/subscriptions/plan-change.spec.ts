import fc from 'fast-check';
import { Decimal } from '../money/index.ts';
import { parseInstant } from '../time/index.ts';
import type { PlanInput } from '../pricing/index.ts';
import { classifyChange, resetsAnchor } from './classify-change.ts';
import type { FeeTerms } from './classify-change.ts';
import { unusedShare } from './unused-share.ts';
import { sampleSegment } from './segment.fixture.ts';

const fee = (amount: string, more: Partial<PlanInput> = {}, seats = 1): FeeTerms =>
  sampleSegment({ prices: [{ key: 'fee', model: 'FLAT', amount, perSeat: true }], ...more }, { seats });

test('6.2 a change is an upgrade when the recurring fee per second rises', () => {
  expect(classifyChange(fee('10'), fee('10.01'))).toBe('UPGRADE');
  expect(classifyChange(fee('10'), fee('9'))).toBe('AT_PERIOD_END');
  expect(classifyChange(fee('10'), fee('10', {}, 2))).toBe('UPGRADE');
  expect(classifyChange(fee('10'), fee('120.01', { interval: 'YEAR' }))).toBe('UPGRADE');
  expect(classifyChange(fee('10'), fee('100', { interval: 'YEAR' }))).toBe('AT_PERIOD_END');
});

test('6.2 an equal fee waits for the end of the period, also in another interval', () => {
  expect(classifyChange(fee('10'), fee('10'))).toBe('AT_PERIOD_END');
  expect(classifyChange(fee('10'), fee('120', { interval: 'YEAR' }))).toBe('AT_PERIOD_END');
});

test('6.2 a change of kind waits for the end of the period, whatever it costs', () => {
  expect(classifyChange(fee('10'), fee('500', { kind: 'SITE_LICENSE' }))).toBe('AT_PERIOD_END');
});

test('6.2 a change of interval starts a new calendar', () => {
  expect(resetsAnchor(fee('10').terms, fee('10', { interval: 'YEAR' }).terms)).toBe(true);
  expect(resetsAnchor(fee('10').terms, fee('20').terms)).toBe(false);
});

test('6.1 what is unused is all of what was billed before the period, nothing after it, and less from second to second', () => {
  const period = { start: parseInstant('2026-01-01T00:00:00Z'), end: parseInstant('2026-02-01T00:00:00Z') };
  fc.assert(
    fc.property(fc.integer({ min: -100_000, max: 100_000 }), fc.integer({ min: -10, max: 2_678_410 }), (cents, second) => {
      const amount = Decimal.of(cents).times(Decimal.parse('0.01'));
      const unusedAt = (seconds: number): Decimal => unusedShare(amount, period, period.start + seconds * 1_000_000, Decimal.parse('0.01'));
      const unused = unusedAt(second);
      expect(unused.decimals).toBeLessThanOrEqual(2);
      expect(
        unusedAt(second + 1)
          .abs()
          .compare(unused.abs()),
      ).toBeLessThanOrEqual(0);
      if (second <= 0) expect(unused.toString()).toBe(amount.toString());
      if (second >= 2_678_400) expect(unused.isZero()).toBe(true);
    }),
  );
});

test('6.2 a yearly fee in a monthly plan is compared by its month', () => {
  const monthly = sampleSegment({ prices: [{ key: 'fee', model: 'FLAT', amount: '100' }] });
  const yearly = (amount: string) => sampleSegment({ prices: [{ key: 'fee', model: 'FLAT', amount, everyIntervals: 12 }] });
  expect(classifyChange(monthly, yearly('1200'))).toBe('AT_PERIOD_END');
  expect(classifyChange(monthly, yearly('1200.01'))).toBe('UPGRADE');
  expect(classifyChange(yearly('1000'), yearly('1000'))).toBe('AT_PERIOD_END');
});

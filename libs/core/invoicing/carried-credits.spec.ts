import { Decimal } from '../money/index.ts';
import { sampleSegment } from '../subscriptions/segment.fixture.ts';
import { parseInstant } from '../time/index.ts';
import { assembleInvoice } from './assemble-invoice.ts';
import { creditCarry, type EndedPeriod } from './carried-credits.ts';
import { feeAt, sampleFacts } from './facts.fixture.ts';

const CREDITS = { kind: 'CREDIT' as const, creditsPerInterval: '100', creditPrice: '0.1' };
const at = parseInstant('2026-02-01T00:00:00Z');
const rolling = sampleSegment({ ...CREDITS, creditRollover: true, creditRolloverMaximum: '60' });
const unlimited = sampleSegment({ ...CREDITS, creditRollover: true });
const plain = sampleSegment(CREDITS);

function maximum(more: Partial<EndedPeriod>): string | undefined {
  return creditCarry({ subscriptionId: 'subscription', at, ended: [rolling], next: rolling, isLast: false, ...more })?.maximum?.toString();
}

function expiryOf(creditRolloverPeriods: number | null, when = '2026-01-01T00:00:00Z', start = '2026-01-01T00:00:00Z'): number | null {
  const more = { start: parseInstant(start), anchor: parseInstant('2026-01-31T00:00:00Z') };
  const segment = sampleSegment({ ...CREDITS, creditRollover: true, creditRolloverPeriods }, when === start ? {} : more);
  return assembleInvoice(sampleFacts({ next: [feeAt(segment, when)] })).grants[0]?.expiresAt ?? null;
}

test('the maximum is that of the plan whose period begins; a plan without rollover leaves that of the one that ended', () => {
  expect(maximum({})).toBe('60');
  expect(maximum({ ended: [plain] })).toBe('60');
  expect(maximum({ next: plain })).toBe('60');
  expect(maximum({ next: unlimited })).toBeUndefined();
  expect(maximum({ ended: [plain], next: plain })).toBeUndefined();
});

test('credits are carried into a period: at the end of the subscription nothing lives on', () => {
  expect(maximum({ next: null, isLast: true })).toBe('0');
  expect(maximum({ ended: [unlimited], next: null, isLast: true })).toBe('0');
  expect(maximum({ ended: [plain], next: null, isLast: true })).toBeUndefined();
});

test('credits of a period live for so many periods after it, counted from the anchor; without a number until they are used', () => {
  expect(expiryOf(1)).toBe(parseInstant('2026-03-01T00:00:00Z'));
  expect(expiryOf(3)).toBe(parseInstant('2026-05-01T00:00:00Z'));
  expect(expiryOf(null)).toBeNull();
  expect(expiryOf(1, '2026-02-10T00:00:00Z', '2026-01-31T00:00:00Z')).toBe(parseInstant('2026-03-31T00:00:00Z'));
  const without = assembleInvoice(sampleFacts({ next: [feeAt(plain, '2026-01-01T00:00:00Z')] })).grants;
  expect(without.map(({ expiresAt, credits }) => [expiresAt, credits.equals(Decimal.of(100))])).toEqual([[at, true]]);
});

import { formatInstant, parseInstant } from '../time/index.ts';
import { sampleSegment } from './segment.fixture.ts';
import type { Segment } from './segment.ts';
import { billingInstants, segmentEnd, servicePeriodAt, servicePeriods, shareOf } from './service-period.ts';

const at = (text: string): number => parseInstant(text);
const day = (instant: number): string => formatInstant(instant).slice(0, 10);

function shown(segment: Segment, from: string, to: string): string[] {
  return servicePeriods(segment, at(from), at(to)).map(
    (period) => `${day(period.start)}..${day(period.end)}${period.trial ? ' trial' : ''}`,
  );
}

test('2.2 monthly periods clamp to the month end from the original anchor', () => {
  const segment = sampleSegment({}, { start: at('2026-01-31T00:00:00Z') });
  expect(shown(segment, '2026-01-01T00:00:00Z', '2026-04-01T00:00:00Z')).toEqual([
    '2026-01-31..2026-02-28',
    '2026-02-28..2026-03-31',
    '2026-03-31..2026-04-30',
  ]);
});

test('2.2 calendar alignment makes a short first period, in proportion to its whole month', () => {
  const segment = sampleSegment({ alignment: 'CALENDAR' }, { start: at('2026-02-08T00:00:00Z') });
  expect(shown(segment, '2026-02-01T00:00:00Z', '2026-03-02T00:00:00Z')).toEqual(['2026-02-08..2026-03-01', '2026-03-01..2026-04-01']);
  const first = servicePeriodAt(segment, at('2026-02-10T00:00:00Z'));
  expect(first && day(first.fullStart)).toBe('2026-02-01');
  expect(first && shareOf(first)).toEqual({
    from: 7n * 86_400_000_000n,
    numerator: 21n * 86_400_000_000n,
    denominator: 28n * 86_400_000_000n,
  });
});

test('2.2 a calendar period that starts on its boundary is whole', () => {
  const segment = sampleSegment({ alignment: 'CALENDAR' }, { start: at('2026-02-01T00:00:00Z') });
  const first = servicePeriodAt(segment, at('2026-02-10T00:00:00Z'));
  expect(first && shareOf(first)).toBeUndefined();
});

test('6.4 a trial before a calendar month that starts on its boundary lies in the month before', () => {
  const segment = sampleSegment(
    { alignment: 'CALENDAR' },
    { start: at('2026-01-20T00:00:00Z'), trialEnd: at('2026-02-01T00:00:00Z'), anchor: at('2026-02-01T00:00:00Z') },
  );
  const trial = servicePeriodAt(segment, at('2026-01-25T00:00:00Z'));
  expect(trial && [day(trial.fullStart), day(trial.fullEnd), trial.trial]).toEqual(['2026-01-01', '2026-02-01', true]);
});

test('6.4 a trial that ends inside a calendar month and the rest of the month are parts of one whole', () => {
  const anchor = at('2026-01-15T00:00:00Z');
  const segment = sampleSegment({ alignment: 'CALENDAR' }, { start: at('2026-01-05T00:00:00Z'), trialEnd: anchor, anchor });
  const parts = servicePeriods(segment, at('2026-01-01T00:00:00Z'), at('2026-02-01T00:00:00Z'));
  expect(parts.map((part) => [day(part.fullStart), day(part.fullEnd)])).toEqual([
    ['2026-01-01', '2026-02-01'],
    ['2026-01-01', '2026-02-01'],
  ]);
});

test('2.1 a daily period is 23 hours long when clocks go forward', () => {
  const segment = sampleSegment(
    { interval: 'DAY', alignment: 'CALENDAR' },
    { start: at('2026-03-28T23:00:00Z'), timeZone: 'Europe/Berlin' },
  );
  const first = servicePeriodAt(segment, at('2026-03-29T12:00:00Z'));
  expect(first && first.end - first.start).toBe(23 * 3_600_000_000);
});

test('6.2 a segment that ends inside a period shortens it; the whole period stays the denominator', () => {
  const segment = sampleSegment({}, { end: at('2026-01-11T10:17:33Z') });
  const [only] = servicePeriods(segment, at('2026-01-01T00:00:00Z'), at('2026-05-01T00:00:00Z'));
  expect(only && [formatInstant(only.end), formatInstant(only.fullEnd)]).toEqual(['2026-01-11T10:17:33.000Z', '2026-02-01T00:00:00.000Z']);
});

test('6.4 a trial is a service period of its own that charges nothing', () => {
  const inside = sampleSegment({}, { trialEnd: at('2026-01-15T00:00:00Z') });
  expect(shown(inside, '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z')).toEqual(['2026-01-01..2026-01-15 trial', '2026-01-15..2026-02-01']);
  const anchored = sampleSegment({}, { trialEnd: at('2026-01-15T00:00:00Z'), anchor: at('2026-01-15T00:00:00Z') });
  expect(shown(anchored, '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z')).toEqual([
    '2026-01-01..2026-01-15 trial',
    '2026-01-15..2026-02-15',
  ]);
});

test('5 a license is billed per interval, and one that does not renew ends with its term', () => {
  const license = sampleSegment({ kind: 'SITE_LICENSE', interval: 'QUARTER', termIntervals: 2 });
  expect(shown(license, '2026-01-01T00:00:00Z', '2026-09-01T00:00:00Z')).toEqual([
    '2026-01-01..2026-04-01',
    '2026-04-01..2026-07-01',
    '2026-07-01..2026-10-01',
  ]);
  const once = sampleSegment({ kind: 'SITE_LICENSE', interval: 'QUARTER', termIntervals: 2, autoRenew: false });
  expect(shown(once, '2026-01-01T00:00:00Z', '2027-06-01T00:00:00Z')).toEqual(['2026-01-01..2026-04-01', '2026-04-01..2026-07-01']);
  expect(day(segmentEnd(once) ?? 0)).toBe('2026-07-01');
});

test('8.5 something is billed at the start and at every boundary, each once', () => {
  const segment = sampleSegment({}, { end: at('2026-02-11T00:00:00Z') });
  const instants = billingInstants(segment, at('2026-01-01T00:00:00Z'), at('2026-12-01T00:00:00Z'));
  expect(instants.map(day)).toEqual(['2026-01-01', '2026-02-01', '2026-02-11']);
});

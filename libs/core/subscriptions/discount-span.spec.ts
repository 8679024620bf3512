import { formatInstant, parseInstant } from '../time/index.ts';
import { discountedPeriods, discountSpan } from './discount-span.ts';
import { sampleSegment } from './segment.fixture.ts';
import type { Segment } from './segment.ts';

const at = (day: string): number => parseInstant(`${day}T00:00:00Z`);
const day = (instant: number | null): string | null => (instant === null ? null : formatInstant(instant).slice(0, 10));
const shown = (segments: readonly Segment[], time: { from?: string; periods?: number; until?: string }): (string | null)[] => {
  const from = time.from === undefined ? null : at(time.from);
  const span = discountSpan(segments, { from, periods: time.periods ?? null, until: time.until === undefined ? null : at(time.until) });
  return [day(span.from), day(span.until)];
};

test('a discount for three periods ends with the third, one for none never does', () => {
  expect(shown([sampleSegment({})], { periods: 3 })).toEqual(['2026-01-01', '2026-04-01']);
  expect(shown([sampleSegment({})], {})).toEqual(['2026-01-01', null]);
  expect(shown([sampleSegment({})], { periods: 3, until: '2026-02-15' })).toEqual(['2026-01-01', '2026-02-15']);
});

test('one that is given inside of a period counts from the next one', () => {
  expect(shown([sampleSegment({})], { from: '2026-01-15', periods: 1 })).toEqual(['2026-01-15', '2026-03-01']);
  expect(shown([sampleSegment({})], { from: '2026-02-01', periods: 1 })).toEqual(['2026-02-01', '2026-03-01']);
});

test('6.4 periods are counted from where a trial ends, wherever it ends now', () => {
  const trialEnd = at('2026-01-21');
  const first = sampleSegment({}, { end: at('2026-01-06'), trialEnd: at('2026-01-11'), anchor: at('2026-01-11') });
  const extended = sampleSegment({}, { id: 'b', start: at('2026-01-06'), trialEnd, anchor: trialEnd });
  expect(shown([first, extended], { periods: 2 })).toEqual(['2026-01-01', '2026-03-21']);
});

test('periods of a pause are not counted where it stands at the beginning', () => {
  const anchor = at('2026-01-01');
  const pause = sampleSegment({}, { paused: true, end: at('2026-03-10') });
  const resumed = sampleSegment({}, { id: 'b', start: at('2026-03-10'), anchor });
  expect(shown([pause, resumed], { periods: 1 })).toEqual(['2026-01-01', '2026-04-01']);
});

test('the billing periods that give a discount something to take off are named once, up to the horizon', () => {
  const cut = at('2026-01-15');
  const segments = [sampleSegment({}, { end: cut }), sampleSegment({}, { id: 'b', start: cut, anchor: at('2026-01-01') })];
  const periods = (from: string, until: string | null): (string | null)[] =>
    discountedPeriods(segments, { from: at(from), until: until === null ? null : at(until) }, at('2026-03-01')).map(day);
  expect(periods('2026-01-01', null)).toEqual(['2026-01-01', '2026-02-01', '2026-03-01']);
  expect(periods('2026-01-02', '2026-03-01')).toEqual(['2026-01-01', '2026-02-01']);
});

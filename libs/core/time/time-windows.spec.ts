import fc from 'fast-check';
import { MICROS_PER_DAY, MICROS_PER_HOUR, formatInstant, parseInstant } from './instant.ts';
import { dayStarts } from './local-day.ts';
import { TIME_WINDOWS, windowCuts, type TimeWindow } from './time-windows.ts';
import { wallTimeOf } from './time-zone.ts';

function cuts(from: string, to: string, window: TimeWindow, zone: string): string[] {
  const period = { start: parseInstant(from), end: parseInstant(to) };
  return (windowCuts(period, window, zone, 10_000) ?? []).map((cut) => formatInstant(cut).replace('.000Z', 'Z'));
}

describe('windows of time', () => {
  test('2.1 a day of the clock change has 23 or 25 hours', () => {
    expect(cuts('2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z', 'HOUR', 'Europe/Berlin')).toHaveLength(24);
    expect(cuts('2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z', 'HOUR', 'Europe/Berlin')).toHaveLength(26);
    expect(cuts('2026-03-28T12:00:00Z', '2026-03-31T00:00:00Z', 'DAY', 'Europe/Berlin')).toEqual([
      '2026-03-28T12:00:00Z',
      '2026-03-28T23:00:00Z',
      '2026-03-29T22:00:00Z',
      '2026-03-30T22:00:00Z',
      '2026-03-31T00:00:00Z',
    ]);
  });

  test('12 hours and months of Kathmandu start a quarter before those of UTC', () => {
    expect(cuts('2026-03-01T10:17:33Z', '2026-03-01T12:00:00Z', 'HOUR', 'Asia/Kathmandu')).toEqual([
      '2026-03-01T10:17:33Z',
      '2026-03-01T11:15:00Z',
      '2026-03-01T12:00:00Z',
    ]);
    expect(cuts('2026-01-31T18:15:00Z', '2026-03-15T00:00:00Z', 'MONTH', 'Asia/Kathmandu')).toEqual([
      '2026-01-31T18:15:00Z',
      '2026-02-28T18:15:00Z',
      '2026-03-15T00:00:00Z',
    ]);
  });

  test('weeks start on Monday', () => {
    expect(cuts('2026-03-04T00:00:00Z', '2026-03-17T00:00:00Z', 'WEEK', 'UTC')).toEqual([
      '2026-03-04T00:00:00Z',
      '2026-03-09T00:00:00Z',
      '2026-03-16T00:00:00Z',
      '2026-03-17T00:00:00Z',
    ]);
  });

  test('the hour in which Lord Howe moves its clocks by half an hour ends with the next full hour', () => {
    const hours = cuts('2026-04-04T13:00:00Z', '2026-04-04T17:30:00Z', 'HOUR', 'Australia/Lord_Howe');
    expect(hours.slice(1, -1).every((cut) => wallTimeOf(parseInstant(cut), 'Australia/Lord_Howe') % MICROS_PER_HOUR === 0)).toBe(true);
    expect(hours).toEqual([
      '2026-04-04T13:00:00Z',
      '2026-04-04T14:00:00Z',
      '2026-04-04T15:30:00Z',
      '2026-04-04T16:30:00Z',
      '2026-04-04T17:30:00Z',
    ]);
  });

  test('cut any span, in any zone, into pieces that ascend and cover it; days are those of the calendar', () => {
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'Pacific/Apia', 'Australia/Lord_Howe', 'America/Sao_Paulo');
    const start = fc.integer({ min: Date.UTC(2009, 0, 1) * 1_000, max: Date.UTC(2030, 0, 1) * 1_000 });
    fc.assert(
      fc.property(
        zone,
        start,
        fc.integer({ min: 1, max: 20 * MICROS_PER_DAY }),
        fc.constantFrom(...TIME_WINDOWS),
        (tz, at, length, window) => {
          const period = { start: at, end: at + length };
          const found = windowCuts(period, window, tz, 1_000) ?? [];
          expect([found[0], found.at(-1)]).toEqual([period.start, period.end]);
          expect(found.every((cut, i) => i === 0 || cut > (found[i - 1] ?? cut))).toBe(true);
          if (window === 'DAY') expect(found.slice(0, -1)).toEqual(dayStarts(period, tz));
          if (window === 'NONE') expect(found).toHaveLength(2);
        },
      ),
    );
  });

  test('are counted before they are made: more than asked for is refused', () => {
    const period = { start: 0, end: 10 * MICROS_PER_HOUR };
    expect(windowCuts(period, 'HOUR', 'UTC', 9)).toBeUndefined();
    expect(windowCuts(period, 'HOUR', 'UTC', 10)).toHaveLength(11);
    expect(windowCuts({ start: 5, end: 5 }, 'DAY', 'UTC', 1)).toEqual([5]);
  });
});

import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { addIntervals, periodContaining, periodIndexAt, periodOfIndex } from './billing-calendar.ts';
import type { BillingCalendar } from './billing-calendar.ts';
import { MICROS_PER_DAY, MICROS_PER_HOUR, formatInstant, parseInstant } from './instant.ts';
import { dayStart, dayStarts, localDay } from './local-day.ts';
import { instantOfWallTime, requireTimeZone, wallTimeOf } from './time-zone.ts';

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Pacific/Apia',
  'Pacific/Chatham',
];
const zone = fc.constantFrom(...ZONES);
const at = fc.integer({ min: Date.UTC(1985, 0, 1) * 1_000, max: Date.UTC(2090, 0, 1) * 1_000 });
const interval = fc.constantFrom('DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR');
const calendar: fc.Arbitrary<BillingCalendar> = fc.record({
  interval,
  intervalCount: fc.integer({ min: 1, max: 5 }),
  alignment: fc.constantFrom('ANNIVERSARY', 'CALENDAR'),
  timeZone: zone,
  anchor: at,
});

function monthly(anchor: string, timeZone = 'UTC', alignment: BillingCalendar['alignment'] = 'ANNIVERSARY'): BillingCalendar {
  return { interval: 'MONTH', intervalCount: 1, alignment, timeZone, anchor: parseInstant(anchor) };
}

function starts(of: BillingCalendar, indexes: number[]): string[] {
  return indexes.map((index) => formatInstant(periodOfIndex(of, index).start).replace('.000Z', 'Z'));
}

function zoned(instant: number, timeZone: string): Temporal.ZonedDateTime {
  return new Temporal.ZonedDateTime(BigInt(instant) * 1_000n, timeZone);
}

describe('billing periods', () => {
  test('2.1 every instant lies in exactly one period, and each ends where the next one starts', () => {
    fc.assert(
      fc.property(calendar, at, (of, when) => {
        const index = periodIndexAt(of, when);
        const period = periodContaining(of, when);
        expect(period.start <= when && when < period.end).toBe(true);
        expect(periodOfIndex(of, index + 1).start).toBe(period.end);
        expect(periodOfIndex(of, index - 1).end).toBe(period.start);
      }),
    );
  });

  test('2.1 period 0 starts at the anchor to the microsecond', () => {
    fc.assert(
      fc.property(calendar, (of) => {
        expect(periodOfIndex(of, 0).start).toBe(of.anchor);
        expect(periodIndexAt(of, of.anchor)).toBe(0);
        expect(periodIndexAt(of, of.anchor - 1)).toBe(-1);
      }),
    );
  });

  test('2.2 Jan 31 becomes Feb 28 or 29 and Mar 31 again: months clamp from the original anchor', () => {
    expect(starts(monthly('2026-01-31T10:00:00Z'), [0, 1, 2, 3, 25])).toEqual([
      '2026-01-31T10:00:00Z',
      '2026-02-28T10:00:00Z',
      '2026-03-31T10:00:00Z',
      '2026-04-30T10:00:00Z',
      '2028-02-29T10:00:00Z',
    ]);
  });

  test('2.2 a yearly anniversary of Feb 29 comes back to Feb 29', () => {
    expect(starts({ ...monthly('2024-02-29T00:00:00Z'), interval: 'YEAR' }, [1, 2, 4])).toEqual([
      '2025-02-28T00:00:00Z',
      '2026-02-28T00:00:00Z',
      '2028-02-29T00:00:00Z',
    ]);
  });

  test('2.2 anniversaries agree with the calendar library over any zone', () => {
    const units = { DAY: 'days', WEEK: 'weeks', MONTH: 'months', YEAR: 'years' } as const;
    const simple = fc.constantFrom('DAY' as const, 'WEEK' as const, 'MONTH' as const, 'YEAR' as const);
    fc.assert(
      fc.property(at, zone, simple, fc.integer({ min: 1, max: 60 }), (anchor, timeZone, unit, n) => {
        const of: BillingCalendar = { interval: unit, intervalCount: 1, alignment: 'ANNIVERSARY', timeZone, anchor };
        const expected = zoned(anchor, timeZone)
          .toPlainDateTime()
          .add({ [units[unit]]: n })
          .toZonedDateTime(timeZone);
        expect(periodOfIndex(of, n).start).toBe(Number(expected.epochNanoseconds / 1_000n));
        expect(addIntervals(anchor, { interval: unit, count: n }, timeZone)).toBe(periodOfIndex(of, n).start);
      }),
    );
  });

  test('2.1 monthly periods keep the wall clock of the zone over daylight saving', () => {
    expect(starts(monthly('2026-01-15T08:00:00Z', 'Europe/Berlin'), [0, 3, 10])).toEqual([
      '2026-01-15T08:00:00Z',
      '2026-04-15T07:00:00Z',
      '2026-11-15T08:00:00Z',
    ]);
  });

  test('2.2 calendar months cut the first period short and start at local midnight afterwards', () => {
    const of = monthly('2026-01-20T10:17:33Z', 'Asia/Kathmandu', 'CALENDAR');
    expect(starts(of, [-1, 0, 1, 2])).toEqual([
      '2025-12-31T18:15:00Z',
      '2026-01-20T10:17:33Z',
      '2026-01-31T18:15:00Z',
      '2026-02-28T18:15:00Z',
    ]);
  });

  test('2.2 an anchor on a calendar boundary makes no short period', () => {
    expect(starts(monthly('2026-02-01T00:00:00Z', 'UTC', 'CALENDAR'), [-1, 0, 1])).toEqual([
      '2026-01-01T00:00:00Z',
      '2026-02-01T00:00:00Z',
      '2026-03-01T00:00:00Z',
    ]);
  });

  test('2.2 calendar weeks start on Monday, quarters in January, April, July and October, years in January', () => {
    const of = monthly('2026-05-20T12:00:00Z', 'UTC', 'CALENDAR');
    expect(starts({ ...of, interval: 'WEEK' }, [1, 2])).toEqual(['2026-05-25T00:00:00Z', '2026-06-01T00:00:00Z']);
    expect(starts({ ...of, interval: 'QUARTER' }, [1, 2])).toEqual(['2026-07-01T00:00:00Z', '2026-10-01T00:00:00Z']);
    expect(starts({ ...of, interval: 'YEAR' }, [1])).toEqual(['2027-01-01T00:00:00Z']);
    expect(starts({ ...of, interval: 'DAY' }, [1])).toEqual(['2026-05-21T00:00:00Z']);
  });

  test('2.2 several calendar intervals are counted from the one that the anchor lies in', () => {
    expect(starts({ ...monthly('2026-05-20T12:00:00Z', 'UTC', 'CALENDAR'), intervalCount: 2 }, [1, 2])).toEqual([
      '2026-07-01T00:00:00Z',
      '2026-09-01T00:00:00Z',
    ]);
  });
});

describe('days in the zone of a customer', () => {
  test('2.1 a day is 23 hours long in spring and 25 in autumn', () => {
    const lengthAt = (text: string) => {
      const start = dayStart(parseInstant(text), 'Europe/Berlin');
      return (dayStart(start + 30 * MICROS_PER_HOUR, 'Europe/Berlin') - start) / MICROS_PER_HOUR;
    };
    expect(['2026-03-29T10:00:00Z', '2026-10-25T10:00:00Z', '2026-06-01T10:00:00Z'].map(lengthAt)).toEqual([23, 25, 24]);
  });

  test('2.1 daily billing in the zone follows those lengths', () => {
    const of: BillingCalendar = { ...monthly('2026-03-27T23:00:00Z', 'Europe/Berlin', 'CALENDAR'), interval: 'DAY' };
    const hours = [0, 1, 2].map((index) => periodOfIndex(of, index)).map(({ start, end }) => (end - start) / MICROS_PER_HOUR);
    expect(hours).toEqual([24, 23, 24]);
  });

  test('12 in Asia/Kathmandu the day turns at 18:15 UTC', () => {
    expect(localDay(parseInstant('2026-03-01T18:14:59.999999Z'), 'Asia/Kathmandu')).toBe('2026-03-01');
    expect(localDay(parseInstant('2026-03-01T18:15:00Z'), 'Asia/Kathmandu')).toBe('2026-03-02');
  });

  test('12 days and their starts agree with the calendar library over any zone', () => {
    fc.assert(
      fc.property(at, zone, (when, timeZone) => {
        const here = zoned(when, timeZone);
        expect(localDay(when, timeZone)).toBe(here.toPlainDate().toString());
        expect(dayStart(when, timeZone)).toBe(Number(here.startOfDay().epochNanoseconds / 1_000n));
      }),
    );
  });

  test('12 a wall-clock time is resolved as the calendar library resolves it, in gaps and overlaps too', () => {
    const wallTime = fc
      .integer({ min: Date.UTC(1985, 0, 1) / 60_000, max: Date.UTC(2090, 0, 1) / 60_000 })
      .map((minutes) => minutes * 60_000_000);
    const aroundChange = fc.constantFrom(
      ...['2026-03-29T02:30', '2026-10-25T02:30', '2011-12-30T10:00', '2018-11-04T00:00', '2026-04-05T01:45'].map(
        (text) => Date.parse(`${text}Z`) * 1_000,
      ),
    );
    fc.assert(
      fc.property(fc.oneof(wallTime, aroundChange), zone, (wall, timeZone) => {
        const expected = Temporal.PlainDateTime.from(new Date(wall / 1_000).toISOString().slice(0, -1)).toZonedDateTime(timeZone);
        expect(instantOfWallTime(wall, timeZone)).toBe(Number(expected.epochNanoseconds / 1_000n));
      }),
    );
  });

  test('12 the clock on the wall is the one of the zone, right up to a change', () => {
    const change = parseInstant('2026-03-29T01:00:00Z');
    expect(wallTimeOf(change - 1, 'Europe/Berlin') - (change - 1)).toBe(MICROS_PER_HOUR);
    expect(wallTimeOf(change, 'Europe/Berlin') - change).toBe(2 * MICROS_PER_HOUR);
  });

  test('12 day starts begin with the period and stay strictly inside it', () => {
    const period = { start: parseInstant('2026-03-28T10:00:00Z'), end: parseInstant('2026-03-30T22:00:00Z') };
    expect(dayStarts(period, 'Europe/Berlin').map(formatInstant)).toEqual([
      '2026-03-28T10:00:00.000Z',
      '2026-03-28T23:00:00.000Z',
      '2026-03-29T22:00:00.000Z',
    ]);
    expect(dayStarts({ start: 5, end: 5 }, 'UTC')).toEqual([]);
  });

  test('12 day starts cut a period into pieces of one day each', () => {
    fc.assert(
      fc.property(at, zone, fc.integer({ min: 1, max: 40 }), (start, timeZone, days) => {
        const end = start + days * MICROS_PER_DAY;
        const pieces = dayStarts({ start, end }, timeZone);
        for (const [index, from] of pieces.entries()) {
          const until = pieces[index + 1] ?? end;
          expect(from < until && localDay(from, timeZone) === localDay(until - 1, timeZone)).toBe(true);
        }
      }),
    );
  });

  test.each(['Mars/Olympus', '', '+05:45', 'UTC+1', '../etc/passwd', 'Europe/Berlin '])('%j is not a time zone', (id) => {
    expect(() => requireTimeZone(id, 'timeZone')).toThrow(expect.objectContaining({ code: 'UNKNOWN_TIME_ZONE', path: 'timeZone' }));
  });

  test('an IANA zone is given back as it came', () => {
    expect(ZONES.map((id) => requireTimeZone(id))).toEqual(ZONES);
  });
});

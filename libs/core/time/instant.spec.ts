import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { dateOfInstant, formatInstant, instantOfDate, parseImportedInstant, parseInstant } from './instant.ts';
import { SLOT, intersection, periodContains, slotStart } from './period.ts';

const FIRST = Date.UTC(1701, 0, 1) * 1_000;
const LAST = Date.UTC(2254, 0, 1) * 1_000;
const instant = fc.integer({ min: FIRST, max: LAST });

describe('an instant', () => {
  test('2.4 is kept to the microsecond, there and back', () => {
    fc.assert(
      fc.property(instant, (at) => {
        expect(parseInstant(formatInstant(at))).toBe(at);
        const oracle = Temporal.Instant.fromEpochNanoseconds(BigInt(at) * 1_000n);
        expect(parseInstant(oracle.toString())).toBe(at);
        expect(parseInstant(oracle.toZonedDateTimeISO('+05:45').toString({ timeZoneName: 'never' }))).toBe(at);
      }),
    );
  });

  test('2.4 digits past the microsecond are cut, not rounded', () => {
    expect(formatInstant(parseInstant('2026-03-01T10:17:33.123456999Z'))).toBe('2026-03-01T10:17:33.123456Z');
    expect(formatInstant(parseInstant('1969-12-31T23:59:59.9999999Z'))).toBe('1969-12-31T23:59:59.999999Z');
  });

  test('2.4 in an imported file a time without a zone is UTC; on the wire it is refused', () => {
    expect(parseImportedInstant('2026-03-01 10:17:33.5')).toBe(parseInstant('2026-03-01T10:17:33.500Z'));
    expect(parseImportedInstant('2026-03-01T10:17:33+02:00')).toBe(parseInstant('2026-03-01T08:17:33Z'));
    expect(() => parseInstant('2026-03-01T10:17:33')).toThrow(expect.objectContaining({ code: 'INVALID_TIME' }));
  });

  test.each([
    'nope',
    '',
    '2026-03-01',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T00:60:00Z',
    '2026-03-01T00:00:61Z',
    '2026-03-01T00:00Z',
    '2026-03-01T00:00:00+24:00',
    '2026-03-01T00:00:00+0100',
    '2026-03-01T00:00:00.Z',
    '1699-12-31T00:00:00Z',
    '2255-01-01T00:00:00Z',
    '1772360253',
    ' 2026-03-01T00:00:00Z',
  ])('%j is not a time', (text) => {
    expect(() => parseInstant(text, 'at')).toThrow(expect.objectContaining({ code: 'INVALID_TIME', path: 'at' }));
  });

  test('a leap second is the second after it', () => {
    expect(parseInstant('2016-12-31T23:59:60Z')).toBe(parseInstant('2017-01-01T00:00:00Z'));
  });

  test('a Date holds it to the millisecond', () => {
    const at = parseInstant('2026-03-01T10:17:33.123456Z');
    expect(dateOfInstant(at).toISOString()).toBe('2026-03-01T10:17:33.123Z');
    expect(formatInstant(instantOfDate(dateOfInstant(at)))).toBe('2026-03-01T10:17:33.123Z');
  });
});

describe('periods and slots', () => {
  test('2.1 a period holds its start and not its end', () => {
    const period = { start: 10, end: 20 };
    expect([9, 10, 19, 20].map((at) => periodContains(period, at))).toEqual([false, true, true, false]);
  });

  test('2.1 periods that only touch share nothing', () => {
    expect(intersection({ start: 0, end: 10 }, { start: 10, end: 20 })).toBeNull();
    expect(intersection({ start: 0, end: 11 }, { start: 10, end: 20 })).toEqual({ start: 10, end: 11 });
  });

  test('12 every instant lies in one slot of 15 minutes', () => {
    fc.assert(
      fc.property(instant, (at) => {
        const start = slotStart(at);
        expect(BigInt(start) % BigInt(SLOT)).toBe(0n);
        expect(periodContains({ start, end: start + SLOT }, at)).toBe(true);
      }),
    );
  });
});

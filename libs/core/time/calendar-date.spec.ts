import fc from 'fast-check';
import { dateOf, wallTimeOfDate } from './calendar-date.ts';
import { MICROS_PER_DAY } from './instant.ts';

const FIRST = Date.parse('1700-01-01T00:00:00Z') * 1_000;
const LAST = Date.parse('2254-12-31T23:59:59Z') * 1_000;

const byDate = (wall: number) => {
  const date = new Date(Math.floor(wall / 1_000));
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
};

test('the date of a wall time is that of the Gregorian calendar, on every day of ten centuries', () => {
  const days = Math.round((LAST - FIRST) / MICROS_PER_DAY);
  for (let day = -150_000; day < days + 20_000; day += 1) {
    const wall = FIRST + day * MICROS_PER_DAY;
    const date = dateOf(wall);
    if (wallTimeOfDate(date) !== wall) throw new Error(`${new Date(wall / 1_000).toISOString()} is read as ${JSON.stringify(date)}`);
  }
});

test('the time of day changes nothing of the date, before 1970 either', () => {
  fc.assert(fc.property(fc.integer({ min: FIRST, max: LAST }), (wall) => expect(dateOf(wall)).toEqual(byDate(wall))));
});

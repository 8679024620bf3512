import { Decimal } from '../money/index.ts';
import { formatInstant, parseInstant } from '../time/index.ts';
import { rateChanges } from './exchange-rate.ts';

const rate = (from: string, to: string, validFrom: string) => ({ from, to, rate: Decimal.ONE, validFrom: parseInstant(validFrom) });
const JANUARY = { start: parseInstant('2026-01-01T00:00:00Z'), end: parseInstant('2026-02-01T00:00:00Z') };

test.each([
  ['UTC', ['2026-01-06T00:00:00.000Z', '2026-01-11T00:00:00.000Z']],
  ['Asia/Kathmandu', ['2026-01-06T18:15:00.000Z', '2026-01-10T18:15:00.000Z']],
  ['America/New_York', ['2026-01-06T05:00:00.000Z', '2026-01-11T05:00:00.000Z']],
])('10.5 a rate counts from the first day in %s that begins with it', (zone, expected) => {
  const rates = [
    rate('EUR', 'JPY', '2025-12-01T00:00:00Z'),
    rate('EUR', 'JPY', '2026-01-06T00:00:00Z'),
    rate('USD', 'JPY', '2026-01-06T00:00:00Z'),
    rate('USD', 'JPY', '2026-01-10T17:00:00Z'),
    rate('JPY', 'EUR', '2026-01-20T00:00:00Z'),
    rate('USD', 'JPY', '2026-02-01T00:00:00Z'),
  ];
  expect(rateChanges('JPY', rates, zone, JANUARY).map(formatInstant)).toEqual(expected);
});

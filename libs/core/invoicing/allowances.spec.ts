import fc from 'fast-check';
import { Decimal } from '../money/index.ts';
import { parseInstant } from '../time/index.ts';
import type { PriceInput } from '../pricing/index.ts';
import { sampleSegment } from '../subscriptions/segment.fixture.ts';
import { sampleUsage } from '../subscriptions/usage.fixture.ts';
import type { Segment } from '../subscriptions/index.ts';
import type { AllowanceRecord } from './allowance-record.ts';
import { assembleInvoice } from './assemble-invoice.ts';
import type { AssembledInvoice } from './assembled-invoice.ts';
import { billedLinesOf } from './billed-facts.ts';
import { endedAt, sampleFacts } from './facts.fixture.ts';
import type { InvoiceFacts } from './invoice-facts.ts';

const d = (text: string | number): Decimal => Decimal.parse(String(text));
const at = (text: string): number => parseInstant(text);
const month = (number: number): string => `2026-${String(number).padStart(2, '0')}-05T00:00:00Z`;
const used = (events: number, number: number) => sampleUsage(month(number), { events: d(events) });
const calls = (more: Partial<PriceInput> = {}): PriceInput => ({
  key: 'calls',
  model: 'PER_UNIT',
  meter: 'calls',
  unitPrice: '1',
  includedQuantity: '1000',
  rollover: true,
  ...more,
});
const invoice = (facts: Partial<InvoiceFacts>): AssembledInvoice => assembleInvoice(sampleFacts(facts));
const lots = ({ carried }: AllowanceRecord): string =>
  carried
    .map(
      ({ quantity, expiresAt }) =>
        `${quantity.toString()}${expiresAt === null ? '' : ` until ${new Date(expiresAt / 1000).toISOString().slice(0, 10)}`}`,
    )
    .join(' + ');
const summary = ({ total, allowances }: AssembledInvoice): string => `${total.toString()} | ${allowances.map(lots).join(', ')}`;

/** Closes month after month, each with what the one before recorded. */
function months(segment: Segment, usage: readonly number[]): AssembledInvoice[] {
  const results: AssembledInvoice[] = [];
  for (const [index, events] of usage.entries()) {
    const ended = [endedAt(segment, month(index + 1), { records: events === 0 ? [] : [used(events, index + 1)] })];
    results.push(invoice({ ended, allowances: results.at(-1)?.allowances ?? [] }));
  }
  return results;
}

test('4.6 what is left of an allowance that rolls over is used in later periods before their own', () => {
  const results = months(sampleSegment({ prices: [calls()] }), [400, 1500, 1200, 900]);
  expect(results.map(summary)).toEqual(['0 | 600', '0 | 100', '100 | ', '0 | 100']);
  expect(results[1]?.lines[0]?.walk.map(({ description, quantity }) => `${description} ${quantity.toString()}`)).toEqual([
    'carried from earlier periods 600',
    'included 900',
  ]);
});

test('4.6 no more is carried into a period than the plan says, and the oldest goes first', () => {
  const results = months(sampleSegment({ prices: [calls({ rolloverMaximum: '1500', rolloverPeriods: 3 })] }), [200, 0, 3000]);
  expect(results.map(summary)).toEqual(['0 | 800 until 2026-05-01', '0 | 500 until 2026-05-01 + 1000 until 2026-06-01', '500 | ']);
});

test('4.6 carried quantity lives for as many periods as the plan says, and is gone at their end', () => {
  const segment = sampleSegment({ prices: [calls({ rolloverPeriods: 1 })] });
  expect(months(segment, [0, 1000, 0, 2100]).map(summary)).toEqual([
    '0 | 1000 until 2026-03-01',
    '0 | 1000 until 2026-04-01',
    '0 | 1000 until 2026-05-01',
    '100 | ',
  ]);
});

test('4.6 an allowance per seat rolls over for all seats, and so is its maximum', () => {
  const segment = sampleSegment({ prices: [calls({ perSeat: true, rolloverMaximum: '100' })] }, { seats: 3 });
  expect(months(segment, [2800, 3300]).map(summary)).toEqual(['0 | 200', '100 | ']);
  expect(months(segment, [0]).map(summary)).toEqual(['0 | 300']);
});

test('4.6 each group of a price has an allowance of its own that rolls over', () => {
  const grouped = sampleSegment({
    prices: [calls({ includedQuantity: '10', groupBy: 'region', groups: [{ in: ['eu'], unitPrice: '2', includedQuantity: '5' }] })],
  });
  const record = (events: number, region: string) => ({ ...used(events, 1), region });
  const first = invoice({ ended: [endedAt(grouped, month(1), { records: [record(2, 'eu'), record(4, 'us')] })] });
  expect(first.allowances.map((allowance) => `${allowance.group ?? '-'} ${lots(allowance)}`)).toEqual(['eu 3', '- 6']);
  const second = invoice({
    ended: [endedAt(grouped, month(2), { records: [record(9, 'eu'), record(17, 'us')].map((own) => ({ ...own, from: at(month(2)) })) })],
    allowances: first.allowances,
  });
  expect(second.lines.map((line) => `${line.group ?? '-'} ${line.amount.toString()}`)).toEqual(['eu 2', '- 1']);
});

test('6.2 a change within a period: what was carried moves on, the whole new allowance begins, the old one ends with its part', () => {
  const change = at('2026-02-15T00:00:00Z');
  const before = sampleSegment({ prices: [calls()] }, { id: 'before', end: change });
  const after = sampleSegment({ prices: [calls({ includedQuantity: '5000' })] }, { id: 'after', start: change, anchor: before.anchor });
  const january = invoice({ ended: [endedAt(before, month(1), { records: [used(400, 1)] })] });
  const parts = [endedAt(before, month(2), { records: [used(100, 2)] }), endedAt(after, '2026-02-20T00:00:00Z')];
  expect(summary(invoice({ ended: parts, allowances: january.allowances }))).toBe('0 | 500, 500 + 5000');
});

test('6.2 an allowance that is prorated is granted and carried in parts that add up to the whole, at any second', () => {
  const price = calls({ prorateIncluded: true });
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 2_678_399 }), { minLength: 1, maxLength: 4 }), (seconds) => {
      const cuts = [...new Set(seconds)].sort((a, b) => a - b).map((second) => at('2026-01-01T00:00:00Z') + second * 1_000_000);
      const edges = [at('2026-01-01T00:00:00Z'), ...cuts];
      const ended = edges.map((start, index) => {
        const end = edges[index + 1] ?? null;
        const segment = sampleSegment({ prices: [price] }, { id: `part ${index}`, start, end, anchor: edges[0] ?? 0 });
        return endedAt(segment, new Date(Math.ceil(start / 1000)).toISOString());
      });
      const { allowances } = invoice({ ended });
      expect(Decimal.sum(allowances.map(({ included }) => included)).toString()).toBe('1000');
      expect(Decimal.sum(allowances.at(-1)?.carried.map(({ quantity }) => quantity) ?? []).toString()).toBe('1000');
    }),
  );
});

test('6.2 an allowance that is not prorated is whole in a shortened period', () => {
  const end = at('2026-01-11T00:00:00Z');
  const charged = (prorateIncluded: boolean): string =>
    invoice({
      ended: [
        endedAt(sampleSegment({ prices: [calls({ prorateIncluded, includedQuantity: '310' })] }, { end }), month(1), {
          records: [used(310, 1)],
        }),
      ],
    }).total.toString();
  expect([charged(false), charged(true)]).toEqual(['0', '210']);
});

test('4.6 carried quantity is of its meter: a price with the same key on another one begins without it', () => {
  const first = invoice({ ended: [endedAt(sampleSegment({ prices: [calls()] }), month(1))] });
  const other = sampleSegment({ prices: [calls({ meter: 'images' })] });
  const second = invoice({
    ended: [endedAt(other, month(2), { records: [sampleUsage(month(2), { type: 'image', events: d(1001) })] })],
    allowances: first.allowances,
  });
  expect(summary(second)).toBe('1 | ');
});

test('8.3 late usage is covered by the allowance of its period, and what had been carried on is used once', () => {
  const segment = sampleSegment({ prices: [calls()] });
  const [january] = months(segment, [400]);
  if (january === undefined) throw new Error('nothing was closed');
  const facts = sampleFacts({
    ended: [endedAt(segment, month(1), { records: [used(400, 1), used(100, 1)], allowances: january.allowances })],
  });
  const late = [{ invoiceId: 'january', facts, billed: billedLinesOf(january.lines) }];
  const february = invoice({ late, allowances: january.allowances, ended: [endedAt(segment, month(2), { records: [used(1600, 2)] })] });
  // As if the 100 had been there in time: 1,500 are free in February.
  expect(february.lines.map(({ kind, amount }) => `${kind} ${amount.toString()}`)).toEqual(['USAGE 100']);
  expect(february.allowances.map((record) => `${record.used.toString()} of ${lots(record)}`)).toEqual(['500 of 500', '1600 of ']);
  const supplement = invoice({ late, allowances: january.allowances });
  expect(supplement.allowances.map(lots)).toEqual(['500']);
});

test('8.3 what has been used of it in the meantime stays used: late usage within its allowance is not charged', () => {
  const segment = sampleSegment({ prices: [calls()] });
  const [january, february] = months(segment, [400, 1600]);
  if (january === undefined || february === undefined) throw new Error('nothing was closed');
  const facts = sampleFacts({ ended: [endedAt(segment, month(1), { records: [used(1100, 1)], allowances: january.allowances })] });
  const late = [{ invoiceId: 'january', facts, billed: billedLinesOf(january.lines) }];
  const march = invoice({ late, allowances: february.allowances, ended: [endedAt(segment, month(3), { records: [used(1000, 3)] })] });
  expect(march.lines.map(({ kind, amount }) => `${kind} ${amount.toString()}`)).toEqual(['USAGE 0', 'DELTA 100']);
});

test('8.3 a correction that takes usage away gives its allowance back', () => {
  const segment = sampleSegment({ prices: [calls()] });
  const [january] = months(segment, [1200]);
  if (january === undefined) throw new Error('nothing was closed');
  const facts = sampleFacts({ ended: [endedAt(segment, month(1), { records: [used(700, 1)], allowances: january.allowances })] });
  const late = [{ invoiceId: 'january', facts, billed: billedLinesOf(january.lines) }];
  const february = invoice({ late, allowances: january.allowances, ended: [endedAt(segment, month(2), { records: [used(1300, 2)] })] });
  expect(february.lines.map(({ kind, amount }) => `${kind} ${amount.toString()}`)).toEqual(['USAGE 0', 'DELTA -200']);
});

test('4.6 allowances conserve: what is granted is used, carried, or lapsed by age or by the maximum, and nothing is used twice', () => {
  const usage = fc.array(fc.integer({ min: 0, max: 2500 }), { minLength: 1, maxLength: 8 });
  const periods = fc.option(fc.integer({ min: 1, max: 3 }), { nil: null });
  fc.assert(
    fc.property(usage, periods, fc.option(fc.integer({ min: 1, max: 3000 }), { nil: null }), (events, rolloverPeriods, most) => {
      const price = calls({ rolloverPeriods, ...(most === null ? {} : { rolloverMaximum: String(most) }) });
      const results = months(sampleSegment({ prices: [price] }), events);
      // Counted by hand: a list of lots, oldest first.
      let free: { left: number; dies: number }[] = [];
      for (const [index, quantity] of events.entries()) {
        free = [...free.filter(({ dies }) => dies >= index), { left: 1000, dies: index + (rolloverPeriods ?? 99) }];
        let open = quantity;
        for (const lot of free) {
          const taken = Math.min(lot.left, open);
          lot.left -= taken;
          open -= taken;
        }
        free = free.filter(({ left, dies }) => left > 0 && dies > index);
        while (most !== null && free.reduce((sum, { left }) => sum + left, 0) > most) {
          const excess = free.reduce((sum, { left }) => sum + left, 0) - most;
          const [oldest] = free;
          if (oldest === undefined) break;
          oldest.left -= Math.min(oldest.left, excess);
          free = free.filter(({ left }) => left > 0);
        }
        const carried = results[index]?.allowances[0]?.carried.map((lot) => lot.quantity.toString());
        expect([results[index]?.total.toString(), carried]).toEqual([String(open), free.map(({ left }) => String(left))]);
      }
    }),
  );
});

test('4.7 a threshold invoice uses what was carried in, and carries nothing on before its period is closed', () => {
  const segment = sampleSegment({ prices: [calls()] });
  const [january] = months(segment, [400]);
  const part = { records: [used(1700, 2)], closing: false };
  const threshold = invoice({ ended: [endedAt(segment, month(2), part)], allowances: january?.allowances ?? [] });
  expect(summary(threshold)).toBe('100 | ');
  const closing = invoice({
    ended: [endedAt(segment, month(2), { records: [used(1800, 2)], billed: billedLinesOf(threshold.lines) })],
    allowances: january?.allowances ?? [],
  });
  expect(closing.total.toString()).toBe('100');
});

import { parseInstant } from '../time/index.ts';
import type { PlanInput } from '../pricing/index.ts';
import { parsePlan } from '../pricing/index.ts';
import type { Segment } from '../subscriptions/index.ts';
import { SAMPLE_METERS, sampleSegment } from '../subscriptions/segment.fixture.ts';
import { sampleUsage } from '../subscriptions/usage.fixture.ts';
import type { UsageRecord } from '../usage/index.ts';
import { Decimal } from '../money/index.ts';
import { assembleInvoice } from './assemble-invoice.ts';
import { endedAt, sampleFacts } from './facts.fixture.ts';
import type { EndedPart } from './invoice-facts.ts';
import { joinedParts } from './joined-parts.ts';

const CHANGE = parseInstant('2026-01-11T00:00:00Z');
const RESUME = parseInstant('2026-01-21T00:00:00Z');
const plan = (fee: string, more: Partial<PlanInput> = {}): Partial<PlanInput> => ({
  prices: [
    { key: 'fee', model: 'FLAT', amount: fee, timing: 'IN_ARREARS' },
    {
      key: 'calls',
      model: 'GRADUATED',
      meter: 'calls',
      includedQuantity: '5',
      tiers: [{ upTo: '10', unitPrice: '1' }, { unitPrice: '0.1' }],
    },
  ],
  ...more,
});
const used = (times: number, day: string): UsageRecord => sampleUsage(`2026-01-${day}T00:00:00Z`, { events: Decimal.of(times) });
const before = sampleSegment(plan('31'), { id: 'a', end: CHANGE });
const after = (terms: Partial<PlanInput>, more: Partial<Segment> = {}): Segment =>
  sampleSegment(terms, { id: 'b', start: CHANGE, anchor: before.anchor, ...more });
const lines = (...ended: EndedPart[]): string[] =>
  assembleInvoice(sampleFacts({ ended })).lines.map(
    ({ kind, priceKey, segmentId, amount }) => `${kind} ${priceKey ?? '-'} ${segmentId} ${amount.toString()}`,
  );

test('6.2 a change of fees does not start tiers and allowance again, and each fee is for its own time', () => {
  const parts = [
    endedAt(before, '2026-01-05T00:00:00Z', { records: [used(12, '05')] }),
    endedAt(after(plan('62')), '2026-01-15T00:00:00Z', { records: [used(13, '15')] }),
  ];
  // 25 calls, 5 included: 10 x 1 + 10 x 0.1; 10 days of 31 and 21 days of 62
  expect(lines(...parts)).toEqual(['USAGE calls a 11', 'FEE fee a 10', 'FEE fee b 42']);
});

test('6.2 another plan version, or a usage price that was agreed otherwise, starts its own tiers', () => {
  const used15 = { records: [used(15, '15')] };
  const first = endedAt(before, '2026-01-05T00:00:00Z');
  const other = endedAt(after(plan('31'), { planVersionId: 'other' }), '2026-01-15T00:00:00Z', used15);
  expect(joinedParts([first, other])).toHaveLength(2);
  const [fee, calls] = parsePlan(
    { ...plan('31'), key: 'k', name: 'n', kind: 'SUBSCRIPTION', currency: 'USD', interval: 'MONTH' } as PlanInput,
    SAMPLE_METERS,
  ).prices;
  const agreed = after(plan('31'));
  const terms = { ...agreed.terms, prices: [fee!, { ...calls!, includedQuantity: Decimal.of(6) }] } as Segment['terms'];
  expect(joinedParts([first, endedAt({ ...agreed, terms }, '2026-01-15T00:00:00Z', used15)])).toHaveLength(2);
});

test('an allowance per seat is that of the most seats that there were', () => {
  const perSeat: Partial<PlanInput> = {
    prices: [{ key: 'calls', model: 'PER_UNIT', meter: 'calls', unitPrice: '1', includedQuantity: '10', perSeat: true }],
  };
  const few = sampleSegment(perSeat, { id: 'a', end: CHANGE, seats: 2 });
  const many = after(perSeat, { seats: 3 });
  const shown = lines(
    endedAt(few, '2026-01-05T00:00:00Z', { records: [used(25, '05')] }),
    endedAt(many, '2026-01-15T00:00:00Z', { records: [used(7, '15')] }),
  );
  expect(shown).toEqual(['USAGE calls a 2']);
});

test('a pause is no time of the period: what was used on both sides of it counts together, minimum and commitment are for the time served', () => {
  const bounded = plan('31', { minimumCommitment: '310' });
  const first = sampleSegment(bounded, { id: 'a', end: CHANGE });
  const pause = after(bounded, { id: 'pause', paused: true, end: RESUME });
  const rest = after(bounded, { start: RESUME });
  const parts = [
    endedAt(first, '2026-01-05T00:00:00Z', { records: [used(12, '05')] }),
    endedAt(pause, '2026-01-15T00:00:00Z'),
    endedAt(rest, '2026-01-25T00:00:00Z', { records: [used(13, '25')] }),
  ];
  // 21 of 31 days are served: 210 are committed, 11 + 10 + 11 are charged
  expect(lines(...parts)).toEqual(['USAGE calls a 11', 'FEE fee a 10', 'FEE fee b 11', 'COMMITMENT - a 178']);
});

test('parts of different billing periods, or of different subscriptions, are never one', () => {
  const january = endedAt(sampleSegment(plan('1')), '2026-01-05T00:00:00Z');
  const february = endedAt(sampleSegment(plan('1')), '2026-02-05T00:00:00Z');
  const neighbour = endedAt(sampleSegment(plan('1'), { subscriptionId: 'neighbour' }), '2026-01-05T00:00:00Z');
  expect(joinedParts([january, february, neighbour])).toEqual([january, february, neighbour]);
});

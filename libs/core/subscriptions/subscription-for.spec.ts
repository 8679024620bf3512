import { parseInstant } from '../time/index.ts';
import type { PriceInput } from '../pricing/index.ts';
import type { UsageRecord } from '../usage/index.ts';
import { SAMPLE_METERS, sampleSegment } from './segment.fixture.ts';
import type { Segment } from './segment.ts';
import { sampleUsage } from './usage.fixture.ts';
import { costBearerFor, findCompetingSubscription, namedSegment, subscriptionFor } from './subscription-for.ts';

const at = (text: string): number => parseInstant(text);
const calls = (match: PriceInput['match'] = []): PriceInput => ({ key: 'calls', model: 'PER_UNIT', meter: 'calls', unitPrice: '1', match });
const images: PriceInput = { key: 'images', model: 'PER_UNIT', meter: 'images', unitPrice: '1' };

function segment(id: string, prices: PriceInput[], more: Partial<Segment> = {}): Segment {
  return sampleSegment({ prices }, { id, subscriptionId: id, ...more });
}

function call(more: Partial<UsageRecord> = {}): UsageRecord {
  return sampleUsage('2026-01-05T00:00:00Z', more);
}

const general = segment('general', [calls()]);
const explicit = segment('explicit', [calls([{ property: 'model', in: ['gpt-5'] }])], { createdAt: at('2026-01-02T00:00:00Z') });
const older = segment('older', [calls()], { createdAt: at('2025-06-01T00:00:00Z') });
const other = segment('other', [images], { createdAt: at('2024-01-01T00:00:00Z') });

test('3.6 an event is rated by the subscription that it names', () => {
  expect(subscriptionFor(call({ subscription: 'general' }), [explicit, older, general], SAMPLE_METERS)?.id).toBe('general');
});

test('3.6 a subscription that is named and in force has the event even where it has no price for it', () => {
  expect(subscriptionFor(call({ subscription: 'other' }), [general, other], SAMPLE_METERS)?.id).toBe('other');
});

test.each([
  ['is unknown', 'nobody knows', []],
  ['has ended', 'gone', [segment('gone', [calls()], { end: at('2026-01-05T00:00:00Z') })]],
  ['has not begun', 'planned', [segment('planned', [calls()], { start: at('2026-01-05T00:00:00.000001Z') })]],
  ['was cancelled before it began', 'never', [segment('never', [calls()], { end: at('2026-01-01T00:00:00Z') })]],
] as const)('3.6 a name that %s means nothing: the event is rated like one that names none', (_, name, more) => {
  const named = call({ subscription: name });
  expect(namedSegment(named, [...more, general])).toBeNull();
  expect(subscriptionFor(named, [...more, older, general, explicit], SAMPLE_METERS)?.id).toBe('explicit');
  expect(subscriptionFor(named, [...more, general, older], SAMPLE_METERS)?.id).toBe('older');
  expect(subscriptionFor(named, [...more, other], SAMPLE_METERS)).toBeNull();
  expect(costBearerFor(named, [...more, other], SAMPLE_METERS)?.id).toBe('other');
  expect(costBearerFor(named, more, SAMPLE_METERS)).toBeNull();
});

test('3.6 the name holds from the first to the last microsecond of the subscription, over all of its segments', () => {
  const [from, change, end] = [at('2026-01-03T10:17:33Z'), at('2026-01-05T10:41:07Z'), at('2026-01-07T00:00:00Z')];
  const first = segment('first', [calls()], { subscriptionId: 'mine', start: from, end: change });
  const second = segment('second', [images], { subscriptionId: 'mine', start: change, end });
  const raterAt = (moment: number): string | undefined =>
    subscriptionFor(call({ subscription: 'mine', from: moment }), [general, first, second], SAMPLE_METERS)?.id;
  expect([from - 1, from, change - 1, change, end - 1, end].map(raterAt)).toEqual([
    'general',
    'first',
    'first',
    'second',
    'second',
    'general',
  ]);
});

test('3.6 a license that does not renew is in force to the end of its term', () => {
  const license = sampleSegment(
    { kind: 'SITE_LICENSE', termIntervals: 1, autoRenew: false },
    { id: 'license', subscriptionId: 'license', createdAt: at('2026-01-02T00:00:00Z') },
  );
  const raterAt = (text: string): string | undefined =>
    subscriptionFor(call({ subscription: 'license', from: at(text) }), [general, license], SAMPLE_METERS)?.id;
  expect(raterAt('2026-01-31T23:59:59Z')).toBe('license');
  expect(raterAt('2026-02-01T00:00:00Z')).toBe('general');
});

test('3.6, 6.4 a subscription that is paused or on trial is in force: what names it is charged by no other, and its cost is its own', () => {
  const paused = segment('paused', [calls()], { paused: true, createdAt: at('2026-01-02T00:00:00Z') });
  expect(subscriptionFor(call({ subscription: 'paused' }), [general, paused], SAMPLE_METERS)).toBeNull();
  expect(costBearerFor(call({ subscription: 'paused' }), [general, paused], SAMPLE_METERS)?.id).toBe('paused');
  expect(subscriptionFor(call(), [general, paused], SAMPLE_METERS)?.id).toBe('general');
  const trial = segment('trial', [calls()], { trialEnd: at('2026-02-01T00:00:00Z'), createdAt: at('2026-01-02T00:00:00Z') });
  expect(subscriptionFor(call({ subscription: 'trial' }), [general, trial], SAMPLE_METERS)?.id).toBe('trial');
});

test('3.6 an explicit model goes before everything, then the oldest subscription', () => {
  expect(subscriptionFor(call(), [older, general, explicit], SAMPLE_METERS)?.id).toBe('explicit');
  expect(subscriptionFor(call({ model: 'claude' }), [general, explicit, older], SAMPLE_METERS)?.id).toBe('older');
});

test('3.6 only the segment that is active at the event time rates it', () => {
  const ended = { ...general, end: at('2026-01-05T00:00:00Z') };
  expect(subscriptionFor(call(), [ended], SAMPLE_METERS)).toBeNull();
  expect(subscriptionFor(call({ from: at('2026-01-04T23:59:59Z') }), [ended], SAMPLE_METERS)?.id).toBe('general');
});

test('3.6 without a match the cost goes to the oldest active subscription, else to no plan', () => {
  expect(subscriptionFor(call(), [other], SAMPLE_METERS)).toBeNull();
  expect(costBearerFor(call(), [other], SAMPLE_METERS)?.id).toBe('other');
  expect(costBearerFor(call(), [], SAMPLE_METERS)).toBeNull();
});

test('3.6 a subscription that would compete for usage is refused unless it says that it may overlap', () => {
  expect(findCompetingSubscription([older], general, SAMPLE_METERS)?.id).toBe('older');
  expect(findCompetingSubscription([older], { ...general, overlap: true }, SAMPLE_METERS)).toBeNull();
  expect(findCompetingSubscription([{ ...older, end: at('2026-01-01T00:00:00Z') }], general, SAMPLE_METERS)).toBeNull();
});

test('3.6 other usage, or a model of its own, does not compete', () => {
  expect(findCompetingSubscription([other], general, SAMPLE_METERS)).toBeNull();
  expect(findCompetingSubscription([general], explicit, SAMPLE_METERS)).toBeNull();
  expect(findCompetingSubscription([explicit], { ...explicit, subscriptionId: 'second' }, SAMPLE_METERS)?.id).toBe('explicit');
});

test('5 a license without a fair-use line allows everything, and so competes', () => {
  const license = sampleSegment({ kind: 'SITE_LICENSE' }, { id: 'license', subscriptionId: 'license' });
  expect(subscriptionFor(call(), [license], SAMPLE_METERS)?.id).toBe('license');
  expect(findCompetingSubscription([license], general, SAMPLE_METERS)?.id).toBe('license');
});

test('3.6 a price takes usage, and competes for it, only while it is valid', () => {
  const until = '2026-01-05T00:00:00Z';
  const early = segment('early', [{ ...calls(), validUntil: until }]);
  const late = segment('late', [{ ...calls(), validFrom: until }]);
  expect(subscriptionFor(call(), [early, late], SAMPLE_METERS)?.id).toBe('late');
  expect(subscriptionFor(call({ from: at(until) - 1 }), [early, late], SAMPLE_METERS)?.id).toBe('early');
  expect(subscriptionFor(call(), [early], SAMPLE_METERS)).toBeNull();
  expect(findCompetingSubscription([early], late, SAMPLE_METERS)).toBeNull();
  expect(findCompetingSubscription([early], general, SAMPLE_METERS)?.id).toBe('early');
});

import { parseInstant } from '../time/index.ts';
import type { PriceInput } from '../pricing/index.ts';
import type { UsageRecord } from '../usage/index.ts';
import { SAMPLE_METERS, sampleSegment } from './segment.fixture.ts';
import type { Segment } from './segment.ts';
import { sampleUsage } from './usage.fixture.ts';
import { costBearerFor, findCompetingSubscription, subscriptionFor } from './subscription-for.ts';

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

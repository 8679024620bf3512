import { sampleSegment } from '../subscriptions/segment.fixture.ts';
import type { Segment } from '../subscriptions/index.ts';
import { parseInstant } from '../time/index.ts';
import { plannedGrant } from './planned-grant.ts';

const CREDITS = { kind: 'CREDIT' as const, creditsPerInterval: '310', creditPrice: '0.1' };
const at = (day: string): number => parseInstant(`2026-${day}T00:00:00Z`);
const cut = (segment: Segment, end: string): Segment => ({ ...segment, end: at(end) });
const later = (terms: Parameters<typeof sampleSegment>[0], start: string, more: Partial<Segment> = {}): Segment =>
  sampleSegment(terms, { id: `from ${start}`, start: at(start), anchor: at('01-01'), ...more });
const plan = sampleSegment(CREDITS);
const shown = (segments: readonly Segment[], day: string): string | null => {
  const grant = plannedGrant(segments, at(day));
  return (
    grant && `${grant.key.split(':').slice(1, 3).join(':').slice(0, -3)} ${grant.credits.toString()} ${grant.grantedWhen ?? ''}`.trim()
  );
};

test('7.6 each period brings its own', () => {
  expect(shown([plan], '01-20')).toBe('segment:2026-01-01 310');
  expect(shown([plan], '02-20')).toBe('segment:2026-02-01 310');
  expect(shown([sampleSegment({ ...CREDITS, creditsGrantedWhen: 'PAID' })], '01-20')).toBe('segment:2026-01-01 310 PAID');
});

test('6.1 an upgrade brings what it adds for the rest, a downgrade nothing before the next period', () => {
  const upgraded = [cut(plan, '01-21'), later({ ...CREDITS, creditsPerInterval: '620' }, '01-21')];
  expect(shown(upgraded, '01-25')).toBe('from 01-21:2026-01-21 110');
  expect(shown(upgraded, '02-05')).toBe('from 01-21:2026-02-01 620');
  const downgraded = [cut(plan, '01-21'), later({ ...CREDITS, creditsPerInterval: '31' }, '01-21')];
  expect(shown(downgraded, '01-25')).toBeNull();
  expect(shown(downgraded, '02-05')).toBe('from 01-21:2026-02-01 31');
});

test('a change that adds nothing leaves what was bought before: the next one is held against that', () => {
  const changed = [
    cut(plan, '01-11'),
    cut(later({ ...CREDITS, creditsPerInterval: '31' }, '01-11'), '01-21'),
    later({ ...CREDITS, creditsPerInterval: '620' }, '01-21'),
  ];
  expect(shown(changed, '01-15')).toBeNull();
  expect(shown(changed, '01-25')).toBe('from 01-21:2026-01-21 110');
});

test('nothing comes in a trial, in a pause, after it inside of the same period, or without credits of the plan', () => {
  expect(shown([{ ...plan, trialEnd: at('01-15') }], '01-10')).toBeNull();
  const paused = [cut(plan, '01-11'), cut(later(CREDITS, '01-11', { paused: true }), '01-21'), later(CREDITS, '01-21')];
  expect(shown(paused, '01-15')).toBeNull();
  expect(shown(paused, '01-25')).toBeNull();
  expect(shown(paused, '02-05')).toBe('from 01-21:2026-02-01 310');
  expect(shown([sampleSegment({})], '01-10')).toBeNull();
  expect(shown([cut(plan, '01-20')], '01-20')).toBeNull();
});

import type { Segment } from '@tare/core';
import { revised, timelineEdit, timelineOf, type Agreement, type Stretch } from './timeline.ts';

const segment = (id: string, start: number, end: number | null, more: Partial<Agreement> = {}): Segment =>
  ({
    id,
    start,
    end,
    planVersionId: 'v1',
    seats: 1,
    addOns: [],
    overrides: [],
    paused: false,
    anchor: 0,
    termStart: 0,
    trialEnd: null,
    timeZone: 'UTC',
    ...more,
  }) as unknown as Segment;
const shown = (timeline: readonly Stretch[]): string[] =>
  timeline.map(({ id, start, end, seats, paused }) => `${id ?? 'new'} ${start}-${end ?? ''} ${paused ? 'paused' : seats}`);

const RUNNING = [segment('a', 0, 10), segment('b', 10, null, { seats: 2 })];

test('a change cuts the stretch that runs and leaves what came before it', () => {
  const timeline = revised(timelineOf(RUNNING), { from: 15 }, () => ({ seats: 3 }));
  expect(shown(timeline)).toEqual(['a 0-10 1', 'b 10-15 2', 'new 15- 3']);
  const { resized, added, from } = timelineEdit(RUNNING, timeline);
  expect([resized, added.length, from]).toEqual([[{ id: 'b', end: 15 }], 1, 15]);
});

test('what was planned for later is changed with it, and stretches that come out alike are one', () => {
  const timeline = revised(timelineOf(RUNNING), { from: 5 }, () => ({ seats: 3 }));
  expect(shown(timeline)).toEqual(['a 0-5 1', 'new 5- 3']);
  expect(timelineEdit(RUNNING, timeline)).toMatchObject({
    resized: [
      { id: 'a', end: 5 },
      { id: 'b', end: 10 },
    ],
    from: 5,
  });
});

test('a change to what runs already takes back what was planned', () => {
  const timeline = revised(timelineOf(RUNNING), { from: 5 }, () => ({ seats: 1 }));
  expect(shown(timeline)).toEqual(['a 0- 1']);
  expect(timelineEdit(RUNNING, timeline)).toEqual({
    resized: [
      { id: 'a', end: null },
      { id: 'b', end: 10 },
    ],
    added: [],
    from: 10,
  });
});

test('a change for a while has an end, after which everything is as it was', () => {
  const timeline = revised(timelineOf(RUNNING), { from: 8, until: 12 }, () => ({ paused: true }));
  expect(shown(timeline)).toEqual(['a 0-8 1', 'new 8-10 paused', 'new 10-12 paused', 'new 12- 2']);
});

test('nothing that differs is nothing to write', () => {
  const timeline = revised(timelineOf(RUNNING), { from: 12 }, () => ({ seats: 2 }));
  expect(timelineEdit(RUNNING, timeline)).toEqual({ resized: [], added: [], from: null });
});

test('segments that are there stay apart though they agree on everything: billing knows them by their ids', () => {
  const twins = [segment('a', 0, 10), segment('b', 10, null)];
  expect(shown(revised(timelineOf(twins), { from: 20 }, () => ({ seats: 2 })))).toEqual(['a 0-10 1', 'b 10-20 1', 'new 20- 2']);
});

test('a segment that was replaced before it began is no part of the timeline', () => {
  expect(shown(timelineOf([segment('a', 0, null), segment('gone', 10, 10)]))).toEqual(['a 0- 1']);
});

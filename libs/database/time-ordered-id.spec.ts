import { timeOrderedId, writeTimeOrderedId } from './time-ordered-id.ts';

test('ids sort by the time at which they were made, and are UUIDs of version 7', () => {
  const ids = [1, 1_700_000_000_000, 1_700_000_000_001, 1_800_000_000_000].map((at) => timeOrderedId(at));
  expect([...ids].sort()).toEqual(ids);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('ids of one moment sort as they were made, also beside those that were written as bytes', () => {
  const buffer = Buffer.alloc(16);
  const ids = Array.from({ length: 2_000 }, (_, i) => {
    if (i % 2 === 0) return timeOrderedId(1_800_000_000_000).replaceAll('-', '');
    writeTimeOrderedId(buffer, 0, 1_800_000_000_000);
    return buffer.toString('hex');
  });
  expect([...ids].sort()).toEqual(ids);
});

test('no two ids of one moment are the same', () => {
  expect(new Set(Array.from({ length: 10_000 }, () => timeOrderedId(1))).size).toBe(10_000);
});

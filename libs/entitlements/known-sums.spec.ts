import type { UsageRecord } from '@tare/core';
import { KnownSums } from './known-sums.ts';

const sums = (customerNo: number, records: number) => ({ customerNo, cuts: [], records: Array<UsageRecord>(records) });

test('what was read is known while the stamp is the same, of that tenant and customer alone', () => {
  const known = new KnownSums();
  const of7 = sums(7, 2);
  known.set('t', '1 []', of7);
  expect(known.get('t', 7, '1 []')).toBe(of7);
  expect([known.get('t', 7, '2 []'), known.get('t', 8, '1 []'), known.get('other', 7, '1 []')]).toEqual([null, null, null]);
  const later = sums(7, 3);
  known.set('t', '2 []', later);
  expect([known.get('t', 7, '1 []'), known.get('t', 7, '2 []')]).toEqual([null, later]);
});

test('no more records are kept than there is room for: those that were read first go first', () => {
  const known = new KnownSums(10);
  for (const no of [1, 2, 3]) known.set('t', 's', sums(no, 2));
  expect([1, 2, 3].map((no) => known.get('t', no, 's') !== null)).toEqual([true, true, true]);
  known.set('t', 's', sums(4, 3));
  expect([1, 2, 3, 4].map((no) => known.get('t', no, 's') !== null)).toEqual([false, true, true, true]);
  // One that alone is too large is not kept, and keeps nothing else out.
  known.set('t', 's', sums(5, 50));
  known.set('t', 's', sums(6, 1));
  expect([5, 6].map((no) => known.get('t', no, 's') !== null)).toEqual([false, true]);
});

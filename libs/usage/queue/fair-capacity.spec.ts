import fc from 'fast-check';
import { FairCapacity } from './fair-capacity.ts';

/** Takes amounts of 100 for as long as they fit; answers how much that was. */
function fill(room: FairCapacity, holder: string, isContended = false): number {
  while (room.fits(holder, 100, isContended)) room.take(holder, 100);
  return room.heldBy(holder);
}

test('one tenant alone may hold four fifths', () => {
  expect(fill(new FairCapacity(60_000), 'flood')).toBe(48_000);
});

test('one tenant beside others that are active, but hold nothing just now, may hold three tenths', () => {
  expect(fill(new FairCapacity(60_000), 'flood', true)).toBe(18_000);
});

test('whoever holds nothing finds room beside one that takes all it gets', () => {
  const room = new FairCapacity(60_000);
  fill(room, 'flood');
  expect(room.fits('newcomer', 10_000)).toBe(true);
});

test('a share shrinks when others hold something: who is above it is refused while others get in', () => {
  const room = new FairCapacity(60_000);
  fill(room, 'flood');
  room.take('other', 5_000);
  room.giveBack('flood', 4_000);
  expect([room.fits('flood', 100), room.fits('other', 1_000)]).toEqual([false, true]);
  room.giveBack('flood', 20_000);
  expect(fill(room, 'other')).toBeGreaterThan(room.heldBy('flood') * 0.9);
});

test('greedy tenants come to equal shares, however many there are', () => {
  const room = new FairCapacity(100_000);
  const tenants = Array.from({ length: 20 }, (_, i) => `t${i}`);
  fill(room, 't0');
  for (let round = 0; round < 200; round += 1) {
    for (const tenant of tenants) {
      if (room.heldBy(tenant) >= 500) room.giveBack(tenant, 500);
      for (let i = 0; i < 10; i += 1) if (room.fits(tenant, 100)) room.take(tenant, 100);
    }
  }
  const shares = tenants.map((tenant) => room.heldBy(tenant));
  expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1_000);
});

test('an amount above the capacity fits when nothing is held, or it never would', () => {
  const room = new FairCapacity(100);
  expect(room.fits('a', 150)).toBe(true);
  room.take('a', 1);
  expect(room.fits('b', 150)).toBe(false);
});

test('never more than the capacity is held, and everything given back leaves nothing behind', () => {
  const step = fc.record({ holder: fc.constantFrom('a', 'b', 'c', 'd'), amount: fc.integer({ min: 1, max: 400 }), isTaken: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const room = new FairCapacity(1_000);
      const held: { holder: string; amount: number }[] = [];
      for (const { holder, amount, isTaken } of steps) {
        if (!isTaken) {
          const last = held.pop();
          if (last) room.giveBack(last.holder, last.amount);
        } else if (room.fits(holder, amount)) {
          room.take(holder, amount);
          held.push({ holder, amount });
        } else expect(room.heldBy(holder) > 0 || room.held + amount > 1_000).toBe(true);
        expect(room.held).toBe(held.reduce((sum, one) => sum + one.amount, 0));
        expect(room.held).toBeLessThanOrEqual(1_000);
      }
      for (const { holder, amount } of held) room.giveBack(holder, amount);
      expect([room.held, room.holders]).toEqual([0, 0]);
    }),
  );
});

test('giving back more than was taken is an error', () => {
  expect(() => new FairCapacity(10).giveBack('a', 1)).toThrow(/more was given back/);
});

import { FairTurns } from './fair-turns.ts';

test('an idle loop gives a turn at once; then one tenant after the other, each in its order', async () => {
  const turns = new FairTurns();
  const order: string[] = [];
  const run = (tenant: string, name: string): Promise<void> => turns.next(tenant).then(() => void order.push(name));
  const all = [run('flood', 'f1'), run('flood', 'f2'), run('flood', 'f3'), run('flood', 'f4'), run('small', 's1'), run('small', 's2')];
  await Promise.resolve();
  expect(order).toEqual(['f1']);
  await Promise.all(all);
  expect(order).toEqual(['f1', 'f2', 's1', 'f3', 's2', 'f4']);
});

test('a turn is given back when nobody waits for it', async () => {
  const turns = new FairTurns();
  await turns.next('a');
  await turns.next('a');
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  let isAtOnce = false;
  void turns.next('b').then(() => (isAtOnce = true));
  await Promise.resolve();
  expect(isAtOnce).toBe(true);
});

test('sockets are served between turns: an immediate of somebody else comes before the flood is through', async () => {
  const turns = new FairTurns();
  let done = 0;
  const flood = Promise.all(Array.from({ length: 20 }, () => turns.next('flood').then(() => (done += 1))));
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(done).toBeLessThan(5);
  await flood;
  expect(done).toBe(20);
});

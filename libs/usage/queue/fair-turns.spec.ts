import { FairTurns, type LoopClock } from './fair-turns.ts';

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

/** A loop in hand: each round takes as long as the work in it says. */
function loopInHand() {
  const state = { now: 0, rounds: [] as (() => void)[], timers: [] as { work: () => void; at: number }[] };
  const clock: LoopClock = {
    now: () => state.now,
    nextRound: (work) => void state.rounds.push(work),
    after: (work, ms) => void state.timers.push({ work, at: state.now + ms }),
  };
  /** One round: timers that are due, then what was put off to it. */
  const round = async (): Promise<void> => {
    const due = state.timers.filter(({ at }) => at <= state.now);
    state.timers = state.timers.filter(({ at }) => at > state.now);
    for (const work of [...due.map(({ work }) => work), ...state.rounds.splice(0)]) work();
    for (let i = 0; i < 5; i += 1) await Promise.resolve();
    state.now += 0.1;
  };
  return { state, turns: new FairTurns(clock), round };
}

describe('a tenant with more work than its share of the loop', () => {
  /** Keeps ten pieces of 10 ms waiting for 2 seconds, while another tenant is there or not; answers the share of time that they had. */
  async function shareOfFlood(isOtherActive: boolean): Promise<number> {
    const { state, turns, round } = loopInHand();
    let busyMs = 0;
    const piece = async (): Promise<void> => {
      await turns.next('flood');
      if (state.now >= 2_000) return;
      state.now += 10;
      busyMs += 10;
      void piece();
    };
    for (let i = 0; i < 10; i += 1) void piece();
    while (state.now < 2_000) {
      if (isOtherActive) turns.see('small');
      await round();
    }
    return busyMs / state.now;
  }

  test('leaves half of it to others while there are any', async () => {
    expect(await shareOfFlood(true)).toBeLessThan(0.52);
    expect(await shareOfFlood(true)).toBeGreaterThan(0.45);
  });

  test('has all of it when there are none', async () => {
    expect(await shareOfFlood(false)).toBeGreaterThan(0.95);
  });

  test('is not waited for: another one that needs a turn gets it next, in the midst of a pause too', async () => {
    const { state, turns, round } = loopInHand();
    let floods = 0;
    const flood = async (): Promise<void> => {
      await turns.next('flood');
      state.now += 10;
      floods += 1;
      void flood();
    };
    for (let i = 0; i < 10; i += 1) void flood();
    for (let arrival = 0; arrival < 30; arrival += 1) {
      for (let i = 0; i < 20 + arrival; i += 1) {
        turns.see('small');
        await round();
      }
      const [before, since] = [floods, state.now];
      let isDone = false;
      void turns.next('small').then(() => (isDone = true));
      for (let i = 0; i < 200 && !isDone; i += 1) await round();
      expect(isDone).toBe(true);
      expect(floods - before).toBeLessThanOrEqual(1);
      expect(state.now - since).toBeLessThan(12);
    }
  });

  test('tenants with equal work share the whole loop', async () => {
    const { state, turns, round } = loopInHand();
    const busy = new Map([
      ['a', 0],
      ['b', 0],
      ['c', 0],
    ]);
    const piece = async (tenant: string): Promise<void> => {
      await turns.next(tenant);
      if (state.now >= 2_000) return;
      state.now += 5;
      busy.set(tenant, (busy.get(tenant) ?? 0) + 5);
      void piece(tenant);
    };
    for (const tenant of busy.keys()) for (let i = 0; i < 4; i += 1) void piece(tenant);
    while (state.now < 2_000) await round();
    const shares = [...busy.values()];
    expect(shares.reduce((sum, ms) => sum + ms, 0) / state.now).toBeGreaterThan(0.9);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(10);
  });
});

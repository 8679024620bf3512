import fc from 'fast-check';
import { GroupCommit } from './group-commit.ts';

interface Item {
  readonly tenant: string;
  readonly name: string;
}

/** Flushes that wait until they are let go, in the order they were begun. */
function commitInHand(capacity = 100, isPoisoned: (items: readonly Item[]) => boolean = () => false) {
  const flushes: { names: string[]; release: () => void }[] = [];
  const commits = new GroupCommit<Item, string>({
    flush: (items) =>
      new Promise((resolve, reject) => {
        const release = (): void => (isPoisoned(items) ? reject(new Error('poisoned')) : resolve(items.map(({ name }) => `kept ${name}`)));
        flushes.push({ names: items.map(({ name }) => name), release });
      }),
    groupOf: ({ tenant }) => tenant,
    flushSize: 4,
    contendedFlushSize: 4,
    capacity,
    flushers: 2,
  });
  const submit = (tenant: string, ...names: string[]) => commits.submit(names.map((name) => ({ tenant, name })));
  const settle = async (): Promise<void> => {
    for (let i = 0; i < flushes.length; i += 1) {
      flushes[i]?.release();
      await new Promise(setImmediate);
    }
  };
  return { commits, submit, flushes, settle };
}

test('an idle system writes at once, a busy one writes together what waits', async () => {
  const { submit, flushes, settle } = commitInHand();
  const answers = [submit('a', '1'), submit('a', '2'), submit('a', '3'), submit('b', '4')];
  expect(flushes.map(({ names }) => names)).toEqual([['1'], ['2']]);
  await settle();
  expect(flushes.map(({ names }) => names)).toEqual([['1'], ['2'], ['3', '4']]);
  expect(await Promise.all(answers)).toEqual([['kept 1'], ['kept 2'], ['kept 3'], ['kept 4']]);
});

describe('flushes that are small', () => {
  function smallCommits(patienceMs: number) {
    const flushes: { items: number[]; release: () => void }[] = [];
    const commits = new GroupCommit<number, string>({
      flush: (items) => new Promise((resolve) => flushes.push({ items: [...items], release: () => resolve(items.map(String)) })),
      groupOf: () => 'a',
      ...{ flushSize: 10, capacity: 100, flushers: 2, joinFrom: 5, patienceMs },
      gather: () => new Promise((resolve) => setImmediate(resolve)),
    });
    const until = async (count: number): Promise<number[][]> => {
      for (let i = 0; i < 1_000 && flushes.length < count; i += 1) await new Promise((resolve) => setTimeout(resolve, 5));
      return flushes.map(({ items }) => items);
    };
    return { commits, flushes, until };
  }

  test('hold what arrived in the same turn, and are not worth a second flusher until enough waits', async () => {
    const { commits, flushes, until } = smallCommits(600_000);
    const answers = [commits.submit([1]), commits.submit([2])];
    expect(await until(1)).toEqual([[1, 2]]);
    answers.push(commits.submit([3]));
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    expect(flushes).toHaveLength(1);
    answers.push(commits.submit([4, 5]));
    expect(await until(2)).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    for (const { release } of flushes) release();
    expect(await Promise.all(answers)).toEqual([['1'], ['2'], ['3'], ['4', '5']]);
  });

  test('are not waited for when one takes long', async () => {
    const { commits, flushes, until } = smallCommits(1);
    const answers = [commits.submit([1])];
    await until(1);
    answers.push(commits.submit([2]));
    expect(await until(2)).toEqual([[1], [2]]);
    for (const { release } of flushes) release();
    expect(await Promise.all(answers)).toEqual([['1'], ['2']]);
  });
});

test('a submission larger than a flush is answered when its last part is written, in its order', async () => {
  const { submit, flushes, settle } = commitInHand();
  const answer = submit('a', '1', '2', '3', '4', '5', '6');
  await settle();
  expect(flushes.map(({ names }) => names.length)).toEqual([4, 2]);
  expect(await answer).toEqual(['1', '2', '3', '4', '5', '6'].map((name) => `kept ${name}`));
});

test('a flush that fails is done again group by group, and only the failing group hears of it', async () => {
  const { submit, flushes, settle } = commitInHand(100, (items) => items.some(({ name }) => name === 'bad'));
  const busy = [submit('x', '1'), submit('x', '2')];
  const results = Promise.allSettled([submit('a', '3'), submit('b', 'bad'), submit('a', '4')]);
  await settle();
  expect(flushes.map(({ names }) => names)).toEqual([['1'], ['2'], ['3', '4', 'bad'], ['3', '4'], ['bad']]);
  expect(await results).toMatchObject([{ value: ['kept 3'] }, { reason: { message: 'poisoned' } }, { value: ['kept 4'] }]);
  await Promise.all(busy);
});

test('the rest of a submission that has failed is not written', async () => {
  const { submit, flushes, settle, commits } = commitInHand(8, (items) => items.some(({ name }) => name === 'bad'));
  const others = [submit('x', '1'), submit('x', '2')];
  const failing = submit('a', 'bad', '3', '4', '5', '6', '7').catch((error: Error) => error.message);
  flushes[0]?.release();
  await new Promise(setImmediate);
  flushes[2]?.release();
  await new Promise(setImmediate);
  await settle();
  expect(await failing).toBe('poisoned');
  expect(flushes.map(({ names }) => names)).toEqual([['1'], ['2'], ['bad', '3', '4', '5']]);
  await Promise.all(others);
  await commits.drain();
  const full = submit('b', ...'12345678');
  await settle();
  expect(await full).toHaveLength(8);
});

test('a full queue refuses new items until there is room, and says when to come back', async () => {
  const { submit, settle, commits } = commitInHand(5);
  const answers = [submit('a', '1', '2', '3')];
  await expect(submit('a', '4', '5')).rejects.toMatchObject({ code: 'OVERLOADED', retryAfterSeconds: expect.any(Number) });
  expect(commits.readings).toMatchObject({ held: 3, groups: 1, refused: 1 });
  await settle();
  await Promise.all(answers);
  const later = submit('a', '4', '5');
  await settle();
  expect(await later).toEqual(['kept 4', 'kept 5']);
});

interface Row {
  readonly tenant: string;
  readonly no: number;
}

interface Flush {
  readonly rows: readonly Row[];
  readonly end: (error?: Error) => void;
}

/** A queue on a clock and with flushes in hand. */
class Bench {
  now = 0;
  readonly open: Flush[] = [];
  readonly begun: Flush[] = [];
  readonly commits: GroupCommit<Row, string>;
  private readonly counts = new Map<string, number>();

  constructor(
    options: { flushSize?: number; capacity?: number; flushers?: number; weightCapacity?: number; contendedFlushSize?: number } = {},
  ) {
    this.commits = new GroupCommit<Row, string>({
      flush: (rows) =>
        new Promise((resolve, reject) => {
          const flush: Flush = { rows, end: (error) => (error ? reject(error) : resolve(rows.map(({ tenant, no }) => `${tenant}${no}`))) };
          this.open.push(flush);
          this.begun.push(flush);
        }),
      groupOf: ({ tenant }) => tenant,
      flushSize: 5_000,
      capacity: 60_000,
      flushers: 2,
      now: () => this.now,
      ...options,
    });
  }

  submit(tenant: string, size: number, weight = 0): { readonly rows: readonly Row[]; readonly answer: Promise<readonly string[]> } {
    const from = this.counts.get(tenant) ?? 0;
    const rows = Array.from({ length: size }, (_, i) => ({ tenant, no: from + i }));
    this.counts.set(tenant, from + size);
    return { rows, answer: this.commits.submit(rows, weight) };
  }

  /** Submits for as long as it is taken. */
  fill(tenant: string, size: number): number {
    const before = this.commits.readings.refused;
    let taken = 0;
    while (this.commits.readings.refused === before) {
      const { answer } = this.submit(tenant, size);
      answer.catch(() => {});
      if (this.commits.readings.refused === before) taken += size;
    }
    return taken;
  }

  /** Ends the flush that was begun first and lets the next one begin. */
  async endOne(place = 0, error?: Error): Promise<void> {
    this.open.splice(place, 1)[0]?.end(error);
    await new Promise(setImmediate);
  }

  async endAll(): Promise<void> {
    while (this.open.length > 0) await this.endOne();
  }
}

const rowsOf = (flush: Flush | undefined, tenant: string): number => flush?.rows.filter((row) => row.tenant === tenant).length ?? 0;

describe('a tenant that sends 50 times its share', () => {
  test('is refused above its part of the queue while another still gets in', async () => {
    const bench = new Bench();
    expect(bench.fill('flood', 1_000)).toBe(48_000);
    const small = bench.submit('small', 1_000);
    await bench.endAll();
    expect(await small.answer).toHaveLength(1_000);
    expect(bench.commits.readings).toMatchObject({ held: 0, groups: 0 });
  });

  test('delays another by no flush at all: it is in the next that begins, whatever waits before it', async () => {
    const bench = new Bench();
    bench.fill('flood', 1_000);
    const small = bench.submit('small', 100);
    await bench.endOne();
    expect(rowsOf(bench.begun.at(-1), 'small')).toBe(100);
    await bench.endAll();
    expect(await small.answer).toHaveLength(100);
  });

  test('leaves the other a flusher, and writes in small flushes, for as long as the other is active', async () => {
    const bench = new Bench();
    bench.submit('small', 1);
    await bench.endAll();
    bench.fill('flood', 1_000);
    expect(bench.open.map((flush) => flush.rows.length)).toEqual([1_000]);
    const small = bench.submit('small', 1);
    expect(bench.open.map((flush) => flush.rows.length)).toEqual([1_000, 1]);
    await bench.endOne(1);
    expect(await small.answer).toEqual(['small1']);
    bench.now += 1_001;
    await bench.endOne();
    expect(bench.open.map((flush) => flush.rows.length)).toEqual([5_000, 5_000]);
    await bench.endAll();
  });

  test('gets what others leave: a flush is full when there is enough', async () => {
    const bench = new Bench({ contendedFlushSize: 5_000, flushers: 1 });
    bench.fill('flood', 1_000);
    bench.submit('small', 300);
    await bench.endOne();
    expect([rowsOf(bench.begun.at(-1), 'small'), bench.begun.at(-1)?.rows.length]).toEqual([300, 5_000]);
    await bench.endAll();
  });
});

test('tenants that all have more than enough get equal parts of a flush, to within one turn', async () => {
  const bench = new Bench({ contendedFlushSize: 5_000, flushers: 1, capacity: 1_000_000 });
  bench.submit('first', 1);
  for (let i = 0; i < 12; i += 1) for (const tenant of ['a', 'b', 'c']) bench.submit(tenant, tenant === 'a' ? 10_000 : 1_000 + i);
  const served = new Map<string, number>();
  for (let i = 0; i < 6; i += 1) {
    await bench.endOne();
    const flush = bench.begun.at(-1);
    for (const tenant of ['a', 'b', 'c']) served.set(tenant, (served.get(tenant) ?? 0) + rowsOf(flush, tenant));
    expect(Math.max(...served.values()) - Math.min(...served.values())).toBeLessThanOrEqual(250);
  }
  await bench.endAll();
});

test('a large submission is not starved by small ones that keep coming', async () => {
  const bench = new Bench({ flushSize: 20, flushers: 1, capacity: 100_000, contendedFlushSize: 20 });
  bench.submit('first', 1);
  const large = bench.submit('large', 100);
  for (let round = 0; round < 40; round += 1) {
    for (let i = 0; i < 9; i += 1) bench.submit(`small${i}`, 5);
    await bench.endOne();
  }
  const written = bench.begun.reduce((sum, flush) => sum + rowsOf(flush, 'large'), 0);
  expect(written).toBeGreaterThanOrEqual(40);
  await bench.endAll();
  expect(await large.answer).toHaveLength(100);
});

test('what is held is bounded by weight too, fairly', async () => {
  const bench = new Bench({ weightCapacity: 1_000 });
  bench.submit('flood', 1, 700);
  await expect(bench.submit('flood', 1, 200).answer).rejects.toMatchObject({ code: 'OVERLOADED' });
  const small = bench.submit('small', 1, 200);
  expect(bench.commits.readings.weight).toBe(900);
  await bench.endAll();
  expect(await small.answer).toHaveLength(1);
  expect(bench.commits.readings.weight).toBe(0);
});

test('a tenant that keeps failing is written alone, and sinks nobody with it', async () => {
  const bench = new Bench({ flushers: 1 });
  const isBad = (flush: Flush | undefined): Error | undefined => (rowsOf(flush, 'bad') > 0 ? new Error('bad') : undefined);
  const endNext = (): Promise<void> => bench.endOne(0, isBad(bench.open[0]));
  const submitBad = (): void => void bench.submit('bad', 1).answer.catch(() => {});
  bench.submit('good', 1);
  submitBad();
  bench.submit('good', 1);
  for (let i = 0; i < 10; i += 1) {
    await endNext();
    submitBad();
    bench.submit('good', 1);
  }
  // Once together, once each alone, and never together again.
  expect(bench.begun.filter((flush) => rowsOf(flush, 'bad') > 0 && rowsOf(flush, 'good') > 0)).toHaveLength(1);
  expect(bench.begun.filter((flush) => isBad(flush)).length).toBeGreaterThan(3);
  expect(bench.begun.filter((flush) => !isBad(flush)).length).toBeGreaterThan(3);
  while (bench.open.length > 0) await endNext();
  expect(bench.commits.readings).toMatchObject({ held: 0, groups: 0 });
});

test('who submits in the very step in which the last flush ends is not forgotten', async () => {
  const bench = new Bench({ flushers: 1 });
  const next = bench.submit('a', 1).answer.then(() => bench.submit('a', 1).answer);
  bench.open.shift()?.end();
  await new Promise(setImmediate);
  expect(bench.open).toHaveLength(1);
  await bench.endAll();
  expect(await next).toEqual(['a1']);
});

type Step =
  | { readonly kind: 'submit'; readonly tenant: string; readonly size: number; readonly weight: number }
  | { readonly kind: 'end'; readonly place: number; readonly poison: readonly string[] }
  | { readonly kind: 'wait'; readonly ms: number };

const tenants = ['a', 'b', 'c', 'd'];
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('submit' as const),
        tenant: fc.constantFrom(...tenants),
        size: fc.integer({ min: 1, max: 60 }),
        weight: fc.nat(50),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('end' as const), place: fc.nat(1), poison: fc.subarray(tenants, { maxLength: 2 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(2_000) }) },
  ),
  { maxLength: 60 },
);

test('in any order of submissions, ends and failures every item is written once or its sender is told, in order, within all bounds', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 3 }), async (script, flushers) => {
      const limits = { flushSize: 20, capacity: 150, flushers, weightCapacity: 200, contendedFlushSize: 8 };
      const bench = new Bench(limits);
      const written = new Map<string, number>();
      const told: Promise<void>[] = [];
      const order = new Map<string, number>();
      let checked = 0;
      const check = (): void => {
        expect(bench.open.length).toBeLessThanOrEqual(flushers);
        const { held, weight } = bench.commits.readings;
        expect(held).toBeLessThanOrEqual(limits.capacity);
        expect(weight).toBeLessThanOrEqual(limits.weightCapacity);
        // Whatever waits, somebody is at work.
        expect(held === 0 || bench.open.length > 0).toBe(true);
        for (; checked < bench.begun.length; checked += 1) checkOrder(bench.begun[checked]?.rows ?? [], order);
      };
      const end = async (place: number, poison: readonly string[]): Promise<void> => {
        const flush = bench.open[place];
        if (flush === undefined) return;
        const isPoisoned = flush.rows.some(({ tenant }) => poison.includes(tenant));
        if (!isPoisoned) for (const { tenant, no } of flush.rows) written.set(`${tenant}${no}`, (written.get(`${tenant}${no}`) ?? 0) + 1);
        await bench.endOne(place, isPoisoned ? new Error('poisoned') : undefined);
      };
      for (const step of script) {
        if (step.kind === 'wait') bench.now += step.ms;
        else if (step.kind === 'end') await end(step.place, step.poison);
        else {
          const { rows, answer } = bench.submit(step.tenant, step.size, step.weight);
          told.push(
            answer.then(
              (outcomes) => {
                expect(outcomes).toEqual(rows.map(({ tenant, no }) => `${tenant}${no}`));
                for (const outcome of outcomes) expect(written.get(outcome)).toBe(1);
              },
              (error: Error) => expect(['poisoned', 'OVERLOADED']).toContain('code' in error ? error.code : error.message),
            ),
          );
        }
        await new Promise(setImmediate);
        check();
      }
      for (let i = 0; bench.open.length > 0; i += 1) {
        expect(i).toBeLessThan(1_000);
        await end(0, []);
        check();
      }
      await Promise.all(told);
      for (const times of written.values()) expect(times).toBe(1);
      expect(bench.commits.readings).toMatchObject({ held: 0, groups: 0, weight: 0 });
      await bench.commits.drain();
    }),
    { numRuns: 300 },
  );
}, 60_000);

/** Inside a flush, and from flush to flush, a tenant's items stand in the order in which they came; only a flush that failed is begun again. */
function checkOrder(rows: readonly Row[], last: Map<string, number>): void {
  const inFlush = new Map<string, number[]>();
  for (const { tenant, no } of rows) inFlush.set(tenant, [...(inFlush.get(tenant) ?? []), no]);
  for (const [tenant, numbers] of inFlush) {
    const before = last.get(tenant) ?? -1;
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect((numbers[0] ?? 0) > before || (numbers.at(-1) ?? 0) <= before).toBe(true);
    last.set(tenant, Math.max(before, numbers.at(-1) ?? 0));
  }
}

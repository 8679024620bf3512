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
  expect(flushes.map(({ names }) => names)).toEqual([['1'], ['2'], ['3', 'bad', '4'], ['3', '4'], ['bad']]);
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

test('a full queue refuses new items until there is room', async () => {
  const { submit, settle } = commitInHand(5);
  const answers = [submit('a', '1', '2', '3'), submit('a', '4', '5')];
  await expect(submit('a', '6')).rejects.toMatchObject({ code: 'OVERLOADED' });
  await settle();
  await Promise.all(answers);
  const later = submit('a', '6');
  await settle();
  expect(await later).toEqual(['kept 6']);
});

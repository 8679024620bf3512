import { EntitlementMirror, type FactsReader } from './entitlement-mirror.ts';
import type { LoadedFacts } from './facts-loader.ts';

const START = Date.UTC(2026, 2, 1);

/** A mirror on a clock in hand, over a reader that writes down what it is asked for. */
function mirrorInHand() {
  const clock = { ms: 0, reads: [] as string[] };
  const facts = (key: string): LoadedFacts => ({
    customer: { id: key, no: Number(key), key, name: key, email: null, address: null, currency: null, timeZone: 'UTC', createdAt: 0 },
    ...{
      segments: [],
      caps: [],
      meters: new Map(),
      exchangeRates: [],
      allowances: new Map(),
      records: [],
      uncovered: [],
      credits: null,
      fromEvents: false,
    },
  });
  const answer = (keys: readonly string[]) => Promise.resolve(new Map(keys.map((key) => [key, facts(key)])));
  const reader: FactsReader = {
    read: (keys) => {
      clock.reads.push(`all of ${keys.join(', ')}`);
      return answer(keys);
    },
    reread: (known) => {
      const keys = known.map(({ customer }) => customer.key);
      clock.reads.push(`usage of ${keys.join(', ')}`);
      return answer(keys);
    },
  };
  const mirror = new EntitlementMirror(reader, { now: () => (START + clock.ms) * 1_000, ms: () => clock.ms });
  const ask = async (...keys: string[]): Promise<string[]> => {
    await Promise.all(keys.map(async (key) => mirror.entitlement(key, 'chat')));
    return clock.reads.splice(0);
  };
  return { clock, mirror, ask };
}

test('nothing is read while what is known is fresh, and everything a second later', async () => {
  const { clock, ask } = mirrorInHand();
  expect(await ask('1', '2')).toEqual(['all of 1, 2']);
  clock.ms = 500;
  expect(await ask('1', '2')).toEqual([]);
  clock.ms = 1_000;
  expect(await ask('2', '1')).toEqual(['all of 2, 1']);
});

test('usage that comes in asks for usage alone, of those whom it moved, until all has to be looked at anyway', async () => {
  const { clock, mirror, ask } = mirrorInHand();
  await ask('1', '2', '3');
  for (clock.ms = 100; clock.ms < 600; clock.ms += 100) {
    mirror.moved([1]);
    expect(await ask('1', '2')).toEqual(['usage of 1']);
  }
  // However often usage comes in, what other processes did to the customer is seen within a second.
  clock.ms = 600;
  mirror.moved([1]);
  expect(await ask('1')).toEqual(['all of 1']);
});

test('anything else that changes asks for all of it, also where usage moved as well', async () => {
  const { mirror, ask } = mirrorInHand();
  await ask('1', '2');
  mirror.customerChanged('1');
  mirror.moved([1, 2]);
  expect(await ask('1', '2')).toEqual(['all of 1', 'usage of 2']);
  mirror.changed();
  mirror.moved([2]);
  expect(await ask('1', '2')).toEqual(['all of 1, 2']);
});

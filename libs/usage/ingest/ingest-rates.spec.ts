import fc from 'fast-check';
import { IngestRates, type IngestCaller } from './ingest-rates.ts';

const caller = (limits: Partial<IngestCaller['limits']>, tenantId = 't', apiKeyId = 'k'): IngestCaller => ({
  tenantId,
  apiKeyId,
  limits: { eventsPerSecond: null, requestsPerSecond: null, keyEventsPerSecond: null, ...limits },
});

/** Rates on a clock in hand; answers the seconds to wait, 0 when it was taken. */
function ratesInHand(operator: { eventsPerSecond?: number; requestsPerSecond?: number } = {}) {
  const clock = { now: 1_000 };
  const rates = new IngestRates({ eventsPerSecond: null, requestsPerSecond: null, ...operator }, () => clock.now);
  const waitOf = (work: () => void): number => {
    try {
      work();
      return 0;
    } catch (error) {
      expect(error).toMatchObject({ code: 'RATE_LIMITED' });
      return (error as { retryAfterSeconds: number }).retryAfterSeconds;
    }
  };
  return {
    clock,
    rates,
    events: (who: IngestCaller, count: number) => waitOf(() => rates.takeEvents(who, count)),
    request: (who: IngestCaller) => waitOf(() => rates.takeRequest(who)),
  };
}

test('without an agreed rate nothing is refused', () => {
  const { events, request } = ratesInHand();
  for (let i = 0; i < 1_000; i += 1) expect([events(caller({}), 10_000), request(caller({}))]).toEqual([0, 0]);
});

test('a batch larger than the burst gets through, and what it took too much has to be waited for', () => {
  const { clock, events, rates } = ratesInHand();
  const who = caller({ eventsPerSecond: 100 });
  expect(events(who, 10_000)).toBe(0);
  expect(events(who, 1)).toBe(99);
  expect(() => rates.requireRoom(who)).toThrow(/Nothing was taken/);
  clock.now += 98_000;
  expect(events(who, 1)).toBe(1);
  clock.now += 1_000;
  expect(events(who, 1)).toBe(0);
});

test('a key has its own rate beside that of its tenant, and a refusal costs neither of them', () => {
  const { events } = ratesInHand();
  const limits = { eventsPerSecond: 100, keyEventsPerSecond: 10 };
  expect(events(caller(limits), 20)).toBe(0);
  expect(events(caller(limits), 1)).toBe(1);
  expect(events(caller({ eventsPerSecond: 100 }, 't', 'other'), 180)).toBe(0);
  expect(events(caller({ eventsPerSecond: 100 }, 't', 'other'), 1)).toBe(1);
});

test("a tenant cannot set itself above the operator's rate, only below", () => {
  const { events, request } = ratesInHand({ eventsPerSecond: 10, requestsPerSecond: 1 });
  expect(events(caller({ eventsPerSecond: 1_000 }, 'a'), 21)).toBe(0);
  expect(events(caller({ eventsPerSecond: 1_000 }, 'a'), 1)).toBe(1);
  expect(events(caller({ eventsPerSecond: 5 }, 'b'), 10)).toBe(0);
  expect(events(caller({ eventsPerSecond: 5 }, 'b'), 1)).toBe(1);
  expect([1, 2, 3].map(() => request(caller({}, 'c')))).toEqual([0, 0, 1]);
});

test('a rate that is changed counts from now, with what is owed', () => {
  const { clock, events } = ratesInHand();
  events(caller({ eventsPerSecond: 10 }), 1_020);
  expect(events(caller({ eventsPerSecond: 1_000 }), 1)).toBe(2);
  clock.now += 2_000;
  expect(events(caller({ eventsPerSecond: 1_000 }), 1)).toBe(0);
  expect(events(caller({}), 1_000_000)).toBe(0);
});

test('whatever is sent when, no more than the rate, the burst and one batch get through; and who waits as told gets through', () => {
  const sends = fc.array(fc.record({ waitMs: fc.nat(3_000), count: fc.integer({ min: 1, max: 500 }) }), { maxLength: 100 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), sends, (perSecond, script) => {
      const { clock, events } = ratesInHand();
      const who = caller({ eventsPerSecond: perSecond });
      let taken = 0;
      let largest = 0;
      for (const { waitMs, count } of script) {
        clock.now += waitMs;
        const wait = events(who, count);
        if (wait > 0) {
          clock.now += wait * 1_000;
          expect(events(who, count)).toBe(0);
        }
        taken += count;
        largest = Math.max(largest, count);
        expect(taken).toBeLessThanOrEqual(perSecond * ((clock.now - 1_000) / 1_000 + 2) + largest + 1e-6);
      }
    }),
  );
});

test('what is remembered of quiet tenants is bounded', () => {
  const { clock, events, rates } = ratesInHand({ eventsPerSecond: 10 });
  for (let i = 0; i < 30_000; i += 1) {
    clock.now += 1;
    events(caller({}, `t${i}`), 1);
  }
  expect((rates as unknown as { buckets: Map<string, unknown> }).buckets.size).toBeLessThanOrEqual(10_000);
});

import fc from 'fast-check';
import { Decimal } from '../money/index.ts';
import { NO_TOKENS, inclusiveInput, parseTokens } from '../usage/index.ts';
import { priceTokens } from './price-tokens.ts';
import type { PricedFacts } from './price-tokens.ts';
import { parseCostRate } from './validate-cost-rate.ts';
import type { CostRateInput } from './validate-cost-rate.ts';

function rate(prices: Partial<CostRateInput>) {
  return parseCostRate({ provider: 'p', model: 'm', currency: 'USD', validFrom: 0, ...prices });
}

function facts(tokens: object | null, quantity = '0'): PricedFacts {
  return { tokens: parseTokens(tokens) ?? NO_TOKENS, hasTokens: tokens !== null, quantity: Decimal.parse(quantity) };
}

function priced(prices: Partial<CostRateInput>, tokens: object | null, quantity?: string): string {
  const result = priceTokens(rate(prices), facts(tokens, quantity));
  return 'cost' in result ? result.cost.toString() : `no price for ${result.missing}`;
}

describe('tokens at a rate', () => {
  test('1.1 a cached token at 2.8e-9 costs exactly that', () => {
    expect(priced({ input: '1', cacheRead: '0.0028' }, { input: 1, cacheRead: 1 })).toBe('0.0000000028');
  });

  test('9.3 every kind is priced at its own price', () => {
    const prices = {
      input: '3',
      output: '15',
      cacheRead: '0.3',
      cacheWrite5m: '3.75',
      cacheWrite1h: '6',
      reasoning: '20',
      inputAudio: '40',
      outputAudio: '80',
    };
    const each = { cacheRead: 1000, cacheWrite5m: 1000, cacheWrite1h: 1000, inputAudio: 1000, reasoning: 1000, outputAudio: 1000 };
    expect(priced(prices, { input: 5000, output: 3000, ...each })).toBe('0.16805');
  });

  test('9.3 cache reads and input audio without a price cost what input costs, reasoning and output audio what output costs', () => {
    const tokens = { input: 3000, cacheRead: 1000, inputAudio: 1000, output: 300, reasoning: 100, outputAudio: 100 };
    expect(priced({ input: '2', output: '10' }, tokens)).toBe('0.009');
  });

  test('9.3 cache writes never fall back, nor one hour to five minutes', () => {
    expect(priced({ input: '3', output: '15' }, { input: 10, cacheWrite5m: 1 })).toBe('no price for cacheWrite5m');
    expect(priced({ input: '3', cacheWrite5m: '3.75' }, { input: 10, cacheWrite1h: 1 })).toBe('no price for cacheWrite1h');
  });

  test('9.3 kinds with 0 tokens need no price', () => {
    expect(priced({ input: '3' }, { input: 1_000_000, output: 0, cacheWrite5m: 0 })).toBe('3');
    expect(priced({ output: '15' }, { input: 0, output: 0 })).toBe('0');
  });

  test('9.3 a kind without any price makes the cost unknown', () => {
    expect(priced({ input: '3' }, { input: 10, output: 1 })).toBe('no price for output');
    expect(priced({ input: '3' }, { output: 1, reasoning: 1 })).toBe('no price for reasoning');
    expect(priced({ cacheRead: '1' }, { input: 2, cacheRead: 2 })).toBe('0.000002');
  });

  const tiered = {
    input: '1.25',
    output: '5',
    cacheWrite5m: '2',
    tiers: [
      { inputAbove: '128000', input: '2.50', output: '10' },
      { inputAbove: '500000', input: '5' },
    ],
  };

  test('9.3 above the threshold the whole request is at the higher rate; at it, it is not', () => {
    expect(priced(tiered, { input: 128_000, output: 1_000 })).toBe('0.165');
    expect(priced(tiered, { input: 128_001, output: 1_000 })).toBe('0.3300025');
  });

  test('9.3 the threshold compares the inclusive input, cache parts included', () => {
    expect(priced(tiered, { input: 128_001, cacheRead: 128_000 })).toBe('0.3200025');
  });

  test('9.3 in a tier a kind takes the price of its total there before the base rate', () => {
    const withCache = { ...tiered, cacheRead: '0.10' };
    expect(priced(withCache, { input: 200_000, cacheRead: 100_000 })).toBe('0.5');
    expect(priced(withCache, { input: 100_000, cacheRead: 100_000 })).toBe('0.01');
  });

  test('9.3 what a tier does not mention keeps its base price, but a cache write there has none', () => {
    expect(priced(tiered, { input: 600_000, output: 1_000 })).toBe('3.005');
    expect(priced(tiered, { input: 600_000, cacheWrite5m: 1 })).toBe('no price for cacheWrite5m');
    expect(priced(tiered, { input: 100_000, cacheWrite5m: 1_000 })).toBe('0.12575');
  });

  test('9.3 prices per request and per unit are added', () => {
    expect(priced({ input: '1', perRequest: '0.01', perUnit: '0.04' }, { input: 1_000_000 }, '3')).toBe('1.13');
    expect(priced({ perUnit: '0.04' }, null, '2.5')).toBe('0.1');
    expect(priced({ perRequest: '0.01' }, null)).toBe('0.01');
  });

  test('9.1 an event with nothing that the rate prices is unknown, not free', () => {
    expect(priced({ input: '1' }, null, '3')).toBe('no price for perUnit');
    expect(priced({ input: '1' }, null)).toBe('no price for usage');
    expect(priced({ input: '1' }, { input: 1_000_000 }, '3')).toBe('1');
  });

  test('1.3 the cost of many events is the cost of their sum: nothing is rounded on the way', () => {
    const prices = rate({ input: '0.0123456789', output: '7.77', cacheRead: '0.0028' });
    const count = fc.integer({ min: 0, max: 10_000 });
    const request = fc.tuple(count, count, count).map(([rest, read, output]) => ({ input: rest + read, cacheRead: read, output }));
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 20 }), (requests) => {
        const total = { input: 0, cacheRead: 0, output: 0 };
        for (const one of requests) for (const kind of ['input', 'cacheRead', 'output'] as const) total[kind] += one[kind];
        const costOf = (tokens: object) => {
          const result = priceTokens(prices, facts(tokens));
          return 'cost' in result ? result.cost : Decimal.parse('-1');
        };
        expect(Decimal.sum(requests.map(costOf)).toString()).toBe(costOf(total).toString());
      }),
    );
  });

  test('9.3 with more input a request never gets cheaper when tiers rise', () => {
    const sizes = fc.integer({ min: 0, max: 700_000 });
    fc.assert(
      fc.property(sizes, sizes, (a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        const cheaper = Decimal.parse(priced(tiered, { input: less }));
        expect(Decimal.parse(priced(tiered, { input: more })).compare(cheaper)).not.toBe(-1);
        expect(inclusiveInput(facts({ input: more }).tokens).toString()).toBe(String(more));
      }),
    );
  });
});

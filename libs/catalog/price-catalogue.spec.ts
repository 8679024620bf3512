import { Decimal, parseInstant, priceTokens, selectRate, type CostRate, type TokenPools } from '@tare/core';
import { calcPrice } from '@pydantic/genai-prices';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import path from 'node:path';
import { matchModel } from './model-match.ts';
import { readPriceCatalogue, type CatalogueRate } from './price-catalogue.ts';

const catalogue = readPriceCatalogue();
const TOKENS: TokenPools = {
  uncachedInput: Decimal.of(1_000),
  cacheRead: Decimal.of(200),
  cacheWrite5m: Decimal.ZERO,
  cacheWrite1h: Decimal.ZERO,
  inputAudio: Decimal.ZERO,
  plainOutput: Decimal.of(500),
  reasoning: Decimal.of(50),
  outputAudio: Decimal.ZERO,
};

const asRates = (rates: readonly CatalogueRate[], model: string): CostRate[] =>
  rates.map((rate, index) => ({ ...rate, model, id: String(index), source: 'test', recordedAt: 0, disputed: rate.disputedWhy !== null }));

/** What the catalogue makes of a request; null where it has no price for it. */
function costOf(provider: string, model: string, at: string, tokens: TokenPools): Decimal | null {
  const entry = matchModel(
    catalogue.models.filter((candidate) => candidate.provider === provider),
    model,
  );
  const rates = asRates(
    catalogue.rates.filter((rate) => rate.provider === provider && rate.model === entry?.model),
    model,
  );
  const rate = selectRate(rates, { at: parseInstant(at), provider, model, serviceTier: null, region: null });
  const priced = rate && priceTokens(rate, { tokens, hasTokens: true, quantity: Decimal.ZERO });
  return priced && 'cost' in priced ? priced.cost : null;
}

describe('the price catalogue', () => {
  test('what is checked in is what the installed package says', async () => {
    const builder = (await import(pathToFileURL(path.resolve('tools/build-price-catalogue.mjs')).href)) as {
      buildPriceCatalogue: () => Promise<string>;
    };
    expect(readFileSync('libs/catalog/price-catalogue.json', 'utf8')).toBe(await builder.buildPriceCatalogue());
  });

  test('it says where its prices come from', () => {
    expect(catalogue.source).toBe('@pydantic/genai-prices 0.1.8');
  });

  test('9.5 a price that was computed, not published, is rounded to 15 digits and waits for a person', () => {
    const rate = catalogue.rates.find(({ provider, model }) => provider === 'openrouter' && model === 'google/gemini-2.5-flash-lite');
    expect(rate?.prices.cacheWrite5m?.toString()).toBe('0.0833333333333333');
    expect(rate?.disputedWhy).toBe('cacheWrite5m: 0.08333333333333334 has more than 15 digits and was rounded');
  });

  test('9.3 a threshold is a cliff that the whole request falls over when its input is above it', () => {
    const at = '2026-10-01T12:00:00Z';
    const request = (input: number): TokenPools => ({ ...TOKENS, uncachedInput: Decimal.of(input - 200), cacheRead: Decimal.of(200) });
    const expected = (input: number): number | undefined =>
      calcPrice({ input_tokens: input, cache_read_tokens: 200, output_tokens: 550 }, 'gemini-2.5-pro', {
        providerId: 'google',
        timestamp: new Date(at),
      })?.total_price;
    for (const input of [200_000, 200_001]) {
      expect(Number(costOf('google', 'gemini-2.5-pro', at, request(input))?.toString())).toBeCloseTo(expected(input) ?? NaN, 12);
    }
    expect(expected(200_001)).toBeGreaterThan((expected(200_000) ?? NaN) * 1.4);
  });

  test('9.1 every model costs what its publisher computes for it, on both sides of its dates and times of day', () => {
    const instants = [
      '2025-01-15T02:30:00Z',
      '2026-08-16T23:59:59Z',
      '2026-08-17T02:00:00Z',
      '2026-11-01T08:00:00Z',
      '2026-11-01T17:00:00Z',
    ];
    let compared = 0;
    for (const { provider, model, match } of catalogue.models) {
      if (!('equals' in match)) continue;
      for (const at of instants) {
        const cost = costOf(provider, match.equals, at, TOKENS);
        if (cost === null) continue;
        const usage = { input_tokens: 1_200, cache_read_tokens: 200, output_tokens: 550, output_reasoning_tokens: 50 };
        const theirs = calcPrice(usage, match.equals, { providerId: provider, timestamp: new Date(at) });
        // One that they price by a sibling entry is matched by ours too: the same total either way.
        expect({ provider, model, at, cost: Number(cost.toString()).toFixed(12) }).toEqual({
          provider,
          model,
          at,
          cost: theirs?.total_price.toFixed(12),
        });
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(4_000);
  });

  test.each([
    ['deepseek', 'deepseek-chat', '2026-03-01T00:29:59Z', '0.135'],
    ['deepseek', 'deepseek-chat', '2026-03-01T00:30:00Z', '0.27'],
    ['deepseek', 'deepseek-chat', '2026-03-01T16:29:59Z', '0.27'],
    ['deepseek', 'deepseek-chat', '2026-03-01T16:30:00Z', '0.135'],
    ['deepseek', 'deepseek-v4-flash', '2026-08-16T23:59:59Z', '0.14'],
    ['deepseek', 'deepseek-v4-flash', '2026-08-17T00:00:00Z', '0.22'],
    ['deepseek', 'deepseek-v4-flash', '2026-08-17T09:59:59Z', '0.44'],
  ])('9.3 %s/%s at %s costs %s for a million tokens of input', (provider, model, at, cost) => {
    const million = {
      ...TOKENS,
      uncachedInput: Decimal.of(1_000_000),
      cacheRead: Decimal.ZERO,
      plainOutput: Decimal.ZERO,
      reasoning: Decimal.ZERO,
    };
    expect(costOf(provider, model, at, million)?.toString()).toBe(cost);
  });

  test('a provider that resells another answers to its models, and an unknown provider to none', () => {
    const at = '2026-10-01T12:00:00Z';
    expect(costOf('azure', 'gpt-4o', at, TOKENS)?.toString()).toBe(costOf('openai', 'gpt-4o', at, TOKENS)?.toString());
    expect(costOf('my-own-gateway', 'gpt-4o', at, TOKENS)).toBeNull();
  });
});

describe('names of models', () => {
  const entry = (match: Parameters<typeof matchModel>[0][number]['match']) => [{ match }];

  test.each([
    [{ equals: 'GPT-4o' }, 'gpt-4O', true],
    [{ equals: 'gpt-4o' }, 'gpt-4o-mini', false],
    [{ starts_with: 'gpt-4o' }, 'gpt-4o-mini', true],
    [{ ends_with: '-mini' }, 'gpt-4o-mini', true],
    [{ contains: '4o' }, 'gpt-4o-mini', true],
    [{ regex: '^gpt-5-\\d{8}$' }, 'gpt-5-20260101', true],
    [{ regex: '^gpt-5-\\d{8}$' }, 'gpt-5-2026', false],
    [{ equals: 'gpt-4o-2024-08-06' }, 'gpt-4o-20240806', true],
    [{ or: [{ equals: 'a' }, { equals: 'b' }] }, 'b', true],
    [{ and: [{ starts_with: 'a' }, { ends_with: 'z' }] }, 'a-to-z', true],
    [{ and: [{ starts_with: 'a' }, { ends_with: 'z' }] }, 'a-to-y', false],
  ] as const)('%j and %s: %s', (match, name, expected) => {
    expect(matchModel(entry(match), name) !== undefined).toBe(expected);
  });
});

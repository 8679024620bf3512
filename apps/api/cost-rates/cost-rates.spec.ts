import { seedCatalogue } from '@tare/catalog';
import { TestApi } from '../test-api.ts';

const SET = 'mutation ($input: CostRateInput!) { setCostRate(input: $input) { id provider model validFrom source } }';
const QUOTE = `query ($provider: String!, $model: String!, $tokens: TokensInput!, $at: DateTime) {
  quoteCost(provider: $provider, model: $model, tokens: $tokens, at: $at) { cost currency state rate { id provider model source } }
}`;
const POOL = 'mutation ($input: CapacityPoolInput!) { createCapacityPool(input: $input) { id key hourlyCost } }';
const EXCHANGE =
  'mutation ($rate: Decimal!, $to: String!) { setExchangeRate(from: "EUR", to: $to, rate: $rate, validFrom: "2026-01-01T00:00:00Z") }';

const rate = { provider: 'acme-ai', model: 'large', currency: 'EUR', validFrom: '2026-01-01T00:00:00Z', input: '2', output: '8' };
const pool = {
  key: 'h100',
  name: 'H100',
  deployment: 'ON_PREMISE',
  currency: 'USD',
  validFrom: '2026-01-01T00:00:00Z',
  gpus: 8,
  hourlyCost: '2.5',
  idlePolicy: 'BY_USE',
};

describe('costs over GraphQL', () => {
  let api: TestApi;

  beforeAll(async () => {
    api = await TestApi.open();
    await seedCatalogue(api.test.database);
  });
  afterAll(() => api.close());

  test('9.1 a quote comes from the catalogue, exactly, with the row that says so', async () => {
    const { data } = await api.ask(QUOTE, {
      provider: 'anthropic',
      model: 'claude-3-5-haiku-20241022',
      tokens: { input: '1000', cacheRead: '300', cacheWrite1h: '200', output: '77' },
      at: '2026-10-01T00:00:00Z',
    });
    // 500 x 0.8 + 300 x 0.08 + 200 x 1.6 + 77 x 4, per million
    expect(data).toEqual({
      quoteCost: {
        cost: '0.001052',
        currency: 'USD',
        state: 'PRICED',
        rate: { id: expect.any(String), provider: 'anthropic', model: 'claude-3-5-haiku-latest', source: '@pydantic/genai-prices 0.1.8' },
      },
    });
  });

  test('9.1 what nobody has a price for is unpriced and null', async () => {
    const { data } = await api.ask(QUOTE, { provider: 'acme-ai', model: 'unknown', tokens: { input: '1' } });
    expect(data).toEqual({ quoteCost: { cost: null, currency: null, state: 'UNPRICED', rate: null } });
  });

  test('9.3 tokens written to a cache without a price of their own leave the request unpriced', async () => {
    await api.ask(SET, { input: { ...rate, model: 'no-cache' } });
    const tokens = { input: '1000', cacheWrite5m: '1' };
    const { data } = await api.ask(QUOTE, { provider: 'acme-ai', model: 'no-cache', tokens });
    expect(data).toMatchObject({ quoteCost: { cost: null, state: 'UNPRICED' } });
  });

  test("9.2 a tenant's own rate prices its requests from its time on, and no other tenant's", async () => {
    const { data } = await api.ask(SET, { input: rate });
    expect(data).toEqual({
      setCostRate: { id: expect.any(String), provider: 'acme-ai', model: 'large', validFrom: '2026-01-01T00:00:00.000Z', source: 'tenant' },
    });
    const ask = { provider: 'acme-ai', model: 'large', tokens: { input: '1000000', output: '500000' } };
    expect((await api.ask(QUOTE, ask)).data).toMatchObject({ quoteCost: { cost: '6', currency: 'EUR', state: 'PRICED' } });
    expect((await api.ask(QUOTE, { ...ask, at: '2025-12-31T23:59:59Z' })).data).toMatchObject({ quoteCost: { state: 'UNPRICED' } });
    expect((await api.ask(QUOTE, ask, await api.stranger())).data).toMatchObject({ quoteCost: { cost: null, state: 'UNPRICED' } });
  });

  test.each([
    [{ ...rate, input: '-0.1' }, 'NEGATIVE_PRICE', 'input'],
    [{ ...rate, input: '0.0000000000000000001' }, 'TOO_PRECISE', 'input'],
    [{ ...rate, currency: 'EURO' }, 'UNKNOWN_CURRENCY', 'currency'],
    [{ ...rate, validTo: rate.validFrom }, 'INVALID_PERIOD', 'validTo'],
    [{ ...rate, validFrom: 'today' }, 'INVALID_TIME', 'validFrom'],
    [{ ...rate, input: null, output: null }, 'PRICE_FIELD_MISSING', 'input'],
    [{ ...rate, tiers: [{ inputAbove: '-1', input: '1' }] }, 'NEGATIVE_PRICE', 'tiers[0].inputAbove'],
    [{ ...rate, provider: '' }, 'FIELD_MISSING', 'provider'],
  ])('a rate that the book cannot hold is refused at its field (%#)', async (input, code, field) => {
    expect(await api.refusal(SET, { input })).toEqual({ code, field });
  });

  test('3.4 parts of tokens that exceed their total are refused', async () => {
    const variables = { provider: 'openai', model: 'gpt-4o', tokens: { input: '1', cacheRead: '2' } };
    expect(await api.refusal(QUOTE, variables)).toEqual({ code: 'TOKEN_PARTS_EXCEED_TOTAL', field: 'tokens.input' });
  });

  test('9.4 a pool is made, and made again it has a new cost', async () => {
    expect((await api.ask(POOL, { input: pool })).data).toEqual({
      createCapacityPool: { id: expect.any(String), key: 'h100', hourlyCost: '2.5' },
    });
    const later = { ...pool, validFrom: '2026-02-01T00:00:00Z', hourlyCost: null, operationsPerHour: '1.25' };
    expect((await api.ask(POOL, { input: later })).data).toMatchObject({ createCapacityPool: { hourlyCost: '1.25' } });
  });

  test.each([
    [{ ...pool, key: 'other', hourlyCost: null }, 'POOL_COST_MISSING', 'hourlyCost'],
    [{ ...pool, key: 'other', gpus: 0 }, 'INVALID_COUNT', 'gpus'],
    [{ ...pool, key: 'other', currency: '' }, 'UNKNOWN_CURRENCY', 'currency'],
    [{ ...pool, idlePolicy: 'NONE' }, 'ALREADY_EXISTS', 'idlePolicy'],
  ])('a pool that cannot be costed is refused at its field (%#)', async (input, code, field) => {
    expect(await api.refusal(POOL, { input })).toEqual({ code, field });
  });

  test('an exchange rate is set, and one that means nothing is refused at its field', async () => {
    expect((await api.ask(EXCHANGE, { rate: '1.08', to: 'USD' })).data).toEqual({ setExchangeRate: true });
    expect(await api.refusal(EXCHANGE, { rate: '0', to: 'USD' })).toEqual({ code: 'RATE_NOT_POSITIVE', field: 'rate' });
    expect(await api.refusal(EXCHANGE, { rate: '1', to: 'EUR' })).toEqual({ code: 'SAME_CURRENCY', field: 'to' });
  });
});

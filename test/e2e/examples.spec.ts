import { existsSync, readFileSync } from 'node:fs';
import { Decimal } from '@tare/core';
import { PRICES_DECIDED_DIFFERENTLY } from '../../libs/core/invoicing/examples-decided-differently.ts';
import { priceOfExample, readPriceExamples, type PriceExample } from '../../libs/core/pricing/price-examples.fixture.ts';
import { startTare, type RunningTare } from './running-tare.ts';

/**
 * The shared examples through the public API: prices by quotePrice, costs by setCostRate and quoteCost. What a calculator of one price
 * cannot say (discounts, commitments, phases of a period) is proven on whole invoices beside the core; those cases are counted here, none dropped.
 */
const COSTS = '../shared/data/examples/costs.json';
const prices = readPriceExamples();
const withExamples = prices !== null && existsSync(COSTS) ? describe : describe.skip;

interface CostExample {
  readonly id: string;
  readonly kind: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly unit_prices: Readonly<Record<string, string>>;
  readonly expected: Readonly<Record<string, unknown>>;
}

/** Not one price at one quantity: proven on invoices, in libs/core/invoicing/price-examples.spec.ts. */
const needsAnInvoice = (example: PriceExample): boolean =>
  ['discount', 'min_commit'].includes(example.model) ||
  example.phases !== undefined ||
  example.pre_quantity !== undefined ||
  example.buckets !== undefined ||
  example.expected_lines !== undefined ||
  (example.model === 'dynamic' && example.params.multiplier === undefined);

withExamples('the shared examples, through the public API', () => {
  let tare: RunningTare;
  beforeAll(async () => {
    tare = await startTare();
  });
  afterAll(() => tare.stop());

  const quotable = (prices ?? []).filter((example) => !needsAnInvoice(example) && PRICES_DECIDED_DIFFERENTLY[example.id] === undefined);
  const rest = (prices ?? []).filter((example) => !quotable.includes(example));

  test('most price cases are quoted here, and every other is listed by rule or proven on an invoice', () => {
    expect(quotable.length).toBeGreaterThanOrEqual(50);
    expect(rest.filter((example) => PRICES_DECIDED_DIFFERENTLY[example.id] === undefined && !needsAnInvoice(example))).toEqual([]);
  });

  test.each(quotable.map((example) => [example.id, example] as const))('quotePrice agrees with %s', async (_id, example) => {
    const capped = example.model === 'max_cap' && example.params.base ? example.params.base : null;
    const price = priceOfExample(capped?.model ?? example.model, capped ?? example.params);
    const variables = {
      price: { ...price, ...(example.params['max'] ? { maximumAmount: example.params['max'] } : {}) },
      quantity: example.params['precise_total_cents'] ?? example.quantity ?? '0',
      currency: example.currency,
    };
    const { quotePrice } = await tare.client.graphql<{ quotePrice: { amount: string; rounded: string } }>(
      'query ($price: PriceInput!, $quantity: Decimal!, $currency: String) { quotePrice(price: $price, quantity: $quantity, currency: $currency) { amount rounded } }',
      variables,
    );
    const same = (actual: string, expected: string | null): boolean =>
      expected === null || Decimal.parse(actual).equals(Decimal.parse(expected));
    expect([quotePrice, example.expected_amount, same(quotePrice.amount, example.expected_amount)]).toContain(true);
    expect([quotePrice, example.expected_rounded, same(quotePrice.rounded, example.expected_rounded)]).toContain(true);
  });

  const costs = existsSync(COSTS) ? (JSON.parse(readFileSync(COSTS, 'utf8')) as CostExample[]) : [];
  /** Not the cost of one usage: a margin, a machine's speed, a sum over many events, a trace (test/e2e/real-traces.spec.ts). */
  const usage = costs.filter((example) => example.kind === 'llm');

  test('the cost cases that are no single usage are those known', () => {
    expect(costs.filter((example) => example.kind !== 'llm').map((example) => example.id)).toEqual([
      'G01',
      'G02',
      'G03',
      'G04',
      'G05',
      'G35',
      'G36',
    ]);
  });

  test.each(usage.map((example) => [example.id, example] as const))('quoteCost agrees with %s', async (id, example) => {
    const { unit_prices: unit, expected } = example;
    await tare.client.graphql('mutation ($input: CostRateInput!) { setCostRate(input: $input) { id } }', {
      input: {
        provider: 'example',
        model: id,
        currency: 'USD',
        validFrom: '2020-01-01T00:00:00Z',
        input: unit['input'],
        output: unit['output'],
        ...(unit['cache_read'] ? { cacheRead: unit['cache_read'] } : {}),
        ...((unit['cache_write_5m'] ?? unit['cache_write']) ? { cacheWrite5m: unit['cache_write_5m'] ?? unit['cache_write'] } : {}),
        ...(unit['cache_write_1h'] ? { cacheWrite1h: unit['cache_write_1h'] } : {}),
      },
    });
    const { quoteCost } = await tare.client.graphql<{ quoteCost: { cost: string; state: string } }>(
      'query ($model: String!, $tokens: TokensInput!) { quoteCost(provider: "example", model: $model, tokens: $tokens) { cost state } }',
      { model: id, tokens: tokensOf(example.input) },
    );
    expect(quoteCost).toEqual({ cost: Decimal.parse(String(expected['cost_usd'])).toString(), state: 'PRICED' });
  });
});

/** Inclusive totals and their parts, from the normalised form or the provider's own. */
function tokensOf(input: Readonly<Record<string, unknown>>): Record<string, string> {
  const normalised = (input['normalised'] ?? {}) as Record<string, number | undefined>;
  const raw = (input['raw_usage'] ?? {}) as Record<string, number | Record<string, number> | undefined>;
  const details = (key: string, part: string): number | undefined => (raw[key] as Record<string, number> | undefined)?.[part];
  const parts: Record<string, number | undefined> = {
    input: (input['input_tokens'] as number | undefined) ?? normalised['input_total'] ?? (raw['prompt_tokens'] as number | undefined),
    output:
      (input['output_tokens'] as number | undefined) ??
      normalised['output_total'] ??
      normalised['output'] ??
      (raw['completion_tokens'] as number | undefined),
    cacheRead: normalised['cache_read'] ?? details('prompt_tokens_details', 'cached_tokens'),
    cacheWrite5m: normalised['cache_write_5m'],
    cacheWrite1h: normalised['cache_write_1h'],
    reasoning: normalised['reasoning'] ?? details('completion_tokens_details', 'reasoning_tokens'),
  };
  return Object.fromEntries(Object.entries(parts).flatMap(([kind, count]) => (count === undefined ? [] : [[kind, String(count)]])));
}

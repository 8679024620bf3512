import { existsSync, readFileSync } from 'node:fs';
import { Decimal, type PriceInput } from '@tare/core';
import { PRICES_DECIDED_DIFFERENTLY } from '../../libs/core/invoicing/examples-decided-differently.ts';
import { priceOfExample, readPriceExamples, type PriceExample } from '../../libs/core/pricing/price-examples.fixture.ts';
import { standsOnAnInvoice } from './example-invoices.fixture.ts';
import { startTare, type RunningTare } from './running-tare.ts';

/**
 * The shared examples through the public API: prices by quotePrice, bills in parts as the difference of two quotes, costs by setCostRate and quoteCost.
 * What a calculator of one price cannot say (discounts, commitments, parts of a period) stands on invoices: example-invoices.spec.ts. None is dropped.
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

/** A bill in parts: what is billed next is what the whole comes to less what was billed (SEMANTICS 4.7). */
const isInParts = (example: PriceExample): boolean => example.phases !== undefined || example.pre_quantity !== undefined;

interface Quote {
  readonly amount: string;
  readonly rounded: string;
}
const QUOTE =
  'query ($price: PriceInput!, $quantity: Decimal!, $currency: String) { quotePrice(price: $price, quantity: $quantity, currency: $currency) { amount rounded } }';

/** The price that the case is about, with its bounds: `base` where the model only bounds another one. */
function quotedPrice({ model, params }: PriceExample): PriceInput | null {
  const isBound = ['max_cap', 'min_commit', 'discount'].includes(model);
  const price = isBound && params.base ? priceOfExample(params.base.model, params.base) : priceOfExample(model, params);
  if (price === null) return null;
  const maximumAmount = params['max'] ?? null;
  const minimumAmount = params['min'] ?? null;
  const includedQuantity = params.kind === 'usage' ? (params.free_units ?? null) : (price.includedQuantity ?? null);
  return {
    ...price,
    ...(maximumAmount && { maximumAmount }),
    ...(minimumAmount && { minimumAmount }),
    ...(includedQuantity && { includedQuantity }),
  };
}

withExamples('the shared examples, through the public API', () => {
  let tare: RunningTare;
  beforeAll(async () => {
    tare = await startTare();
  });
  afterAll(() => tare.stop());

  const agreed = (prices ?? []).filter((example) => PRICES_DECIDED_DIFFERENTLY[example.id] === undefined && !standsOnAnInvoice(example));
  const whole = agreed.filter((example) => !isInParts(example));
  const inParts = agreed.filter(isInParts);
  const quote = async (example: PriceExample, quantity: string): Promise<Quote> => {
    const variables = { price: quotedPrice(example), quantity, currency: example.currency };
    return (await tare.client.graphql<{ quotePrice: Quote }>(QUOTE, variables)).quotePrice;
  };
  const same = (actual: Decimal, expected: string | null): boolean => expected === null || actual.equals(Decimal.parse(expected));

  test('every price case is quoted here, stands on an invoice, or is listed by rule', () => {
    const rest = (prices ?? []).filter((example) => PRICES_DECIDED_DIFFERENTLY[example.id] === undefined && !agreed.includes(example));
    expect([whole.length, inParts.length, rest.length]).toEqual([72, 9, 11]);
  });

  test.each(whole.map((example) => [example.id, example] as const))('quotePrice agrees with %s', async (_id, example) => {
    const quoted = await quote(example, example.params['precise_total_cents'] ?? example.quantity ?? '0');
    expect([quoted, example.expected_amount, same(Decimal.parse(quoted.amount), example.expected_amount)]).toContain(true);
    expect([quoted, example.expected_rounded, same(Decimal.parse(quoted.rounded), example.expected_rounded)]).toContain(true);
  });

  test.each(inParts.map((example) => [example.id, example] as const))('4.7 quotes agree with %s, part by part', async (_id, example) => {
    const before = example.pre_quantity ?? '0';
    const after = Decimal.parse(before)
      .plus(Decimal.parse(example.quantity ?? '0'))
      .toString();
    const phases = example.phases ?? [{ cumulative_quantity: after, expected_delta: example.expected_amount ?? '' }];
    let billed = example.phases === undefined ? Decimal.parse((await quote(example, before)).rounded) : Decimal.ZERO;
    for (const phase of phases) {
      const rounded = Decimal.parse((await quote(example, phase.cumulative_quantity)).rounded);
      expect([phase, rounded.minus(billed).toString()]).toEqual([phase, Decimal.parse(phase.expected_delta).toString()]);
      billed = rounded;
    }
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

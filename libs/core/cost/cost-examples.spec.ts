import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Decimal } from '../money/index.ts';
import { parseTokens, NO_TOKENS } from '../usage/index.ts';
import { costPerMillion } from './capacity-pool.ts';
import { priceTokens } from './price-tokens.ts';
import { parseCostRate } from './validate-cost-rate.ts';

/** Published examples that lie beside the repository where it is developed. A fresh clone does not have them: then these tests show as skipped. */
const file = fileURLToPath(new URL('../../../../shared/data/examples/costs.json', import.meta.url));

interface Example {
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly input: Record<string, unknown>;
  readonly unit_prices: Record<string, string>;
  readonly expected: Record<string, string>;
}

/** What belongs to another room, and why. */
const OUT_OF_SCOPE: Readonly<Record<string, string>> = {
  G01: 'margin of a price: the margin room',
  G02: 'margin of a price: the margin room',
  G03: 'markup against margin: the margin room',
};

const examples: Example[] = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Example[]) : [];
const inScope = examples.filter(({ id }) => !(id in OUT_OF_SCOPE));
const llm = inScope.filter(({ kind }) => kind === 'llm' || kind === 'trace-total');
const rest = inScope.filter(({ kind }) => kind !== 'llm' && kind !== 'trace-total');

/** Usage in our own words: the examples have three spellings. */
function tokensOf({ id, input }: Example): Record<string, unknown> {
  const counts = (input.normalised ?? input) as Record<string, number>;
  const raw = input.raw_usage as Record<string, unknown> | undefined;
  if (raw && 'prompt_tokens' in raw) {
    const details = (name: string) => raw[name] as Record<string, number>;
    return {
      input: raw.prompt_tokens,
      output: raw.completion_tokens,
      cacheRead: details('prompt_tokens_details').cached_tokens,
      reasoning: details('completion_tokens_details').reasoning_tokens,
    };
  }
  const input_ = counts.input_total ?? counts.input_tokens;
  const output = counts.output_total ?? counts.output ?? counts.output_tokens;
  if (input_ === undefined || output === undefined) throw new Error(`${id} has a spelling that is not known`);
  return {
    ...{ input: input_, output, cacheRead: counts.cache_read ?? null, reasoning: counts.reasoning ?? null },
    ...{ cacheWrite5m: counts.cache_write_5m ?? null, cacheWrite1h: counts.cache_write_1h ?? null },
  };
}

function rateOf({ unit_prices: prices }: Example) {
  return parseCostRate({
    ...{ provider: 'p', model: 'm', currency: 'USD', validFrom: 0 },
    ...{ input: prices.input, output: prices.output, cacheRead: prices.cache_read },
    ...{ cacheWrite5m: prices.cache_write_5m ?? prices.cache_write, cacheWrite1h: prices.cache_write_1h },
  });
}

function costOf(example: Example): string {
  const tokens = parseTokens(tokensOf(example)) ?? NO_TOKENS;
  const priced = priceTokens(rateOf(example), { tokens, hasTokens: true, quantity: Decimal.ZERO });
  return 'cost' in priced ? priced.cost.toString() : `no price for ${priced.missing}`;
}

if (examples.length === 0) {
  test.skip('published cost examples: ../shared/data/examples/costs.json is not here', () => undefined);
} else {
  test.each(llm.map((example) => [example.id, example.title, example] as const))('9.3 %s: %s', (_id, _title, example) => {
    expect(costOf(example)).toBe(example.expected.cost_usd);
  });

  test.each(rest.filter(({ kind }) => kind === 'gpu').map((example) => [example.id, example.title, example] as const))(
    '9.4 %s: %s',
    (_id, _title, { input, expected }) => {
      const [hourly, speed] = [expected.implied_usd_per_gpu_hour, input.tokens_per_second].map((text) => Decimal.parse(String(text)));
      const at = (utilisation: string) => costPerMillion(hourly ?? Decimal.ZERO, speed ?? Decimal.ZERO, Decimal.parse(utilisation));
      expect(at('1')?.equals(Decimal.parse(String(input.cost_per_m)))).toBe(true);
      expect(at('0.5')?.toString()).toBe(expected.cost_per_m_at_50pct_util);
      expect(at('0.3')?.roundedTo(6).toString()).toBe(expected.cost_per_m_at_30pct_util_6dp);
    },
  );

  test.each(rest.filter(({ kind }) => kind === 'precision').map((example) => [example.id, example.title, example] as const))(
    '1.3 %s: %s',
    (_id, _title, example) => {
      const tokens = parseTokens({ input: example.input.tokens_each, cacheWrite5m: example.input.tokens_each }) ?? NO_TOKENS;
      const one = priceTokens(rateOf(example), { tokens, hasTokens: true, quantity: Decimal.ZERO });
      let sum = Decimal.ZERO;
      for (let event = 0; event < Number(example.input.events); event += 1) sum = sum.plus('cost' in one ? one.cost : Decimal.ONE);
      expect(sum.toString()).toBe(example.expected.cost_usd);
    },
  );

  test('every published cost example is run here or named with the reason why not', () => {
    const run = [...llm, ...rest.filter(({ kind }) => kind === 'gpu' || kind === 'precision')].map(({ id }) => id);
    expect([...run, ...Object.keys(OUT_OF_SCOPE)].sort()).toEqual(examples.map(({ id }) => id).sort());
  });

  for (const [id, reason] of Object.entries(OUT_OF_SCOPE)) test.skip(`${id} is out of scope: ${reason}`, () => undefined);
}

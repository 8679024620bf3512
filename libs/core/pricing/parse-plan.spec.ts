import { CodedError } from '../coded-error.ts';
import { parsePlan } from './parse-plan.ts';
import type { PlanInput, PlanMeter, PriceInput } from './plan-input.ts';
import { planTermsFromJson, planTermsToJson } from './plan-terms-json.ts';

const meter = (key: string, valueProperty: string | null, more: Partial<PlanMeter> = {}): [string, PlanMeter] => [
  key,
  { key, eventType: 'llm.completion', aggregation: 'SUM', valueProperty, filters: [], ...more },
];
const METERS = new Map([
  meter('total', 'tokens.total'),
  meter('input', 'tokens.input'),
  meter('output', 'tokens.output'),
  meter('reasoning', 'tokens.reasoning'),
  meter('cached', 'tokens.cacheRead'),
  meter('calls', null, { aggregation: 'COUNT' }),
  meter('prompts', 'tokens.input', { aggregation: 'COUNT' }),
  meter('images', 'quantity', { eventType: 'image' }),
  meter('peak', 'quantity', { aggregation: 'MAX' }),
  meter('gpt', 'tokens.total', { filters: [{ property: 'model', in: ['gpt-5'] }] }),
]);

const unit = (key: string, of: string, more: Partial<PriceInput> = {}): PriceInput => ({
  key,
  model: 'PER_UNIT',
  meter: of,
  unitPrice: '1',
  ...more,
});
const plan = (more: Partial<PlanInput> = {}): PlanInput => ({
  key: 'pro',
  name: 'Pro',
  kind: 'SUBSCRIPTION',
  currency: 'USD',
  interval: 'MONTH',
  prices: [{ key: 'fee', model: 'FLAT', amount: '20' }],
  ...more,
});

function refusal(input: PlanInput): { code: string; path: string | undefined } | null {
  try {
    parsePlan(input, METERS);
    return null;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { code: error.code, path: error.path };
  }
}

const tiered = (tiers: PriceInput['tiers']): PlanInput =>
  plan({ prices: [unit('a', 'calls'), { key: 'b', model: 'GRADUATED', meter: 'total', tiers: tiers ?? [] }] });

test.each([
  ['4.1 tiers that do not rise are refused', tiered([{ upTo: '10' }, { upTo: '10' }, {}]), 'TIERS_OUT_OF_ORDER', 'prices[1].tiers[1].upTo'],
  ['4.1 a first tier that ends at zero is refused', tiered([{ upTo: '0' }, {}]), 'TIERS_OUT_OF_ORDER', 'prices[1].tiers[0].upTo'],
  ['4.1 an open tier before the last is refused', tiered([{}, { upTo: '5' }, {}]), 'TIERS_OUT_OF_ORDER', 'prices[1].tiers[0].upTo'],
  ['4.1 a last tier with a bound is refused', tiered([{ upTo: '10' }]), 'TIERS_NOT_OPEN_ENDED', 'prices[1].tiers[0].upTo'],
  ['a price in tiers needs tiers', tiered([]), 'PRICE_FIELD_MISSING', 'prices[1].tiers'],
  [
    'a field of another model is refused',
    plan({ prices: [unit('a', 'calls', { rate: '0.1' })] }),
    'PRICE_FIELD_NOT_ALLOWED',
    'prices[0].rate',
  ],
  [
    'a usage price needs its meter',
    plan({ prices: [{ key: 'a', model: 'PER_UNIT', unitPrice: '1' }] }),
    'PRICE_FIELD_MISSING',
    'prices[0].meter',
  ],
  [
    'a fixed fee has no meter',
    plan({ prices: [{ key: 'a', model: 'FLAT', amount: '1', meter: 'calls' }] }),
    'PRICE_FIELD_NOT_ALLOWED',
    'prices[0].meter',
  ],
  ['a meter has to exist', plan({ prices: [unit('a', 'nothing')] }), 'UNKNOWN_METER', 'prices[0].meter'],
  ['a currency has to exist', plan({ currency: 'XXX' }), 'UNKNOWN_CURRENCY', 'currency'],
  ['price keys are unique in a plan', plan({ prices: [unit('a', 'calls'), unit('a', 'images')] }), 'DUPLICATE_PRICE_KEY', 'prices[1].key'],
  ['a price below zero is refused', plan({ prices: [unit('a', 'calls', { unitPrice: '-1' })] }), 'NEGATIVE_PRICE', 'prices[0].unitPrice'],
  [
    '1.2 a price with 19 decimals is refused',
    plan({ prices: [unit('a', 'calls', { unitPrice: '0.0000000000000000001' })] }),
    'TOO_PRECISE',
    'prices[0].unitPrice',
  ],
  ['5 a PER_QUERY plan has no fixed fee', plan({ kind: 'PER_QUERY' }), 'PRICE_NOT_ALLOWED_FOR_KIND', 'prices[0].model'],
  [
    '4.2 a PER_QUERY plan has no minimum amount',
    plan({ kind: 'PER_QUERY', prices: [unit('a', 'calls', { minimumAmount: '1' })] }),
    'PRICE_NOT_ALLOWED_FOR_KIND',
    'prices[0].minimumAmount',
  ],
  [
    '4.2 a PER_QUERY plan has no flat fee in its first tier',
    plan({ kind: 'PER_QUERY', prices: [{ key: 'a', model: 'VOLUME', meter: 'calls', tiers: [{ upTo: '5', flatFee: '1' }, {}] }] }),
    'PRICE_NOT_ALLOWED_FOR_KIND',
    'prices[0].tiers[0].flatFee',
  ],
  [
    '5 a SITE_LICENSE has no usage price',
    plan({ kind: 'SITE_LICENSE', prices: [unit('a', 'calls')] }),
    'PRICE_NOT_ALLOWED_FOR_KIND',
    'prices[0].model',
  ],
  ['5 only a SITE_LICENSE has a term', plan({ termIntervals: 12 }), 'PLAN_FIELD_NOT_ALLOWED', 'termIntervals'],
  ['5 only a CREDIT plan has credits', plan({ creditsPerInterval: '100' }), 'PLAN_FIELD_NOT_ALLOWED', 'creditsPerInterval'],
  ['5 a CREDIT plan grants or burns credits', plan({ kind: 'CREDIT' }), 'PLAN_FIELD_MISSING', 'burnRates'],
  [
    '7.5 overage needs its price',
    plan({ kind: 'CREDIT', creditsPerInterval: '1', creditExhaustion: 'OVERAGE' }),
    'PLAN_FIELD_MISSING',
    'overagePricePerCredit',
  ],
  [
    '7.5 an overdraft needs its limit',
    plan({ kind: 'CREDIT', creditsPerInterval: '1', creditExhaustion: 'OVERDRAFT' }),
    'PLAN_FIELD_MISSING',
    'overdraftLimit',
  ],
  [
    '7.5 a plan that blocks has no price of overage',
    plan({ kind: 'CREDIT', creditsPerInterval: '1', overagePricePerCredit: '1' }),
    'PLAN_FIELD_NOT_ALLOWED',
    'overagePricePerCredit',
  ],
  [
    'only credits of a period are left at its end',
    plan({ kind: 'CREDIT', burnRates: [{ meter: 'tokens', creditsPerUnit: '1' }], creditRollover: true }),
    'PLAN_FIELD_MISSING',
    'creditsPerInterval',
  ],
  [
    'a maximum is for credits that roll over',
    plan({ kind: 'CREDIT', creditsPerInterval: '1', creditRolloverMaximum: '5' }),
    'PLAN_FIELD_MISSING',
    'creditRollover',
  ],
  [
    'a greatest value cannot burn credits',
    plan({ kind: 'CREDIT', burnRates: [{ meter: 'peak', creditsPerUnit: '1' }] }),
    'BURN_RATE_NOT_ADDITIVE',
    'burnRates[0].meter',
  ],
  [
    '4.8 an inclusive meter beside one of its parts is refused',
    plan({ prices: [unit('a', 'output'), unit('b', 'reasoning')] }),
    'OVERLAPPING_METERS',
    'prices[1].meter',
  ],
  [
    '4.8 a total beside the input is refused',
    plan({ prices: [unit('a', 'cached'), unit('b', 'total')] }),
    'OVERLAPPING_METERS',
    'prices[1].meter',
  ],
  [
    '4.8 two prices on one meter that are valid together for a second are refused',
    plan({
      prices: [unit('a', 'total', { validUntil: '2026-02-01T00:00:01Z' }), unit('b', 'total', { validFrom: '2026-02-01T00:00:00Z' })],
    }),
    'OVERLAPPING_METERS',
    'prices[1].meter',
  ],
  [
    '4.2 a PER_QUERY plan has no minimum amount in a group either',
    plan({
      kind: 'PER_QUERY',
      prices: [unit('a', 'calls', { groupBy: 'model', groups: [{ in: ['x'], unitPrice: '1', minimumAmount: '1' }] })],
    }),
    'PRICE_NOT_ALLOWED_FOR_KIND',
    'prices[0].groups[0].minimumAmount',
  ],
  ['4.8 one meter twice is refused', plan({ prices: [unit('a', 'calls'), unit('b', 'calls')] }), 'OVERLAPPING_METERS', 'prices[1].meter'],
  [
    '4.8 a meter of one model beside the total of all is refused',
    plan({ prices: [unit('a', 'total'), unit('b', 'gpt')] }),
    'OVERLAPPING_METERS',
    'prices[1].meter',
  ],
  [
    '4.8 a burn rate beside a price on the same tokens is refused',
    plan({ kind: 'CREDIT', prices: [unit('a', 'input')], burnRates: [{ meter: 'cached', creditsPerUnit: '1' }] }),
    'OVERLAPPING_METERS',
    'burnRates[0].meter',
  ],
])('%s', (_name, input, code, path) => {
  expect(refusal(input)).toEqual({ code, path });
});

test.each([
  ['4.8 input beside output counts nothing twice', plan({ prices: [unit('a', 'input'), unit('b', 'output')] })],
  [
    '4.8 one meter twice for different models counts nothing twice',
    plan({
      prices: [
        unit('a', 'total', { match: [{ property: 'model', in: ['a'] }] }),
        unit('b', 'total', { match: [{ property: 'model', in: ['b'] }] }),
      ],
    }),
  ],
  [
    '4.8 two prices on one meter that are never valid together count nothing twice',
    plan({
      prices: [unit('a', 'total', { validUntil: '2026-02-01T00:00:00Z' }), unit('b', 'total', { validFrom: '2026-02-01T00:00:00Z' })],
    }),
  ],
  ['4.8 calls beside their tokens count nothing twice', plan({ prices: [unit('a', 'calls'), unit('b', 'total')] })],
  ['4.8 a count of events counts no tokens', plan({ prices: [unit('a', 'prompts'), unit('b', 'input')] })],
  ['4.8 a plan may say that it overlaps', plan({ allowOverlap: true, prices: [unit('a', 'output'), unit('b', 'reasoning')] })],
  ['5 a PER_QUERY plan may have a minimum commitment', plan({ kind: 'PER_QUERY', prices: [unit('a', 'calls')], minimumCommitment: '100' })],
  [
    '5 a CREDIT plan may burn bought packs only',
    plan({ kind: 'CREDIT', prices: [], burnRates: [{ meter: 'total', creditsPerUnit: '0.001' }] }),
  ],
])('%s', (_name, input) => {
  expect(refusal(input)).toBeNull();
});

test('4.9 published terms come back from JSON as they were', () => {
  const terms = parsePlan(
    plan({
      kind: 'CREDIT',
      creditsPerInterval: '1000.5',
      creditPrice: '0.010000000000000001',
      burnRates: [{ meter: 'total', creditsPerUnit: '0.001', match: [{ property: 'model', in: ['1.50'] }] }],
      prices: [
        { key: 'fee', model: 'FLAT', amount: '20.10', perSeat: true },
        { key: 'v', model: 'VOLUME', meter: 'images', tiers: [{ upTo: '10', unitPrice: '0.3' }, { flatFee: '1' }] },
      ],
    }),
    METERS,
  );
  const back = planTermsFromJson(JSON.parse(JSON.stringify(planTermsToJson(terms))));
  expect(planTermsToJson(back)).toEqual(planTermsToJson(terms));
  expect(back.creditPrice?.toString()).toBe('0.010000000000000001');
  expect(back.burnRates[0]?.match[0]?.in).toEqual(['1.50']);
});

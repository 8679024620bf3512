import { CodedError } from '../coded-error.ts';
import { Decimal } from '../money/index.ts';
import { parseInstant } from '../time/index.ts';
import { parseFeatures } from './parse-features.ts';
import { parsePlan } from './parse-plan.ts';
import { parsePrice } from './parse-price.ts';
import type { PlanFeatureInput, PlanInput, PlanMeter, PriceInput } from './plan-input.ts';
import { planTermsFromJson, planTermsToJson } from './plan-terms-json.ts';

const METERS = new Map<string, PlanMeter>([
  ['tokens', { key: 'tokens', eventType: '*', aggregation: 'SUM', valueProperty: 'tokens.total', filters: [] }],
]);
const perUnit = (more: Partial<PriceInput> = {}): PriceInput => ({ key: 'p', model: 'PER_UNIT', meter: 'tokens', unitPrice: '1', ...more });
const fee = (more: Partial<PriceInput> = {}): PriceInput => ({ key: 'fee', model: 'FLAT', amount: '20', ...more });
const grouped = (groups: PriceInput['groups'], more: Partial<PriceInput> = {}): PriceInput =>
  perUnit({ groupBy: 'model', groups: groups ?? null, ...more });

function refusalOf(read: () => unknown): [string, string | undefined] | null {
  try {
    read();
    return null;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return [error.code, error.path];
  }
}

test.each<[string, PriceInput, string, string]>([
  [
    'groups need the property that tells them apart',
    perUnit({ groups: [{ in: ['a'], unitPrice: '2' }] }),
    'PRICE_FIELD_MISSING',
    'groupBy',
  ],
  ['a property to group by needs groups', perUnit({ groupBy: 'model' }), 'PRICE_FIELD_MISSING', 'groups'],
  ['a group needs the amounts of its model', grouped([{ in: ['a'] }]), 'PRICE_FIELD_MISSING', 'groups[0].unitPrice'],
  [
    'a group has no amounts of another model',
    grouped([{ in: ['a'], unitPrice: '2', rate: '0.1' }]),
    'PRICE_FIELD_NOT_ALLOWED',
    'groups[0].rate',
  ],
  ['a group has a value', grouped([{ in: [], unitPrice: '2' }]), 'INVALID_GROUP', 'groups[0].in'],
  [
    'no value is in two groups',
    grouped([
      { in: ['a', 'b'], unitPrice: '2' },
      { in: ['c', 'b'], unitPrice: '3' },
    ]),
    'INVALID_GROUP',
    'groups[1].in[1]',
  ],
  ['groups are told apart by a text', grouped([{ in: ['a'], unitPrice: '2' }], { groupBy: 'quantity' }), 'INVALID_GROUP', 'groupBy'],
  ['a price of a group is not below zero', grouped([{ in: ['a'], unitPrice: '-2' }]), 'NEGATIVE_PRICE', 'groups[0].unitPrice'],
  [
    "a group's tiers rise too",
    { key: 'p', model: 'VOLUME', meter: 'tokens', tiers: [{}], groupBy: 'model', groups: [{ in: ['a'], tiers: [{ upTo: '0' }, {}] }] },
    'TIERS_OUT_OF_ORDER',
    'groups[0].tiers[0].upTo',
  ],
  ['a fixed fee has no groups', fee({ groupBy: 'model' }), 'PRICE_FIELD_NOT_ALLOWED', 'groupBy'],
  [
    '2.1 a price is not over before it begins',
    perUnit({ validFrom: '2026-02-01T00:00:00Z', validUntil: '2026-02-01T00:00:00Z' }),
    'VALIDITY_EMPTY',
    'validUntil',
  ],
  ['a validity is an instant', perUnit({ validFrom: 'tomorrow' }), 'INVALID_TIME', 'validFrom'],
  [
    'a fee for several intervals is paid in advance',
    fee({ everyIntervals: 12, timing: 'IN_ARREARS' }),
    'PRICE_FIELD_NOT_ALLOWED',
    'everyIntervals',
  ],
  ['a fee comes every whole number of intervals', fee({ everyIntervals: 1.5 }), 'INVALID_COUNT', 'everyIntervals'],
  ['usage is billed every interval', perUnit({ everyIntervals: 2 }), 'PRICE_FIELD_NOT_ALLOWED', 'everyIntervals'],
  ['only an allowance rolls over', perUnit({ rollover: true }), 'PRICE_FIELD_MISSING', 'includedQuantity'],
  ['only an allowance is prorated', perUnit({ prorateIncluded: true }), 'PRICE_FIELD_MISSING', 'includedQuantity'],
  [
    'a cap of what rolls over needs a rollover',
    perUnit({ includedQuantity: '1', rolloverMaximum: '5' }),
    'PRICE_FIELD_MISSING',
    'rollover',
  ],
  [
    'what rolls over lives at least one period',
    perUnit({ includedQuantity: '1', rollover: true, rolloverPeriods: 0 }),
    'INVALID_COUNT',
    'rolloverPeriods',
  ],
])('%s', (_name, input, code, path) => {
  expect(refusalOf(() => parsePrice(input))).toEqual([code, path]);
});

test.each<[string, PlanFeatureInput[], string, string]>([
  ['each feature has its own key', [{ key: 'sso' }, { key: 'sso' }], 'DUPLICATE_FEATURE_KEY', 'features[1].key'],
  ['a limit needs a meter that counts', [{ key: 'chat', limit: '5' }], 'FEATURE_FIELD_MISSING', 'features[0].meter'],
  ['a limit per seat needs a limit', [{ key: 'chat', meter: 'tokens', limitPerSeat: true }], 'FEATURE_FIELD_MISSING', 'features[0].limit'],
  ['a meter of a feature has to exist', [{ key: 'chat', meter: 'none' }], 'UNKNOWN_METER', 'features[0].meter'],
  ['a limit is not below zero', [{ key: 'chat', meter: 'tokens', limit: '-1' }], 'NEGATIVE_PRICE', 'features[0].limit'],
])('%s', (_name, features, code, path) => {
  expect(refusalOf(() => parseFeatures({ features } as unknown as PlanInput, METERS))).toEqual([code, path]);
});

test('a feature is enabled, unlimited and called by its key unless it says otherwise', () => {
  expect(parseFeatures({ features: [{ key: 'sso' }] } as unknown as PlanInput, METERS)).toEqual([
    { key: 'sso', name: 'sso', enabled: true, meter: null, match: [], limit: null, limitPerSeat: false, onLimit: 'BLOCK' },
  ]);
});

test('4.9 every term of prices and features comes back from JSON as it was', () => {
  const base = parsePlan({ key: 'p', name: 'P', kind: 'SUBSCRIPTION', currency: 'USD', interval: 'MONTH', prices: [] }, METERS);
  const allowance = { includedQuantity: '10.50', rollover: true, rolloverMaximum: '20.25', rolloverPeriods: 3, prorateIncluded: true };
  const terms = {
    ...base,
    prices: [
      parsePrice(fee({ everyIntervals: 12, validFrom: '2026-01-01T00:00:00.000001Z' })),
      parsePrice(grouped([{ in: ['gpt-5', '1.50'], unitPrice: '0.000000000000000001', maximumAmount: '9' }], allowance)),
    ],
    features: parseFeatures({ features: [{ key: 'chat', meter: 'tokens', limit: '1.5' }] } as unknown as PlanInput, METERS),
    invoiceThreshold: Decimal.parse('99.5'),
    creditRolloverMaximum: Decimal.parse('7.25'),
  };
  const back = planTermsFromJson(JSON.parse(JSON.stringify(planTermsToJson(terms))));
  expect(back).toEqual(terms);
  expect(back.prices[0]?.validFrom).toBe(parseInstant('2026-01-01T00:00:00.000001Z'));
});

test('4.9 terms published before there were some fields read as they were meant', () => {
  const now = parsePlan(
    { key: 'p', name: 'P', kind: 'SUBSCRIPTION', currency: 'USD', interval: 'MONTH', prices: [fee(), perUnit()] },
    METERS,
  );
  const added = [
    'commitmentIntervals',
    'invoiceThreshold',
    'creditsGrantedWhen',
    'creditRolloverMaximum',
    'creditRolloverPeriods',
    'features',
    'addOn',
  ];
  const addedToPrices = [
    'validFrom',
    'validUntil',
    'prorateIncluded',
    'rollover',
    'rolloverMaximum',
    'rolloverPeriods',
    'everyIntervals',
    'groupBy',
    'groups',
  ];
  const without = (object: object, names: readonly string[]): object =>
    Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
  const json = planTermsToJson(now) as { prices: object[] };
  const before = { ...without(json, added), prices: json.prices.map((price) => without(price, addedToPrices)) };
  expect(planTermsFromJson(before)).toEqual(now);
});

import { Decimal } from '../money/index.ts';
import { effectiveTerms, overridesFromJson, parseOverrides, type PriceOverrideInput } from './effective-terms.ts';
import { parsePlan } from './parse-plan.ts';
import type { PlanInput, PlanMeter } from './plan-input.ts';
import type { PlanTerms } from './price.ts';
import { ratePrice } from './rate-price.ts';

const meter = (key: string): [string, PlanMeter] => [key, { key, eventType: key, aggregation: 'COUNT', valueProperty: null, filters: [] }];
const METERS = new Map([meter('calls'), meter('images')]);
const terms = (input: Partial<PlanInput>): PlanTerms =>
  parsePlan({ key: 'plan', name: 'Plan', kind: 'SUBSCRIPTION', currency: 'USD', interval: 'MONTH', prices: [], ...input }, METERS);
const PLAN = terms({
  prices: [
    { key: 'fee', model: 'FLAT', amount: '20' },
    {
      key: 'calls',
      model: 'GRADUATED',
      meter: 'calls',
      tiers: [{ upTo: '10', unitPrice: '1' }, { unitPrice: '0.5' }],
      maximumAmount: '100',
    },
  ],
});
const SUPPORT = terms({
  addOn: true,
  prices: [
    { key: 'fee', model: 'FLAT', amount: '7' },
    { key: 'images', model: 'PER_UNIT', meter: 'images', unitPrice: '2', includedQuantity: '3' },
  ],
});
const agree = (...inputs: PriceOverrideInput[]): PlanTerms => effectiveTerms(PLAN, [], parseOverrides(inputs, PLAN, []));

test('a plan without add-ons and agreed prices is itself', () => {
  expect(effectiveTerms(PLAN, [], [])).toBe(PLAN);
});

test('an agreed amount stands in place of the plan’s; what was not agreed stays', () => {
  const agreed = agree({ price: 'calls', tiers: [{ unitPrice: '0.25' }] });
  expect(agreed.prices[0]).toBe(PLAN.prices[0]);
  expect(agreed.prices[1]).toMatchObject({ meter: 'calls', maximumAmount: Decimal.of(100) });
  expect(ratePrice(agreed.prices[1]!, { quantity: Decimal.of(400) }).amount.toString()).toBe('100');
  expect(ratePrice(agreed.prices[1]!, { quantity: Decimal.of(40) }).amount.toString()).toBe('10');
});

test('an add-on brings its prices under its own key; fees and allowances count as often as it is there', () => {
  const { prices } = effectiveTerms(PLAN, [{ key: 'support', terms: SUPPORT, quantity: 4 }], []);
  expect(prices.map(({ key }) => key)).toEqual(['fee', 'calls', 'support/fee', 'support/images']);
  expect(prices[2]).toMatchObject({ amount: Decimal.of(28) });
  expect(prices[3]).toMatchObject({ includedQuantity: Decimal.of(12), unitPrice: Decimal.of(2) });
});

test('what is agreed for an add-on is for one piece of it', () => {
  const addOns = [{ key: 'support', terms: SUPPORT, quantity: 4 }];
  const overrides = parseOverrides([{ price: 'support/fee', amount: '5' }], PLAN, addOns);
  expect(effectiveTerms(PLAN, addOns, overrides).prices[2]).toMatchObject({ amount: Decimal.of(20) });
});

test('1.1 agreed amounts come back from JSON to the last decimal', () => {
  const overrides = parseOverrides(
    [{ price: 'calls', tiers: [{ upTo: '7', unitPrice: '0.000000000000000001' }, { unitPrice: '3' }] }],
    PLAN,
    [],
  );
  expect(overridesFromJson(JSON.parse(JSON.stringify(overrides)))).toEqual(overrides);
});

test.each([
  [{ price: 'nothing', amount: '1' }, 'UNKNOWN_PRICE', 'overrides[0].price'],
  [{ price: 'fee' }, 'OVERRIDE_FIELD_MISSING', 'overrides[0]'],
  [{ price: 'fee', unitPrice: '1' }, 'PRICE_FIELD_NOT_ALLOWED', 'overrides[0].unitPrice'],
  [{ price: 'fee', amount: '-1' }, 'NEGATIVE_PRICE', 'overrides[0].amount'],
  [{ price: 'calls', minimumAmount: '101' }, 'MINIMUM_ABOVE_MAXIMUM', 'overrides[0].minimumAmount'],
  [{ price: 'calls', tiers: [{ upTo: '1', unitPrice: '1' }] }, 'TIERS_NOT_OPEN_ENDED', 'overrides[0].tiers[0].upTo'],
])('an agreed price that cannot be billed is refused at its field (%#)', (input, code, path) => {
  expect(() => agree(input)).toThrow(expect.objectContaining({ code, path }));
});

test('a price is agreed once', () => {
  expect(() => agree({ price: 'fee', amount: '1' }, { price: 'fee', amount: '2' })).toThrow(
    expect.objectContaining({ code: 'DUPLICATE_PRICE_KEY', path: 'overrides[1].price' }),
  );
});

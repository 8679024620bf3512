import fc from 'fast-check';
import { Decimal } from '../money/index.ts';
import type { PriceCharge, PriceUsage } from './price-charge.ts';
import { parsePrice } from './parse-price.ts';
import type { PriceInput } from './plan-input.ts';
import type { Price } from './price.ts';
import { rateDelta, ratePrice } from './rate-price.ts';
import { quotePrice } from './quote-price.ts';

const d = (text: string): Decimal => Decimal.parse(text);

function price(input: Partial<PriceInput> & Pick<PriceInput, 'model'>): Price {
  return parsePrice({ key: 'p', ...(input.model === 'FLAT' ? {} : { meter: 'm' }), ...input });
}

function amount(of: Price, quantity: string, more: Partial<PriceUsage> = {}): string {
  return ratePrice(of, { quantity: d(quantity), ...more }).amount.toString();
}

/** An independent oracle: rationals of BigInt, tiers written as integrals over each tier's width. */
interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}
const rational = (text: string): Rational => {
  const [whole = '0', fraction = ''] = text.split('.');
  return { n: BigInt(whole + fraction), d: 10n ** BigInt(fraction.length) };
};
const add = (a: Rational, b: Rational): Rational => ({ n: a.n * b.d + b.n * a.d, d: a.d * b.d });
const multiply = (a: Rational, b: Rational): Rational => ({ n: a.n * b.n, d: a.d * b.d });
const subtract = (a: Rational, b: Rational): Rational => add(a, { n: -b.n, d: b.d });
const isBelow = (a: Rational, b: Rational): boolean => a.n * b.d < b.n * a.d;
const equals = (a: Rational, b: Decimal): boolean => {
  const other = rational(b.toString().replace('-', ''));
  return a.n * other.d === (b.isNegative() ? -other.n : other.n) * a.d;
};
const ZERO: Rational = { n: 0n, d: 1n };

interface OracleTier {
  readonly upTo: string | null;
  readonly unitPrice: string;
  readonly flatFee: string;
}

function oracle(model: 'GRADUATED' | 'VOLUME', tiers: readonly OracleTier[], quantity: string): Rational {
  const total = rational(quantity);
  let lower = ZERO;
  let sum = ZERO;
  for (const [index, tier] of tiers.entries()) {
    const upper = tier.upTo === null ? null : rational(tier.upTo);
    const isIn = upper === null || !isBelow(upper, total);
    if (model === 'VOLUME') {
      if (isIn) return add(multiply(total, rational(tier.unitPrice)), rational(tier.flatFee));
    } else if (index === 0 || isBelow(lower, total)) {
      const end = isIn ? total : (upper ?? total);
      sum = add(sum, add(multiply(subtract(end, lower), rational(tier.unitPrice)), rational(tier.flatFee)));
    }
    lower = upper ?? lower;
  }
  return sum;
}

const decimalText = (max: number, decimals: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.integer({ min: 0, max }), fc.integer({ min: 0, max: 10 ** decimals - 1 }))
    .map(([whole, fraction]) => `${whole}.${String(fraction).padStart(decimals, '0')}`);

const tierTable = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 4_000 }), { minLength: 0, maxLength: 4 }),
    fc.array(fc.tuple(decimalText(5, 9), decimalText(50, 2)), { minLength: 5, maxLength: 5 }),
  )
  .map(([bounds, prices]): OracleTier[] => {
    const upTo: (string | null)[] = [...bounds.sort((a, b) => a - b).map((bound) => (bound / 4).toString()), null];
    return upTo.map((bound, index) => ({ upTo: bound, unitPrice: prices[index]?.[0] ?? '0', flatFee: prices[index]?.[1] ?? '0' }));
  });
const quantityText = decimalText(1_500, 6);
const modelName = fc.constantFrom('GRADUATED' as const, 'VOLUME' as const);

const anyPrice: fc.Arbitrary<Price> = fc.oneof(
  decimalText(10, 12).map((unitPrice) => price({ model: 'PER_UNIT', unitPrice, includedQuantity: '10' })),
  fc
    .integer({ min: 1, max: 90 })
    .map((size) => price({ model: 'PACKAGE', packageSize: String(size), packagePrice: '1.25', includedQuantity: '3' })),
  fc.tuple(modelName, tierTable).map(([model, tiers]) => price({ model, tiers, minimumAmount: '5', maximumAmount: '900' })),
  decimalText(1, 6).map((rate) => price({ model: 'PERCENTAGE', rate, fixedFee: '0.30' })),
  decimalText(1, 6).map((markup) => price({ model: 'COST_PLUS', markup, unitFloor: '0.01', unitCeiling: '2' })),
);

function addsUp(charge: PriceCharge): boolean {
  return Decimal.sum(charge.walk.map((step) => step.amount)).equals(charge.amount);
}

const GRADUATED: Partial<PriceInput> & Pick<PriceInput, 'model'> = {
  model: 'GRADUATED',
  tiers: [
    { upTo: '10', unitPrice: '1', flatFee: '5' },
    { upTo: '20', unitPrice: '2', flatFee: '7' },
    { unitPrice: '3', flatFee: '9' },
  ],
};

test('4.1 a quantity on a tier bound belongs to the lower tier', () => {
  expect(amount(price(GRADUATED), '10')).toBe('15');
  expect(amount(price(GRADUATED), '20')).toBe('42');
  expect(amount(price({ ...GRADUATED, model: 'VOLUME' }), '10')).toBe('15');
  expect(amount(price({ ...GRADUATED, model: 'VOLUME' }), '20')).toBe('47');
});

test('4.1 the next tier starts right after the bound, for decimals too', () => {
  expect(amount(price(GRADUATED), '10.000000000001')).toBe('22.000000000002');
  expect(amount(price({ ...GRADUATED, model: 'VOLUME' }), '10.000000000001')).toBe('27.000000000002');
});

test('4.1 no decimal falls between two tiers: every quantity is rated as exact rationals say', () => {
  fc.assert(
    fc.property(modelName, tierTable, quantityText, (model, tiers, quantity) => {
      const charge = ratePrice(price({ model, tiers }), { quantity: d(quantity) });
      expect(equals(oracle(model, tiers, quantity), charge.amount)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('4.2 a graduated price without flat fees is continuous at every bound', () => {
  fc.assert(
    fc.property(tierTable, (tiers) => {
      const graduated = price({ model: 'GRADUATED', tiers: tiers.map((tier) => ({ ...tier, flatFee: null })) });
      for (const [index, tier] of tiers.entries()) {
        if (tier.upTo === null) continue;
        const step = d('0.000000000001');
        const rise = rateDelta(graduated, { quantity: d(tier.upTo) }, { quantity: d(tier.upTo).plus(step) }).amount;
        expect(rise.toString()).toBe(step.times(d(tiers[index + 1]?.unitPrice ?? '0')).toString());
      }
    }),
  );
});

test('4.2 zero usage is inside the first tier: its flat fee is charged, those of the others are not', () => {
  expect(amount(price(GRADUATED), '0')).toBe('5');
  expect(amount(price({ ...GRADUATED, model: 'VOLUME' }), '0')).toBe('5');
});

test('4.2 graduated adds the flat fee of each tier that is entered, volume that of one', () => {
  expect(amount(price(GRADUATED), '25')).toBe('66');
  expect(amount(price({ ...GRADUATED, model: 'VOLUME' }), '25')).toBe('84');
});

test('4.3 packages are rounded up after the allowance, and none is charged for no usage', () => {
  const packages = price({ model: 'PACKAGE', packageSize: '100', packagePrice: '2.5', includedQuantity: '50' });
  expect(amount(packages, '0')).toBe('0');
  expect(amount(packages, '50')).toBe('0');
  expect(amount(packages, '50.000000000001')).toBe('2.5');
  expect(amount(packages, '150')).toBe('2.5');
  expect(amount(packages, '150.5')).toBe('5');
});

test('4.4 a percentage is taken of the sum, with a fixed fee for each event', () => {
  const fee = price({ model: 'PERCENTAGE', rate: '0.029', fixedFee: '0.3' });
  expect(amount(fee, '1000', { events: d('4') })).toBe('30.2');
});

test('4.5 cost plus 30 % charges 1.30 of the cost, within the bounds per unit', () => {
  expect(amount(price({ model: 'COST_PLUS', markup: '0.30' }), '7', { cost: d('10') })).toBe('13');
  expect(amount(price({ model: 'COST_PLUS', markup: '0.30', unitFloor: '2' }), '7', { cost: d('10') })).toBe('14');
  expect(amount(price({ model: 'COST_PLUS', markup: '0.30', unitCeiling: '1' }), '7', { cost: d('10') })).toBe('7');
});

test('4.6 the included quantity is taken off before tiers', () => {
  expect(amount(price({ ...GRADUATED, includedQuantity: '10' }), '20')).toBe('15');
});

test('4.6 an allowance per seat is there for each seat', () => {
  const perSeat = price({ model: 'PER_UNIT', unitPrice: '2', includedQuantity: '10', perSeat: true });
  expect(amount(perSeat, '50', { seats: d('3') })).toBe('40');
});

test('4.6 minimum and maximum bound the amount of a period', () => {
  const bounded = price({ model: 'PER_UNIT', unitPrice: '1', minimumAmount: '10', maximumAmount: '100' });
  expect(amount(bounded, '0')).toBe('10');
  expect(amount(bounded, '50')).toBe('50');
  expect(amount(bounded, '500')).toBe('100');
});

test('4.6 a minimum is not due while the period runs', () => {
  const bounded = price({ model: 'PER_UNIT', unitPrice: '1', minimumAmount: '10' });
  expect(ratePrice(bounded, { quantity: d('3') }, { closing: false }).amount.toString()).toBe('3');
});

test('4.7 rating is split-invariant: rate(a) + delta(a -> a+b) = rate(a+b)', () => {
  fc.assert(
    fc.property(anyPrice, quantityText, quantityText, (rated, a, b) => {
      const usage = (text: string): PriceUsage => ({ quantity: d(text), events: d('2'), cost: d(text) });
      const whole: PriceUsage = { quantity: d(a).plus(d(b)), events: d('4'), cost: d(a).plus(d(b)) };
      const delta = rateDelta(rated, usage(a), whole);
      expect(ratePrice(rated, usage(a)).amount.plus(delta.amount).toString()).toBe(ratePrice(rated, whole).amount.toString());
      expect(addsUp(delta)).toBe(true);
    }),
  );
});

test('6.2 in a shortened period minimum, maximum and first-tier flat fee are prorated, tier bounds and other flat fees are not', () => {
  const share = { numerator: 1n, denominator: 4n };
  const half = (input: Partial<PriceInput> & Pick<PriceInput, 'model'>, quantity: string): string =>
    ratePrice(price(input), { quantity: d(quantity) }, { share }).amount.toString();
  expect(half(GRADUATED, '0')).toBe('1.25');
  expect(half(GRADUATED, '15')).toBe('28.25');
  expect(half({ model: 'PER_UNIT', unitPrice: '1', minimumAmount: '10' }, '1')).toBe('2.5');
  expect(half({ model: 'PER_UNIT', unitPrice: '1', maximumAmount: '10' }, '9')).toBe('2.5');
});

test('8.4 the walk of every price adds up to its amount', () => {
  fc.assert(
    fc.property(anyPrice, quantityText, fc.bigInt({ min: 1n, max: 31n }), (rated, quantity, days) => {
      const usage = { quantity: d(quantity), events: d('3'), cost: d(quantity), seats: d('2') };
      expect(addsUp(ratePrice(rated, usage, { share: { numerator: days, denominator: 31n } }))).toBe(true);
    }),
  );
});

test('8.4 a walk survives JSON, with its decimals as strings', () => {
  const { walk } = ratePrice(price(GRADUATED), { quantity: d('12.5') });
  expect(JSON.parse(JSON.stringify(walk))[0]).toEqual({
    description: 'tier 1 (over 0 up to 10)',
    quantity: '10',
    unitPrice: '1',
    amount: '10',
  });
});

test('1.3 a quote rounds once, at the end, and its lines add up to the exact amount', () => {
  const quote = quotePrice({ key: 'p', model: 'PER_UNIT', unitPrice: '0.000015' }, d('333333'), 'USD');
  expect(quote.amount.toString()).toBe('4.999995');
  expect(quote.rounded.toString()).toBe('5');
  expect(Decimal.sum(quote.lines.map((line) => line.amount)).toString()).toBe('4.999995');
});

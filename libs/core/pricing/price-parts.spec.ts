import fc from 'fast-check';
import { parsePrice } from './parse-price.ts';
import { groupName, priceParts } from './price-parts.ts';
import type { PriceInput } from './plan-input.ts';
import type { UsagePrice } from './price.ts';

const record = { provider: null, serviceTier: null, region: null, pool: null, feature: null, outcome: 'SUCCEEDED' as const, type: 'call' };
const perModel = (groups: PriceInput['groups'], more: Partial<PriceInput> = {}): UsagePrice =>
  parsePrice({ key: 'p', model: 'PER_UNIT', meter: 'm', unitPrice: '1', groupBy: 'model', groups: groups ?? null, ...more }) as UsagePrice;

test('a group has its own amounts, and what it does not state it does not have', () => {
  const price = perModel([{ in: ['a'], unitPrice: '2', maximumAmount: '9' }], { includedQuantity: '5', minimumAmount: '3', perSeat: true });
  const [group, rest] = priceParts(price);
  expect(JSON.parse(JSON.stringify(group?.price))).toMatchObject({
    unitPrice: '2',
    includedQuantity: '0',
    minimumAmount: null,
    maximumAmount: '9',
    perSeat: true,
    groups: [],
  });
  expect(JSON.parse(JSON.stringify(rest?.price))).toMatchObject({
    unitPrice: '1',
    includedQuantity: '5',
    minimumAmount: '3',
    maximumAmount: null,
  });
});

test('each record that a price matches is in exactly one of its parts, one without the property in the rest', () => {
  const price = perModel(
    [
      { in: ['a', 'b'], unitPrice: '2' },
      { in: ['c'], unitPrice: '3' },
    ],
    { match: [{ property: 'type', in: ['call'] }] },
  );
  const value = fc.constantFrom('a', 'b', 'c', 'd', null);
  fc.assert(
    fc.property(value, fc.constantFrom('call', 'other'), (model, type) => {
      const kept = priceParts(price).filter(({ keeps }) => keeps({ ...record, model, type }));
      expect(kept).toHaveLength(type === 'call' ? 1 : 0);
    }),
  );
  expect(priceParts(price).map(({ group, keeps }) => [group, keeps({ ...record, model: null })])).toEqual([
    ['a, b', false],
    ['c', false],
    [null, true],
  ]);
});

test('groups of a price never have one name, whatever their values are', () => {
  const value = fc.stringMatching(/^[ab,\\ ]{1,3}$/);
  fc.assert(
    fc.property(fc.uniqueArray(value, { minLength: 2, maxLength: 12 }), fc.nat(), (values, seed) => {
      const cut = 1 + (seed % (values.length - 1));
      expect(groupName(values.slice(0, cut))).not.toBe(groupName(values.slice(cut)));
    }),
  );
  expect(groupName(['gpt-5', 'gpt-5-mini'])).toBe('gpt-5, gpt-5-mini');
  expect(groupName(['a', 'b', 'c', 'd', 'e', 'f'])).toBe('a, b, c, d and 2 more');
});

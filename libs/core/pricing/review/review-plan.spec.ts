import { parsePlan } from '../parse-plan.ts';
import { parsePrice } from '../parse-price.ts';
import type { PlanInput, PlanMeter, PriceInput } from '../plan-input.ts';
import type { PlanTerms } from '../price.ts';
import { reviewPlan } from './review-plan.ts';

const meter = (key: string): [string, PlanMeter] => [key, { key, eventType: key, aggregation: 'COUNT', valueProperty: null, filters: [] }];
const METERS = new Map([meter('calls'), meter('images')]);
const plan = (more: Partial<PlanInput>): PlanTerms =>
  parsePlan({ key: 'p', name: 'P', kind: 'SUBSCRIPTION', currency: 'USD', interval: 'MONTH', prices: [], ...more }, METERS);
const tiered = (model: 'VOLUME' | 'GRADUATED', tiers: PriceInput['tiers'], more: Partial<PriceInput> = {}): PriceInput => ({
  key: 'tiers',
  model,
  meter: 'calls',
  tiers: tiers ?? [],
  ...more,
});
const unit = (more: Partial<PriceInput> = {}): PriceInput => ({ key: 'unit', model: 'PER_UNIT', meter: 'calls', unitPrice: '1', ...more });
const found = (terms: PlanTerms): string[] => reviewPlan(terms).map(({ code, path }) => `${code} ${path}`);
const one = (price: PriceInput): PlanTerms => plan({ prices: [price] });
const CLIFF = [{ upTo: '1000', unitPrice: '0.10' }, { unitPrice: '0.08' }];
const RISING = [{ upTo: '10', unitPrice: '1' }, { upTo: '100', unitPrice: '2' }, { unitPrice: '3' }];

test('4.2 a volume price that gets cheaper by one unit more is told with the quantity and the amounts on either side', () => {
  expect(reviewPlan(one(tiered('VOLUME', CLIFF)))).toEqual([
    {
      code: 'VOLUME_CLIFF',
      path: 'prices[0].tiers[0].upTo',
      message: '1000 units cost 100, 1001 cost 80.08: whoever uses a little less pays more. GRADUATED tiers have no such step.',
    },
  ]);
  expect(reviewPlan(one(tiered('VOLUME', CLIFF, { includedQuantity: '50' })))[0]?.message).toContain(
    '1050 units cost 100, 1051 cost 80.08',
  );
});

test.each<[string, PlanTerms, string[]]>([
  [
    'a volume price that jumps up is told too',
    one(
      tiered('VOLUME', [
        { upTo: '10', unitPrice: '1' },
        { unitPrice: '1', flatFee: '50' },
      ]),
    ),
    ['VOLUME_CLIFF prices[0].tiers[0].upTo'],
  ],
  [
    'a cliff that the maximum hides is none',
    one(tiered('VOLUME', CLIFF, { maximumAmount: '50' })),
    ['TIER_NOT_REACHABLE prices[0].tiers[1]'],
  ],
  ['graduated tiers have no cliffs', one(tiered('GRADUATED', CLIFF)), []],
  [
    'a group has cliffs of its own',
    one(tiered('VOLUME', [{ unitPrice: '1' }], { groupBy: 'model', groups: [{ in: ['a'], tiers: CLIFF }] })),
    ['VOLUME_CLIFF prices[0].groups[0].tiers[0].upTo'],
  ],
  [
    '4.6 tiers behind the maximum are told',
    one(tiered('GRADUATED', RISING, { maximumAmount: '190' })),
    ['TIER_NOT_REACHABLE prices[0].tiers[2]'],
  ],
  ['4.6 a tier before the maximum is reached is not', one(tiered('GRADUATED', RISING, { maximumAmount: '190.01' })), []],
  [
    '4.6 a maximum below the flat fee is told',
    one(tiered('GRADUATED', [{ flatFee: '10', unitPrice: '1' }], { maximumAmount: '5' })),
    ['MAXIMUM_BELOW_FEE prices[0].maximumAmount'],
  ],
  [
    '4.6 a minimum under the flat fee has no effect',
    one(tiered('GRADUATED', [{ flatFee: '10', unitPrice: '1' }], { minimumAmount: '10' })),
    ['MINIMUM_WITHOUT_EFFECT prices[0].minimumAmount'],
  ],
  [
    'more included than the tiers count is told',
    one(tiered('GRADUATED', [{ upTo: '10', unitPrice: '1' }, {}], { includedQuantity: '11' })),
    ['INCLUDED_BEYOND_TIERS prices[0].includedQuantity'],
  ],
  [
    '4.6 a commitment that fees and minimums reach anyway has no effect',
    plan({ minimumCommitment: '25', prices: [{ key: 'f', model: 'FLAT', amount: '20' }, unit({ minimumAmount: '5' })] }),
    ['COMMITMENT_WITHOUT_EFFECT minimumCommitment'],
  ],
  [
    '4.6 a commitment above them has one',
    plan({ minimumCommitment: '25.01', prices: [{ key: 'f', model: 'FLAT', amount: '20' }, unit({ minimumAmount: '5' })] }),
    [],
  ],
  [
    '4.5 a floor that is the ceiling makes cost meaningless',
    one({ key: 'c', model: 'COST_PLUS', meter: 'calls', markup: '0.3', unitFloor: '1', unitCeiling: '1.0' }),
    ['UNIT_BOUNDS_EQUAL prices[0].unitCeiling'],
  ],
  [
    '4.5 a markup of 30 is probably meant to be 30 percent',
    one({ key: 'c', model: 'COST_PLUS', meter: 'calls', markup: '30' }),
    ['MARKUP_ABOVE_TEN prices[0].markup'],
  ],
  [
    '4.4 a rate of 2.9 is probably meant to be 2.9 percent',
    one({ key: 'c', model: 'PERCENTAGE', meter: 'calls', rate: '2.9' }),
    ['RATE_ABOVE_ONE prices[0].rate'],
  ],
  [
    'a group that the price does not match is told',
    one(unit({ match: [{ property: 'model', in: ['a'] }], groupBy: 'model', groups: [{ in: ['a', 'b'], unitPrice: '2' }] })),
    ['GROUP_NOT_REACHABLE prices[0].groups[0].in'],
  ],
  [
    'usage before and after a price is told to be free',
    one(unit({ validFrom: '2026-01-01T00:00:00Z', validUntil: '2026-02-01T00:00:00Z' })),
    ['FREE_OUTSIDE_VALIDITY prices[0].validFrom', 'FREE_OUTSIDE_VALIDITY prices[0].validUntil'],
  ],
  [
    'a price that another one follows leaves nothing free',
    plan({ prices: [unit({ validUntil: '2026-02-01T00:00:00Z' }), unit({ key: 'next', validFrom: '2026-02-01T00:00:00Z' })] }),
    [],
  ],
  ['7.5 credits that nothing burns are told', plan({ kind: 'CREDIT', creditsPerInterval: '100' }), ['CREDITS_NOT_BURNT burnRates']],
  [
    '7.5 an overage below the price of a credit is told',
    plan({
      kind: 'CREDIT',
      creditsPerInterval: '100',
      creditPrice: '0.02',
      creditExhaustion: 'OVERAGE',
      overagePricePerCredit: '0.01',
      burnRates: [{ meter: 'calls', creditsPerUnit: '1' }],
    }),
    ['OVERAGE_BELOW_CREDIT_PRICE overagePricePerCredit'],
  ],
  [
    '7.5 an overdraft of nothing and a rate of nothing are told',
    plan({ kind: 'CREDIT', creditExhaustion: 'OVERDRAFT', overdraftLimit: '0', burnRates: [{ meter: 'calls', creditsPerUnit: '0' }] }),
    ['BURN_RATE_ZERO burnRates[0].creditsPerUnit', 'OVERDRAFT_ZERO overdraftLimit'],
  ],
  [
    'a plain plan surprises nobody',
    plan({ prices: [{ key: 'f', model: 'FLAT', amount: '20' }, unit({ includedQuantity: '10' })], minimumCommitment: '30' }),
    [],
  ],
])('%s', (_name, terms, warnings) => {
  expect(found(terms)).toEqual(warnings);
});

test('a feature that never blocks, and one that always does, are told', () => {
  const feature = { name: 'x', enabled: true, match: [], limitPerSeat: false, onLimit: 'BLOCK' as const };
  const zero = parsePrice(unit({ includedQuantity: '0' })).includedQuantity;
  const features = [
    { ...feature, key: 'counted', meter: 'calls', limit: null },
    { ...feature, key: 'never', meter: 'calls', limit: zero },
    { ...feature, key: 'off', meter: 'calls', limit: zero, enabled: false },
    { ...feature, key: 'plain', meter: null, limit: null },
  ];
  expect(found({ ...plan({}), features })).toEqual(['FEATURE_WITHOUT_LIMIT features[0].limit', 'FEATURE_ALWAYS_BLOCKED features[1].limit']);
});

test('a feature that goes on when credits are used up is told, one that they stop is not', () => {
  const feature = { name: 'x', enabled: true, match: [], limitPerSeat: false, onLimit: 'BLOCK' as const, limit: null };
  const burning = plan({ kind: 'CREDIT', creditsPerInterval: '100', burnRates: [{ meter: 'calls', creditsPerUnit: '1' }] });
  const features = [
    { ...feature, key: 'plain', meter: null },
    { ...feature, key: 'burning', meter: 'calls' },
    { ...feature, key: 'beside', meter: 'images' },
  ];
  expect(found({ ...burning, features })).toEqual(['FEATURE_WITHOUT_CREDITS features[0].meter', 'FEATURE_WITHOUT_LIMIT features[2].limit']);
  expect(found({ ...burning, features: features.slice(0, 1), creditExhaustion: 'OVERAGE' })).toEqual([]);
});

import type { PlanInput, PriceInput } from '@tare/core';
import type { Seeded } from '../oracle/seeded.ts';
import type { Story } from '../scenarios/story.ts';

type Plan = Story['plans'][number];

/** What can be sold in a story. */
export interface Catalogue {
  readonly meters: Story['meters'];
  /** The first is what is subscribed to, the second what it changes to, the third an add-on. */
  readonly plans: readonly [Plan, Plan, Plan];
  /** The next version of the first plan. */
  readonly next: Plan;
  readonly isInUsd: boolean;
}

/** When something ends or begins inside of the story, as text. */
type Sometime = () => string;

/** The meters that prices of a plan read. */
type Reads = 'query' | 'image' | 'payment' | 'call';

/** Two plans of any kind with prices of all models, an add-on, and another version. */
export function randomCatalogue(random: Seeded, sometime: Sometime): Catalogue {
  const currency = random.chance(78) ? 'USD' : random.pick(['JPY', 'EUR', 'KWD', 'HUF']);
  const interval = random.chance(72) ? 'MONTH' : random.pick(['WEEK', 'QUARTER', 'YEAR', 'MONTH'] as const);
  const terms = { currency, interval, alignment: random.pick(['CALENDAR', 'ANNIVERSARY'] as const) };
  const shared = usagePrices(random, sometime, currency);
  const first = planOf(random, 'small', terms, random.chance(70) ? shared : usagePrices(random, sometime, currency), sometime);
  const other = {
    ...terms,
    ...(random.chance(15) ? { interval: random.pick(['MONTH', 'YEAR', 'QUARTER'] as const) } : {}),
    ...(random.chance(6) ? { currency: random.pick(['USD', 'EUR', 'JPY']) } : {}),
  };
  const second = planOf(random, 'large', other, random.chance(70) ? shared : usagePrices(random, sometime, other.currency), sometime);
  const addOn = { ...terms, key: 'extra', kind: 'SUBSCRIPTION' as const, addOn: true, prices: addOnPrices(random) };
  const next = { ...first, prices: [...(first.prices ?? []).filter(isUsage), ...feesOf(random, first.kind, sometime)] };
  return {
    meters: meters(random),
    plans: [first, second, addOn],
    next: next.prices.length === 0 ? first : next,
    isInUsd: currency === 'USD' && other.currency === 'USD',
  };
}

const isUsage = ({ model }: PriceInput): boolean => model !== 'FLAT';

export const amount = (random: Seeded): string => (random.chance(50) ? String(random.whole(1, 300)) : random.decimal(3, 2));

function meters(random: Seeded): Story['meters'] {
  const aggregation = random.pick(['SUM', 'MAX', 'COUNT', 'LATEST', 'UNIQUE_COUNT']);
  return [
    { key: 'query' },
    { key: 'image', aggregation, ...(aggregation === 'UNIQUE_COUNT' ? { valueProperty: 'user' } : {}) },
    { key: 'payment', aggregation: 'COUNT' },
    { key: 'call', valueProperty: 'tokens.total' },
  ];
}

type Terms = Pick<PlanInput, 'currency' | 'interval' | 'alignment'>;

function planOf(random: Seeded, key: string, terms: Terms, prices: readonly PriceInput[], sometime: Sometime): Plan {
  const kind: Plan['kind'] = random.chance(66)
    ? 'SUBSCRIPTION'
    : random.pick<Plan['kind']>(['PER_QUERY', 'CREDIT', 'CREDIT', 'SITE_LICENSE']);
  const { currency } = terms;
  const base = { ...terms, key, kind };
  if (kind === 'SITE_LICENSE') {
    const term = { termIntervals: random.whole(1, 4), autoRenew: random.chance(70) };
    const fees = [flat('license', amount(random), random), ...feesOf(random, kind, sometime)];
    const fairUse = random.chance(40) ? { fairUse: [{ meter: 'query', quantity: '100' }] } : {};
    return { ...base, ...term, ...fairUse, prices: fees.map((fee) => ({ ...fee, timing: 'IN_ADVANCE' as const })) };
  }
  const agreed = {
    ...(random.chance(20) ? { minimumCommitment: String(random.whole(20, 400)) } : {}),
    ...(random.chance(20) ? { invoiceThreshold: String(random.whole(20, 200)) } : {}),
    ...(random.chance(12) ? { trialDays: random.whole(1, 20) } : {}),
  };
  const commitment = 'minimumCommitment' in agreed && random.chance(25) ? { commitmentIntervals: random.whole(2, 3) } : {};
  if (kind === 'PER_QUERY') return { ...base, ...agreed, prices: prices.map(withoutStandingCharge) };
  if (kind === 'CREDIT') return { ...base, ...agreed, ...creditTerms(random, currency), prices: feesOf(random, kind, sometime) };
  return { ...base, ...agreed, ...commitment, prices: [...feesOf(random, kind, sometime), ...prices] };
}

/** A plan without a fee charges nothing where nothing is used. */
function withoutStandingCharge({ minimumAmount: _, ...price }: PriceInput): PriceInput {
  const without = <Amounts extends { readonly tiers?: PriceInput['tiers'] }>(amounts: Amounts): Amounts =>
    amounts.tiers == null
      ? amounts
      : { ...amounts, tiers: amounts.tiers.map((tier, index) => (index === 0 ? { ...tier, flatFee: '0' } : tier)) };
  const groups = price.groups?.map(({ minimumAmount: __, ...group }) => without(group));
  return { ...without(price), ...(groups === undefined ? {} : { groups }) };
}

function creditTerms(random: Seeded, currency: string): Partial<PlanInput> {
  const cheap = currency === 'JPY' ? '10' : '0.1';
  const exhaustion = random.pick([
    { creditExhaustion: 'BLOCK' },
    { creditExhaustion: 'OVERAGE', overagePricePerCredit: random.pick([cheap, '1.005', '0.333']) },
    { creditExhaustion: 'OVERDRAFT', overdraftLimit: String(random.whole(1, 500)) },
  ] as const);
  const granted = random.chance(60)
    ? {
        creditsPerInterval: String(random.whole(10, 900)),
        creditPrice: random.pick(['0', cheap, '0.07', '1.25']),
        ...(random.chance(25) ? { creditsGrantedWhen: 'PAID' as const } : {}),
        ...(random.chance(30)
          ? { creditRollover: true, ...(random.chance(50) ? { creditRolloverMaximum: String(random.whole(1, 400)) } : {}) }
          : {}),
      }
    : {};
  const burnRates = [
    { meter: 'query', creditsPerUnit: random.pick(['1', '0.25', '3']) },
    ...(random.chance(50) ? [{ meter: 'call', creditsPerUnit: '0.001', match: [{ property: 'model', in: ['alpha'] }] }] : []),
  ];
  return { ...exhaustion, ...granted, burnRates };
}

function flat(key: string, of: string, random: Seeded): PriceInput {
  return { key, model: 'FLAT', amount: of, perSeat: random.chance(40), timing: random.chance(80) ? 'IN_ADVANCE' : 'IN_ARREARS' };
}

function feesOf(random: Seeded, kind: Plan['kind'], sometime: Sometime): PriceInput[] {
  if (kind === 'PER_QUERY') return [];
  return Array.from({ length: random.whole(0, 2) }, (_, index) => {
    const fee = flat(`fee ${index}`, amount(random), random);
    const dated = random.chance(8) ? { [random.pick(['validFrom', 'validUntil'])]: sometime() } : {};
    const isLong = fee.timing === 'IN_ADVANCE' && Object.keys(dated).length === 0 && random.chance(12);
    return { ...fee, ...dated, ...(isLong ? { everyIntervals: random.whole(2, 4) } : {}) };
  });
}

function addOnPrices(random: Seeded): PriceInput[] {
  return [flat('fee', amount(random), random)];
}

const unitPrice = (random: Seeded, currency: string): string =>
  random.pick(currency === 'JPY' ? ['1', '0.5', '7'] : ['0.01', '0.5', '0.333', '1.005']);

function usagePrices(random: Seeded, sometime: Sometime, currency: string): PriceInput[] {
  const read: Reads[] = ['query', ...(['image', 'payment', 'call'] as const).filter(() => random.chance(40))];
  return read.flatMap((meter) => pricesOf(random, meter, sometime, currency));
}

function pricesOf(random: Seeded, meter: Reads, sometime: Sometime, currency: string): PriceInput[] {
  // Rates are in USD: what no exchange rate converts waits.
  if (meter === 'call') return currency === 'USD' ? [costPlus(random)] : [];
  if (meter === 'payment') return [percentage(random)];
  const price = usagePrice(random, meter, currency);
  if (random.chance(10)) {
    const until = sometime();
    return [
      { ...price, validUntil: until },
      ...(random.chance(75) ? [{ ...usagePrice(random, meter, currency), key: `${meter} later`, validFrom: until }] : []),
    ];
  }
  if (price.groupBy != null || !random.chance(12)) return [price];
  const some: PriceInput = { ...price, match: [{ property: 'model', in: ['a'] }] };
  return random.chance(50)
    ? [some]
    : [some, { ...usagePrice(random, meter, currency), key: `${meter} of others`, match: [{ property: 'model', in: ['b', 'c'] }] }];
}

function costPlus(random: Seeded): PriceInput {
  return {
    key: 'call',
    meter: 'call',
    model: 'COST_PLUS',
    markup: random.pick(['0.3', '0', '0.125']),
    ...(random.chance(30) ? { unitFloor: '0.000004' } : {}),
    ...(random.chance(30) ? { unitCeiling: '0.000009' } : {}),
    ...(random.chance(15) ? { minimumAmount: '5' } : {}),
    ...(random.chance(15) ? { maximumAmount: '40' } : {}),
  };
}

function percentage(random: Seeded): PriceInput {
  return {
    key: 'payment',
    meter: 'payment',
    model: 'PERCENTAGE',
    valueProperty: 'properties.amount',
    rate: random.pick(['0.029', '0.1', '0.00333']),
    ...(random.chance(50) ? { fixedFee: '0.3' } : {}),
    ...(random.chance(15) ? { maximumAmount: '30' } : {}),
  };
}

function usagePrice(random: Seeded, meter: Reads, currency: string): PriceInput {
  const bounds = {
    ...(random.chance(30) ? { includedQuantity: String(random.whole(1, 500)) } : {}),
    ...(random.chance(20) ? { minimumAmount: String(random.whole(1, 50)) } : {}),
    ...(random.chance(20) ? { maximumAmount: String(random.whole(60, 500)) } : {}),
  };
  const isAllowance = bounds.includedQuantity !== undefined;
  const price = {
    key: meter,
    meter,
    ...bounds,
    ...(isAllowance && random.chance(60) ? rolling(random) : {}),
    ...(isAllowance ? { prorateIncluded: random.chance(30), perSeat: random.chance(25) } : {}),
  };
  const unit = unitPrice(random, currency);
  switch (random.whole(0, 3)) {
    case 0:
      return { ...price, model: 'PACKAGE', packageSize: String(random.whole(1, 100)), packagePrice: String(random.whole(1, 9)) };
    case 1:
      return { ...price, model: random.pick(['GRADUATED', 'VOLUME'] as const), tiers: tiers(random) };
    case 2:
      return { ...price, model: 'PER_UNIT', unitPrice: unit, groupBy: 'model', groups: groups(random) };
    default:
      return { ...price, model: 'PER_UNIT', unitPrice: unit };
  }
}

function groups(random: Seeded): PriceInput['groups'] {
  const first = { in: ['a', 'b'], unitPrice: '0.07', ...(random.chance(50) ? { minimumAmount: '3' } : {}) };
  return random.chance(70) ? [first] : [first, { in: ['c'], unitPrice: '2', includedQuantity: '7', maximumAmount: '55' }];
}

function rolling(random: Seeded): Partial<PriceInput> {
  return {
    rollover: true,
    ...(random.chance(40) ? { rolloverMaximum: String(random.whole(1, 600)) } : {}),
    ...(random.chance(40) ? { rolloverPeriods: random.whole(1, 2) } : {}),
  };
}

function tiers(random: Seeded): PriceInput['tiers'] {
  const first = random.whole(1, 200);
  return [
    { upTo: String(first), unitPrice: '1', flatFee: random.pick(['0', '2.5']) },
    { upTo: String(first + random.whole(1, 300)), unitPrice: '0.25', flatFee: random.pick(['0', '1']) },
    { unitPrice: '0.1' },
  ];
}

import type { ChangeCase } from './change-oracle.ts';
import type { BillCase, CaseAmounts, CaseDiscount, CasePeriod, CasePrice, CaseUsage } from './bill-case.ts';
import { Fraction } from './fraction.ts';
import type { Seeded } from './seeded.ts';

const MICROS = 1_000_000;
const JANUARY = Date.UTC(2026, 0, 1) * 1_000;
const FEBRUARY = Date.UTC(2026, 1, 1) * 1_000;
const MARCH = Date.UTC(2026, 2, 1) * 1_000;
const REGIONS = ['eu', 'us', 'ap'] as const;
const CURRENCIES = ['USD', 'USD', 'JPY', 'KWD', 'IQD'] as const;
const MODELS = ['PER_UNIT', 'PACKAGE', 'GRADUATED', 'VOLUME', 'PERCENTAGE', 'COST_PLUS'] as const;

/** A bill from a seed: prices of all models at round and at crooked numbers, usage on and around their bounds, discounts that stack. */
export function generateBillCase(random: Seeded): BillCase {
  const prices = [
    ...some(random, 3, (index) => usagePrice(random, `usage${index}`)),
    ...some(random, 2, (index) => flatPrice(random, `fee${index}`)),
  ];
  const period = random.chance(60) ? whole(JANUARY, FEBRUARY) : shortened(random, JANUARY, FEBRUARY);
  return {
    currency: random.pick(CURRENCIES),
    prices,
    minimumCommitment: random.chance(40) ? random.decimal(4, 4) : null,
    seats: random.whole(1, 5),
    period,
    next: random.chance(80) ? whole(FEBRUARY, MARCH) : shortened(random, FEBRUARY, MARCH),
    usage: prices.flatMap((price) => (price.model === 'FLAT' ? [] : usageOf(random, price, period))),
    feesNet: random.chance(50) ? '0' : random.decimal(3, 2),
    discounts: some(random, 3, (index) => discount(random, `discount${index}`, prices)),
    carried: prices.flatMap((price) => carriedInto(random, price)),
  };
}

/** A part of a period that begins and ends at any second of it. */
export function shortened(random: Seeded, fullStart: number, fullEnd: number): CasePeriod {
  const seconds = (fullEnd - fullStart) / MICROS;
  const cuts = [random.chance(40) ? 0 : random.whole(0, seconds - 1), random.chance(40) ? seconds : random.whole(1, seconds)];
  const [from, until] = [Math.min(...cuts), Math.max(...cuts)];
  return { start: fullStart + from * MICROS, end: fullStart + Math.max(until, from + 1) * MICROS, fullStart, fullEnd };
}

export function whole(start: number, end: number): CasePeriod {
  return { start, end, fullStart: start, fullEnd: end };
}

export function flatPrice(random: Seeded, key: string): CasePrice {
  const timing = random.chance(70) ? 'IN_ADVANCE' : 'IN_ARREARS';
  const plain = { prorateIncluded: false, rollover: false, groups: [] };
  return { key, model: 'FLAT', amount: random.decimal(4, 4), timing, perSeat: random.chance(30), ...plain };
}

function usagePrice(random: Seeded, key: string): CasePrice {
  const model = random.pick(MODELS);
  const amounts = amountsOf(random, model);
  const isAllowance = model !== 'COST_PLUS';
  const groups = random.chance(25) ? [['eu'], ['us', 'ap']].slice(0, random.whole(1, 2)) : [];
  return {
    key,
    model,
    ...amounts,
    perSeat: isAllowance && random.chance(20),
    prorateIncluded: amounts.includedQuantity !== undefined && random.chance(30),
    rollover: amounts.includedQuantity !== undefined && random.chance(30),
    groups: groups.map((regions) => ({ in: regions, ...amountsOf(random, model) })),
  };
}

function amountsOf(random: Seeded, model: CasePrice['model']): CaseAmounts {
  const bounds = {
    ...(random.chance(25) ? { minimumAmount: random.decimal(2, 4) } : {}),
    ...(random.chance(25) ? { maximumAmount: `1${random.decimal(3, 4)}` } : {}),
  };
  const ordered = isOrdered(bounds) ? bounds : {};
  const included = model !== 'COST_PLUS' && random.chance(50) ? { includedQuantity: random.decimal(3, 3) } : {};
  return { ...ordered, ...included, ...ownAmounts(random, model) };
}

function isOrdered({ minimumAmount, maximumAmount }: CaseAmounts): boolean {
  return (
    minimumAmount === undefined || maximumAmount === undefined || Fraction.read(minimumAmount).compare(Fraction.read(maximumAmount)) <= 0
  );
}

function ownAmounts(random: Seeded, model: CasePrice['model']): CaseAmounts {
  switch (model) {
    case 'PER_UNIT':
      return { unitPrice: random.decimal(2, 18) };
    case 'PACKAGE':
      return { packageSize: `${random.whole(1, 50)}${random.chance(20) ? '.25' : ''}`, packagePrice: random.decimal(2, 6) };
    case 'GRADUATED':
    case 'VOLUME':
      return { tiers: tiersOf(random) };
    case 'PERCENTAGE':
      return { rate: `0.0${random.decimal(4, 0)}`, fixedFee: random.chance(50) ? '0' : random.decimal(1, 4) };
    case 'COST_PLUS':
      return {
        markup: `0.${random.decimal(3, 0)}`,
        ...(random.chance(40) ? { unitFloor: `0.0${random.decimal(3, 0)}` } : {}),
        ...(random.chance(40) ? { unitCeiling: `1.${random.decimal(3, 0)}` } : {}),
      };
    case 'FLAT':
      return {};
    default:
      return model satisfies never;
  }
}

function tiersOf(random: Seeded): NonNullable<CaseAmounts['tiers']> {
  const count = random.whole(1, 4);
  let bound = 0;
  return Array.from({ length: count }, (_, index) => {
    bound += random.whole(1, 60);
    const upTo = index === count - 1 ? {} : { upTo: `${bound}${random.chance(20) ? '.5' : ''}` };
    return { ...upTo, unitPrice: random.decimal(1, 10), flatFee: random.chance(70) ? '0' : random.decimal(2, 3) };
  });
}

/** On a tier's bound, on the allowance, right beside them, or anywhere; also outside of the period. */
function usageOf(random: Seeded, price: CasePrice, period: CasePeriod): CaseUsage[] {
  return some(random, 4, () => ({
    price: price.key,
    at: random.chance(90) ? inside(random, period) : period.end,
    region: random.pick(REGIONS),
    events: random.whole(1, 20),
    quantity: random.chance(50) ? nearBound(random, price) : random.decimal(3, 12),
    cost: random.decimal(2, 9),
  }));
}

function nearBound(random: Seeded, price: CasePrice): string {
  const bounds = [...(price.tiers ?? []).flatMap(({ upTo }) => upTo ?? []), price.includedQuantity ?? '0', price.packageSize ?? '0'];
  const bound = Fraction.read(random.pick(bounds));
  const beside = bound.plus(Fraction.read(random.pick(['0', '0', '0.000000000001', '-0.000000000001', '1'])));
  return beside.isPositive ? beside.toString() : '0';
}

function inside(random: Seeded, { start, end }: CasePeriod): number {
  return start + random.whole(0, (end - start) / MICROS - 1) * MICROS;
}

function discount(random: Seeded, key: string, prices: readonly CasePrice[]): CaseDiscount {
  const isPercent = random.chance(50);
  const named = prices.filter(() => random.chance(50)).map((price) => price.key);
  const isNamed = named.length > 0 && random.chance(40);
  return {
    key,
    percentOff: isPercent ? percent(random) : null,
    amountOff: isPercent ? null : random.pick([String(random.whole(1, 300)), `${random.whole(0, 99)}.${random.whole(10, 99)}`]),
    prices: isNamed ? named : null,
    appliesTo: isNamed ? 'ALL' : random.pick(['ALL', 'ALL', 'FEES', 'USAGE']),
    from: random.chance(85) ? 0 : FEBRUARY,
    until: random.chance(85) ? null : FEBRUARY,
  };
}

function percent(random: Seeded): string {
  return random.pick(['100', '50', '33.333333', `${random.whole(1, 99)}`, `${random.whole(0, 99)}.${random.whole(1, 999)}`]);
}

function carriedInto(random: Seeded, price: CasePrice): BillCase['carried'] {
  if (!price.rollover || random.chance(30)) return [];
  const groups = [
    null,
    ...price.groups.filter(({ includedQuantity }) => includedQuantity !== undefined).map((group) => group.in.join(', ')),
  ];
  return [{ price: price.key, group: random.pick(groups), quantity: random.decimal(3, 6) }];
}

function some<Item>(random: Seeded, most: number, make: (index: number) => Item): Item[] {
  return Array.from({ length: random.whole(0, most) }, (_, index) => make(index));
}

/** Fees of two plans, some of them the same, and a second in between at which one takes over from the other. */
export function generateChangeCase(random: Seeded): ChangeCase {
  const fees = (count: number): CasePrice[] =>
    Array.from({ length: count }, (_, index) => ({ ...flatPrice(random, `fee${index}`), timing: 'IN_ADVANCE' }));
  const prices = fees(random.whole(1, 3));
  const before = { prices, seats: random.whole(1, 5) };
  const others = fees(random.whole(1, 3)).map((fee) => (random.chance(40) ? (prices.find(({ key }) => key === fee.key) ?? fee) : fee));
  const after = random.chance(25) ? before : { prices: others, seats: random.chance(50) ? before.seats : random.whole(1, 5) };
  const period = whole(JANUARY, FEBRUARY);
  const discounts = some(random, 1, () => ({ ...discount(random, 'discount', before.prices), from: 0, until: null }));
  return {
    currency: random.pick(CURRENCIES),
    before,
    after,
    period,
    at: inside(random, { ...period, start: period.start + MICROS }),
    discounts,
  };
}

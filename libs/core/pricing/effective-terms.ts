import { CodedError } from '../coded-error.ts';
import { Decimal } from '../money/index.ts';
import type { PriceInput } from './plan-input.ts';
import { requireAllowedForKind } from './parse-plan.ts';
import { parsePrice } from './parse-price.ts';
import { reviveDecimals } from './plan-terms-json.ts';
import type { PlanFeature, PlanTerms, Price, Tier } from './price.ts';

/** Amounts of a price that may be agreed otherwise for one subscription. Model, meter and filters stay the plan's. */
const AMOUNT_FIELDS = [
  'amount',
  'unitPrice',
  'packageSize',
  'packagePrice',
  'tiers',
  'rate',
  'fixedFee',
  'markup',
  'unitFloor',
  'unitCeiling',
  'includedQuantity',
  'minimumAmount',
  'maximumAmount',
] as const;
type AmountField = (typeof AMOUNT_FIELDS)[number];

/** PriceOverrideInput of the API: a price of the plan, and the amounts that hold instead of its own. Fields that are left out stay the plan's. */
export type PriceOverrideInput = Pick<PriceInput, AmountField> & {
  /** Key of the price; of an add-on's price `<add-on>/<price>`. */
  readonly price: string;
};

/** Amounts agreed for one subscription; only those that were given are there. Those of an add-on's price are for one piece of it. */
export type PriceOverride = { readonly price: string } & {
  readonly [Field in AmountField]?: Field extends 'tiers' ? readonly Tier[] : Decimal;
};

/** An add-on of a subscription: a plan version, so many times. */
export interface AddOnTerms {
  /** Key of the add-on's plan. */
  readonly key: string;
  readonly terms: PlanTerms;
  /** A whole number of at least 1. */
  readonly quantity: number;
}

/**
 * What one subscription is billed by: the plan's terms with its add-ons' prices beside the plan's own, and agreed amounts in place of both. FLAT amounts,
 * included quantities and limits of an add-on count as often as it is there. Without either the plan's terms themselves.
 */
export function effectiveTerms(plan: PlanTerms, addOns: readonly AddOnTerms[], overrides: readonly PriceOverride[]): PlanTerms {
  if (addOns.length === 0 && overrides.length === 0) return plan;
  const prices = [
    ...plan.prices.map((price) => overridden(price, overrides)),
    ...addOns.flatMap((addOn) => addOnPrices(addOn).map((price) => timesQuantity(overridden(price, overrides), addOn.quantity))),
  ];
  const features = addOns.reduce(withFeatures, plan.features);
  return { ...plan, prices, features, allowOverlap: plan.allowOverlap || addOns.some(({ terms }) => terms.allowOverlap) };
}

/**
 * Reads overrides of the prices of a plan with its add-ons. Each is held against its price as if the plan had said so; paths are those of the request:
 * `overrides[1].tiers[0].upTo`.
 * @throws CodedError UNKNOWN_PRICE | DUPLICATE_PRICE_KEY | OVERRIDE_FIELD_MISSING, and those of parsePrice and of the plan's kind
 */
export function parseOverrides(inputs: readonly PriceOverrideInput[], plan: PlanTerms, addOns: readonly AddOnTerms[]): PriceOverride[] {
  const prices = [...plan.prices, ...addOns.flatMap(addOnPrices)];
  return inputs.map((input, index) => {
    const path = `overrides[${index}]`;
    if (inputs.findIndex(({ price }) => price === input.price) < index)
      throw new CodedError('DUPLICATE_PRICE_KEY', 'Each price is overridden once.', `${path}.price`);
    const price = prices.find(({ key }) => key === input.price);
    if (price === undefined)
      throw new CodedError('UNKNOWN_PRICE', `The plan has no price with this key; it has ${namesOf(prices)}.`, `${path}.price`);
    return parseOverride(input, price, plan, path);
  });
}

/** Overrides as their JSON gives them back, decimals exact. */
export function overridesFromJson(json: unknown): PriceOverride[] {
  return reviveDecimals(json) as PriceOverride[];
}

/** An add-on's prices under the keys that they have in the subscription. */
function addOnPrices({ key: addOn, terms }: AddOnTerms): Price[] {
  return terms.prices.map((price) => ({ ...price, key: `${addOn}/${price.key}` }));
}

function overridden(price: Price, overrides: readonly PriceOverride[]): Price {
  const override = overrides.find((candidate) => candidate.price === price.key);
  if (override === undefined) return price;
  const { price: _key, ...amounts } = override;
  // parseOverrides let only amounts through that the price's model has.
  return { ...price, ...amounts };
}

function timesQuantity(price: Price, quantity: number): Price {
  const times = Decimal.of(quantity);
  if (price.model === 'FLAT') return { ...price, amount: price.amount.times(times) };
  return { ...price, includedQuantity: price.includedQuantity.times(times) };
}

/** A feature that the plan has too is there when either includes it, and its limits add up; without a limit on one side it has none. */
function withFeatures(features: readonly PlanFeature[], { terms, quantity }: AddOnTerms): PlanFeature[] {
  const added = terms.features.map((feature) => ({ ...feature, limit: feature.limit?.times(Decimal.of(quantity)) ?? null }));
  const joined = features.map((own) => {
    const more = added.find(({ key, enabled }) => enabled && key === own.key);
    if (more === undefined || !own.enabled) return more ?? own;
    return { ...own, limit: own.limit === null || more.limit === null ? null : own.limit.plus(more.limit) };
  });
  return [...joined, ...added.filter(({ key }) => !features.some((own) => own.key === key))];
}

function parseOverride(input: PriceOverrideInput, price: Price, { kind }: PlanTerms, path: string): PriceOverride {
  const given = AMOUNT_FIELDS.filter((field) => input[field] !== null && input[field] !== undefined);
  if (given.length === 0) throw new CodedError('OVERRIDE_FIELD_MISSING', 'An override says at least one amount, such as unitPrice.', path);
  const own = price as Readonly<Partial<Record<AmountField, unknown>>>;
  const kept = AMOUNT_FIELDS.filter((field) => !given.includes(field) && isSaid(own[field])).map((field) => [field, own[field]]);
  const merged = { ...Object.fromEntries(kept), ...Object.fromEntries(given.map((field) => [field, input[field]])) } as Partial<PriceInput>;
  const parsed = parsePrice({ key: price.key, model: price.model, meter: price.meter, ...merged }, path);
  requireAllowedForKind(parsed, { kind }, path);
  const amounts = parsed as Readonly<Partial<Record<AmountField, unknown>>>;
  return { price: price.key, ...Object.fromEntries(given.map((field) => [field, amounts[field]])) };
}

/** False for what a model without the field carries too. */
function isSaid(value: unknown): boolean {
  return value !== null && value !== undefined && !(value instanceof Decimal && value.isZero());
}

function namesOf(prices: readonly Price[]): string {
  return prices.length === 0 ? 'none' : prices.map(({ key }) => `"${key}"`).join(', ');
}

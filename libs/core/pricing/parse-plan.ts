import { CodedError } from '../coded-error.ts';
import { QUANTITY_PRECISION, currencyOf } from '../money/index.ts';
import type { Decimal } from '../money/index.ts';
import { refuseOverlap } from './meter-overlap.ts';
import type { MeterUse } from './meter-overlap.ts';
import { parseFeatures } from './parse-features.ts';
import { requireMeter } from './plan-meters.ts';
import type { PlanMeters } from './plan-meters.ts';
import { MOST_INTERVALS, parseCount, parseDecimal, parseMatch, parseOptional, parseOptionalCount, requireKey } from './parse-fields.ts';
import { parsePrice } from './parse-price.ts';
import type { PlanInput } from './plan-input.ts';
import type { BurnRate, PlanTerms, Price } from './price.ts';

/**
 * Reads a plan and refuses what no bill could be made from; the error's path names the field: `prices[1].tiers[0].upTo` (SEMANTICS 4, 5).
 * `meters`: the tenant's meters by key.
 * @throws CodedError those of parsePrice, and UNKNOWN_CURRENCY | UNKNOWN_METER | DUPLICATE_PRICE_KEY | PRICE_NOT_ALLOWED_FOR_KIND | OVERLAPPING_METERS |
 *   PLAN_FIELD_MISSING | PLAN_FIELD_NOT_ALLOWED | INVALID_COUNT | BURN_RATE_NOT_ADDITIVE | KEY_MISSING | KEY_TOO_LONG
 */
export function parsePlan(input: PlanInput, meters: PlanMeters): PlanTerms {
  requireKey(input.key, 'key');
  requireKey(input.name, 'name');
  requireKindFields(input);
  const prices = input.prices.map((price, index) => parsePrice(price, `prices[${index}]`));
  const burnRates = parseBurnRates(input, meters);
  requireUniqueKeys(prices);
  requireMeters(prices, meters);
  for (const [index, price] of prices.entries()) requireAllowedForKind(price, input, `prices[${index}]`);
  if (input.allowOverlap !== true) refuseOverlap([...usesOfPrices(prices, meters), ...usesOfBurnRates(burnRates, meters)]);
  return {
    kind: input.kind,
    currency: currencyOf(input.currency, 'currency').code,
    interval: input.interval,
    intervalCount: parseCount(input.intervalCount ?? 1, 1, MOST_INTERVALS, 'intervalCount'),
    alignment: input.alignment ?? 'ANNIVERSARY',
    prices,
    ...parseCommitment(input),
    invoiceThreshold: parseThreshold(input),
    trialDays: parseCount(input.trialDays ?? 0, 0, 3_650, 'trialDays'),
    ...parseCredits(input),
    burnRates,
    termIntervals: input.kind === 'SITE_LICENSE' ? parseCount(input.termIntervals ?? 1, 1, MOST_INTERVALS, 'termIntervals') : null,
    autoRenew: input.autoRenew ?? true,
    fairUse: parseFairUse(input, meters),
    features: parseFeatures(input, meters),
    addOn: input.addOn ?? false,
    allowOverlap: input.allowOverlap ?? false,
  };
}

type PlanField = keyof PlanInput;
const CREDIT_FIELDS: readonly PlanField[] = [
  'creditsPerInterval',
  'creditPrice',
  'creditsGrantedWhen',
  'creditRollover',
  'creditRolloverMaximum',
  'creditRolloverPeriods',
  'creditExhaustion',
  'overagePricePerCredit',
  'overdraftLimit',
  'burnRates',
];
/** What a subscription has once, from the plan that add-ons are attached to. */
const FIELDS_OF_WHOLE_PLANS: readonly PlanField[] = ['minimumCommitment', 'invoiceThreshold', 'trialDays'];
const LICENSE_FIELDS: readonly PlanField[] = ['termIntervals', 'fairUse'];

function requireKindFields(input: PlanInput): void {
  if (input.kind !== 'CREDIT') refuseFields(input, CREDIT_FIELDS);
  if (input.kind !== 'SITE_LICENSE') refuseFields(input, LICENSE_FIELDS);
  if (input.kind === 'SITE_LICENSE') refuseFields(input, ['minimumCommitment', 'invoiceThreshold']);
  if (input.kind === 'CREDIT') requireCreditFields(input);
  if (input.addOn === true) requireAddOn(input);
}

/** An add-on brings prices and features; all else stays with the plan that it is attached to. */
function requireAddOn(input: PlanInput): void {
  if (input.kind !== 'SUBSCRIPTION' && input.kind !== 'PER_QUERY') {
    throw new CodedError('PLAN_FIELD_NOT_ALLOWED', 'An add-on is of the kind SUBSCRIPTION or PER_QUERY.', 'addOn');
  }
  const extra = FIELDS_OF_WHOLE_PLANS.find((field) => isGiven(input[field]) && input[field] !== 0);
  if (extra !== undefined)
    throw new CodedError('PLAN_FIELD_NOT_ALLOWED', `An add-on has no ${extra}: the plan it is attached to may.`, extra);
}

function refuseFields(input: PlanInput, fields: readonly PlanField[]): void {
  const extra = fields.find((field) => isGiven(input[field]));
  if (extra !== undefined) throw new CodedError('PLAN_FIELD_NOT_ALLOWED', `A ${input.kind} plan has no ${extra}.`, extra);
}

function isGiven(value: unknown): boolean {
  return value !== null && value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}

/** Credits have to come from somewhere or go somewhere, and running out of them has to have a stated price or limit (SEMANTICS 7.5). */
function requireCreditFields(input: PlanInput): void {
  const needs = (field: PlanField, why: string): void => {
    if (!isGiven(input[field])) throw new CodedError('PLAN_FIELD_MISSING', why, field);
  };
  if (isGiven(input.creditPrice)) needs('creditsPerInterval', 'A price per credit needs a number of credits to be charged for.');
  if (isGiven(input.creditsGrantedWhen)) needs('creditsPerInterval', 'There are no credits whose grant could wait.');
  if (isGiven(input.creditRollover)) needs('creditsPerInterval', 'There are no credits of a period that could be left.');
  if (isGiven(input.creditRolloverMaximum) || isGiven(input.creditRolloverPeriods)) {
    needs('creditRollover', 'It bounds what is carried over: say creditRollover too.');
  }
  if (!isGiven(input.creditsPerInterval)) needs('burnRates', 'A CREDIT plan grants credits, burns them, or both.');
  const exhaustion = input.creditExhaustion ?? 'BLOCK';
  if (exhaustion === 'OVERAGE') needs('overagePricePerCredit', 'Overage is billed at a stated price per credit.');
  if (exhaustion === 'OVERDRAFT') needs('overdraftLimit', 'An overdraft has a limit, in credits.');
  if (exhaustion !== 'OVERAGE') refuseFields(input, ['overagePricePerCredit']);
  if (exhaustion !== 'OVERDRAFT') refuseFields(input, ['overdraftLimit']);
}

function parseCredits(
  input: PlanInput,
): Pick<
  PlanTerms,
  | 'creditsPerInterval'
  | 'creditPrice'
  | 'creditsGrantedWhen'
  | 'creditRollover'
  | 'creditRolloverMaximum'
  | 'creditRolloverPeriods'
  | 'creditExhaustion'
  | 'overagePricePerCredit'
  | 'overdraftLimit'
> {
  return {
    creditsPerInterval: parseOptional(input.creditsPerInterval, 'creditsPerInterval', QUANTITY_PRECISION),
    creditPrice: parseOptional(input.creditPrice, 'creditPrice'),
    creditsGrantedWhen: input.creditsGrantedWhen ?? 'FINALIZED',
    creditRollover: input.creditRollover ?? false,
    creditRolloverMaximum: parseOptional(input.creditRolloverMaximum, 'creditRolloverMaximum', QUANTITY_PRECISION),
    creditRolloverPeriods: parseOptionalCount(input.creditRolloverPeriods, 'creditRolloverPeriods'),
    creditExhaustion: input.creditExhaustion ?? 'BLOCK',
    overagePricePerCredit: parseOptional(input.overagePricePerCredit, 'overagePricePerCredit'),
    overdraftLimit: parseOptional(input.overdraftLimit, 'overdraftLimit', QUANTITY_PRECISION),
  };
}

/** A commitment over several billing periods is trued up at the end of the last of them. */
function parseCommitment(input: PlanInput): Pick<PlanTerms, 'minimumCommitment' | 'commitmentIntervals'> {
  const minimumCommitment = parseOptional(input.minimumCommitment, 'minimumCommitment');
  const commitmentIntervals = parseOptionalCount(input.commitmentIntervals, 'commitmentIntervals') ?? 1;
  if (commitmentIntervals > 1 && minimumCommitment === null) {
    throw new CodedError('PLAN_FIELD_MISSING', 'commitmentIntervals needs a minimumCommitment.', 'minimumCommitment');
  }
  return { minimumCommitment, commitmentIntervals };
}

function parseThreshold(input: PlanInput): Decimal | null {
  const threshold = parseOptional(input.invoiceThreshold, 'invoiceThreshold');
  if (threshold?.isZero() === true) {
    throw new CodedError(
      'THRESHOLD_NOT_POSITIVE',
      'A threshold of 0 would bill every event: leave it out, or set it above 0.',
      'invoiceThreshold',
    );
  }
  return threshold;
}

function parseBurnRates(input: PlanInput, meters: PlanMeters): BurnRate[] {
  return (input.burnRates ?? []).map((rate, index) => {
    const path = `burnRates[${index}]`;
    const { aggregation } = requireMeter(rate.meter, meters, `${path}.meter`);
    if (aggregation !== 'SUM' && aggregation !== 'COUNT') {
      throw new CodedError('BURN_RATE_NOT_ADDITIVE', 'Credits burn event by event: the meter has to be a SUM or a COUNT.', `${path}.meter`);
    }
    const creditsPerUnit = parseDecimal(rate.creditsPerUnit, `${path}.creditsPerUnit`);
    return { meter: rate.meter, creditsPerUnit, match: parseMatch(rate.match ?? [], `${path}.match`) };
  });
}

function parseFairUse(input: PlanInput, meters: PlanMeters): PlanTerms['fairUse'] {
  return (input.fairUse ?? []).map((line, index) => ({
    meter: requireMeter(line.meter, meters, `fairUse[${index}].meter`).key,
    quantity: parseDecimal(line.quantity, `fairUse[${index}].quantity`, QUANTITY_PRECISION),
  }));
}

function requireUniqueKeys(prices: readonly Price[]): void {
  const seen = new Set<string>();
  for (const [index, { key }] of prices.entries()) {
    if (seen.has(key)) throw new CodedError('DUPLICATE_PRICE_KEY', 'Each price of a plan has its own key.', `prices[${index}].key`);
    seen.add(key);
  }
}

function requireMeters(prices: readonly Price[], meters: PlanMeters): void {
  for (const [index, price] of prices.entries()) {
    if (price.meter !== null) requireMeter(price.meter, meters, `prices[${index}].meter`);
  }
}

/** What a customer of a kind can never see on a bill (SEMANTICS 4.2, 5). */
export function requireAllowedForKind(price: Price, { kind }: Pick<PlanInput, 'kind'>, path: string): void {
  const refuse = (field: string, why: string): never => {
    throw new CodedError('PRICE_NOT_ALLOWED_FOR_KIND', why, `${path}.${field}`);
  };
  if (kind === 'SITE_LICENSE' && price.model !== 'FLAT') refuse('model', 'A SITE_LICENSE charges a fixed fee and no usage.');
  if (kind === 'SITE_LICENSE' && price.model === 'FLAT' && price.timing === 'IN_ARREARS') refuse('timing', 'A license is paid in advance.');
  if (kind !== 'PER_QUERY') return;
  if (price.model === 'FLAT') refuse('model', 'A PER_QUERY plan has no fee without usage.');
  if (price.model === 'FLAT') return;
  for (const [index, amounts] of [price, ...price.groups].entries()) {
    const within = index === 0 ? '' : `groups[${index - 1}].`;
    if (amounts.minimumAmount?.isPositive() === true) refuse(`${within}minimumAmount`, 'A PER_QUERY plan has no fee without usage.');
    if ('tiers' in amounts && amounts.tiers[0]?.flatFee.isZero() === false) {
      refuse(`${within}tiers[0].flatFee`, 'The flat fee of the first tier is charged without usage: a PER_QUERY plan has none.');
    }
  }
}

/**
 * A plan with the prices of its add-ons counts nothing twice either (SEMANTICS 4.8). `terms`: what a subscription is billed by.
 * @throws CodedError OVERLAPPING_METERS
 */
export function requireUnambiguousMeters(terms: PlanTerms, meters: PlanMeters): void {
  if (!terms.allowOverlap) refuseOverlap([...usesOfPrices(terms.prices, meters), ...usesOfBurnRates(terms.burnRates, meters)]);
}

function usesOfPrices(prices: readonly Price[], meters: PlanMeters): MeterUse[] {
  return prices.flatMap((price, index) => {
    const meter = price.meter === null ? undefined : meters.get(price.meter);
    if (meter === undefined) return [];
    const own = price.model === 'PERCENTAGE' ? price.valueProperty : null;
    const { match, validFrom, validUntil } = price;
    return [{ meter, match, valueProperty: own ?? meter.valueProperty, validFrom, validUntil, path: `prices[${index}]` }];
  });
}

function usesOfBurnRates(rates: readonly BurnRate[], meters: PlanMeters): MeterUse[] {
  return rates.flatMap((rate, index) => {
    const meter = meters.get(rate.meter);
    return meter === undefined ? [] : [{ meter, match: rate.match, valueProperty: meter.valueProperty, path: `burnRates[${index}]` }];
  });
}

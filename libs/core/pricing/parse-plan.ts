import { CodedError } from '../coded-error.ts';
import { QUANTITY_PRECISION, currencyOf } from '../money/index.ts';
import { refuseOverlap } from './meter-overlap.ts';
import type { MeterUse } from './meter-overlap.ts';
import { parseDecimal, parseMatch, parseOptional, parsePrice, requireKey } from './parse-price.ts';
import type { PlanInput, PlanMeter } from './plan-input.ts';
import type { BurnRate, PlanTerms, Price } from './price.ts';

type Meters = ReadonlyMap<string, PlanMeter>;

/**
 * Reads a plan and refuses what no bill could be made from; the error's path names the field: `prices[1].tiers[0].upTo` (SEMANTICS 4, 5).
 * `meters`: the tenant's meters by key.
 * @throws CodedError those of parsePrice, and UNKNOWN_CURRENCY | UNKNOWN_METER | DUPLICATE_PRICE_KEY | PRICE_NOT_ALLOWED_FOR_KIND | OVERLAPPING_METERS |
 *   PLAN_FIELD_MISSING | PLAN_FIELD_NOT_ALLOWED | INVALID_COUNT | BURN_RATE_NOT_ADDITIVE | NOT_AVAILABLE | KEY_MISSING | KEY_TOO_LONG
 */
export function parsePlan(input: PlanInput, meters: Meters): PlanTerms {
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
    intervalCount: requireCount(input.intervalCount ?? 1, 1, 1_000, 'intervalCount'),
    alignment: input.alignment ?? 'ANNIVERSARY',
    prices,
    minimumCommitment: parseOptional(input.minimumCommitment, 'minimumCommitment'),
    trialDays: requireCount(input.trialDays ?? 0, 0, 3_650, 'trialDays'),
    ...parseCredits(input),
    burnRates,
    termIntervals: input.kind === 'SITE_LICENSE' ? requireCount(input.termIntervals ?? 1, 1, 1_000, 'termIntervals') : null,
    autoRenew: input.autoRenew ?? true,
    fairUse: parseFairUse(input, meters),
    allowOverlap: input.allowOverlap ?? false,
  };
}

type PlanField = keyof PlanInput;
const CREDIT_FIELDS: readonly PlanField[] = [
  'creditsPerInterval',
  'creditPrice',
  'creditRollover',
  'creditExhaustion',
  'overagePricePerCredit',
  'overdraftLimit',
  'burnRates',
];
const LICENSE_FIELDS: readonly PlanField[] = ['termIntervals', 'fairUse'];

function requireKindFields(input: PlanInput): void {
  if (input.kind !== 'CREDIT') refuseFields(input, CREDIT_FIELDS);
  if (input.kind !== 'SITE_LICENSE') refuseFields(input, LICENSE_FIELDS);
  if (input.kind === 'SITE_LICENSE') refuseFields(input, ['minimumCommitment']);
  if (input.kind === 'CREDIT') requireCreditFields(input);
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
  if (input.creditRollover === true) throw new CodedError('NOT_AVAILABLE', 'Rolling over credits is not available yet.', 'creditRollover');
  const needs = (field: PlanField, why: string): void => {
    if (!isGiven(input[field])) throw new CodedError('PLAN_FIELD_MISSING', why, field);
  };
  if (isGiven(input.creditPrice)) needs('creditsPerInterval', 'A price per credit needs a number of credits to be charged for.');
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
  'creditsPerInterval' | 'creditPrice' | 'creditRollover' | 'creditExhaustion' | 'overagePricePerCredit' | 'overdraftLimit'
> {
  return {
    creditsPerInterval: parseOptional(input.creditsPerInterval, 'creditsPerInterval', QUANTITY_PRECISION),
    creditPrice: parseOptional(input.creditPrice, 'creditPrice'),
    creditRollover: false,
    creditExhaustion: input.creditExhaustion ?? 'BLOCK',
    overagePricePerCredit: parseOptional(input.overagePricePerCredit, 'overagePricePerCredit'),
    overdraftLimit: parseOptional(input.overdraftLimit, 'overdraftLimit', QUANTITY_PRECISION),
  };
}

function parseBurnRates(input: PlanInput, meters: Meters): BurnRate[] {
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

function parseFairUse(input: PlanInput, meters: Meters): PlanTerms['fairUse'] {
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

function requireMeters(prices: readonly Price[], meters: Meters): void {
  for (const [index, price] of prices.entries()) {
    if (price.meter !== null) requireMeter(price.meter, meters, `prices[${index}].meter`);
  }
}

function requireMeter(key: string, meters: Meters, path: string): PlanMeter {
  const meter = meters.get(key);
  if (meter === undefined) throw new CodedError('UNKNOWN_METER', 'There is no meter with this key: create it first.', path);
  return meter;
}

/** What a customer of a kind can never see on a bill (SEMANTICS 4.2, 5). */
function requireAllowedForKind(price: Price, { kind }: PlanInput, path: string): void {
  const refuse = (field: string, why: string): never => {
    throw new CodedError('PRICE_NOT_ALLOWED_FOR_KIND', why, `${path}.${field}`);
  };
  if (kind === 'SITE_LICENSE' && price.model !== 'FLAT') refuse('model', 'A SITE_LICENSE charges a fixed fee and no usage.');
  if (kind === 'SITE_LICENSE' && price.model === 'FLAT' && price.timing === 'IN_ARREARS') refuse('timing', 'A license is paid in advance.');
  if (kind !== 'PER_QUERY') return;
  if (price.model === 'FLAT') refuse('model', 'A PER_QUERY plan has no fee without usage.');
  if (price.minimumAmount?.isPositive() === true) refuse('minimumAmount', 'A PER_QUERY plan has no fee without usage.');
  const isTiered = price.model === 'GRADUATED' || price.model === 'VOLUME';
  if (isTiered && price.tiers[0]?.flatFee.isZero() === false) {
    refuse('tiers[0].flatFee', 'The flat fee of the first tier is charged without usage: a PER_QUERY plan has none.');
  }
}

function usesOfPrices(prices: readonly Price[], meters: Meters): MeterUse[] {
  return prices.flatMap((price, index) => {
    const meter = price.meter === null ? undefined : meters.get(price.meter);
    if (meter === undefined) return [];
    const own = price.model === 'PERCENTAGE' ? price.valueProperty : null;
    return [{ meter, match: price.match, valueProperty: own ?? meter.valueProperty, path: `prices[${index}]` }];
  });
}

function usesOfBurnRates(rates: readonly BurnRate[], meters: Meters): MeterUse[] {
  return rates.flatMap((rate, index) => {
    const meter = meters.get(rate.meter);
    return meter === undefined ? [] : [{ meter, match: rate.match, valueProperty: meter.valueProperty, path: `burnRates[${index}]` }];
  });
}

function requireCount(value: number, least: number, most: number, path: string): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new CodedError('INVALID_COUNT', `It is a whole number from ${least} to ${most}.`, path);
}

import { CodedError } from '../coded-error.ts';
import { Decimal, PRICE_PRECISION, QUANTITY_PRECISION, currencyOf, decimalFromJson, requirePrecision } from '../money/index.ts';
import type { Precision } from '../money/index.ts';
import { MICROS_PER_DAY } from '../time/index.ts';
import type { Instant } from '../time/index.ts';
import { optionalText, requiredText } from '../usage/index.ts';
import { COST_KINDS } from './cost-rate.ts';
import type { CostKind, CostRateTerms, DailyWindow, KindPrices } from './cost-rate.ts';

/** A decimal as it comes from outside: text, or read already. */
type CostDecimal = Decimal | string | number | null | undefined;
type PriceInputs = Readonly<Partial<Record<CostKind, CostDecimal>>>;

/** The contract's CostRateInput, times read already. */
export interface CostRateInput extends PriceInputs {
  readonly provider: string;
  readonly model: string;
  readonly currency: string;
  readonly validFrom: Instant;
  readonly validTo?: Instant | null | undefined;
  readonly serviceTier?: string | null | undefined;
  readonly region?: string | null | undefined;
  readonly perRequest?: CostDecimal;
  readonly perUnit?: CostDecimal;
  readonly tiers?: readonly CostRateTierInput[] | null | undefined;
  readonly dailyWindow?: DailyWindow | null | undefined;
}
export interface CostRateTierInput extends PriceInputs {
  readonly inputAbove: CostDecimal;
}

const MAX_TIERS = 20;

/**
 * Reads a rate for the cost book.
 * @throws CodedError those of validateCostRate, INVALID_DECIMAL, NUMBER_NOT_EXACT
 */
export function parseCostRate(input: CostRateInput): CostRateTerms {
  return validateCostRate({
    provider: requiredText(input.provider, 'provider'),
    model: requiredText(input.model, 'model'),
    currency: input.currency,
    validFrom: input.validFrom,
    validTo: input.validTo ?? null,
    serviceTier: optionalText(input.serviceTier, 'serviceTier'),
    region: optionalText(input.region, 'region'),
    prices: pricesOf(input, ''),
    perRequest: decimalOf(input.perRequest, 'perRequest'),
    perUnit: decimalOf(input.perUnit, 'perUnit'),
    tiers: (input.tiers ?? []).map((tier, index) => ({
      inputAbove: decimalOf(tier.inputAbove, `tiers[${index}].inputAbove`) ?? Decimal.ZERO,
      prices: pricesOf(tier, `tiers[${index}].`),
    })),
    dailyWindow: input.dailyWindow ?? null,
  });
}

/**
 * Gives the rate back when the cost book can hold it: known currency, a period that is not empty, prices of 0 or more with at most 18 decimals, at least
 * one of them, and tiers of rising threshold (SEMANTICS 1.2, 9.3).
 * @throws CodedError FIELD_MISSING, FIELD_TOO_LONG, UNKNOWN_CURRENCY, INVALID_PERIOD, INVALID_WINDOW, PRICE_FIELD_MISSING, NEGATIVE_PRICE, TOO_PRECISE,
 * TIERS_OUT_OF_ORDER, TOO_MANY
 */
export function validateCostRate<Rate extends CostRateTerms>(rate: Rate): Rate {
  requiredText(rate.provider, 'provider');
  requiredText(rate.model, 'model');
  currencyOf(rate.currency, 'currency');
  if (rate.validTo !== null && rate.validTo <= rate.validFrom)
    throw new CodedError('INVALID_PERIOD', 'A rate ends after it starts.', 'validTo');
  validateWindow(rate.dailyWindow);
  validatePrices(rate.prices, '');
  validateNumber(rate.perRequest, PRICE_PRECISION, 'perRequest');
  validateNumber(rate.perUnit, PRICE_PRECISION, 'perUnit');
  validateTiers(rate);
  if (!hasPrice(rate)) throw new CodedError('PRICE_FIELD_MISSING', 'A rate has at least one price.', 'input');
  return rate;
}

function hasPrice({ prices, perRequest, perUnit }: CostRateTerms): boolean {
  return perRequest !== null || perUnit !== null || COST_KINDS.some((kind) => prices[kind] !== undefined);
}

function validateTiers({ tiers }: CostRateTerms): void {
  if (tiers.length > MAX_TIERS) throw new CodedError('TOO_MANY', `At most ${MAX_TIERS} tiers are allowed.`, 'tiers');
  for (const [index, tier] of tiers.entries()) {
    const path = `tiers[${index}].inputAbove`;
    const previous = tiers[index - 1];
    validateNumber(tier.inputAbove, QUANTITY_PRECISION, path);
    validatePrices(tier.prices, `tiers[${index}].`);
    const isRising = previous === undefined || tier.inputAbove.compare(previous.inputAbove) > 0;
    if (!isRising) throw new CodedError('TIERS_OUT_OF_ORDER', 'Each threshold is above the one before.', path);
  }
}

function validateWindow(window: DailyWindow | null): void {
  if (window === null) return;
  const isTime = (time: number) => Number.isSafeInteger(time) && time >= 0 && time < MICROS_PER_DAY;
  if (isTime(window.start) && isTime(window.end) && window.start !== window.end) return;
  throw new CodedError('INVALID_WINDOW', 'A daily window has two different times of day.', 'dailyWindow');
}

function validatePrices(prices: KindPrices, prefix: string): void {
  for (const kind of COST_KINDS) validateNumber(prices[kind] ?? null, PRICE_PRECISION, `${prefix}${kind}`);
}

function validateNumber(value: Decimal | null, precision: Precision, path: string): void {
  if (value?.isNegative()) throw new CodedError('NEGATIVE_PRICE', 'A cost cannot be negative.', path);
  if (value !== null) requirePrecision(value, precision, path);
}

function pricesOf(input: PriceInputs, prefix: string): KindPrices {
  const prices: Partial<Record<CostKind, Decimal>> = {};
  for (const kind of COST_KINDS) {
    const price = decimalOf(input[kind], `${prefix}${kind}`);
    if (price !== null) prices[kind] = price;
  }
  return prices;
}

function decimalOf(value: CostDecimal, path: string): Decimal | null {
  return value === undefined || value === null ? null : decimalFromJson(value, path);
}

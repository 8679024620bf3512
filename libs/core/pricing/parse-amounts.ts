import { CodedError } from '../coded-error.ts';
import { Decimal, QUANTITY_PRECISION } from '../money/index.ts';
import { parseDecimal, parseOptional } from './parse-fields.ts';
import type { FieldPath } from './parse-fields.ts';
import type { DecimalInput, PriceAmountsInput, TierInput } from './plan-input.ts';
import type { CostPlusAmounts, PackageAmounts, PercentageAmounts, PriceGroup, Tier, TierAmounts, UnitAmounts } from './price.ts';

/** Reads the amounts of one model, of a price or of a group of it; what the model needs is known to be there. */
export type ParseAmounts<Amounts> = (input: PriceAmountsInput, at: FieldPath) => Amounts;

export const unitAmounts: ParseAmounts<UnitAmounts> = (input, at) => ({ unitPrice: required(input, 'unitPrice', at) });

export const packageAmounts: ParseAmounts<PackageAmounts> = (input, at) => ({
  packageSize: parseSize(input, at('packageSize')),
  packagePrice: required(input, 'packagePrice', at),
});

export const tierAmounts: ParseAmounts<TierAmounts> = (input, at) => ({ tiers: parseTiers(input.tiers ?? [], at('tiers')) });

export const percentageAmounts: ParseAmounts<PercentageAmounts> = (input, at) => ({
  rate: required(input, 'rate', at),
  fixedFee: parseOptional(input.fixedFee, at('fixedFee')) ?? Decimal.ZERO,
});

export const costPlusAmounts: ParseAmounts<CostPlusAmounts> = (input, at) => {
  const unitFloor = parseOptional(input.unitFloor, at('unitFloor'));
  const unitCeiling = parseOptional(input.unitCeiling, at('unitCeiling'));
  requireOrder(unitFloor, unitCeiling, at('unitFloor'));
  return { markup: required(input, 'markup', at), unitFloor, unitCeiling };
};

/** What every price and group may have beside the amounts of its model. @throws CodedError MINIMUM_ABOVE_MAXIMUM */
export function parseBounds(
  input: PriceAmountsInput,
  at: FieldPath,
): Pick<PriceGroup, 'includedQuantity' | 'minimumAmount' | 'maximumAmount'> {
  const minimumAmount = parseOptional(input.minimumAmount, at('minimumAmount'));
  const maximumAmount = parseOptional(input.maximumAmount, at('maximumAmount'));
  requireOrder(minimumAmount, maximumAmount, at('minimumAmount'));
  const includedQuantity = parseOptional(input.includedQuantity, at('includedQuantity'), QUANTITY_PRECISION) ?? Decimal.ZERO;
  return { includedQuantity, minimumAmount, maximumAmount };
}

function required(input: PriceAmountsInput, field: Exclude<keyof PriceAmountsInput, 'tiers'>, at: FieldPath): Decimal {
  return parseDecimal(input[field] as DecimalInput, at(field));
}

function requireOrder(least: Decimal | null, most: Decimal | null, path: string): void {
  if (least === null || most === null || least.compare(most) <= 0) return;
  throw new CodedError('MINIMUM_ABOVE_MAXIMUM', 'The lower bound is above the upper one.', path);
}

function parseSize(input: PriceAmountsInput, path: string): Decimal {
  const size = parseDecimal(input.packageSize ?? '', path, QUANTITY_PRECISION);
  if (size.isZero()) throw new CodedError('PACKAGE_SIZE_NOT_POSITIVE', 'A package holds more than nothing.', path);
  return size;
}

function parseTiers(inputs: readonly TierInput[], path: string): Tier[] {
  const tiers = inputs.map((input, index) => ({
    upTo: parseOptional(input.upTo, `${path}[${index}].upTo`, QUANTITY_PRECISION),
    unitPrice: parseOptional(input.unitPrice, `${path}[${index}].unitPrice`) ?? Decimal.ZERO,
    flatFee: parseOptional(input.flatFee, `${path}[${index}].flatFee`) ?? Decimal.ZERO,
  }));
  requireTierOrder(tiers, path);
  return tiers;
}

function requireTierOrder(tiers: readonly Tier[], path: string): void {
  let from: Decimal = Decimal.ZERO;
  for (const [index, { upTo }] of tiers.entries()) {
    const isLast = index === tiers.length - 1;
    const at = `${path}[${index}].upTo`;
    if (isLast && upTo !== null) throw new CodedError('TIERS_NOT_OPEN_ENDED', 'The last tier has no upper bound.', at);
    if (isLast) return;
    if (upTo === null) throw new CodedError('TIERS_OUT_OF_ORDER', 'Only the last tier is without an upper bound.', at);
    if (upTo.compare(from) <= 0)
      throw new CodedError('TIERS_OUT_OF_ORDER', 'Each tier ends above the one before it, the first one above 0.', at);
    from = upTo;
  }
}

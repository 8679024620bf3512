import { existsSync, readFileSync } from 'node:fs';
import { Decimal } from '../money/index.ts';
import type { PriceInput } from './plan-input.ts';

/** What other billing systems' tests and docs expect of a price: the shared examples, as far as they are at hand. */

interface ExampleTier {
  readonly up_to: string | null;
  readonly unit_price?: string;
  readonly rate_percent?: string;
  readonly flat_fee: string;
}
type Params = Readonly<Record<string, string | undefined>> & {
  readonly base?: Params & { readonly model: string };
  readonly tiers?: readonly ExampleTier[];
  readonly percents?: readonly string[];
  readonly amounts?: readonly string[];
  readonly weights?: readonly (readonly [string, string])[];
  readonly prorate?: { readonly days: string; readonly of: string };
  readonly convert?: { readonly factor: string };
};
export interface PriceExample {
  readonly id: string;
  readonly model: string;
  readonly currency: string;
  readonly params: Params;
  readonly quantity: string | null;
  readonly pre_quantity?: string;
  readonly events?: readonly string[];
  readonly buckets?: readonly string[];
  readonly prorated_events?: readonly unknown[];
  readonly phases?: readonly { readonly cumulative_quantity: string; readonly expected_delta: string }[];
  readonly expected_amount: string | null;
  readonly expected_rounded: string | null;
  readonly expected_minor?: string;
  readonly expected_discount?: string;
  readonly expected_lines?: readonly (readonly [string, string])[] | readonly Readonly<Record<string, string>>[];
}

const FILE = '../shared/data/examples/pricing.json';

/** The cases; null where the file is not beside this repository. */
export const readPriceExamples = (): PriceExample[] | null =>
  existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as PriceExample[]) : null;

const hundredth = (percent: string): string => Decimal.parse(percent).times(Decimal.parse('0.01')).toString();

/** The case's price as a PriceInput; null where no model of ours says it. */
export function priceOfExample(model: string, params: Params): PriceInput | null {
  const base = { key: 'p', meter: 'm' };
  switch (model) {
    case 'flat':
      return { key: 'p', model: 'FLAT', amount: params.amount ?? '0' };
    case 'per_unit':
      if (params.convert === undefined) return { ...base, model: 'PER_UNIT', unitPrice: params.unit_price ?? '0' };
      return { ...base, model: 'PACKAGE', packageSize: params.convert.factor, packagePrice: params.unit_price ?? '0' };
    case 'package':
      return {
        ...base,
        model: 'PACKAGE',
        packageSize: params.package_size ?? '1',
        packagePrice: params.package_price ?? '0',
        includedQuantity: params.free_units ?? null,
      };
    case 'graduated':
    case 'volume':
    case 'graduated_percentage':
      return {
        ...base,
        model: model === 'volume' ? 'VOLUME' : 'GRADUATED',
        includedQuantity: params.allowance_tier ?? null,
        tiers: (params.tiers ?? []).map((tier) => ({
          upTo: tier.up_to,
          unitPrice: tier.unit_price ?? hundredth(tier.rate_percent ?? '0'),
          flatFee: tier.flat_fee,
        })),
      };
    case 'dynamic':
      if (params.multiplier === undefined) return { ...base, model: 'PERCENTAGE', rate: '0.01' };
      return { ...base, model: 'COST_PLUS', markup: Decimal.parse(params.multiplier).minus(Decimal.ONE).toString() };
    case 'percentage':
      if (params.free_amount !== undefined) return null;
      return { ...base, model: 'PERCENTAGE', rate: hundredth(params.rate_percent ?? '0'), fixedFee: params.fixed ?? null };
    default:
      return null;
  }
}

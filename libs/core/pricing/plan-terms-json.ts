import { Decimal } from '../money/index.ts';
import type { FlatPrice, PlanTerms, Price, UsagePrice } from './price.ts';

/** Fields of PlanTerms, at any depth, that hold a Decimal. */
const DECIMAL_FIELDS: ReadonlySet<string> = new Set([
  'upTo',
  'unitPrice',
  'flatFee',
  'includedQuantity',
  'minimumAmount',
  'maximumAmount',
  'amount',
  'packageSize',
  'packagePrice',
  'rate',
  'fixedFee',
  'markup',
  'unitFloor',
  'unitCeiling',
  'creditsPerUnit',
  'minimumCommitment',
  'creditsPerInterval',
  'creditPrice',
  'overagePricePerCredit',
  'overdraftLimit',
  'quantity',
  'rolloverMaximum',
  'creditRolloverMaximum',
  'invoiceThreshold',
  'limit',
]);

/** The terms as plain JSON, decimals as strings. Nothing is lost: `planTermsFromJson` gives the same terms back. */
export function planTermsToJson(terms: PlanTerms): unknown {
  return JSON.parse(JSON.stringify(terms)) as unknown;
}

/**
 * Terms as `planTermsToJson` wrote them, also before there were some of the fields. A published version never changes, so they are not validated again
 * (SEMANTICS 4.9).
 */
export function planTermsFromJson(json: unknown): PlanTerms {
  const terms = reviveDecimals(json) as PlanTerms;
  return { ...LATER_PLAN_FIELDS, ...terms, prices: terms.prices.map(withLaterFields) };
}

const LATER_PLAN_FIELDS = {
  commitmentIntervals: 1,
  invoiceThreshold: null,
  creditsGrantedWhen: 'FINALIZED',
  creditRolloverMaximum: null,
  creditRolloverPeriods: null,
  features: [],
  addOn: false,
} satisfies Partial<PlanTerms>;

const LATER_PRICE_FIELDS = {
  validFrom: null,
  validUntil: null,
  prorateIncluded: false,
  rollover: false,
  rolloverMaximum: null,
  rolloverPeriods: null,
} satisfies Partial<Price>;

const LATER_FEE_FIELDS = { ...LATER_PRICE_FIELDS, everyIntervals: 1 } satisfies Partial<FlatPrice>;
const LATER_USAGE_FIELDS = { ...LATER_PRICE_FIELDS, groupBy: null, groups: [] } satisfies Partial<UsagePrice>;

function withLaterFields(price: Price): Price {
  return price.model === 'FLAT' ? { ...LATER_FEE_FIELDS, ...price } : { ...LATER_USAGE_FIELDS, ...price };
}

/** What a part of terms says, from its JSON: decimals as they were. */
export function reviveDecimals(json: unknown): unknown {
  return revive(json, '');
}

function revive(value: unknown, field: string): unknown {
  if (typeof value === 'string' && DECIMAL_FIELDS.has(field)) return Decimal.parse(value);
  if (Array.isArray(value)) return value.map((item) => revive(item, ''));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, revive(inner, name)]));
}

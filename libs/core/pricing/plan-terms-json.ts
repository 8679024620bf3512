import { Decimal } from '../money/index.ts';
import type { PlanTerms } from './price.ts';

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
]);

/** The terms as plain JSON, decimals as strings. Nothing is lost: `planTermsFromJson` gives the same terms back. */
export function planTermsToJson(terms: PlanTerms): unknown {
  return JSON.parse(JSON.stringify(terms)) as unknown;
}

/** Terms as `planTermsToJson` wrote them. A published version never changes, so they are not validated again (SEMANTICS 4.9). */
export function planTermsFromJson(json: unknown): PlanTerms {
  return revive(json, '') as PlanTerms;
}

function revive(value: unknown, field: string): unknown {
  if (typeof value === 'string' && DECIMAL_FIELDS.has(field)) return Decimal.parse(value);
  if (Array.isArray(value)) return value.map((item) => revive(item, ''));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, revive(inner, name)]));
}

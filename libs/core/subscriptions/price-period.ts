import type { Price, PlanTerms } from '../pricing/index.ts';
import type { Instant } from '../time/index.ts';
import type { ServicePeriod } from './service-period.ts';

type Validity = Pick<Price, 'validFrom' | 'validUntil'>;

/**
 * The time of a service period in which a price is valid; null where it is not. What is charged for it is the charge of a shortened period (SEMANTICS 6.2):
 * the whole one stays the denominator.
 */
export function pricePeriod(price: Validity, period: ServicePeriod): ServicePeriod | null {
  if (price.validFrom === null && price.validUntil === null) return period;
  const start = Math.max(period.start, price.validFrom ?? period.start);
  const end = Math.min(period.end, price.validUntil ?? period.end);
  return start < end ? { ...period, start, end } : null;
}

/** Where prices of some terms begin and end to be valid: no record of usage may reach across one (SEMANTICS 12). */
export function validityEdges({ prices }: PlanTerms): Instant[] {
  return prices.flatMap(({ validFrom, validUntil }) => [validFrom, validUntil].filter((at) => at !== null));
}

export function isValidAt(price: Validity, at: Instant): boolean {
  return (price.validFrom === null || price.validFrom <= at) && (price.validUntil === null || at < price.validUntil);
}

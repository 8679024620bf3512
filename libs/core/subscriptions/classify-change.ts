import { Decimal } from '../money/index.ts';
import type { PlanTerms } from '../pricing/index.ts';
import type { Instant } from '../time/index.ts';
import { isValidAt } from './price-period.ts';
import type { Segment } from './segment.ts';

export type ChangeTiming = 'UPGRADE' | 'AT_PERIOD_END';

/** A side of a change: what is charged without any usage. */
export type FeeTerms = Pick<Segment, 'terms' | 'seats'>;

const COMPARED_DECIMALS = 30;
/** Seconds in an average Gregorian month and year, so that 10 a month and 120 a year are the same fee. */
const SECONDS: Readonly<Record<PlanTerms['interval'], number>> = {
  DAY: 86_400,
  WEEK: 604_800,
  MONTH: 2_629_746,
  QUARTER: 7_889_238,
  YEAR: 31_556_952,
};

/**
 * When a change takes effect unless asked otherwise: at once when the recurring fee per second rises, else at the end of the period; a change of kind
 * or of currency always waits (SEMANTICS 6.2). `at`: the change; of fees that are for some time only those valid then count.
 */
export function classifyChange(current: FeeTerms, next: FeeTerms, at?: Instant): ChangeTiming {
  if (current.terms.kind !== next.terms.kind || current.terms.currency !== next.terms.currency) return 'AT_PERIOD_END';
  const before = recurringFee(current, at).times(lengthOf(next.terms));
  const after = recurringFee(next, at).times(lengthOf(current.terms));
  return after.compare(before) > 0 ? 'UPGRADE' : 'AT_PERIOD_END';
}

/** A change of interval starts a new calendar at the change (SEMANTICS 6.2). */
export function resetsAnchor(current: PlanTerms, next: PlanTerms): boolean {
  return current.interval !== next.interval || current.intervalCount !== next.intervalCount || current.alignment !== next.alignment;
}

/** Fixed fees and plan credits of one billing period, before discounts; with `at` without fees that are not valid then. */
export function recurringFee({ terms, seats }: FeeTerms, at?: Instant): Decimal {
  const fees = terms.prices.map((price) => {
    if (price.model !== 'FLAT' || (at !== undefined && !isValidAt(price, at))) return Decimal.ZERO;
    return perPeriod(price.amount.times(Decimal.of(price.perSeat ? seats : 1)), price.everyIntervals);
  });
  const credits = terms.creditsPerInterval?.times(terms.creditPrice ?? Decimal.ZERO) ?? Decimal.ZERO;
  return Decimal.sum([...fees, credits]);
}

/** Of a fee for several billing periods, one of them: only ever compared with others, never billed. */
function perPeriod(amount: Decimal, periods: number): Decimal {
  return periods === 1 ? amount : amount.dividedBy(Decimal.of(periods), COMPARED_DECIMALS);
}

function lengthOf({ interval, intervalCount }: PlanTerms): Decimal {
  return Decimal.of(SECONDS[interval] * intervalCount);
}

import { MICROS_PER_DAY, positiveModulo } from '../time/index.ts';
import type { Instant } from '../time/index.ts';
import type { CostFacts, CostRate, DailyWindow } from './cost-rate.ts';

export type RateFacts = Pick<CostFacts, 'at' | 'provider' | 'model' | 'serviceTier' | 'region'>;

/**
 * The row of the cost book that an event is priced at (SEMANTICS 9.1 - 9.3), or null. Only rows of its provider and model that are valid at its time,
 * not disputed and, with `knownAt`, recorded by then. Of several, in this order: the one for its service tier before one for any, for its region before
 * one for any, for its time of day before one for any, the later `validFrom`, the later `recordedAt`. The order of `rates` does not matter.
 */
export function selectRate<Rate extends CostRate>(rates: Iterable<Rate>, facts: RateFacts, knownAt: Instant = Infinity): Rate | null {
  let best: Rate | null = null;
  for (const rate of rates) {
    if (rate.recordedAt <= knownAt && applies(rate, facts) && (best === null || isBetter(rate, best))) best = rate;
  }
  return best;
}

function applies(rate: CostRate, facts: RateFacts): boolean {
  return (
    !rate.disputed &&
    rate.provider === facts.provider &&
    rate.model === facts.model &&
    rate.validFrom <= facts.at &&
    (rate.validTo === null || facts.at < rate.validTo) &&
    (rate.serviceTier === null || rate.serviceTier === facts.serviceTier) &&
    (rate.region === null || rate.region === facts.region) &&
    (rate.dailyWindow === null || isInWindow(rate.dailyWindow, facts.at))
  );
}

function isInWindow({ start, end }: DailyWindow, at: Instant): boolean {
  const time = positiveModulo(at, MICROS_PER_DAY);
  return start < end ? start <= time && time < end : start <= time || time < end;
}

function isBetter(rate: CostRate, other: CostRate): boolean {
  const difference =
    Number(rate.serviceTier !== null) - Number(other.serviceTier !== null) ||
    Number(rate.region !== null) - Number(other.region !== null) ||
    Number(rate.dailyWindow !== null) - Number(other.dailyWindow !== null) ||
    rate.validFrom - other.validFrom ||
    rate.recordedAt - other.recordedAt;
  return difference === 0 ? rate.id > other.id : difference > 0;
}

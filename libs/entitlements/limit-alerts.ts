import type { NewAlertEvent } from '@tare/alerts';
import { Decimal, formatInstant } from '@tare/core';
import type { CustomerFacts } from './customer-facts.ts';
import { remainingOf, type Limit } from './limits.ts';

const TYPES: Readonly<Record<Limit['kind'], string>> = {
  FEATURE: 'allowance.threshold_reached',
  INCLUDED: 'allowance.threshold_reached',
  FAIR_USE: 'fair_use.threshold_reached',
  CAP: 'cap.threshold_reached',
};

type Percents = Readonly<Record<Limit['rule'], readonly number[]>>;

/**
 * An alert event for each percent of a limit that is reached in its window. Each is told once in a window, of a limit as high as it is now: one that was raised since is
 * another thing to reach.
 */
export function limitAlerts({ customer }: Pick<CustomerFacts, 'customer'>, limits: readonly Limit[], percents: Percents): NewAlertEvent[] {
  return limits.flatMap((limit) => {
    const reached = (limit.alertAt ?? percents[limit.rule]).filter((percent) => isReachedAt(limit, percent));
    return reached.map((percent) => alertOf(customer.key, limit, percent));
  });
}

/** Nothing was used: nothing is told, not even of a limit of zero. */
function isReachedAt({ limit, used }: Limit, percent: number): boolean {
  return used.isPositive() && used.times(Decimal.of(100)).compare(limit.times(Decimal.of(percent))) >= 0;
}

function alertOf(customer: string, limit: Limit, percent: number): NewAlertEvent {
  const { kind, key, subscriptionId, unit, meter, window, used } = limit;
  const type = TYPES[kind];
  const periodStart = formatInstant(window.start);
  const highest = limit.limit.toString();
  return {
    type,
    subject: customer,
    dedupeKey: JSON.stringify([type, customer, kind, subscriptionId, key, periodStart, highest, percent]),
    payload: {
      customer,
      kind,
      key,
      subscription: subscriptionId,
      meter,
      unit,
      percent,
      limit: highest,
      used: used.toString(),
      remaining: remainingOf(limit).toString(),
      periodStart,
      periodEnd: formatInstant(window.end),
    },
  };
}

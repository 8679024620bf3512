import { isEventProperty, needsEvents } from '../usage/index.ts';
import type { Meter } from '../usage/index.ts';
import { filtersOf } from '../pricing/index.ts';
import type { PlanTerms } from '../pricing/index.ts';

/** Whether sums of usage are not enough to rate by these terms, so that single events have to be read (see `needsEvents`). */
export function pricesReadEvents({ prices, burnRates }: PlanTerms, meters: ReadonlyMap<string, Meter>): boolean {
  const uses = [
    ...prices.flatMap((price) => (price.model === 'FLAT' ? [] : [{ meter: price.meter, match: filtersOf(price) }])),
    ...burnRates,
  ];
  const metersDo = uses.some(({ meter: key, match }) => {
    const meter = meters.get(key);
    return meter !== undefined && needsEvents(meter, match);
  });
  return (
    metersDo || prices.some((price) => price.model === 'PERCENTAGE' && price.valueProperty !== null && isEventProperty(price.valueProperty))
  );
}

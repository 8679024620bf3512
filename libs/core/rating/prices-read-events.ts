import { isEventProperty, needsEvents } from '../usage/index.ts';
import type { Meter } from '../usage/index.ts';
import { filtersOf } from '../pricing/index.ts';
import type { PlanTerms } from '../pricing/index.ts';

/** Every bill asks it of its terms: answered once for as long as terms and meters are in use. */
const answers = new WeakMap<ReadonlyMap<string, Meter>, WeakMap<PlanTerms, boolean>>();

/** Whether sums of usage are not enough to rate by these terms, so that single events have to be read (see `needsEvents`). */
export function pricesReadEvents(terms: PlanTerms, meters: ReadonlyMap<string, Meter>): boolean {
  let ofMeters = answers.get(meters);
  if (ofMeters === undefined) answers.set(meters, (ofMeters = new WeakMap()));
  let answer = ofMeters.get(terms);
  if (answer === undefined) ofMeters.set(terms, (answer = doReadEvents(terms, meters)));
  return answer;
}

function doReadEvents({ prices, burnRates }: PlanTerms, meters: ReadonlyMap<string, Meter>): boolean {
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

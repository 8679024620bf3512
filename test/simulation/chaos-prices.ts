import { PRICED_MODELS, type ChaosEvent } from './chaos-events.ts';

/** Units of money for a million tokens. */
export interface ChaosPrice {
  readonly input: number;
  readonly output: number;
}

/** Set while processes die: costs of what came before are filled in, and frozen. */
export const FIRST_PRICE: ChaosPrice = { input: 3, output: 7 };
/** Set for one model at the end: it only restates. */
export const SECOND_PRICE: ChaosPrice = { input: 5, output: 11 };
export const RESTATED_MODEL = 'lab-0';

/** In millionths, so that it is exact here; null where the model never gets a price. */
export function frozenCost(event: ChaosEvent): number | null {
  return PRICED_MODELS.includes(event.model) ? costAt(FIRST_PRICE, event) : null;
}

/** What the event's cost was restated to; null where nothing differs from the frozen one. */
export function restatedCost(event: ChaosEvent): number | null {
  if (event.model !== RESTATED_MODEL) return null;
  const restated = costAt(SECOND_PRICE, event);
  return restated === frozenCost(event) ? null : restated;
}

const costAt = ({ input, output }: ChaosPrice, { tokens }: ChaosEvent): number => tokens.input * input + tokens.output * output;

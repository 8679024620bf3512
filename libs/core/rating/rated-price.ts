import type { Decimal } from '../money/index.ts';
import type { PriceCharge, UsagePrice } from '../pricing/index.ts';

/** What one usage price, or one group of it, charges for one service period. */
export interface RatedPrice {
  readonly priceKey: string;
  /** `groupName` of the group; null for usage in none, which of a price without groups is all of it. */
  readonly group: string | null;
  /** With the amounts of the group. */
  readonly price: UsagePrice;
  /** In the meter's unit; for PERCENTAGE the sum of the property. */
  readonly quantity: Decimal;
  readonly events: Decimal;
  /** Frozen cost in the plan's currency of the events that the price matches, COST_PLUS only; null elsewhere. */
  readonly cost: Decimal | null;
  /** A COST_PLUS price with events whose cost is not known yet: no line until it is (SEMANTICS 4.5). */
  readonly awaitingCost: boolean;
  /** The period's own allowance, in the unit of `quantity`: what was carried into the period comes before it. */
  readonly included: Decimal;
  readonly charge: PriceCharge;
}

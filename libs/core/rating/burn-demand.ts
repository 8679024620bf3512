import type { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import type { UsageRecord } from '../usage/index.ts';

/** Credits that usage wants to burn: one demand for each piece of time (a customer's day, cut where grants begin or end) and set of dimensions. */
export interface BurnDemand {
  /** Start of the piece of time: decides which grants are effective (SEMANTICS 7.3). */
  readonly at: Instant;
  /** The dimensions as one string; with `at` it identifies the demand and orders it. */
  readonly key: string;
  readonly credits: Decimal;
  /** The credits by burn rate; they add up to `credits`. */
  readonly parts: readonly { readonly burnRateIndex: number; readonly meter: string; readonly credits: Decimal }[];
  /** The usage that asks for them, summed. */
  readonly record: UsageRecord;
}

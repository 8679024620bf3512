import { CodedError, parseOverrides } from '@tare/core';
import type { AddOnTerms, Instant, PlanTerms, PriceOverride, PriceOverrideInput } from '@tare/core';
import { revised, type Stretch } from './timeline.ts';

/** PriceOverrideInput of the API: amounts agreed for a price, `[validFrom, validUntil)`. */
export interface DatedOverrideInput extends PriceOverrideInput {
  /** None: from when it is asked for. */
  readonly validFrom?: Instant | null | undefined;
  /** None: as long as the plan runs. */
  readonly validUntil?: Instant | null | undefined;
}

/** An override and when it holds. */
export interface DatedOverride {
  readonly override: PriceOverride;
  readonly from: Instant;
  readonly until: Instant | null;
}

/** @throws CodedError INVALID_TIME, and those of parseOverrides */
export function readOverrides(
  inputs: readonly DatedOverrideInput[],
  { plan, addOns }: { readonly plan: PlanTerms; readonly addOns: readonly AddOnTerms[] },
  at: Instant,
): DatedOverride[] {
  const overrides = parseOverrides(inputs, plan, addOns);
  return overrides.map((override, index) => {
    const from = inputs[index]?.validFrom ?? at;
    const until = inputs[index]?.validUntil ?? null;
    if (until !== null && until <= from)
      throw new CodedError('INVALID_TIME', 'An agreed price ends after it begins.', `overrides[${index}].validUntil`);
    return { override, from, until };
  });
}

/** Each override holds in its time, in place of one of the same price. Prices that a stretch's plan does not have are not looked at there. */
export function withOverrides(timeline: readonly Stretch[], overrides: readonly DatedOverride[]): Stretch[] {
  return overrides.reduce(
    (current: Stretch[], { override, from, until }) =>
      revised(current, { from, until }, (stretch) => ({ overrides: [...without(stretch.overrides, override.price), override] })),
    [...timeline],
  );
}

/** The plan's own prices again from `from` on. */
export function withoutOverrides(timeline: readonly Stretch[], prices: readonly string[], from: Instant): Stretch[] {
  return revised(timeline, { from }, (stretch) => ({ overrides: stretch.overrides.filter(({ price }) => !prices.includes(price)) }));
}

/** Those that another version of the plan can still follow: it has the price, and the price has the amounts. */
export function fittingOverrides(overrides: readonly PriceOverride[], plan: PlanTerms): PriceOverride[] {
  return overrides.filter(({ price: key, ...amounts }) => {
    const price = plan.prices.find((candidate) => candidate.key === key);
    return key.includes('/') || (price !== undefined && Object.keys(amounts).every((field) => field in price));
  });
}

function without(overrides: readonly PriceOverride[], price: string): PriceOverride[] {
  return overrides.filter((override) => override.price !== price);
}

import { CodedError, currencyOf, MARGIN_DIMENSIONS } from '@tare/core';
import type { CostBasis, FeeAllocation, Instant, MarginDimension } from '@tare/core';

/** The span of a report: `[from, to)`. */
export interface MarginSpan {
  readonly from: Instant;
  readonly to: Instant;
}

/** Arguments of marginReport. */
export interface MarginRequest extends MarginSpan {
  readonly groupBy: readonly MarginDimension[];
  /** Rows at most; the total is of all of them. */
  readonly first?: number | null | undefined;
  /** FROZEN unless said. */
  readonly costBasis?: CostBasis | null | undefined;
  /** NONE unless said. */
  readonly feeAllocation?: FeeAllocation | null | undefined;
  /** ISO 4217; the tenant's reporting currency unless said. */
  readonly currency?: string | null | undefined;
}

const MOST_DIMENSIONS = 6;
const MOST_ROWS = 10_000;

/** @throws CodedError INVALID_SPAN | INVALID_DIMENSIONS | INVALID_PAGE_SIZE | UNKNOWN_CURRENCY */
export function requireMarginRequest({ from, to, groupBy, first, currency }: MarginRequest): void {
  requireSpan({ from, to });
  if (
    groupBy.length > MOST_DIMENSIONS ||
    new Set(groupBy).size !== groupBy.length ||
    groupBy.some((one) => !MARGIN_DIMENSIONS.includes(one))
  ) {
    throw new CodedError('INVALID_DIMENSIONS', `A report is grouped by at most ${MOST_DIMENSIONS} different dimensions.`, 'groupBy');
  }
  requireFirst(first);
  if (currency != null) currencyOf(currency, 'currency');
}

/** @throws CodedError INVALID_SPAN */
export function requireSpan({ from, to }: MarginSpan): void {
  if (from >= to) throw new CodedError('INVALID_SPAN', 'A span ends after it begins.', 'to');
}

/** @throws CodedError INVALID_PAGE_SIZE */
export function requireFirst(first: number | null | undefined): void {
  if (first != null && (!Number.isInteger(first) || first < 1 || first > MOST_ROWS)) {
    throw new CodedError('INVALID_PAGE_SIZE', `A report has 1 to ${MOST_ROWS} rows.`, 'first');
  }
}

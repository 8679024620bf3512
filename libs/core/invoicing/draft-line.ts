import { Decimal, currencyOf } from '../money/index.ts';
import { formatInstant } from '../time/index.ts';
import type { Instant, Period } from '../time/index.ts';
import type { WalkStep } from '../pricing/index.ts';
import type { Segment, ServicePeriod } from '../subscriptions/index.ts';
import type { LineKind } from './assembled-invoice.ts';
import type { BilledLine, DiscountShare } from './invoice-facts.ts';

/** A line while the invoice is made: rounded for its whole scope, before what was billed of it already is taken off. */
export interface DraftLine {
  readonly scopeKey: string;
  readonly kind: LineKind;
  readonly priceKey: string | null;
  /** The group of the price that it is for; null: usage in none, or no groups. */
  readonly group: string | null;
  readonly description: string;
  readonly quantity: Decimal;
  readonly exactAmount: Decimal;
  /** Rounded, before discounts. */
  readonly amount: Decimal;
  readonly walk: readonly WalkStep[];
  readonly period: Period;
  /** Start of the whole billing period: discounts and commitments look at lines of one together. */
  readonly billingStart: Instant;
  readonly segment: Segment;
  readonly shares: readonly DiscountShare[];
  /** Its discounts are given (a proration of what was billed): none is computed for it. */
  readonly hasGivenDiscounts: boolean;
  readonly credits: Decimal;
  readonly billed: readonly BilledLine[];
  /** Number of the plan change in the facts that it is for. */
  readonly changeIndex: number | null;
}

type Identity = Pick<DraftLine, 'kind' | 'priceKey' | 'segment'> & { readonly group?: string | null; readonly period: ServicePeriod };
type Amounts = Pick<DraftLine, 'description' | 'quantity' | 'exactAmount' | 'walk'>;

const NOTHING: readonly never[] = [];

/** A line of a service period, rounded once to the billing increment of the plan's currency (SEMANTICS 1.3). */
export function draftLine(identity: Identity, amounts: Amounts, more?: Partial<DraftLine>): DraftLine {
  const { kind, priceKey, group = null, segment, period } = identity;
  // Every field is named: it is made for each line of each bill, and copying objects together is slow.
  const line: DraftLine = {
    scopeKey: scopeKeyOf(kind, segment.id, priceKey, period.start, group),
    kind,
    priceKey,
    group,
    segment,
    description: amounts.description,
    quantity: amounts.quantity,
    exactAmount: amounts.exactAmount,
    walk: amounts.walk,
    amount: amounts.exactAmount.roundedToIncrement(incrementOf(segment)),
    period: { start: period.start, end: period.end },
    billingStart: period.fullStart,
    shares: NOTHING,
    hasGivenDiscounts: false,
    credits: Decimal.ZERO,
    billed: NOTHING,
    changeIndex: null,
  };
  return more === undefined ? line : { ...line, ...more };
}

/** Names what a line bills, the same whenever it is computed again. */
export function scopeKeyOf(
  kind: LineKind,
  segmentId: string,
  priceKey: string | null,
  start: Instant,
  group: string | null = null,
): string {
  const key = `${kind}:${segmentId}:${priceKey ?? ''}:${formatInstant(start)}`;
  return group === null ? key : `${key}:${group}`;
}

export function incrementOf(segment: Segment): Decimal {
  return currencyOf(segment.terms.currency).billingIncrement;
}

export function discountOf(shares: readonly DiscountShare[]): Decimal {
  return Decimal.sumOf(shares, (share) => share.amount);
}

export function lineDiscountOf(shares: readonly DiscountShare[]): Decimal {
  return Decimal.sumOf(shares, (share) => (share.ofLine ? share.amount : Decimal.ZERO));
}

/** What is left of a line after the discounts computed so far. */
export function netOf(line: Pick<DraftLine, 'amount' | 'shares'>): Decimal {
  return line.amount.minus(discountOf(line.shares));
}

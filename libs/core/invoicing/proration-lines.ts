import { Decimal } from '../money/index.ts';
import type { FlatPrice } from '../pricing/index.ts';
import { servicePeriodAt, unusedShare } from '../subscriptions/index.ts';
import type { Segment, ServicePeriod } from '../subscriptions/index.ts';
import type { LineKind } from './assembled-invoice.ts';
import { draftLine, incrementOf } from './draft-line.ts';
import type { DraftLine } from './draft-line.ts';
import { creditLines, feeLines, openEnded } from './fee-lines.ts';
import type { BilledFee, PlanChange } from './invoice-facts.ts';

/**
 * A change inside a paid period: credit for the unused part of what was billed, discounts included, and the new fees for the rest, both by real time of
 * the same period. A fee that did not change is charged exactly what is credited (SEMANTICS 6.1).
 */
export function prorationLines(change: PlanChange, changeIndex: number): DraftLine[] {
  const charges = change.to === null || change.to.period.trial ? [] : chargesOf(change.to.segment, change.to.period);
  const credits = change.billed.filter((fee) => fee.period.end > change.at).map((fee) => ({ fee, line: creditLine(fee, change) }));
  const lines = [...credits.map(({ line }) => line), ...charges.map((line) => mirrored(line, credits, change))];
  return settleCredits(lines, change).map((line) => ({ ...line, changeIndex }));
}

/** What begins with the change whole is an ordinary fee: the interval changed, and the calendar with it. */
function chargesOf(segment: Segment, period: ServicePeriod): DraftLine[] {
  const kindOf = (kind: 'FEE' | 'CREDITS', of: ServicePeriod): LineKind =>
    of.start === of.fullStart && of.end === of.fullEnd ? kind : 'PRORATION_CHARGE';
  return [
    ...feeLines(openEnded(segment), period, 'IN_ADVANCE', (of) => kindOf('FEE', of)),
    ...creditLines(segment, period, kindOf('CREDITS', period)),
  ];
}

/** Everything of a billed fee in proportion to the time that is left of its period: amount, each discount, credits. */
function creditLine(fee: BilledFee, { at, from }: PlanChange): DraftLine {
  const start = Math.max(at, fee.period.start);
  const left = Decimal.of(fee.period.end - start);
  const length = Decimal.of(fee.period.end - fee.period.start);
  const increment = incrementOf(from);
  const back = (amount: Decimal): Decimal => unusedShare(amount, fee.period, at, increment).negated();
  const exactAmount = fee.amount.times(left).dividedBy(length, 12).negated();
  const walk = [{ description: 'unused part of what was billed', quantity: fee.quantity, unitPrice: null, amount: exactAmount }];
  const billingPeriod = servicePeriodAt({ ...from, end: null }, Math.max(from.start, fee.period.start));
  const { fullStart, fullEnd, index } = billingPeriod ?? { fullStart: fee.period.start, fullEnd: fee.period.end, index: 0 };
  const period = { index, start, end: fee.period.end, fullStart, fullEnd, trial: false };
  return draftLine(
    { kind: 'PRORATION_CREDIT', priceKey: fee.priceKey, segment: from, period },
    { description: `Unused: ${fee.description}`, quantity: fee.quantity, exactAmount, walk },
    {
      amount: back(fee.amount),
      shares: fee.discounts.map((share) => ({ ...share, amount: back(share.amount) })),
      hasGivenDiscounts: true,
      credits: fee.credits.times(left).dividedBy(length, 12).negated(),
    },
  );
}

/** The charge for a fee that is the same before and after is the credit, turned round: rounding cannot leave a difference. */
function mirrored(charge: DraftLine, credits: readonly { fee: BilledFee; line: DraftLine }[], { from, to }: PlanChange): DraftLine {
  const same = credits.filter(
    ({ fee, line }) =>
      fee.priceKey === charge.priceKey && line.period.start === charge.period.start && line.period.end === charge.period.end,
  );
  const credit = same.length === 1 ? same[0]?.line : undefined;
  if (credit === undefined || to === null || !isSameFee(charge.priceKey, from, to.segment)) return charge;
  return {
    ...charge,
    amount: credit.amount.negated(),
    exactAmount: credit.exactAmount.negated(),
    walk: credit.walk.map((step) => ({ ...step, description: 'rest of the period, unchanged', amount: step.amount.negated() })),
    shares: credit.shares.map((share) => ({ ...share, amount: share.amount.negated() })),
    hasGivenDiscounts: true,
    credits: credit.credits.negated(),
  };
}

function isSameFee(priceKey: string | null, from: Segment, to: Segment): boolean {
  if (priceKey === null)
    return isSame(from.terms.creditsPerInterval, to.terms.creditsPerInterval) && isSame(from.terms.creditPrice, to.terms.creditPrice);
  const before = flatPrice(from, priceKey);
  const after = flatPrice(to, priceKey);
  return before !== undefined && after !== undefined && feeOf(before, from).equals(feeOf(after, to));
}

function flatPrice({ terms }: Segment, key: string): FlatPrice | undefined {
  return terms.prices.find((price): price is FlatPrice => price.model === 'FLAT' && price.key === key);
}

function feeOf(price: FlatPrice, { seats }: Segment): Decimal {
  return price.amount.times(Decimal.of(price.perSeat ? seats : 1));
}

function isSame(a: Decimal | null, b: Decimal | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}

/**
 * Credits that were bought stay in the wallet, so they are taken back only against more of the new plan's: the difference is then granted. A change that
 * would not add credits leaves those lines out; the new plan's credits come with its next period.
 */
function settleCredits(lines: readonly DraftLine[], { to }: PlanChange): DraftLine[] {
  const added = Decimal.sum(lines.map((line) => line.credits));
  if (to !== null && added.isPositive()) return [...lines];
  return lines.filter((line) => line.credits.isZero() || line.kind === 'CREDITS');
}

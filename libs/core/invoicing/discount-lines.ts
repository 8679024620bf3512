import { Decimal, splitByLargestRemainder } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import { netOf } from './draft-line.ts';
import type { DraftLine } from './draft-line.ts';
import type { Discount, DiscountShare } from './invoice-facts.ts';

const HUNDRED = Decimal.of(100);

/**
 * Takes discounts off lines: those with prices before the commitment, those of the whole invoice after it (SEMANTICS 8.1). Percentages come first, each
 * on what the one before left, then amounts, at most what is left. Lines of one billing period are discounted together, so a line's discount does not
 * depend on what else is on the invoice; shares are split by largest remainder (1.4).
 */
export function discounted(lines: readonly DraftLine[], discounts: readonly Discount[], ofLine: boolean, increment: Decimal): DraftLine[] {
  const own = discounts.filter((discount) => (discount.prices !== null) === ofLine);
  const ordered = [...own.filter(({ percentOff }) => percentOff !== null), ...own.filter(({ percentOff }) => percentOff === null)];
  return ordered.reduce((current, discount) => applied(discount, current, ofLine, increment), [...lines]);
}

/** How much of an amountOff each billing period of the lines uses, net of what was billed before. */
export function discountUses(
  lines: readonly DraftLine[],
  discounts: readonly Discount[],
): { key: string; periodStart: Instant; amount: Decimal }[] {
  return discounts
    .filter(({ amountOff }) => amountOff !== null)
    .flatMap(({ key }) =>
      billingStarts(lines).map((periodStart) => {
        const inPeriod = lines.filter((line) => line.billingStart === periodStart);
        return { key, periodStart, amount: takenBy(key, inPeriod).minus(billedBy(key, inPeriod)) };
      }),
    )
    .filter(({ amount }) => !amount.isZero());
}

function applied(discount: Discount, lines: readonly DraftLine[], ofLine: boolean, increment: Decimal): DraftLine[] {
  const shares = new Map<DraftLine, Decimal>();
  for (const start of billingStarts(lines)) {
    const inPeriod = lines.filter((line) => line.billingStart === start);
    const eligible = inPeriod.filter((line) => isEligible(line, discount));
    const amounts = sharesOf(discount, eligible, leftOfAmount(discount, inPeriod, start), increment);
    eligible.forEach((line, index) => shares.set(line, amounts[index] ?? Decimal.ZERO));
  }
  return lines.map((line) => withShare(line, { key: discount.key, amount: shares.get(line) ?? Decimal.ZERO, ofLine }));
}

function sharesOf(discount: Discount, lines: readonly DraftLine[], budget: Decimal, increment: Decimal): Decimal[] {
  const nets = lines.map(netOf);
  const total = Decimal.sum(nets);
  if (discount.percentOff !== null) {
    const rate = Decimal.min(discount.percentOff, HUNDRED);
    const part = (net: Decimal): Decimal => net.times(rate).dividedBy(HUNDRED.times(increment), 0).times(increment);
    return discount.prices === null ? splitByLargestRemainder(part(total), nets, increment) : nets.map(part);
  }
  const off = Decimal.max(Decimal.ZERO, Decimal.min(budget, total));
  return splitByLargestRemainder(off, nets, increment);
}

/** An amount is for a billing period, not for an invoice: what earlier invoices took of it, and credits gave back, counts. */
function leftOfAmount({ key, amountOff, used }: Discount, inPeriod: readonly DraftLine[], start: Instant): Decimal {
  const before = Decimal.sum(used.filter(({ periodStart }) => periodStart === start).map(({ amount }) => amount));
  const given = takenBy(
    key,
    inPeriod.filter((line) => line.hasGivenDiscounts),
  );
  return (amountOff ?? Decimal.ZERO).minus(before).plus(billedBy(key, inPeriod)).minus(given);
}

function isEligible(line: DraftLine, { prices, from, until }: Discount): boolean {
  if (line.hasGivenDiscounts || line.period.start < from || (until !== null && line.period.start >= until)) return false;
  return prices === null || (line.priceKey !== null && prices.includes(line.priceKey));
}

function withShare(line: DraftLine, share: DiscountShare): DraftLine {
  return share.amount.isZero() ? line : { ...line, shares: [...line.shares, share] };
}

function billingStarts(lines: readonly DraftLine[]): Instant[] {
  return [...new Set(lines.map((line) => line.billingStart))];
}

function takenBy(key: string, lines: readonly DraftLine[]): Decimal {
  return sumOf(
    key,
    lines.flatMap((line) => line.shares),
  );
}

function billedBy(key: string, lines: readonly DraftLine[]): Decimal {
  return sumOf(
    key,
    lines.flatMap((line) => line.billed).flatMap((billed) => billed.discounts),
  );
}

function sumOf(key: string, shares: readonly DiscountShare[]): Decimal {
  return Decimal.sum(shares.filter((share) => share.key === key).map((share) => share.amount));
}

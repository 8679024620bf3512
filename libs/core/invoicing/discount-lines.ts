import { Decimal, splitByLargestRemainder } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import type { LineKind } from './assembled-invoice.ts';
import { netOf } from './draft-line.ts';
import type { DraftLine } from './draft-line.ts';
import type { Discount, DiscountShare, DiscountUse } from './invoice-facts.ts';

const HUNDRED = Decimal.of(100);
/** A true-up belongs to neither. */
const KINDS: Readonly<Record<'FEES' | 'USAGE', ReadonlySet<LineKind>>> = {
  FEES: new Set<LineKind>(['FEE', 'CREDITS', 'PRORATION_CHARGE']),
  USAGE: new Set<LineKind>(['USAGE', 'OVERAGE']),
};

/**
 * Takes discounts off lines: those that name charges before the commitment, those of the whole invoice after it (SEMANTICS 8.1). In each of the two rounds
 * percentages come first, each on what the one before left, then amounts, at most what is left; of each kind the one that was given first. Lines of one
 * billing period are discounted together, so a line's discount does not depend on what else is on the invoice; shares are split by largest remainder (1.4).
 */
export function discounted(
  lines: readonly DraftLine[],
  discounts: readonly Discount[],
  ofLine: boolean,
  increment: Decimal,
): readonly DraftLine[] {
  if (discounts.length === 0) return lines;
  const own = discounts.filter((discount) => isOfLines(discount) === ofLine);
  const ordered = [...own.filter(({ percentOff }) => percentOff !== null), ...own.filter(({ percentOff }) => percentOff === null)];
  return ordered.reduce((current: readonly DraftLine[], discount) => applied(discount, current, ofLine, increment), lines);
}

/** Whether it names charges: then it is taken off lines, before the commitment. */
export function isOfLines({ prices, addOns, appliesTo }: Discount): boolean {
  return prices !== null || isSome(addOns) || (appliesTo ?? 'ALL') !== 'ALL';
}

/** How much of an amountOff each billing period of the lines uses, net of what was billed before. */
export function discountUses(lines: readonly DraftLine[], discounts: readonly Discount[]): DiscountUse[] {
  if (discounts.length === 0) return [];
  return discounts
    .filter(({ amountOff }) => amountOff !== null)
    .flatMap(({ key }) =>
      billingStarts(lines).map((periodStart) => {
        const inPeriod = lines.filter((line) => line.billingStart === periodStart);
        return { key, periodStart, amount: takenNow(key, inPeriod) };
      }),
    )
    .filter(({ amount }) => !amount.isZero());
}

/** What a correction takes more, or less, of amounts whose rest is carried on: the billing periods after it find that much less of it. */
export function lateDiscountUses(
  lines: readonly DraftLine[],
  discounts: readonly Discount[],
  recorded: readonly DiscountUse[],
): DiscountUse[] {
  const carried = discounts.filter(({ givenAt }) => isSome(givenAt));
  const starts = new Set(lines.map((line) => line.billingStart));
  const keys = new Set(carried.map(({ key }) => key));
  const before = recorded.filter(({ key, periodStart }) => keys.has(key) && starts.has(periodStart));
  const changes = new Map<string, DiscountUse>();
  const taken = before.map((use) => ({ ...use, amount: use.amount.negated() }));
  for (const use of [...discountUses(lines, carried), ...taken]) {
    const name = `${use.periodStart} ${use.key}`;
    changes.set(name, { ...use, amount: use.amount.plus(changes.get(name)?.amount ?? Decimal.ZERO) });
  }
  return [...changes.values()].filter(({ amount }) => !amount.isZero());
}

function applied(discount: Discount, lines: readonly DraftLine[], ofLine: boolean, increment: Decimal): DraftLine[] {
  let current = [...lines];
  for (const start of billingStarts(lines)) {
    const eligible = current.filter((line) => line.billingStart === start && isEligible(line, discount));
    const amounts = sharesOf(discount, eligible, leftOfAmount(discount, current, start), increment);
    const shares = new Map(eligible.map((line, index) => [line, amounts[index] ?? Decimal.ZERO]));
    current = current.map((line) => withShare(line, { key: discount.key, amount: shares.get(line) ?? Decimal.ZERO, ofLine }));
  }
  return current;
}

function sharesOf(discount: Discount, lines: readonly DraftLine[], budget: Decimal, increment: Decimal): Decimal[] {
  const nets = lines.map(netOf);
  const total = Decimal.sum(nets);
  if (discount.percentOff !== null) {
    const rate = Decimal.min(discount.percentOff, HUNDRED);
    const part = (net: Decimal): Decimal => net.times(rate).dividedBy(HUNDRED.times(increment), 0).times(increment);
    return isOfLines(discount) ? nets.map(part) : splitByLargestRemainder(part(total), nets, increment);
  }
  const off = Decimal.max(Decimal.ZERO, Decimal.min(wholeSteps(budget, increment), total));
  return splitByLargestRemainder(off, nets, increment);
}

/** What can be billed of an amount that is finer than the currency. */
function wholeSteps(amount: Decimal, increment: Decimal): Decimal {
  const nearest = amount.roundedToIncrement(increment);
  return nearest.compare(amount) > 0 ? nearest.minus(increment) : nearest;
}

/** An amount is for a billing period, not for an invoice: what earlier invoices took of it, and credits gave back, counts. */
function leftOfAmount(discount: Discount, lines: readonly DraftLine[], start: Instant): Decimal {
  const { key, amountOff, used, givenAt } = discount;
  if (amountOff === null) return Decimal.ZERO;
  if (givenAt === undefined || givenAt === null) {
    const before = Decimal.sum(used.filter(({ periodStart }) => periodStart === start).map(({ amount }) => amount));
    return amountOff.minus(before).minus(
      takenNow(
        key,
        lines.filter((line) => line.billingStart === start),
      ),
    );
  }
  // What periods after it took already is theirs, be it of their own or of what was carried into them.
  const later = used.map(({ periodStart }) => periodStart).filter((other) => other > start);
  const leftBy = (end: Instant): Decimal => {
    const given = amountOff.times(Decimal.of(givenAt.filter((at) => at <= end).length));
    const before = Decimal.sum(used.filter(({ periodStart }) => periodStart <= end).map(({ amount }) => amount));
    return given.minus(before).minus(
      takenNow(
        key,
        lines.filter(({ billingStart }) => billingStart <= end),
      ),
    );
  };
  return later.reduce((least, end) => Decimal.min(least, leftBy(end)), leftBy(start));
}

/** What lines of this invoice take of it so far, less what `used` has of them already. */
function takenNow(key: string, lines: readonly DraftLine[]): Decimal {
  return takenBy(key, lines).minus(billedBy(key, lines));
}

function isEligible(line: DraftLine, discount: Discount): boolean {
  const { from, until, givenAt } = discount;
  const hasEnded = until !== null && line.period.start >= until && !isSome(givenAt);
  if (line.hasGivenDiscounts || line.period.start < from || hasEnded) return false;
  return isInScope(line, discount);
}

function isInScope({ kind, priceKey }: DraftLine, { prices, addOns, appliesTo = 'ALL' }: Discount): boolean {
  if (appliesTo !== 'ALL' && !KINDS[appliesTo].has(kind)) return false;
  if (prices === null && !isSome(addOns)) return true;
  if (priceKey === null) return false;
  return prices?.includes(priceKey) === true || addOns?.some((addOn) => priceKey.startsWith(`${addOn}/`)) === true;
}

function isSome(items: readonly unknown[] | null | undefined): boolean {
  return items !== undefined && items !== null && items.length > 0;
}

function withShare(line: DraftLine, share: DiscountShare): DraftLine {
  return share.amount.isZero() ? line : { ...line, shares: [...line.shares, share] };
}

/** In order of time: what an earlier one leaves may be carried into a later one. */
function billingStarts(lines: readonly DraftLine[]): Instant[] {
  return [...new Set(lines.map((line) => line.billingStart))].sort((a, b) => a - b);
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

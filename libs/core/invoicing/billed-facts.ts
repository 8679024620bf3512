import { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import type { Segment, ServicePeriod } from '../subscriptions/index.ts';
import type { AssembledLine } from './assembled-invoice.ts';
import type { BilledFee, BilledLine } from './invoice-facts.ts';

/** What a saved line has to keep for the invoices after it. */
export type SavedLine = Pick<
  AssembledLine,
  'scopeKey' | 'kind' | 'priceKey' | 'description' | 'quantity' | 'amount' | 'discounts' | 'period' | 'segmentId' | 'credits'
>;

/** Saved lines as what is billed: for `EndedPart.billed` and `LateInvoice.billed`. */
export function billedLinesOf(lines: readonly SavedLine[]): BilledLine[] {
  return lines.map(({ scopeKey, amount, discounts }) => ({ scopeKey, amount, discounts }));
}

/** The fees of a segment that were billed for a time after `at`: `PlanChange.billed`. */
export function billedFeesOf(lines: readonly SavedLine[], segment: Segment, at: Instant): BilledFee[] {
  return lines
    .filter((line) => isAdvanceFee(line, segment) && line.period.end > at)
    .flatMap(({ kind, priceKey, description, quantity, amount, discounts, credits, period }) =>
      kind === 'FEE' || kind === 'CREDITS' || kind === 'PRORATION_CHARGE'
        ? [{ kind, priceKey, description, quantity, amount, discounts, credits, period }]
        : [],
    );
}

/** Fees billed in advance for a segment's part of a billing period, prorations included, net of line discounts: `EndedPart.feesNet` (SEMANTICS 8.5). */
export function feesNetOf(lines: readonly SavedLine[], segment: Segment, { fullStart, fullEnd }: ServicePeriod): Decimal {
  const own = lines.filter((line) => isAdvanceFee(line, segment) && line.period.start >= fullStart && line.period.start < fullEnd);
  return Decimal.sum(own.map((line) => line.amount.minus(lineDiscount(line))));
}

const ADVANCE_KINDS: ReadonlySet<string> = new Set(['FEE', 'CREDITS', 'PRORATION_CHARGE', 'PRORATION_CREDIT']);

/** A fixed fee in arrears stands on the same invoice as the usage and is counted there. */
function isAdvanceFee(line: SavedLine, segment: Segment): boolean {
  if (line.segmentId !== segment.id || !ADVANCE_KINDS.has(line.kind)) return false;
  const price = segment.terms.prices.find(({ key }) => key === line.priceKey);
  return price?.model !== 'FLAT' || price.timing === 'IN_ADVANCE';
}

function lineDiscount({ discounts }: SavedLine): Decimal {
  return Decimal.sum(discounts.filter((share) => share.ofLine).map((share) => share.amount));
}

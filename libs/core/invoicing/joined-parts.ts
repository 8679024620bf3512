import { Decimal } from '../money/index.ts';
import type { PlanTerms } from '../pricing/index.ts';
import type { Segment } from '../subscriptions/index.ts';
import type { EndedPart } from './invoice-facts.ts';

/**
 * Parts of one billing period that charge usage alike become one part: a change of seats, of fixed fees or of add-ons that bring only those, and a pause,
 * don't split usage. Tiers, minimum, maximum and commitment go on, and an allowance per seat is that of the most seats. The joined part bears the name of
 * the first one, and so do its lines; what was billed of fees, and credits that nothing covered, are added up. `parts`: in order of time.
 */
export function joinedParts(parts: readonly EndedPart[]): readonly EndedPart[] {
  if (parts.length < 2) return parts;
  const joined: EndedPart[] = [];
  const last = new Map<string, number>();
  for (const part of parts) {
    const { subscriptionId } = part.segment;
    const index = part.period.trial ? undefined : last.get(subscriptionId);
    const before = index === undefined ? undefined : joined[index];
    if (
      index !== undefined &&
      before !== undefined &&
      isSameBillingPeriod(before, part) &&
      chargesUsageAlike(before.segment, part.segment)
    ) {
      joined[index] = joinedWith(before, part);
      continue;
    }
    joined.push(part);
    if (!part.period.trial) last.set(subscriptionId, joined.length - 1);
  }
  return joined;
}

/** Whether usage of both counts towards the same tiers, bounds and commitment: the same plan version, and nothing agreed since that usage would notice. */
export function chargesUsageAlike(a: Segment, b: Segment): boolean {
  return a.planVersionId === b.planVersionId && (a.terms === b.terms || usageSideOf(a.terms) === usageSideOf(b.terms));
}

const usageSides = new WeakMap<PlanTerms, string>();

/** Everything of the terms except fixed fees, as text; terms never change once made. */
function usageSideOf(terms: PlanTerms): string {
  const known = usageSides.get(terms);
  if (known !== undefined) return known;
  const side = JSON.stringify({ ...terms, prices: terms.prices.filter(({ model }) => model !== 'FLAT') });
  usageSides.set(terms, side);
  return side;
}

function isSameBillingPeriod({ period: a }: EndedPart, { period: b }: EndedPart): boolean {
  return a.fullStart === b.fullStart && a.fullEnd === b.fullEnd;
}

function joinedWith(before: EndedPart, part: EndedPart): EndedPart {
  const { segment, period } = before;
  return {
    segment: { ...segment, seats: Math.max(segment.seats, part.segment.seats) },
    period: { ...period, end: part.period.end, unserved: (period.unserved ?? 0) + part.period.start - period.end },
    records: [...before.records, ...part.records],
    feesNet: Decimal.sum([before.feesNet, part.feesNet]),
    uncoveredCredits: before.uncoveredCredits.plus(part.uncoveredCredits),
    billed: [...before.billed, ...part.billed],
    closing: before.closing && part.closing,
    pieces: [...(before.pieces ?? [before]), part],
    ...(before.allowances === undefined ? {} : { allowances: [...before.allowances, ...(part.allowances ?? [])] }),
    commitment: part.commitment ?? before.commitment ?? null,
  };
}

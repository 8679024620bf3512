import type { Instant } from '../time/index.ts';
import type { AssembledLine } from './assembled-invoice.ts';
import { assembledLine } from './assembled-line.ts';
import { billedFeesOf } from './billed-facts.ts';
import type { SavedLine } from './billed-facts.ts';
import { isChargeFor } from './cancelling-lines.ts';
import type { DraftLine } from './draft-line.ts';
import type { BilledFee, PlanChange } from './invoice-facts.ts';
import { prorationLines } from './proration-lines.ts';

/** A change as it was made, of which an invoice may have come. */
export type MadeChange = Omit<PlanChange, 'billed'>;

/**
 * A change that leaves a fee as it was makes no invoice, if there is nothing else to bill: what was billed of the fee goes over to the segment that begins.
 * These are the lines that such an invoice would have had, credit and charge, so that whatever comes later finds the fee where it is: another change credits
 * what was really billed, a commitment counts each part's own (SEMANTICS 6.1, 8.5).
 * @param lines standing lines of the subscription @param changes in order of time
 */
export function handedOverFees(lines: readonly SavedLine[], changes: readonly MadeChange[]): AssembledLine[] {
  const handedOver: AssembledLine[] = [];
  for (const change of changes) {
    const { at, from, to } = change;
    if (to === null || to.period.trial || to.segment.terms.currency !== from.terms.currency) continue;
    const known = [...lines, ...handedOver];
    const billed = billedFeesOf(known, from, at).filter((fee) => fee.credits.isZero() && !isCredited(fee, change, known));
    handedOver.push(...pairsOf(prorationLines({ ...change, billed }, 0)).map(assembledLine));
  }
  return handedOver;
}

/** An invoice did it. */
function isCredited({ priceKey, period }: BilledFee, { at, from }: MadeChange, lines: readonly SavedLine[]): boolean {
  const start: Instant = Math.max(at, period.start);
  return lines.some(
    (line) =>
      line.kind === 'PRORATION_CREDIT' &&
      line.segmentId === from.id &&
      line.priceKey === priceKey &&
      line.period.start === start &&
      line.period.end === period.end,
  );
}

/** Each credit with the charge that takes it back; a fee of the same name rather than another one that is as high. What has none is left out. */
function pairsOf(lines: readonly DraftLine[]): DraftLine[] {
  const comparable = lines.map((line) => ({ ...line, discounts: line.shares }));
  const charges = comparable.filter(({ kind }) => kind !== 'PRORATION_CREDIT');
  return comparable
    .filter(({ kind }) => kind === 'PRORATION_CREDIT')
    .flatMap((credit) => {
      const fitting = charges.filter((charge) => isChargeFor(charge, credit));
      const charge = fitting.find(({ priceKey }) => priceKey === credit.priceKey) ?? fitting[0];
      if (charge === undefined) return [];
      charges.splice(charges.indexOf(charge), 1);
      return [credit, { ...charge, shares: credit.shares.map((share) => ({ ...share, amount: share.amount.negated() })) }];
    });
}

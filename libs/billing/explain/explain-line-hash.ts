import { formatInstant, type AssembledLine, type WalkStep } from '@tare/core';
import { createHash } from 'node:crypto';

/** What a line says, whether it is kept or was just assembled. */
export type HashedLine = Pick<
  AssembledLine,
  | 'scopeKey'
  | 'kind'
  | 'adjustsKind'
  | 'adjusts'
  | 'priceKey'
  | 'planVersionId'
  | 'segmentId'
  | 'subscriptionId'
  | 'period'
  | 'quantity'
  | 'exactAmount'
  | 'amount'
  | 'discount'
  | 'lineDiscount'
  | 'discounts'
  | 'walk'
  | 'rounding'
  | 'credits'
>;

/** Changes whenever what is hashed, or how it is written down, does. */
const FORM = 'tare-line-1';

/**
 * A sha256 over everything that decides a line: what it bills, the version, the quantity, each step of its walk, the rounding, the discounts. An invoice that
 * is recomputed from its events has the same hashes, line by line; one changed digit anywhere has another (SEMANTICS 8.4). Texts for readers (descriptions) are
 * left out. Written down canonically: a JSON array with numbers as normalised decimal texts ("1.50" and "1.5" are one) and instants in UTC.
 */
export function lineHash(currency: string, line: HashedLine): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(currency, line)))
    .digest('hex');
}

function canonical(currency: string, line: HashedLine): unknown[] {
  const { rounding, period } = line;
  return [
    FORM,
    currency,
    line.scopeKey,
    line.kind,
    line.adjustsKind,
    line.adjusts,
    line.priceKey,
    line.planVersionId,
    line.segmentId,
    line.subscriptionId,
    [formatInstant(period.start), formatInstant(period.end)],
    line.quantity.toString(),
    line.exactAmount.toString(),
    line.walk.map((step: WalkStep) => [step.quantity.toString(), step.unitPrice?.toString() ?? null, step.amount.toString()]),
    [rounding.exactAmount, rounding.increment, rounding.rounded, rounding.alreadyBilled].map(String),
    line.amount.toString(),
    line.lineDiscount.toString(),
    line.discount.toString(),
    line.discounts.map(({ key, amount, ofLine }) => [key, amount.toString(), ofLine]),
    line.credits.toString(),
  ];
}

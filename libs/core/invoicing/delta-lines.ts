import { CodedError } from '../coded-error.ts';
import { Decimal, currencyOf } from '../money/index.ts';
import type { WalkStep } from '../pricing/index.ts';
import { isSameRecord, takenSince } from './allowance-record.ts';
import type { AllowanceRecord, AllowanceTaken } from './allowance-record.ts';
import type { AssembledLine, AwaitingCost } from './assembled-invoice.ts';
import { lateDiscountUses } from './discount-lines.ts';
import { netOfLineDiscounts } from './billed-facts.ts';
import { discountOf, lineDiscountOf, netOf } from './draft-line.ts';
import type { DraftLine } from './draft-line.ts';
import type { BilledLine, DiscountUse, LateInvoice } from './invoice-facts.ts';
import { scopeLines } from './scope-lines.ts';

/** What corrects one finalized invoice. */
export interface DeltaLines {
  readonly lines: readonly AssembledLine[];
  readonly awaitingCost: readonly AwaitingCost[];
  readonly discountUses: readonly DiscountUse[];
  /** What is left of allowances now, and what corrections took more of them. */
  readonly allowances: readonly AllowanceRecord[];
  readonly taken: readonly AllowanceTaken[];
}

/**
 * What late usage and corrections change of a finalized invoice: its whole scope is rated again and everything billed is taken off, line by line, each net
 * of the original discounts (SEMANTICS 8.3). A line whose cost is awaited stays in the scope as it was billed last, until the cost is known: commitment and
 * discounts count it so. Of an amount off, its share may be another one since. `corrected`: corrections of earlier periods on the same invoice.
 * @throws CodedError INVARIANT_BROKEN when something was billed that the facts do not lead to: then they are not the facts of that invoice.
 */
export function deltaLines(late: LateInvoice, corrected: readonly AssembledLine[] = []): DeltaLines {
  const ended = late.facts.ended.map((part) => ({ ...part, billed: [] }));
  const { lines, awaitingCost, ...scope } = scopeLines({ ...late.facts, ended, asBilled: billedLast(late) }, corrected);
  requireKnown(late.billed, new Set([...lines, ...awaitingCost].map(({ scopeKey }) => scopeKey)), late.invoiceId);
  const isVoid = late.voided === true;
  const deltas = lines.map((line) => deltaLine(line, late));
  const recorded = isVoid ? [] : ended.flatMap((part) => part.allowances ?? []);
  const allowances = scope.allowances.filter((record) => recorded.some((other) => isSameRecord(other, record)));
  return {
    lines: deltas.filter((line) => !line.amount.isZero()),
    awaitingCost: isVoid ? [] : awaitingCost,
    discountUses: lateDiscountUses(
      isVoid ? lines.map((line) => ({ ...line, shares: [] })) : lines,
      late.facts.discounts,
      late.discountUses ?? [],
    ).map((use) => ({ ...use, ofCorrection: true })),
    allowances,
    taken: takenSince(recorded, allowances),
  };
}

/**
 * Of each line what was billed last, which tells all that was billed of it. An invoice that was voided and made again without the line has left only
 * corrections of the void one: there is no bill to keep then, and nothing but those to take back while it is void.
 */
function billedLast({ billed, invoiceId, voided = false }: LateInvoice): ReadonlyMap<string, BilledLine> {
  const last = new Map(billed.map((line) => [line.scopeKey, line]));
  return voided ? last : new Map([...last].filter(([, { adjusts }]) => adjusts === null || adjusts === invoiceId));
}

function deltaLine(line: DraftLine, { billed: allBilled, invoiceId, voided = false }: LateInvoice): AssembledLine {
  const billed = allBilled.filter(({ scopeKey }) => scopeKey === line.scopeKey);
  const due = voided ? Decimal.ZERO : netOf(line);
  const alreadyBilled = Decimal.sum(billed.map(({ amount, discounts }) => amount.minus(discountOf(discounts))));
  const amount = due.minus(alreadyBilled);
  const dueOfLine = voided ? Decimal.ZERO : line.amount.minus(lineDiscountOf(line.shares));
  const committed = dueOfLine.minus(Decimal.sum(billed.map(netOfLineDiscounts)));
  return {
    scopeKey: line.scopeKey,
    kind: 'DELTA',
    priceKey: line.priceKey,
    group: line.group,
    description: voided ? `Taken back, its invoice is void: ${line.description}` : `Correction: ${line.description}`,
    quantity: line.quantity,
    exactAmount: amount,
    amount,
    lineDiscount: Decimal.ZERO,
    discount: Decimal.ZERO,
    discounts: [],
    period: line.period,
    segmentId: line.segment.id,
    subscriptionId: line.segment.subscriptionId,
    planVersionId: line.segment.planVersionId,
    walk: voided ? voidedWalk(alreadyBilled) : deltaWalk(line, alreadyBilled),
    rounding: {
      exactAmount: voided ? Decimal.ZERO : line.exactAmount,
      increment: currencyOf(line.segment.terms.currency).billingIncrement,
      rounded: due,
      alreadyBilled,
    },
    adjusts: invoiceId,
    adjustsKind: line.kind,
    credits: Decimal.ZERO,
    ...(committed.equals(amount) ? {} : { committed }),
  };
}

/** The walk of the new total, its rounding and discount, less what was billed: it adds up to the delta (SEMANTICS 8.4). */
function deltaWalk(line: DraftLine, alreadyBilled: Decimal): WalkStep[] {
  const steps = [
    step('rounded to the billing increment', line.amount.minus(line.exactAmount)),
    step('discounts of the original period', discountOf(line.shares).negated()),
    step('billed before', alreadyBilled.negated()),
  ];
  return [...line.walk, ...steps.filter(({ amount }) => !amount.isZero())];
}

/** Corrections of an invoice that was voided since: nothing is due for its periods. */
function voidedWalk(alreadyBilled: Decimal): WalkStep[] {
  return alreadyBilled.isZero() ? [] : [step('billed by corrections before the invoice was voided', alreadyBilled.negated())];
}

function step(description: string, amount: Decimal): WalkStep {
  return { description, quantity: Decimal.ONE, unitPrice: null, amount };
}

function requireKnown(billed: readonly BilledLine[], known: ReadonlySet<string>, invoiceId: string): void {
  const unknown = billed.find(({ scopeKey }) => !known.has(scopeKey));
  if (unknown !== undefined) {
    throw new CodedError('INVARIANT_BROKEN', `Invoice ${invoiceId} billed "${unknown.scopeKey}", which its facts do not lead to.`);
  }
}

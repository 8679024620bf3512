import { CodedError } from '../coded-error.ts';
import { currencyOf } from '../money/index.ts';
import type { AwaitingCost, Leakage } from './assembled-invoice.ts';
import { discounted } from './discount-lines.ts';
import type { DraftLine } from './draft-line.ts';
import { advanceLines } from './fee-lines.ts';
import type { InvoiceScope } from './invoice-facts.ts';
import { joinedParts } from './joined-parts.ts';
import { prorationLines } from './proration-lines.ts';
import { commitmentLines, usageOutcome } from './usage-lines.ts';

/** All lines that the facts of an invoice lead to, also those of zero, with their discounts. */
export interface ScopeLines {
  readonly lines: readonly DraftLine[];
  readonly awaitingCost: readonly AwaitingCost[];
  readonly leakage: readonly Leakage[];
}

/** Lines, line discounts, true-ups, invoice discounts, in this order (SEMANTICS 8.1). @throws CodedError CURRENCY_MISMATCH */
export function scopeLines(scope: InvoiceScope): ScopeLines {
  requireOneCurrency(scope);
  const { billingIncrement } = currencyOf(scope.currency);
  const ended = joinedParts(scope.ended);
  const outcomes = ended.map((part) => usageOutcome(part, { ...scope, ended }));
  const usage = outcomes.flatMap((outcome) => outcome.lines);
  const fees = [...scope.changes.flatMap(prorationLines), ...scope.next.flatMap(advanceLines)];
  const charged = discounted([...usage, ...fees], scope.discounts, true, billingIncrement);
  const trueUps = ended.flatMap((part) => commitmentLines(part, charged.slice(0, usage.length)));
  const all = [...charged.slice(0, usage.length), ...trueUps, ...charged.slice(usage.length)];
  return {
    lines: discounted(all, scope.discounts, false, billingIncrement),
    awaitingCost: outcomes.flatMap((outcome) => outcome.awaitingCost),
    leakage: outcomes.flatMap((outcome) => outcome.leakage),
  };
}

function requireOneCurrency({ currency, ended, next, changes }: InvoiceScope): void {
  const segments = [
    ...ended,
    ...next,
    ...changes.flatMap((change) => [{ segment: change.from }, ...(change.to === null ? [] : [change.to])]),
  ];
  const other = segments.find(({ segment }) => segment.terms.currency !== currency)?.segment;
  if (other !== undefined) {
    throw new CodedError('CURRENCY_MISMATCH', `An invoice in ${currency} cannot bill plan ${other.planKey} in ${other.terms.currency}.`);
  }
}

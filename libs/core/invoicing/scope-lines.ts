import { CodedError } from '../coded-error.ts';
import { currencyOf } from '../money/index.ts';
import type { Segment } from '../subscriptions/index.ts';
import type { AllowanceRecord } from './allowance-record.ts';
import type { AssembledLine, AwaitingCost, Leakage } from './assembled-invoice.ts';
import { discounted } from './discount-lines.ts';
import type { DraftLine } from './draft-line.ts';
import { advanceLines } from './fee-lines.ts';
import type { InvoiceScope } from './invoice-facts.ts';
import { joinedParts } from './joined-parts.ts';
import { prorationLines } from './proration-lines.ts';
import { commitmentLines, usageOutcome } from './usage-lines.ts';
import type { UsageOutcome } from './usage-lines.ts';

/** All lines that the facts of an invoice lead to, also those of zero, with their discounts. */
export interface ScopeLines {
  readonly lines: readonly DraftLine[];
  readonly awaitingCost: readonly AwaitingCost[];
  readonly leakage: readonly Leakage[];
  readonly allowances: readonly AllowanceRecord[];
}

/**
 * Lines, line discounts, true-ups, invoice discounts, in this order (SEMANTICS 8.1). `corrected`: corrections on the same invoice, which a commitment over
 * several periods counts. @throws CodedError CURRENCY_MISMATCH
 */
export function scopeLines(scope: InvoiceScope, corrected: readonly AssembledLine[] = []): ScopeLines {
  requireOneCurrency(scope);
  const { billingIncrement } = currencyOf(scope.currency);
  const ended = joinedParts(scope.ended);
  const outcomes = outcomesOf(ended === scope.ended ? scope : { ...scope, ended });
  const usage = outcomes.flatMap((outcome) => outcome.lines);
  const fees = [...scope.changes.flatMap(prorationLines), ...scope.next.flatMap(advanceLines)];
  const charged = discounted(fees.length === 0 ? usage : [...usage, ...fees], scope.discounts, true, billingIncrement);
  const discountedUsage = fees.length === 0 ? charged : charged.slice(0, usage.length);
  const trueUps = ended.flatMap((part) => commitmentLines(part, discountedUsage, corrected));
  const all = trueUps.length === 0 ? charged : [...discountedUsage, ...trueUps, ...charged.slice(usage.length)];
  return {
    lines: discounted(all, scope.discounts, false, billingIncrement),
    awaitingCost: outcomes.flatMap((outcome) => outcome.awaitingCost),
    leakage: outcomes.flatMap((outcome) => outcome.leakage),
    allowances: outcomes.flatMap((outcome) => outcome.allowances),
  };
}

/** Each part begins with what the one before leaves of allowances that roll over. */
function outcomesOf(scope: InvoiceScope): UsageOutcome[] {
  let carried = scope.carried ?? [];
  return scope.ended.map((part) => {
    const outcome = usageOutcome(part, scope, carried);
    carried = outcome.carried;
    return outcome;
  });
}

function requireOneCurrency({ currency, ended, next, changes }: InvoiceScope): void {
  for (const { segment } of ended) requireCurrency(segment, currency);
  for (const { segment } of next) requireCurrency(segment, currency);
  for (const { from, to } of changes) {
    requireCurrency(from, currency);
    if (to !== null) requireCurrency(to.segment, currency);
  }
}

function requireCurrency({ terms, planKey }: Segment, currency: string): void {
  if (terms.currency === currency) return;
  throw new CodedError('CURRENCY_MISMATCH', `An invoice in ${currency} cannot bill plan ${planKey} in ${terms.currency}.`);
}

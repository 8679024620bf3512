import { Decimal, notCarried, withoutLost } from '@tare/core';
import type { AllowanceRecord, AssembledInvoice, Grant, GrantToIssue } from '@tare/core';
import type { WalletState } from '@tare/credits';
import type { BillingHistory, PeriodFactsResult } from './period-facts.ts';

/** Where another world begins: nothing billed yet, the wallet as of the span's start (SEMANTICS 11.2). */
export function openingHistory(wallet: WalletState = { grants: [], debt: Decimal.ZERO }): BillingHistory {
  return { lines: [], discountUses: [], wallet, balances: new Map(), allowances: [] };
}

/**
 * What another world has billed after one instant, for the facts of its next one. `invoices`: assembled from `result.invoices`, in their order;
 * `invoiceNo`: a number that rises from instant to instant.
 */
export function historyAfter(
  history: BillingHistory,
  result: PeriodFactsResult,
  invoices: readonly AssembledInvoice[],
  invoiceNo: number,
): BillingHistory {
  const { creditCarry } = result;
  const after = result.settlements.at(-1)?.settlement.wallet ?? history.wallet;
  const settled = creditCarry === null ? after : { ...after, grants: withoutLost(after.grants, notCarried(after.grants, creditCarry)) };
  const grants = invoices.flatMap((invoice) => invoice.grants);
  const balances = new Map(history.balances);
  for (const { currency, balanceCarried, balanceApplied } of invoices) {
    balances.set(currency, (balances.get(currency) ?? Decimal.ZERO).plus(balanceCarried).minus(balanceApplied));
  }
  return {
    lines: [
      ...history.lines,
      ...invoices.flatMap((invoice, index) =>
        invoice.lines.map((line, position) => ({
          ...line,
          id: `${invoiceNo}:${index}:${position}`,
          invoiceId: `${invoiceNo}:${index}`,
          position,
        })),
      ),
    ],
    discountUses: [...history.discountUses, ...invoices.flatMap(({ discountUses }) => discountUses.map((use) => ({ ...use, invoiceNo })))],
    wallet: grants.reduce(withGrant, settled),
    balances,
    allowances: allowancesAfter(
      history.allowances,
      invoices.flatMap(({ allowances }) => allowances),
    ),
  };
}

/** The last record of each allowance, once more of them were made. */
export function allowancesAfter(before: readonly AllowanceRecord[], made: readonly AllowanceRecord[]): AllowanceRecord[] {
  const latest: AllowanceRecord[] = [];
  for (const record of [...before, ...made].sort((a, b) => a.periodStart - b.periodStart)) {
    const index = latest.findIndex(({ priceKey, group }) => priceKey === record.priceKey && group === record.group);
    latest.splice(index === -1 ? latest.length : index, 1, record);
  }
  return latest;
}

/** A grant as finalization would issue it: a debt is paid from it first (SEMANTICS 7.5). */
function withGrant({ grants, debt }: WalletState, { key, credits, ...terms }: GrantToIssue): WalletState {
  const repaid = Decimal.min(debt, credits);
  const grant: Grant = { ...terms, id: key, credits, remaining: credits.minus(repaid), createdAt: terms.effectiveAt };
  return { grants: [...grants, grant], debt: debt.minus(repaid) };
}

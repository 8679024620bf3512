import type { CarriedAllowance } from '../rating/index.ts';
import { carriedOf } from './allowance-record.ts';
import type { AllowanceRecord } from './allowance-record.ts';
import type { EndedPart, InvoiceScope } from './invoice-facts.ts';
import { usageOutcome } from './usage-lines.ts';

/**
 * What allowances carry into the time after some parts that are not closed yet, by the code that bills them.
 * @param parts of one subscription and currency, one after the other (`joinedParts`) @param recorded what the last closed part of each price carries on
 */
export function carriedAfter(
  parts: readonly EndedPart[],
  { meters, exchangeRates }: Pick<InvoiceScope, 'meters' | 'exchangeRates'>,
  recorded: readonly AllowanceRecord[],
): readonly CarriedAllowance[] {
  const [first] = parts;
  if (first === undefined) return carriedOf(recorded);
  const { currency } = first.segment.terms;
  const scope: InvoiceScope = { currency, meters, ended: parts, next: [], changes: [], discounts: [], exchangeRates };
  return parts.reduce<readonly CarriedAllowance[]>((carried, part) => usageOutcome(part, scope, carried).carried, carriedOf(recorded));
}

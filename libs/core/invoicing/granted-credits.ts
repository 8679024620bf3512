import { Decimal } from '../money/index.ts';
import { planGrantKey } from '../credits/index.ts';
import { rolloverExpiry } from '../rating/index.ts';
import { calendarOf } from '../subscriptions/index.ts';
import { periodIndexAt } from '../time/index.ts';
import type { Instant } from '../time/index.ts';
import type { GrantToIssue } from './assembled-invoice.ts';
import { netOf } from './draft-line.ts';
import type { DraftLine } from './draft-line.ts';

/**
 * The credits that an invoice grants when it is finalized: for each period its own, for a change what it adds. They cost what their lines charge net of
 * discounts. They end with their period, or, where they roll over, with the last one that they may be carried into (SEMANTICS 7.6, 7.9).
 */
export function grantsOf(lines: readonly DraftLine[], currency: string): GrantToIssue[] {
  const withCredits = lines.filter((line) => !line.credits.isZero());
  if (withCredits.length === 0) return [];
  const groups = new Map<string, DraftLine[]>();
  for (const line of withCredits) {
    const group = line.changeIndex === null ? line.scopeKey : `change ${line.changeIndex}`;
    groups.set(group, [...(groups.get(group) ?? []), line]);
  }
  return [...groups.values()].flatMap((group) => grantOf(group, currency));
}

function grantOf(lines: readonly DraftLine[], currency: string): GrantToIssue[] {
  const credits = Decimal.sum(lines.map((line) => line.credits));
  const line = lines.find((candidate) => candidate.credits.isPositive());
  if (line === undefined || !credits.isPositive()) return [];
  const isSold = line.segment.terms.creditPrice !== null;
  const paid = Decimal.max(Decimal.ZERO, Decimal.sum(lines.map(netOf)));
  return [
    {
      segmentId: line.segment.id,
      subscriptionId: line.segment.subscriptionId,
      key: planGrantKey(line.segment.id, line.period.start),
      credits,
      costBasis: isSold ? { amount: paid, currency } : null,
      effectiveAt: line.period.start,
      expiresAt: expiryOf(line),
      promotional: !isSold,
      priority: 0,
      ...(line.segment.terms.creditsGrantedWhen === 'PAID' ? { grantedWhen: 'PAID' as const } : {}),
    },
  ];
}

function expiryOf({ segment, period }: DraftLine): Instant | null {
  const { creditRollover, creditRolloverPeriods } = segment.terms;
  if (!creditRollover) return period.end;
  return rolloverExpiry(creditRolloverPeriods, segment, { index: periodIndexAt(calendarOf(segment), period.start) });
}

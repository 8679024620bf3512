import { Decimal } from '../money/index.ts';
import { prorated } from '../pricing/index.ts';
import { segmentEnd, shareOf, spanOfIntervals } from '../subscriptions/index.ts';
import type { Segment, ServicePeriod } from '../subscriptions/index.ts';
import { feesNetOf, isAdvanceFee, netOfLineDiscounts } from './billed-facts.ts';
import type { SavedLine } from './billed-facts.ts';
import type { LineKind } from './assembled-invoice.ts';

/** A commitment over several billing periods that is over with a part: what its true-up is computed from (SEMANTICS 4.6, 8.5). */
export interface CommitmentSpan {
  /** The time that it is for. */
  readonly period: ServicePeriod;
  /** The segments that committed to it, one after the other. */
  readonly segmentIds: readonly string[];
  /** What they committed to, each in proportion to its time in it. */
  readonly committed: Decimal;
  /** Fees in advance for all of it, net of line discounts; of a fee that reaches beyond, its part by real time. */
  readonly fees: Decimal;
  /** Usage, overage and fees in arrears of what ended before, net of line discounts, corrections included. */
  readonly usageBefore: Decimal;
}

type Part = { readonly segment: Segment; readonly period: ServicePeriod };

/**
 * The commitment over several billing periods that ends with the last of some parts that are billed together; null where none does. Segments that follow
 * one another on the same calendar with a commitment over as many intervals fulfil it together, whatever changed between them: an upgrade in March does not
 * settle the year.
 * @param parts of one subscription that are closed together, in order of time
 * @param segments all of the subscription
 * @param lines standing lines billed for the time of the commitment; those of the parts themselves don't count
 */
export function commitmentSpan(parts: readonly Part[], segments: readonly Segment[], lines: readonly SavedLine[]): CommitmentSpan | null {
  const part = parts.at(-1);
  if (part === undefined || part.period.trial || !isOverSeveral(part.segment)) return null;
  const chain = chainOf(part.segment, segments);
  const period = spanOf(part, chain);
  if (part.period.end !== period.end) return null;
  const inside = chain.flatMap((segment) => pieceOf(segment, period) ?? []);
  const before = lines.filter((line) => line.period.start >= period.start && line.period.start < period.end && !isOfParts(line, parts));
  return {
    period,
    segmentIds: inside.map(({ segment }) => segment.id),
    committed: Decimal.sum(
      inside.map(({ segment, period: piece }) => prorated(segment.terms.minimumCommitment ?? Decimal.ZERO, shareOf(piece))),
    ),
    fees: Decimal.sum(inside.map(({ segment }) => feesNetOf(lines, segment, { fullStart: period.start, fullEnd: period.end }))),
    usageBefore: Decimal.sum(inside.flatMap(({ segment }) => before.filter((line) => isUsageOf(line, segment)).map(netOfLineDiscounts))),
  };
}

const USAGE_KINDS: ReadonlySet<LineKind> = new Set<LineKind>(['USAGE', 'OVERAGE', 'FEE']);

/** What a commitment counts beside fees in advance, and corrections of it. */
export function countsAsUsage({ kind, adjustsKind }: Pick<SavedLine, 'kind' | 'adjustsKind'>): boolean {
  return USAGE_KINDS.has(kind === 'DELTA' ? (adjustsKind ?? kind) : kind);
}

function isUsageOf(line: SavedLine, segment: Segment): boolean {
  return line.segmentId === segment.id && countsAsUsage(line) && !isAdvanceFee(line, segment);
}

function isOverSeveral({ terms }: Segment): boolean {
  return terms.minimumCommitment !== null && terms.commitmentIntervals > 1;
}

/** The segments around one that go on with the same commitment, without a gap. */
function chainOf(segment: Segment, segments: readonly Segment[]): Segment[] {
  const chain = [segment];
  for (;;) {
    const [first] = chain;
    const last = chain.at(-1);
    const before = segments.find((other) => first !== undefined && goesOn(other, first));
    const after = segments.find((other) => last !== undefined && goesOn(last, other));
    if (before !== undefined) chain.unshift(before);
    if (after !== undefined) chain.push(after);
    if (before === undefined && after === undefined) return chain;
  }
}

function goesOn(before: Segment, after: Segment): boolean {
  const [a, b] = [before.terms, after.terms];
  const isSame = a.commitmentIntervals === b.commitmentIntervals && a.interval === b.interval && a.intervalCount === b.intervalCount;
  const isNext = before.subscriptionId === after.subscriptionId && before.end === after.start && before.start < after.start;
  return isNext && isSame && a.currency === b.currency && before.anchor === after.anchor && isOverSeveral(before) && isOverSeveral(after);
}

function spanOf({ segment, period }: Part, chain: readonly Segment[]): ServicePeriod {
  const [first = segment] = chain;
  const last = chain.at(-1) ?? segment;
  const whole = { ...last, start: first.start, trialEnd: first.trialEnd };
  return spanOfIntervals(whole, period, segment.terms.commitmentIntervals);
}

function pieceOf(segment: Segment, span: ServicePeriod): Part | null {
  const start = Math.max(segment.start, span.start);
  const end = Math.min(segmentEnd(segment) ?? span.end, span.end);
  return start < end ? { segment, period: { ...span, start, end } } : null;
}

function isOfParts(line: SavedLine, parts: readonly Part[]): boolean {
  return parts.some(
    ({ segment, period }) => line.segmentId === segment.id && line.period.start >= period.start && line.period.start < period.end,
  );
}

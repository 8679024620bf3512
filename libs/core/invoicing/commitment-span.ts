import { Decimal } from '../money/index.ts';
import { prorated } from '../pricing/index.ts';
import { segmentEnd, shareOf, spanOfIntervals } from '../subscriptions/index.ts';
import type { Segment, ServicePeriod } from '../subscriptions/index.ts';
import { feesNetOf, isAdvanceFee, netOfLineDiscounts } from './billed-facts.ts';
import type { SavedLine } from './billed-facts.ts';
import type { CommitmentSpan } from './invoice-facts.ts';
import type { LineKind } from './assembled-invoice.ts';

type Part = { readonly segment: Segment; readonly period: ServicePeriod };

/**
 * The commitment over several billing periods that ends with a part; null where none does. Segments that follow
 * one another on the same calendar with a commitment over as many intervals fulfil it together, whatever changed between them: an upgrade in March does not
 * settle the year. Time between them, in a pause, is not committed.
 * @param together the parts that are closed together with it, itself among them
 * @param segments all of the subscription
 * @param lines standing lines billed for the time of the commitment; those of the parts themselves don't count
 */
export function commitmentSpan(
  part: Part,
  together: readonly Part[],
  segments: readonly Segment[],
  lines: readonly SavedLine[],
): CommitmentSpan | null {
  if ((part.period.trial && !part.segment.paused) || !isOverSeveral(part.segment)) return null;
  // What was agreed for a time that never comes, after a cancellation or another change, covers none: it goes on with nothing.
  const chain = chainOf(
    part.segment,
    segments.filter(({ start, end }) => end === null || start < end),
  );
  const period = spanOf(part, chain);
  if (part.period.end !== period.end) return null;
  const inside = chain.filter(({ paused }) => !paused).flatMap((segment) => pieceOf(segment, period) ?? []);
  const before = lines.filter((line) => line.period.start >= period.start && line.period.start < period.end && !isOfParts(line, together));
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

/** The true-up of a span that a pause ended early counts for the whole of it. */
const USAGE_KINDS: ReadonlySet<LineKind> = new Set<LineKind>(['USAGE', 'OVERAGE', 'FEE', 'COMMITMENT']);

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

/** The segments around one that go on with the same commitment, be it after a pause. */
function chainOf(segment: Segment, segments: readonly Segment[]): Segment[] {
  const chain = [segment];
  for (;;) {
    const [first] = chain;
    const last = chain.at(-1);
    const before = segments.findLast((other) => first !== undefined && goesOn(other, first));
    const after = segments.find((other) => last !== undefined && goesOn(last, other));
    if (before !== undefined) chain.unshift(before);
    if (after !== undefined) chain.push(after);
    if (before === undefined && after === undefined) return chain;
  }
}

function goesOn(before: Segment, after: Segment): boolean {
  const [a, b] = [before.terms, after.terms];
  const isSame = a.commitmentIntervals === b.commitmentIntervals && a.interval === b.interval && a.intervalCount === b.intervalCount;
  const isNext =
    before.subscriptionId === after.subscriptionId && before.end !== null && before.end <= after.start && before.start < after.start;
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

/** A true-up begins with its span, but ends with the part that ends that. */
function isOfParts(line: SavedLine, parts: readonly Part[]): boolean {
  const isTrueUp = line.kind === 'COMMITMENT' || line.adjustsKind === 'COMMITMENT';
  if (isTrueUp) return parts.some(({ period }) => line.period.end === period.end);
  return parts.some(
    ({ segment, period }) => line.segmentId === segment.id && line.period.start >= period.start && line.period.start < period.end,
  );
}

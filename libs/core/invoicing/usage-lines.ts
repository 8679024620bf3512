import { Decimal } from '../money/index.ts';
import { prorated } from '../pricing/index.ts';
import { carriedFor, carriedOn, isCountedBy, ratePeriodUsage } from '../rating/index.ts';
import type { CarriedAllowance, RatedPrice } from '../rating/index.ts';
import { shareOf } from '../subscriptions/index.ts';
import type { ServicePeriod } from '../subscriptions/index.ts';
import type { Instant } from '../time/index.ts';
import { carriedOf, isOfSamePrice, isSameRecord, takenSince, withTaken } from './allowance-record.ts';
import type { AllowanceRecord } from './allowance-record.ts';
import { netOfLineDiscounts } from './billed-facts.ts';
import { countsAsUsage } from './commitment-span.ts';
import type { AssembledLine, AwaitingCost, Leakage } from './assembled-invoice.ts';
import { draftLine, lineDiscountOf, scopeKeyOf } from './draft-line.ts';
import type { DraftLine } from './draft-line.ts';
import { feeLines } from './fee-lines.ts';
import type { EndedPart, InvoiceScope } from './invoice-facts.ts';

/** What the usage of one service period comes to. */
export interface UsageOutcome {
  readonly lines: readonly DraftLine[];
  readonly awaitingCost: readonly AwaitingCost[];
  readonly leakage: readonly Leakage[];
  /** Of a part that is closed; a period that still runs has none. */
  readonly allowances: readonly AllowanceRecord[];
  /** What the part after it opens with. */
  readonly carried: readonly CarriedAllowance[];
}

/**
 * Usage, overage and fixed fees in arrears of an ended service period; a trial has none (SEMANTICS 5, 6.4, 7.5). `carried`: what the time before leaves of
 * allowances.
 */
export function usageOutcome(part: EndedPart, scope: InvoiceScope, carried: readonly CarriedAllowance[]): UsageOutcome {
  if (part.period.trial) return { lines: [], awaitingCost: [], leakage: [], allowances: [], carried };
  const { segment, period, closing } = part;
  const earlier = earlierParts(part, scope.ended);
  const opening = part.allowances?.map(({ opening: lots, ...name }) => ({ ...name, lots })) ?? carried;
  const rated = ratePeriodUsage(segment, period, part.records, scope.meters, {
    chargedBefore: (meter) =>
      earlier.flatMap(({ segment: { terms }, records }) => records.filter((record) => isCountedBy(terms, meter, record))),
    closing,
    exchangeRates: scope.exchangeRates,
    carried: opening,
  });
  const usage = rated.flatMap((price) => (price.awaitingCost ? lineAsBilled(price, part, scope) : usageLine(price, part)));
  const fees = closing ? piecesOf(part).flatMap((piece) => feeLines(piece.segment, piece.period, 'IN_ARREARS', () => 'FEE')) : [];
  const allowances = rated.flatMap((price) => allowanceRecord(price, part, opening) ?? []);
  return {
    lines: withBilled([...usage, ...overageLines(part), ...fees], part),
    awaitingCost: rated.filter((price) => price.awaitingCost).map((price) => awaitingOf(price, part)),
    leakage: leakageOf(part),
    allowances: closing ? allowances : [],
    carried: [...carried.filter((other) => !allowances.some((record) => isOfSamePrice(record, other))), ...carriedOf(allowances)],
  };
}

/** Of a price that rolls over; null of others. A part that was closed before keeps what it carries on, less what it now takes more. */
function allowanceRecord(rated: RatedPrice, part: EndedPart, carried: readonly CarriedAllowance[]): AllowanceRecord | null {
  const { priceKey, group, price, included, quantity: used } = rated;
  if (!price.rollover) return null;
  const { segment, period } = part;
  const opening = carriedFor(carried, rated, period.start);
  const left = carriedOn(rated, segment, period, opening);
  const name = { segmentId: segment.id, periodStart: period.start, priceKey, group, meter: price.meter };
  const record = { ...name, opening, included, used, left, carried: left };
  const recorded = part.allowances?.find((other) => isSameRecord(other, record));
  if (recorded === undefined) return record;
  const [after = record] = withTaken([{ ...record, carried: recorded.carried }], takenSince([recorded], [record]));
  return after;
}

/**
 * The true-up to a commitment: what was committed less fees and usage of the same time, net of line discounts (SEMANTICS 4.6, 8.5). Of one for a single
 * billing period each part has its own; of one for several, the part that ends it. A line of zero where the commitment is met.
 * @param lines all lines of the scope, line discounts taken @param corrected corrections on the same invoice
 */
export function commitmentLines(part: EndedPart, lines: readonly DraftLine[], corrected: readonly AssembledLine[]): readonly DraftLine[] {
  const due = part.closing ? commitmentOf(part, lines, corrected) : null;
  if (due === null) return [];
  const { segment, period } = part;
  const missing = due.committed.minus(due.fees).minus(due.before).minus(due.usage);
  const walk = [
    step('commitment', due.committed),
    step('fees of the period', due.fees.negated()),
    step('usage billed before', due.before.negated()),
    step('usage of the period', due.usage.negated()),
  ];
  const isDue = missing.isPositive();
  const amounts = {
    description: `${segment.planName}: minimum commitment`,
    quantity: isDue ? Decimal.ONE : Decimal.ZERO,
    exactAmount: isDue ? missing : Decimal.ZERO,
    walk: isDue ? walk.filter(({ amount }) => !amount.isZero()) : [],
  };
  const line = draftLine({ kind: 'COMMITMENT', priceKey: null, segment, period: due.period }, amounts, { billingStart: period.fullStart });
  return withBilled([line], part);
}

interface DueCommitment {
  readonly period: ServicePeriod;
  readonly committed: Decimal;
  readonly fees: Decimal;
  readonly before: Decimal;
  readonly usage: Decimal;
}

function commitmentOf(part: EndedPart, lines: readonly DraftLine[], corrected: readonly AssembledLine[]): DueCommitment | null {
  const { segment, period, feesNet: fees, commitment: span } = part;
  const { minimumCommitment: amount, commitmentIntervals } = segment.terms;
  if (amount === null || (period.trial && !segment.paused)) return null;
  const net = (own: readonly DraftLine[]): Decimal => Decimal.sum(own.map((line) => line.amount.minus(lineDiscountOf(line.shares))));
  if (commitmentIntervals === 1) {
    if (period.trial) return null;
    const usage = net(lines.filter((line) => isOfPart(line, part)));
    return { period, committed: prorated(amount, shareOf(period)), fees, before: Decimal.ZERO, usage };
  }
  if (span === null || span === undefined) return null;
  const isInside = (segmentId: string, start: Instant): boolean =>
    span.segmentIds.includes(segmentId) && span.period.start <= start && start < span.period.end;
  const own = lines.filter((line) => isCounted(line) && isInside(line.segment.id, line.period.start));
  const late = corrected.filter((line) => countsAsUsage(line) && isInside(line.segmentId, line.period.start));
  const before = span.usageBefore.plus(Decimal.sum(late.map(netOfLineDiscounts)));
  return { period: span.period, committed: span.committed, fees: span.fees, before, usage: net(own) };
}

function usageLine(rated: RatedPrice, { segment, period }: EndedPart): DraftLine {
  return draftLine(
    { kind: 'USAGE', priceKey: rated.priceKey, group: rated.group, segment, period },
    {
      description: usageDescription(segment.planName, rated.priceKey, rated.group),
      quantity: rated.quantity,
      exactAmount: rated.charge.amount,
      walk: rated.charge.walk,
    },
  );
}

/** A price that awaits its cost has no line, but stays as it was billed where its period is rated again (SEMANTICS 4.5). */
function lineAsBilled({ priceKey, group }: RatedPrice, { segment, period }: EndedPart, { asBilled }: InvoiceScope): DraftLine[] {
  const billed = asBilled?.get(scopeKeyOf('USAGE', segment.id, priceKey, period.start, group));
  if (billed === undefined) return [];
  const { quantity, exactAmount } = billed;
  const amounts = {
    description: usageDescription(segment.planName, priceKey, group),
    quantity,
    exactAmount,
    walk: exactAmount.isZero() ? [] : [step('as it was billed, until its cost is known', exactAmount)],
  };
  return [draftLine({ kind: 'USAGE', priceKey, group, segment, period }, amounts)];
}

function usageDescription(planName: string, priceKey: string, group: string | null): string {
  return `${planName}: ${priceKey}${group === null ? '' : ` (${group})`}`;
}

function overageLines({ segment, period, uncoveredCredits }: EndedPart): DraftLine[] {
  const price = segment.terms.overagePricePerCredit;
  if (segment.terms.creditExhaustion !== 'OVERAGE' || price === null) return [];
  const exactAmount = uncoveredCredits.times(price);
  const walk = uncoveredCredits.isZero()
    ? []
    : [{ description: 'credits above the balance', quantity: uncoveredCredits, unitPrice: price, amount: exactAmount }];
  const amounts = { description: `${segment.planName}: credit overage`, quantity: uncoveredCredits, exactAmount, walk };
  return [draftLine({ kind: 'OVERAGE', priceKey: null, segment, period }, amounts)];
}

function leakageOf({ segment, period, uncoveredCredits }: EndedPart): Leakage[] {
  if (segment.terms.creditExhaustion === 'OVERAGE' || uncoveredCredits.isZero()) return [];
  return [{ segmentId: segment.id, period: { start: period.start, end: period.end }, credits: uncoveredCredits }];
}

function awaitingOf({ priceKey, group, events }: RatedPrice, { segment, period }: EndedPart): AwaitingCost {
  const scopeKey = scopeKeyOf('USAGE', segment.id, priceKey, period.start, group);
  return { priceKey, group, segmentId: segment.id, period: { start: period.start, end: period.end }, scopeKey, events };
}

/** Earlier parts of the same subscription and billing period on this invoice: the UNIQUE_COUNT members that their prices count are charged there (SEMANTICS 6.2). */
function earlierParts(part: EndedPart, parts: readonly EndedPart[]): readonly EndedPart[] {
  if (parts.length === 1) return [];
  const { segment, period } = part;
  const isEarlier = (other: EndedPart): boolean =>
    other.segment.subscriptionId === segment.subscriptionId && other.period.start < period.start && other.period.start >= period.fullStart;
  return parts.filter((other) => isEarlier(other) && !other.period.trial);
}

function isOfPart(line: DraftLine, part: EndedPart): boolean {
  // A fee that is valid from later on begins inside of its period.
  const isInside = ({ segment, period }: Pick<EndedPart, 'segment' | 'period'>): boolean =>
    line.segment.id === segment.id && line.period.start >= period.start && line.period.start < period.end;
  return isCounted(line) && piecesOf(part).some(isInside);
}

function piecesOf(part: EndedPart): readonly Pick<EndedPart, 'segment' | 'period'>[] {
  return part.pieces ?? [part];
}

function isCounted({ kind }: DraftLine): boolean {
  return countsAsUsage({ kind, adjustsKind: null });
}

function withBilled(lines: readonly DraftLine[], { billed }: EndedPart): readonly DraftLine[] {
  if (billed.length === 0) return lines;
  return lines.map((line) => ({ ...line, billed: billed.filter(({ scopeKey }) => scopeKey === line.scopeKey) }));
}

function step(description: string, amount: Decimal): DraftLine['walk'][number] {
  return { description, quantity: Decimal.ONE, unitPrice: null, amount };
}

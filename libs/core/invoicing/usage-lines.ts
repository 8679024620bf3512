import { Decimal } from '../money/index.ts';
import { prorated } from '../pricing/index.ts';
import { ratePeriodUsage } from '../rating/index.ts';
import type { RatedPrice } from '../rating/index.ts';
import { shareOf } from '../subscriptions/index.ts';
import type { UsageRecord } from '../usage/index.ts';
import type { AwaitingCost, Leakage } from './assembled-invoice.ts';
import { draftLine, lineDiscountOf, scopeKeyOf } from './draft-line.ts';
import type { DraftLine } from './draft-line.ts';
import { feeLines } from './fee-lines.ts';
import type { EndedPart, InvoiceScope } from './invoice-facts.ts';

/** What the usage of one service period comes to. */
export interface UsageOutcome {
  readonly lines: readonly DraftLine[];
  readonly awaitingCost: readonly AwaitingCost[];
  readonly leakage: readonly Leakage[];
}

/** Usage, overage and fixed fees in arrears of an ended service period; a trial has none (SEMANTICS 5, 6.4, 7.5). */
export function usageOutcome(part: EndedPart, scope: InvoiceScope): UsageOutcome {
  if (part.period.trial) return { lines: [], awaitingCost: [], leakage: [] };
  const { segment, period, closing } = part;
  const chargedBefore = [...part.chargedBefore, ...recordsOfEarlierParts(part, scope.ended)];
  const rated = ratePeriodUsage(segment, period, part.records, scope.meters, {
    chargedBefore,
    closing,
    exchangeRates: scope.exchangeRates,
  });
  const usage = rated.filter((price) => !price.awaitingCost).map((price) => usageLine(price, part));
  const fees = closing ? piecesOf(part).flatMap((piece) => feeLines(piece.segment, piece.period, 'IN_ARREARS', 'FEE')) : [];
  return {
    lines: withBilled([...usage, ...overageLines(part), ...fees], part),
    awaitingCost: rated.filter((price) => price.awaitingCost).map((price) => awaitingOf(price, part)),
    leakage: leakageOf(part),
  };
}

/**
 * The true-up to the commitment of a service period: its part of the commitment less fees and usage of the same period, net of line discounts
 * (SEMANTICS 4.6, 8.5). `lines`: all lines of the scope, line discounts taken. A line of zero where the commitment is met.
 */
export function commitmentLines(part: EndedPart, lines: readonly DraftLine[]): DraftLine[] {
  const { segment, period } = part;
  const commitment = segment.terms.minimumCommitment;
  if (commitment === null || period.trial || !part.closing) return [];
  const committed = prorated(commitment, shareOf(period));
  const own = lines.filter((line) => isOfPart(line, part));
  const usage = Decimal.sum(own.map((line) => line.amount.minus(lineDiscountOf(line.shares))));
  const missing = committed.minus(part.feesNet).minus(usage);
  const walk = [
    step('commitment', committed),
    step('fees of the period', part.feesNet.negated()),
    step('usage of the period', usage.negated()),
  ];
  const isDue = missing.isPositive();
  const amounts = {
    description: `${segment.planName}: minimum commitment`,
    quantity: isDue ? Decimal.ONE : Decimal.ZERO,
    exactAmount: isDue ? missing : Decimal.ZERO,
    walk: isDue ? walk.filter(({ amount }) => !amount.isZero()) : [],
  };
  return withBilled([draftLine({ kind: 'COMMITMENT', priceKey: null, segment, period }, amounts)], part);
}

function usageLine(rated: RatedPrice, { segment, period }: EndedPart): DraftLine {
  return draftLine(
    { kind: 'USAGE', priceKey: rated.priceKey, group: rated.group, segment, period },
    {
      description: `${segment.planName}: ${rated.priceKey}${rated.group === null ? '' : ` (${rated.group})`}`,
      quantity: rated.quantity,
      exactAmount: rated.charge.amount,
      walk: rated.charge.walk,
    },
  );
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

/** Earlier parts of the same subscription and billing period on this invoice: their UNIQUE_COUNT members are charged there (SEMANTICS 6.2). */
function recordsOfEarlierParts(part: EndedPart, parts: readonly EndedPart[]): UsageRecord[] {
  const { segment, period } = part;
  const isEarlier = (other: EndedPart): boolean =>
    other.segment.subscriptionId === segment.subscriptionId && other.period.start < period.start && other.period.start >= period.fullStart;
  return parts.filter((other) => isEarlier(other) && !other.period.trial).flatMap((other) => other.records);
}

function isOfPart(line: DraftLine, part: EndedPart): boolean {
  const isCounted = line.kind === 'USAGE' || line.kind === 'OVERAGE' || line.kind === 'FEE';
  // A fee that is valid from later on begins inside of its period.
  const isInside = ({ segment, period }: Pick<EndedPart, 'segment' | 'period'>): boolean =>
    line.segment.id === segment.id && line.period.start >= period.start && line.period.start < period.end;
  return isCounted && piecesOf(part).some(isInside);
}

function piecesOf(part: EndedPart): readonly Pick<EndedPart, 'segment' | 'period'>[] {
  return part.pieces ?? [part];
}

function withBilled(lines: readonly DraftLine[], { billed }: EndedPart): DraftLine[] {
  return lines.map((line) => ({ ...line, billed: billed.filter(({ scopeKey }) => scopeKey === line.scopeKey) }));
}

function step(description: string, amount: Decimal): DraftLine['walk'][number] {
  return { description, quantity: Decimal.ONE, unitPrice: null, amount };
}

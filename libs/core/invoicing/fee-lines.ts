import { Decimal } from '../money/index.ts';
import { prorated, ratePrice } from '../pricing/index.ts';
import type { FlatPrice, PriceTiming, WalkStep } from '../pricing/index.ts';
import { pricePeriod, roundedShare, shareOf, spanOfIntervals } from '../subscriptions/index.ts';
import type { Segment, ServicePeriod } from '../subscriptions/index.ts';
import type { LineKind } from './assembled-invoice.ts';
import { draftLine, incrementOf } from './draft-line.ts';
import type { DraftLine } from './draft-line.ts';
import type { AdvanceFee } from './invoice-facts.ts';

/** What is due at the start of a period: fixed fees in advance, and the plan's credits. Nothing in a trial (SEMANTICS 5, 6.4). */
export function advanceLines({ segment, period, resumed = false }: AdvanceFee): DraftLine[] {
  if (period.trial) return [];
  const fees = feeLines(openEnded(segment), period, 'IN_ADVANCE', () => 'FEE');
  return [...fees, ...(resumed ? [] : creditLines(segment, period, 'CREDITS'))];
}

/** A fee in advance is for its time as it is known when that begins: an end of the segment inside of it comes later, and is credited then (SEMANTICS 6.1). */
export function openEnded(segment: Segment): Segment {
  return { ...segment, end: null };
}

/**
 * The fixed fees of a service period; of a shortened one, or of the time that a fee is valid in, their part by real time (SEMANTICS 6.1). A fee for several
 * billing intervals is due with the first of them, for all of them. `kind`: of the line, from the time that the fee is for.
 */
export function feeLines(segment: Segment, period: ServicePeriod, timing: PriceTiming, kind: (of: ServicePeriod) => LineKind): DraftLine[] {
  const fees = segment.terms.prices.filter((price): price is FlatPrice => price.model === 'FLAT' && price.timing === timing);
  return fees.flatMap((price) => {
    const span = spanOfIntervals(segment, period, price.everyIntervals);
    const valid = pricePeriod(price, span);
    if (valid === null || valid.start < period.start || valid.start >= period.end) return [];
    const share = shareOf(valid);
    const seats = Decimal.of(segment.seats);
    const charge = ratePrice(price, { quantity: Decimal.ONE, seats }, share === undefined ? {} : { share });
    const description = `${segment.planName}: ${price.key}`;
    const quantity = price.perSeat ? seats : Decimal.ONE;
    const amount = roundedFee(price.amount.times(quantity), segment, valid);
    const amounts = { description, quantity, exactAmount: charge.amount, walk: charge.walk };
    const identity = { kind: kind(span), priceKey: price.key, segment, period: valid };
    return [draftLine(identity, amounts, { amount, billingStart: period.fullStart })];
  });
}

/** The credits that the plan grants for the period, at their price; both in proportion in a shortened period. No line without credits. */
export function creditLines(segment: Segment, period: ServicePeriod, kind: LineKind): DraftLine[] {
  const { creditsPerInterval, creditPrice } = segment.terms;
  if (creditsPerInterval?.isPositive() !== true) return [];
  const share = shareOf(period);
  const credits = prorated(creditsPerInterval, share);
  const whole = creditsPerInterval.times(creditPrice ?? Decimal.ZERO);
  const exactAmount = prorated(whole, share);
  const step: WalkStep = {
    description: share === undefined ? 'credits' : 'credits, for a part of the period',
    quantity: credits,
    unitPrice: creditPrice,
    amount: exactAmount,
  };
  const amounts = { description: `${segment.planName}: credits`, quantity: credits, exactAmount, walk: [step] };
  return [draftLine({ kind, priceKey: null, segment, period }, amounts, { amount: roundedFee(whole, segment, period), credits })];
}

/** From the whole fee in one rounding: a prorated amount that was cut at 12 decimals before could fall on the wrong side of a half. */
function roundedFee(whole: Decimal, segment: Segment, { start, end, fullStart, fullEnd }: ServicePeriod): Decimal {
  return roundedShare(whole, Decimal.of(end - start), Decimal.of(fullEnd - fullStart), incrementOf(segment));
}

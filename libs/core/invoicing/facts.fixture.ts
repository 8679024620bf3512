import { Decimal } from '../money/index.ts';
import { parseInstant } from '../time/index.ts';
import { servicePeriodAt } from '../subscriptions/index.ts';
import type { Segment } from '../subscriptions/index.ts';
import { SAMPLE_METERS } from '../subscriptions/segment.fixture.ts';
import { NO_TAX } from './invoice-tax.ts';
import type { AdvanceFee, Discount, EndedPart, InvoiceFacts } from './invoice-facts.ts';

/** Facts of an empty invoice in USD. */
export function sampleFacts(more: Partial<InvoiceFacts>): InvoiceFacts {
  return {
    currency: 'USD',
    meters: SAMPLE_METERS,
    ended: [],
    next: [],
    changes: [],
    discounts: [],
    exchangeRates: [],
    late: [],
    tax: NO_TAX,
    untaxedBurns: Decimal.ZERO,
    prepaidAmount: Decimal.ZERO,
    customerBalance: Decimal.ZERO,
    ...more,
  };
}

/** The fee of the service period that the time lies in. */
export function feeAt(segment: Segment, at: string): AdvanceFee {
  const period = servicePeriodAt(segment, parseInstant(at));
  if (period === null) throw new Error(`No service period at ${at}`);
  return { segment, period };
}

/** The service period that the time lies in, ended, with its usage. */
export function endedAt(segment: Segment, at: string, more: Partial<EndedPart> = {}): EndedPart {
  const nothing = { records: [], feesNet: Decimal.ZERO, uncoveredCredits: Decimal.ZERO, billed: [], closing: true };
  return { ...feeAt(segment, at), ...nothing, ...more };
}

/** A discount from the beginning of time. */
export function sampleDiscount(key: string, more: Partial<Discount>): Discount {
  return { key, percentOff: null, amountOff: null, prices: null, from: 0, until: null, used: [], ...more };
}

import type { Decimal } from '../money/index.ts';
import type { Instant, Period } from '../time/index.ts';
import type { Meter, UsageRecord } from '../usage/index.ts';
import type { DiscountScope } from '../pricing/index.ts';
import type { Segment, ServicePeriod } from '../subscriptions/index.ts';
import type { CarriedAllowance, ExchangeRate } from '../rating/index.ts';
import type { AllowanceRecord } from './allowance-record.ts';
import type { InvoiceTax } from './invoice-tax.ts';

/**
 * A discount of a subscription. One that names charges (`prices`, `addOns`, `appliesTo`) is taken off those lines before the commitment, else it is off the
 * whole invoice after it (SEMANTICS 8.1). How several stack: `discounted`.
 */
export interface Discount {
  readonly key: string;
  /** "20" is 20 %. Exactly one of percentOff and amountOff is there. */
  readonly percentOff: Decimal | null;
  /** At most this much off each billing period, in the invoice's currency. */
  readonly amountOff: Decimal | null;
  /** Keys of the prices it is for; with `addOns` null too: every price. */
  readonly prices: readonly string[] | null;
  /** Keys of the add-ons whose prices it is for, beside `prices`. None: no add-on is named. */
  readonly addOns?: readonly string[] | null;
  /** None: ALL. */
  readonly appliesTo?: DiscountScope;
  /**
   * Of an amountOff whose rest is carried on: where the billing periods begin that give it, in order, up to the last one of the invoice at least. What one of
   * them does not use is left for those after it, also beyond `until`. None: what a billing period does not use of its amount is lost with it.
   */
  readonly givenAt?: readonly Instant[] | null;
  /** Lines whose service period begins in `[from, until)` have it: `discountSpan`. */
  readonly from: Instant;
  readonly until: Instant | null;
  /**
   * What invoices before this one took of an amountOff, by the start of the billing period (AssembledInvoice.discountUses, summed). Where the rest is carried
   * on, a correction counts those after it too: what they took is gone.
   */
  readonly used: readonly Omit<DiscountUse, 'key'>[];
}

/** What a billing period took of an amountOff. */
export interface DiscountUse {
  /** Discount.key. */
  readonly key: string;
  readonly periodStart: Instant;
  readonly amount: Decimal;
  /** A correction took it, or gave it back: also one that has no line, since what it took more is what it charges more. */
  readonly ofCorrection?: boolean;
}

/** A service period whose usage is billed, with everything that was used in it. */
export interface EndedPart {
  readonly segment: Segment;
  readonly period: ServicePeriod;
  /** Usage of the period that this subscription rates (`subscriptionFor`), all of it, also what a threshold invoice billed already. */
  readonly records: readonly UsageRecord[];
  /** Fees billed for this segment and billing period, net of line discounts (`feesNetOf`): what a commitment counts beside usage (SEMANTICS 8.5). */
  readonly feesNet: Decimal;
  /** Credits of the period that neither a grant nor an overdraft covered: billed when the plan says OVERAGE, else leakage (SEMANTICS 7.5, `applyExhaustion`). */
  readonly uncoveredCredits: Decimal;
  /** What threshold invoices billed for the period: lines bill the rest (SEMANTICS 8.3). */
  readonly billed: readonly BilledLine[];
  /** False while the period runs (a threshold invoice, a preview of "so far"): no minimum and no commitment yet. */
  readonly closing: boolean;
  /** The parts that this one was joined from, whose fees in arrears stay their own (`joinedParts`). None: it is its only part. */
  readonly pieces?: readonly Pick<EndedPart, 'segment' | 'period'>[];
  /** What is recorded of its allowances where it was closed before. None: it was not, and opens with what the part before carries on. */
  readonly allowances?: readonly AllowanceRecord[];
  /** Of a plan with `commitmentIntervals` above 1: the commitment that is over with this part (`commitmentSpan`). None: it goes on. */
  readonly commitment?: CommitmentSpan | null;
}

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

/** A period whose fee is due in advance. */
export interface AdvanceFee {
  readonly segment: Segment;
  readonly period: ServicePeriod;
  /** The subscription was paused and goes on inside of the same billing period: its credits were bought, and kept, before the pause. */
  readonly resumed?: boolean;
}

/** A fee line of an earlier invoice, as it was billed. */
export interface BilledFee {
  readonly kind: 'FEE' | 'CREDITS' | 'PRORATION_CHARGE';
  /** Null: the plan's credits. */
  readonly priceKey: string | null;
  readonly description: string;
  readonly quantity: Decimal;
  /** Before discounts. */
  readonly amount: Decimal;
  readonly discounts: readonly DiscountShare[];
  /** Credits granted for it, CREDIT plans only; else zero. */
  readonly credits: Decimal;
  readonly period: Period;
}

/** A change of plan or seats that takes effect inside a period that was paid in advance (SEMANTICS 6.1). */
export interface PlanChange {
  readonly at: Instant;
  readonly from: Segment;
  /** The fees of `from` that were billed for a time after `at`. */
  readonly billed: readonly BilledFee[];
  /** The new segment with its period from `at` on; null when nothing follows. */
  readonly to: AdvanceFee | null;
}

/** What was billed for one line of a period, on whatever invoice. */
export interface BilledLine {
  /** AssembledLine.scopeKey. */
  readonly scopeKey: string;
  readonly amount: Decimal;
  readonly discounts: readonly DiscountShare[];
  /** AssembledLine.committed. */
  readonly committed?: Decimal;
  /** Of all that had been billed of it with this line: a total, as `exactAmount`. */
  readonly quantity: Decimal;
  /** RoundingStep.exactAmount: before rounding and discounts. */
  readonly exactAmount: Decimal;
  /** AssembledLine.adjusts. */
  readonly adjusts: string | null;
}

/** A finalized invoice whose period has seen late usage or corrections (SEMANTICS 8.3). */
export interface LateInvoice {
  readonly invoiceId: string;
  /** The facts it was made from, with the usage that is known now and the versions and discounts of then (also `used` of then). */
  readonly facts: InvoiceScope;
  /** Everything billed for its lines, in the order of invoices: its own (no DELTAs), those of threshold invoices of its periods, and DELTAs that adjust it. */
  readonly billed: readonly BilledLine[];
  /** What its own invoice and corrections of it took of discounts whose rest is carried on. None: there are no such discounts. */
  readonly discountUses?: readonly DiscountUse[];
  /** It was voided: nothing is due for its periods until they are billed again, and what corrections billed or gave is taken back. */
  readonly voided?: boolean;
}

/** What decides the lines of an invoice and their discounts. */
export interface InvoiceScope {
  /** ISO 4217. */
  readonly currency: string;
  /** Meters by key: all that the plans name. */
  readonly meters: ReadonlyMap<string, Meter>;
  /** In order of time. */
  readonly ended: readonly EndedPart[];
  readonly next: readonly AdvanceFee[];
  readonly changes: readonly PlanChange[];
  readonly discounts: readonly Discount[];
  /** For COST_PLUS where cost and plan have different currencies. */
  readonly exchangeRates: readonly ExchangeRate[];
  /** What allowances carry into the first ended part that was not closed before. None: nothing. */
  readonly carried?: readonly CarriedAllowance[];
  /**
   * What was billed last of each line, by its scope key, where closed periods are rated again: a price that awaits its cost stays as it was billed
   * (SEMANTICS 4.5). None: such a price has no line.
   */
  readonly asBilled?: ReadonlyMap<string, BilledLine>;
}

/** Everything that an invoice is made of. */
export interface InvoiceFacts extends Omit<InvoiceScope, 'carried' | 'asBilled'> {
  /** In order of time. */
  readonly late: readonly LateInvoice[];
  /** What is recorded of the allowances of the last part that was closed before this invoice. None: nothing rolls over. */
  readonly allowances?: readonly AllowanceRecord[];
  readonly tax: InvoiceTax;
  /** What credits that this invoice's usage burnt had cost, as far as they are taxed at use: it joins the tax base and is not asked for again (SEMANTICS 8.6). */
  readonly untaxedBurns: Decimal;
  /** Prepaid money of the customer that may pay this invoice; taken before tax is added, without lowering the tax base (SEMANTICS 8.1). */
  readonly prepaidAmount: Decimal;
  /** What earlier totals below zero left to the customer's credit; zero or more (SEMANTICS 8.6). */
  readonly customerBalance: Decimal;
}

/** What one discount takes off one line. */
export interface DiscountShare {
  readonly key: string;
  readonly amount: Decimal;
  /** A line discount, taken before the commitment; else a share of an invoice discount. */
  readonly ofLine: boolean;
}

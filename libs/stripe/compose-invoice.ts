import { CodedError, Decimal, stripeAmount, type Instant } from '@tare/core';
import type { BilledInvoice, BilledLine } from './billed-invoice.ts';

/** Stripe's most, per call and per invoice. */
export const MAX_LINES = 250;
export const MAX_DESCRIPTION = 500;
const MAX_METADATA_VALUE = 500;

/** A line as Stripe gets it: an amount in Stripe's minor units, and what it is. */
export interface ComposedLine {
  readonly lineId: string;
  readonly amountMinor: number;
  readonly description: string;
  /** Seconds. */
  readonly period: { readonly start: number; readonly end: number };
  readonly metadata: Readonly<Record<string, string>>;
}

/** What the invoice has to be at Stripe. Amounts in Stripe's minor units. */
export interface ComposedInvoice {
  /** Lower case, as Stripe writes it. */
  readonly currency: string;
  readonly totalMinor: number;
  /** They add up to the total. */
  readonly lines: readonly ComposedLine[];
}

/** A part of the total that is no line of ours: sent as a line of its own, below zero where it takes off. */
interface Adjustment {
  readonly kind: 'DISCOUNTS' | 'TAX' | 'CREDITS_APPLIED' | 'BALANCE_APPLIED' | 'BALANCE_CARRIED';
  readonly description: string;
  readonly amount: Decimal;
}

/**
 * Our invoice in Stripe's terms (SEMANTICS 1.5). Nothing is rounded: amounts were, once per line. Our discounts, tax, prepaid money and customer
 * balance become lines, so that Stripe's total is ours and Stripe applies nothing of its own. Lines beyond what Stripe takes are rolled up.
 * @throws CodedError CURRENCY_NOT_SYNCED, TOO_PRECISE, INVARIANT_BROKEN when the invoice does not add up
 */
export function composeInvoice(invoice: BilledInvoice): ComposedInvoice {
  requireLinesMakeSubtotal(invoice);
  const adjustments = adjustmentsOf(invoice).map((adjustment) => adjustmentLine(invoice, adjustment));
  const lines = [...rolledUp(invoice, MAX_LINES - adjustments.length), ...adjustments];
  const totalMinor = minorUnits(invoice.total, invoice.currency);
  const sum = lines.reduce((total, line) => total + line.amountMinor, 0);
  if (sum !== totalMinor) throw broken(`the lines for Stripe add up to ${sum} minor units, the total is ${totalMinor}`);
  return { currency: invoice.currency.toLowerCase(), totalMinor, lines };
}

function requireLinesMakeSubtotal({ lines, subtotal }: BilledInvoice): void {
  const sum = Decimal.sum(lines.map(({ amount }) => amount));
  if (!sum.equals(subtotal)) throw broken(`the lines add up to ${sum.toString()}, the subtotal is ${subtotal.toString()}`);
}

/** What stands between our subtotal and our total, in the order of SEMANTICS 8.1; the balance is whatever is left. */
function adjustmentsOf({ subtotal, discounts, tax, creditsApplied, total }: BilledInvoice): Adjustment[] {
  const balance = total.minus(subtotal.minus(discounts).plus(tax).minus(creditsApplied));
  const all: Adjustment[] = [
    { kind: 'DISCOUNTS', description: 'Discounts', amount: discounts.negated() },
    { kind: 'CREDITS_APPLIED', description: 'Prepaid credits', amount: creditsApplied.negated() },
    { kind: 'TAX', description: 'Tax', amount: tax },
    balance.isNegative()
      ? { kind: 'BALANCE_APPLIED', description: 'From your balance', amount: balance }
      : { kind: 'BALANCE_CARRIED', description: 'Carried over to your balance', amount: balance },
  ];
  return all.filter(({ amount }) => !amount.isZero());
}

function adjustmentLine(invoice: BilledInvoice, { kind, description, amount }: Adjustment): ComposedLine {
  const lineId = `${invoice.id}:${kind.toLowerCase()}`;
  return {
    lineId,
    amountMinor: minorUnits(amount, invoice.currency),
    description,
    period: periodOf(invoice.periodStart, invoice.periodEnd),
    metadata: { line_id: lineId, kind },
  };
}

/** Line by line while they fit; the last one stands for all the rest, whose detail our API has. */
function rolledUp(invoice: BilledInvoice, room: number): ComposedLine[] {
  const { lines } = invoice;
  if (lines.length <= room) return lines.map((line) => composedLine(line, invoice.currency));
  return [...lines.slice(0, room - 1).map((line) => composedLine(line, invoice.currency)), restOf(invoice, lines.slice(room - 1))];
}

function composedLine(line: BilledLine, currency: string): ComposedLine {
  const metadata = { line_id: line.id, kind: line.kind, price_key: line.priceKey ?? '', quantity: line.quantity.toString() };
  return {
    lineId: line.id,
    amountMinor: minorUnits(line.amount, currency),
    description: line.description.slice(0, MAX_DESCRIPTION),
    period: periodOf(line.period.start, line.period.end),
    metadata: Object.fromEntries(
      Object.entries(metadata)
        .filter(([, value]) => value !== '')
        .map(([key, value]) => [key, value.slice(0, MAX_METADATA_VALUE)]),
    ),
  };
}

function restOf(invoice: BilledInvoice, rest: readonly BilledLine[]): ComposedLine {
  const lineId = `${invoice.id}:rest`;
  const starts = rest.map(({ period }) => period.start);
  const ends = rest.map(({ period }) => period.end);
  return {
    lineId,
    amountMinor: minorUnits(Decimal.sum(rest.map(({ amount }) => amount)), invoice.currency),
    description: `${rest.length} further items`,
    period: periodOf(Math.min(...starts), Math.max(...ends)),
    metadata: { line_id: lineId, kind: 'ROLLED_UP', lines: String(rest.length) },
  };
}

/** Stripe's amounts are integers in JSON; ours are exact, so they must be too. @throws CodedError CURRENCY_NOT_SYNCED, TOO_PRECISE, INVARIANT_BROKEN */
export function minorUnits(amount: Decimal, currency: string): number {
  const units = Number(stripeAmount(amount, currency));
  if (!Number.isSafeInteger(units)) throw broken(`${amount.toString()} ${currency} is more than Stripe's amounts hold exactly`);
  return units === 0 ? 0 : units;
}

const secondsOf = (instant: Instant): number => Math.floor(instant / 1_000_000);
const periodOf = (start: Instant, end: Instant): ComposedLine['period'] => ({ start: secondsOf(start), end: secondsOf(end) });
const broken = (what: string): CodedError => new CodedError('INVARIANT_BROKEN', `The invoice cannot be sent to Stripe: ${what}.`);

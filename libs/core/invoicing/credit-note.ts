import { CodedError } from '../coded-error.ts';
import { Decimal, currencyOf, splitByLargestRemainder } from '../money/index.ts';
import { requireMultiple } from './require-multiple.ts';

/** A line of a finalized invoice, as far as credit notes care. */
export interface CreditableLine {
  readonly id: string;
  readonly description: string;
  readonly quantity: Decimal;
  /** What is left of it: its amount less discounts, less what credit notes and corrections took back. */
  readonly left: Decimal;
  /** What is left of its quantity. */
  readonly quantityLeft: Decimal;
  /** False for credits that are taxed when they are used. */
  readonly isTaxed: boolean;
}

/** A finalized invoice and what is left of it to credit. */
export interface CreditableInvoice {
  /** ISO 4217. */
  readonly currency: string;
  readonly lines: readonly CreditableLine[];
  /** Left of the lines together, without tax; below the sum of its lines where others of them are below zero. */
  readonly left: Decimal;
  /** Left of what was taxed. */
  readonly taxedLeft: Decimal;
  /** Left of each tax. */
  readonly taxes: readonly { readonly name: string; readonly left: Decimal }[];
  /** What the customer still owes of it; zero when it is paid. */
  readonly due: Decimal;
}

/** What is to be credited: chosen lines, each by amount (without tax) or by quantity; or an amount of the whole invoice, tax included. */
export type CreditRequest =
  { readonly kind: 'LINES'; readonly lines: readonly CreditLineRequest[] } | { readonly kind: 'AMOUNT'; readonly amount: Decimal };

export interface CreditLineRequest {
  readonly line: string;
  /** Exactly one of amount and quantity is there. */
  readonly amount: Decimal | null;
  readonly quantity: Decimal | null;
}

export interface CreditedLine {
  readonly lineId: string;
  readonly description: string;
  /** Null: it was credited by amount. */
  readonly quantity: Decimal | null;
  /** Without tax. */
  readonly amount: Decimal;
}

/** `total = subtotal + tax = offInvoice + settled`. */
export interface AssembledCreditNote {
  readonly lines: readonly CreditedLine[];
  /** Of the lines, without tax. */
  readonly subtotal: Decimal;
  readonly taxes: readonly { readonly name: string; readonly amount: Decimal }[];
  readonly tax: Decimal;
  readonly total: Decimal;
  /** What was not paid yet and is not asked for any more. */
  readonly offInvoice: Decimal;
  /** What was paid and goes back. */
  readonly settled: Decimal;
}

/**
 * The one way from an invoice to a credit note on it: never more than is left of a line, of the invoice or of a tax (SEMANTICS 8.2). Tax goes back in
 * proportion to what is left of it, split by largest remainder, so that crediting everything, in whatever steps, gives back exactly what was billed. What
 * the customer still owes is reduced first; only what it has paid is settled.
 * @throws CodedError NOTHING_TO_CREDIT | CREDIT_EXCEEDS_LINE | CREDIT_EXCEEDS_INVOICE | AMOUNT_NOT_POSITIVE | NOT_A_MULTIPLE | NOT_FOUND | DUPLICATE_LINE |
 *   AMOUNT_OR_QUANTITY
 */
export function assembleCreditNote(invoice: CreditableInvoice, request: CreditRequest): AssembledCreditNote {
  const { lines, taxes } = request.kind === 'LINES' ? creditOfLines(invoice, request.lines) : creditOfAmount(invoice, request.amount);
  const subtotal = Decimal.sum(lines.map(({ amount }) => amount));
  const tax = Decimal.sum(taxes.map(({ amount }) => amount));
  const total = subtotal.plus(tax);
  if (!total.isPositive()) throw new CodedError('NOTHING_TO_CREDIT', 'Nothing of this invoice is left to credit.', 'invoice');
  const offInvoice = Decimal.min(total, invoice.due);
  return { lines, subtotal, taxes, tax, total, offInvoice, settled: total.minus(offInvoice) };
}

type Parts = Pick<AssembledCreditNote, 'lines' | 'taxes'>;

function creditOfLines(invoice: CreditableInvoice, requests: readonly CreditLineRequest[]): Parts {
  if (requests.length === 0)
    throw new CodedError('NOTHING_TO_CREDIT', 'Name at least one line, or an amount of the whole invoice.', 'lines');
  const seen = new Set<string>();
  const lines = requests.map((request, index) => {
    const path = `lines.${index}`;
    const line = invoice.lines.find(({ id }) => id === request.line);
    if (line === undefined) throw new CodedError('NOT_FOUND', `The invoice has no line with id "${request.line}".`, `${path}.line`);
    if (seen.has(line.id))
      throw new CodedError('DUPLICATE_LINE', 'A line is credited once in a credit note: add the amounts up.', `${path}.line`);
    seen.add(line.id);
    return creditOfLine(line, request, invoice.currency, path);
  });
  const subtotal = Decimal.sum(lines.map(({ amount }) => amount));
  if (subtotal.compare(invoice.left) > 0)
    throw new CodedError(
      'CREDIT_EXCEEDS_INVOICE',
      `Only ${invoice.left.toString()} before tax is left to credit of this invoice.`,
      'lines',
    );
  const taxed = lines.filter(({ lineId }) => invoice.lines.some(({ id, isTaxed }) => id === lineId && isTaxed));
  return { lines, taxes: taxesBack(invoice, Decimal.sum(taxed.map(({ amount }) => amount))) };
}

function creditOfLine(line: CreditableLine, { amount, quantity }: CreditLineRequest, currency: string, path: string): CreditedLine {
  if ((amount === null) === (quantity === null))
    throw new CodedError('AMOUNT_OR_QUANTITY', 'Give either an amount or a quantity of the line.', path);
  const { id: lineId, description } = line;
  if (amount !== null) {
    requirePositive(amount, `${path}.amount`);
    requireMultiple(amount, currency, `${path}.amount`);
    if (amount.compare(line.left) > 0) throw exceedsLine(line.left, `${path}.amount`);
    return { lineId, description, quantity: null, amount };
  }
  const units = quantity ?? Decimal.ZERO;
  requirePositive(units, `${path}.quantity`);
  if (units.compare(line.quantityLeft) > 0) throw exceedsLine(line.quantityLeft, `${path}.quantity`);
  const part = line.left.times(units).dividedBy(line.quantityLeft, 30).roundedToIncrement(currencyOf(currency).billingIncrement);
  if (!part.isPositive()) throw new CodedError('NOTHING_TO_CREDIT', 'This quantity of the line comes to nothing.', `${path}.quantity`);
  return { lineId, description, quantity: units, amount: part };
}

/** A gross amount: split over what is left before tax and of each tax, the first over the lines that are above zero. */
function creditOfAmount(invoice: CreditableInvoice, amount: Decimal): Parts {
  const { billingIncrement } = currencyOf(invoice.currency);
  requirePositive(amount, 'amount');
  requireMultiple(amount, invoice.currency, 'amount');
  const left = [invoice.left, ...invoice.taxes.map((tax) => tax.left)];
  const whole = Decimal.sum(left);
  if (amount.compare(whole) > 0)
    throw new CodedError('CREDIT_EXCEEDS_INVOICE', `Only ${whole.toString()} with tax is left to credit of this invoice.`, 'amount');
  const [subtotal = Decimal.ZERO, ...taxes] = splitByLargestRemainder(amount, left, billingIncrement);
  const above = invoice.lines.filter((line) => line.left.isPositive());
  const parts = splitByLargestRemainder(
    subtotal,
    above.map((line) => line.left),
    billingIncrement,
  );
  const lines = above.flatMap(({ id: lineId, description }, index): CreditedLine[] => {
    const part = parts[index] ?? Decimal.ZERO;
    return part.isZero() ? [] : [{ lineId, description, quantity: null, amount: part }];
  });
  return { lines, taxes: named(invoice, taxes) };
}

/** The part of each tax that goes back with what was taxed: in proportion to what is left of base and tax, all of it with the last of the base. */
function taxesBack(invoice: CreditableInvoice, taxed: Decimal): AssembledCreditNote['taxes'] {
  const { billingIncrement } = currencyOf(invoice.currency);
  const weights = invoice.taxes.map(({ left }) => left);
  const whole = Decimal.sum(weights);
  if (whole.isZero() || !invoice.taxedLeft.isPositive()) return [];
  const back = whole.times(Decimal.min(taxed, invoice.taxedLeft)).dividedBy(invoice.taxedLeft, 30).roundedToIncrement(billingIncrement);
  return named(invoice, splitByLargestRemainder(back, weights, billingIncrement));
}

function named({ taxes }: CreditableInvoice, amounts: readonly Decimal[]): AssembledCreditNote['taxes'] {
  return taxes.map(({ name }, index) => ({ name, amount: amounts[index] ?? Decimal.ZERO })).filter(({ amount }) => !amount.isZero());
}

function requirePositive(value: Decimal, path: string): void {
  if (!value.isPositive()) throw new CodedError('AMOUNT_NOT_POSITIVE', 'What is credited is above zero.', path);
}

function exceedsLine(left: Decimal, path: string): CodedError {
  return new CodedError('CREDIT_EXCEEDS_LINE', `Only ${left.toString()} of this line is left to credit.`, path);
}

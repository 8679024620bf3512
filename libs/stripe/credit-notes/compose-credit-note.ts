import type { CreditNote, InvoiceView } from '@tare/billing';
import { Decimal } from '@tare/core';
import type Stripe from 'stripe';
import { MAX_DESCRIPTION, MAX_LINES, minorUnits } from '../compose-invoice.ts';

const MAX_MEMO = 500;

/** By what a credit note at Stripe is known to be ours. */
export type CreditNoteTags = { readonly tare_tenant: string; readonly tare_credit_note: string };

export const creditNoteTags = (tenantId: string, creditNoteId: string): CreditNoteTags => ({
  tare_tenant: tenantId,
  tare_credit_note: creditNoteId,
});

/** What a credit note has to be at Stripe. Amounts in Stripe's minor units. */
export interface ComposedCreditNote {
  /** Lower case, as Stripe writes it. */
  readonly currency: string;
  /** What of it is Stripe's business; 0: nothing. */
  readonly totalMinor: number;
  /** Of the total, what was not paid yet when it was made. */
  readonly offInvoiceMinor: number;
  /** They add up to the total. */
  readonly lines: readonly {
    readonly amountMinor: number;
    readonly description: string;
    readonly metadata: Readonly<Record<string, string>>;
  }[];
}

/**
 * Our credit note in Stripe's terms. Stripe knows of an invoice only what it asked for: what was paid with our customer balance or prepaid credits is
 * settled here and not told. Of such money settlements to the balance and outside of Stripe take first, since they move none at Stripe; refunds never do.
 * Nothing is rounded: amounts were.
 * @param notes all credit notes of the invoice; their numbers are the order in which they were made
 * @throws CodedError CURRENCY_NOT_SYNCED, TOO_PRECISE, INVARIANT_BROKEN
 */
export function composeCreditNote(note: CreditNote, invoice: InvoiceView, notes: readonly CreditNote[]): ComposedCreditNote {
  const minor = (amount: Decimal): number => minorUnits(amount, note.currency);
  const total = note.offInvoice.plus(settledAtStripe(note, invoice, notes));
  const totalMinor = minor(total);
  const parts = [
    ...note.lines.map(({ invoiceLineId, description, amount }) => ({ amount, description, metadata: { line_id: invoiceLineId } })),
    ...note.taxes.map(({ name, amount }) => ({ amount, description: name, metadata: { kind: 'TAX' } })),
  ].filter(({ amount }) => !amount.isZero());
  const whole = { amount: total, description: `Credit note ${note.number}`, metadata: { kind: 'ROLLED_UP' } };
  const isTold = total.equals(note.total) && parts.length <= MAX_LINES;
  return {
    currency: note.currency.toLowerCase(),
    totalMinor,
    offInvoiceMinor: minor(note.offInvoice),
    lines: (isTold ? parts : [whole]).map(({ amount, description, metadata }) => ({
      amountMinor: minor(amount),
      description: description.slice(0, MAX_DESCRIPTION),
      metadata,
    })),
  };
}

/** What of the settled part was paid at Stripe. */
function settledAtStripe(note: CreditNote, invoice: InvoiceView, notes: readonly CreditNote[]): Decimal {
  if (note.settlement === 'REFUND') return note.settled;
  const { subtotal, discounts, tax, total } = invoice;
  const paidHere = Decimal.max(Decimal.ZERO, subtotal.minus(discounts).plus(tax).minus(total));
  const earlier = notes.filter((other) => other.settlement !== 'REFUND' && ordinalOf(other) < ordinalOf(note));
  const before = Decimal.sum(earlier.map(({ settled }) => settled));
  const beyond = (settled: Decimal): Decimal => Decimal.max(Decimal.ZERO, settled.minus(paidHere));
  return beyond(before.plus(note.settled)).minus(beyond(before));
}

const ordinalOf = ({ number }: CreditNote): number => Number(/\d+$/.exec(number)?.[0] ?? Infinity);

/** What of a credit note is still asked for by an invoice at Stripe, and what was paid: the second is settled. */
export function partsAt({ totalMinor }: ComposedCreditNote, remote: Stripe.Invoice): { unpaid: number; paid: number } {
  const unpaid = Math.min(totalMinor, remote.status === 'paid' ? 0 : remote.amount_remaining);
  return { unpaid, paid: totalMinor - unpaid };
}

/** Whether anything that was paid of an invoice came through Stripe. */
export function cameThroughStripe(remote: Stripe.Invoice): boolean {
  return remote.amount_paid - (remote.amount_paid_off_stripe ?? 0) > 0;
}

/**
 * The call. Money that was paid goes back by Stripe only for a REFUND of what came through Stripe; everything else is credited outside of Stripe, whose own
 * customer balance stays untouched (SEMANTICS 8.6).
 */
export function creditNoteParams(
  note: CreditNote,
  composed: ComposedCreditNote,
  target: { tags: CreditNoteTags; remote: Stripe.Invoice },
): Stripe.CreditNoteCreateParams {
  const { remote, tags } = target;
  const { paid } = partsAt(composed, remote);
  const settlement = note.settlement === 'REFUND' && cameThroughStripe(remote) ? { refund_amount: paid } : { out_of_band_amount: paid };
  return {
    invoice: remote.id,
    lines: composed.lines.map(({ amountMinor, description, metadata }) => ({
      type: 'custom_line_item',
      quantity: 1,
      unit_amount: amountMinor,
      description,
      metadata: { ...metadata },
    })),
    memo: `${note.number}: ${note.reason}`.slice(0, MAX_MEMO),
    metadata: { ...tags, tare_number: note.number },
    ...(paid === 0 ? {} : settlement),
  };
}

/** What Stripe's credit note says differently from us, as sentences; none when it is ours. */
export function creditNoteDifferences(ours: ComposedCreditNote, theirs: Stripe.CreditNote): string[] {
  const refunded = theirs.refunds.reduce((sum, { amount_refunded: amount }) => sum + amount, 0);
  const facts: [string, string | number | null, string | number | null][] = [
    ['currency', ours.currency, theirs.currency],
    ['total', ours.totalMinor, theirs.total],
    ['unpaid and paid parts together', ours.totalMinor, theirs.pre_payment_amount + theirs.post_payment_amount],
    ['part settled outside of its balance', theirs.post_payment_amount, refunded + (theirs.out_of_band_amount ?? 0)],
  ];
  const differences = facts.filter(([, our, their]) => our !== their).map(([name, our, their]) => `${name} is ${their}, not ${our}`);
  const { pre_payment_amount: unpaid } = theirs;
  return unpaid > ours.offInvoiceMinor ? [...differences, `${unpaid} of it was unpaid, not ${ours.offInvoiceMinor}`] : differences;
}

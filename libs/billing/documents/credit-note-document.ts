import type { Decimal } from '@tare/core';
import type { CreditNote, CreditNoteLine, CreditNoteSettlement } from '../credit-notes/credit-note.ts';
import type { InvoiceWithLines } from '../invoices/invoice.ts';
import type { BillingDocument, DocumentLine, DocumentTotal } from './document.ts';
import { buyerParty, sellerParty } from './invoice-document.ts';
import type { Parties } from './party.store.ts';
import { writtenAmount, writtenNumber } from './written-amount.ts';
import { writtenDay, writtenPeriod } from './written-time.ts';

/** What becomes of money that was paid, as the customer reads it. */
const SETTLED: Readonly<Record<CreditNoteSettlement, string>> = {
  CUSTOMER_BALANCE: 'Kept as credit for your next invoices',
  REFUND: 'Refunded',
  OUT_OF_BAND: 'Settled outside of this document',
};

/** A credit note as its pages show it, with what it credits of which invoice. Amounts above zero are to the customer's credit. Pure. */
export function creditNoteDocument(note: CreditNote, invoice: InvoiceWithLines, parties: Parties): BillingDocument {
  const { currency, finalizedAt } = note;
  const zone = parties.buyer.timeZone;
  const original = `${invoice.number ?? ''}${invoice.finalizedAt === null ? '' : ` of ${writtenDay(invoice.finalizedAt, zone)}`}`;
  return {
    title: 'Credit note',
    number: note.number,
    mark: null,
    currency,
    seller: sellerParty(parties.seller),
    buyer: buyerParty(parties.buyer),
    buyerLabel: 'Credited to',
    facts: [
      { label: 'Credit note', text: note.number },
      { label: 'Date of issue', text: writtenDay(finalizedAt, zone) },
      { label: 'For invoice', text: original },
      { label: 'Reason', text: note.reason },
    ],
    lines: note.lines.map((line) => documentLine(line, invoice, currency, zone)),
    totals: totalsOf(note, invoice),
    notes: [`This credit note takes back a part of invoice ${original}. All amounts are to your credit.`],
    changedAtMs: Math.floor(finalizedAt / 1_000),
  };
}

function documentLine(line: CreditNoteLine, invoice: InvoiceWithLines, currency: string, zone: string): DocumentLine {
  const credited = invoice.lines.find(({ id }) => id === line.invoiceLineId);
  return {
    description: line.description,
    remarks: credited === undefined ? [] : [writtenPeriod(credited.period, zone)],
    quantity: line.quantity === null ? '' : writtenNumber(line.quantity),
    unitPrice: '',
    amount: writtenAmount(line.amount, currency),
    steps: [],
  };
}

function totalsOf(note: CreditNote, invoice: InvoiceWithLines): DocumentTotal[] {
  const row = (label: string, amount: Decimal, isStrong = false): DocumentTotal => ({
    label,
    amount: writtenAmount(amount, note.currency),
    isStrong,
  });
  const unlessZero = (label: string, amount: Decimal): DocumentTotal[] => (amount.isZero() ? [] : [row(label, amount)]);
  const percentOf = (name: string): string => {
    const percent = invoice.detail.taxes.find((tax) => tax.name === name)?.percent ?? null;
    return percent === null ? name : `${name} ${writtenNumber(percent)} %`;
  };
  return [
    row('Subtotal', note.subtotal),
    ...note.taxes.flatMap(({ name, amount }) => unlessZero(`${percentOf(name)}, taken back`, amount)),
    row('Total credited', note.total, true),
    ...unlessZero(`Taken off what invoice ${invoice.number ?? ''} asks for`, note.offInvoice),
    ...unlessZero(SETTLED[note.settlement], note.settled),
  ];
}

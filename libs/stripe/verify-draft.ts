import type Stripe from 'stripe';
import type { ComposedInvoice } from './compose-invoice.ts';

/** What the draft at Stripe says differently from us, as sentences; none when it may be finalized. */
export function differencesOf(ours: ComposedInvoice, theirs: Stripe.Invoice, lines: readonly Stripe.InvoiceLineItem[]): string[] {
  const facts: [string, string | number, string | number][] = [
    ['currency', ours.currency, theirs.currency],
    ['subtotal', ours.totalMinor, theirs.subtotal],
    ['total', ours.totalMinor, theirs.total],
    ['number of lines', ours.lines.length, lines.length],
  ];
  const totals = facts.filter(([, our, their]) => our !== their).map(([name, our, their]) => `${name} is ${their}, not ${our}`);
  return [...totals, ...lineDifferences(ours, lines)];
}

function lineDifferences(ours: ComposedInvoice, lines: readonly Stripe.InvoiceLineItem[]): string[] {
  const theirs = new Map(lines.map((line) => [line.metadata['line_id'], line.amount]));
  return ours.lines.flatMap(({ lineId, amountMinor }) => {
    const amount = theirs.get(lineId);
    if (amount === amountMinor) return [];
    return [amount === undefined ? `line ${lineId} is missing` : `line ${lineId} is ${amount}, not ${amountMinor}`];
  });
}

import { formatAmount } from '@tare/core';
import type { CreditNote } from '../credit-notes/credit-note.ts';
import { csvText } from './csv-cells.ts';

const COLUMNS = ['credit_note', 'line', 'line_id', 'invoice', 'invoice_line_id', 'description', 'quantity', 'amount', 'currency'];

/** The lines of a credit note, one row each; amounts, without tax and to the customer's credit, add up to its subtotal. */
export function creditNoteLinesCsv({ number, currency, lines }: CreditNote, invoiceNumber: string | null): string {
  const rows = lines.map((line, index) => [
    ...[{ text: number }, String(index + 1), line.id, { text: invoiceNumber }, line.invoiceLineId, { text: line.description }],
    ...[line.quantity?.toString() ?? '', formatAmount(line.amount, currency), currency],
  ]);
  return csvText([COLUMNS, ...rows]);
}

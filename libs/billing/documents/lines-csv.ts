import { formatAmount, formatInstant } from '@tare/core';
import { lineHash } from '../explain/explain-line-hash.ts';
import type { InvoiceLine, InvoiceWithLines } from '../invoices/invoice.ts';
import { csvText, type CsvCell } from './csv-cells.ts';

const COLUMNS = [
  'invoice',
  'line',
  'line_id',
  'kind',
  'description',
  'price',
  'group',
  'quantity',
  'unit_price',
  'exact_amount',
  'amount',
  'discount',
  'net_amount',
  'currency',
  'period_start',
  'period_end',
  'adjusts',
  'hash',
];

/** The lines of an invoice, one row each; net amounts add up to the subtotal less discounts. Times in UTC, the end of a period exclusive. */
export function linesCsv(invoice: InvoiceWithLines): string {
  return csvText([COLUMNS, ...invoice.lines.map((line) => rowOf(line, invoice))]);
}

function rowOf(line: InvoiceLine, { number, currency }: InvoiceWithLines): CsvCell[] {
  const [only, ...others] = line.walk;
  const isPlain = only !== undefined && others.length === 0 && only.quantity.equals(line.quantity);
  return [
    { text: number },
    String(line.position + 1),
    line.id,
    line.kind,
    { text: line.description },
    { text: line.priceKey },
    { text: line.group },
    line.quantity.toString(),
    isPlain ? (only.unitPrice?.toString() ?? '') : '',
    line.exactAmount.toString(),
    formatAmount(line.amount, currency),
    formatAmount(line.discount, currency),
    formatAmount(line.amount.minus(line.discount), currency),
    currency,
    formatInstant(line.period.start),
    formatInstant(line.period.end),
    line.adjusts ?? '',
    lineHash(currency, line),
  ];
}

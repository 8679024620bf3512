import { type Invoice } from './objects/invoice.ts';
import { type LineItem } from './objects/line-item.ts';
import { type Call } from './call.ts';
import { totalsOf, withAutomaticTax } from './invoice-totals.ts';
import { objectId } from './object-id.ts';
import { type List, pageOf } from './pagination.ts';
import { noSuch, notAllowedNow } from './stripe-error.ts';

/** Lines that an invoice shows itself; the rest is listed. */
const LINES_EMBEDDED = 10;

export type InvoiceView = Invoice & { lines: List<LineItem>; hosted_invoice_url: string | null; invoice_pdf: null };

export function requireInvoice(call: Call, id: string, param = 'id', status = 404): Invoice {
  const invoice = call.tx.get('invoices', id);
  if (invoice === undefined) throw noSuch('invoice', id, param, status);
  return invoice;
}

export function linesOf(call: Call, invoiceId: string): LineItem[] {
  return call.tx.get('lines', invoiceId)?.data ?? [];
}

/** The invoice as the API shows it. */
export function invoiceView(call: Call, invoice: Invoice): InvoiceView {
  const url = `/v1/invoices/${invoice.id}/lines`;
  const lines = pageOf(linesOf(call, invoice.id), { limit: LINES_EMBEDDED, startingAfter: undefined, endingBefore: undefined }, url);
  const page = invoice.status === 'draft' ? null : `${call.baseUrl}/invoices/${invoice.id}`;
  return { ...invoice, lines, hosted_invoice_url: page, invoice_pdf: null };
}

export function requireDraft(invoice: Invoice, doing: string): void {
  if (invoice.status === 'draft') return;
  throw notAllowedNow('invoice_not_editable', `This invoice is no longer editable: it is ${invoice.status}, so you can't ${doing}.`);
}

/** Writes a draft with these lines and the totals that follow from them. */
export function putDraft(call: Call, invoice: Invoice, lines: readonly LineItem[]): Invoice {
  const taxed = invoice.automatic_tax.enabled ? lines.map((line) => taxedLine(call, line)) : [...lines];
  call.tx.put('lines', { id: invoice.id, data: taxed });
  return call.tx.put('invoices', { ...invoice, ...totalsOf(taxed) });
}

function taxedLine(call: Call, line: LineItem): LineItem {
  return withAutomaticTax(line, call.settings.automaticTaxPercent, line.taxes[0]?.tax_rate_details.tax_rate ?? objectId('txr'));
}

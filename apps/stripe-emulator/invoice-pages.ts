import { type Account } from './account.ts';
import { formatMinorAmount } from './currency.ts';
import { type EmulatorState } from './emulator-state.ts';
import { type HttpAnswer } from './http-exchange.ts';
import { type Invoice } from './objects/invoice.ts';
import { type LineItem } from './objects/line-item.ts';

const INVOICES_SHOWN = 200;

const STYLE = `
  :root { color-scheme: light dark; --line: #8884; --soft: #888; }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.4rem; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
  .notice { border: 1px solid #c80; border-radius: 6px; padding: .5rem .75rem; margin: 1rem 0; }
  .soft { color: var(--soft); }
  .scroll { overflow-x: auto; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
  td.wide { white-space: normal; } th { font-weight: 600; color: var(--soft); }
  .amount { text-align: right; font-variant-numeric: tabular-nums; }
  .status { border: 1px solid var(--line); border-radius: 999px; padding: .05rem .55rem; font-size: .85em; }
  .paid { border-color: #2a8; color: #2a8; } .void, .uncollectible { color: var(--soft); } .open { border-color: #47c; color: #47c; }
`;

/** The list of invoices, newest first, one section per account. */
export function invoiceListPage(state: EmulatorState): HttpAnswer {
  const sections = state.allAccounts().map(accountSection);
  const body = sections.length === 0 ? '<p class="soft">Nobody has called the API yet.</p>' : sections.join('');
  return page('Invoices', `<h1>Invoices</h1>${body}`);
}

export function invoicePage(state: EmulatorState, id: string): HttpAnswer {
  for (const account of state.allAccounts()) {
    const invoice = account.table('invoices').get(id);
    if (invoice !== undefined) return page(invoice.number ?? 'Draft', invoiceBody(invoice, account.table('lines').get(id)?.data ?? []));
  }
  return { ...page('Not found', '<h1>No such invoice</h1><p><a href="/">All invoices</a></p>'), status: 404 };
}

function accountSection(account: Account): string {
  const invoices = [...account.table('invoices').values()].reverse();
  const rows = invoices.slice(0, INVOICES_SHOWN).map((invoice) => invoiceRow(account, invoice));
  const more = invoices.length > INVOICES_SHOWN ? `<p class="soft">and ${invoices.length - INVOICES_SHOWN} older ones</p>` : '';
  const head =
    '<tr><th>Number</th><th>Customer</th><th>Status</th><th class="amount">Total</th><th class="amount">Due</th><th class="amount">Lines</th><th>Created (UTC)</th></tr>';
  const table =
    invoices.length === 0 ? '<p class="soft">No invoices.</p>' : `<div class="scroll"><table>${head}${rows.join('')}</table></div>${more}`;
  return `<h2>Account ${escape(account.id)} <span class="soft">${invoices.length} invoices, ${account.table('customers').size} customers</span></h2>${table}`;
}

function invoiceRow(account: Account, invoice: Invoice): string {
  return `<tr>
    <td><a href="/invoices/${encodeURIComponent(invoice.id)}">${escape(invoice.number ?? 'draft')}</a></td>
    <td>${escape(invoice.customer_name ?? invoice.customer_email ?? invoice.customer)}</td>
    <td>${statusBadge(invoice)}</td>
    <td class="amount">${formatMinorAmount(invoice.total, invoice.currency)}</td>
    <td class="amount">${formatMinorAmount(invoice.amount_remaining, invoice.currency)}</td>
    <td class="amount">${account.table('lines').get(invoice.id)?.data.length ?? 0}</td>
    <td class="soft">${minute(invoice.created)}</td>
  </tr>`;
}

function invoiceBody(invoice: Invoice, lines: readonly LineItem[]): string {
  const money = (amount: number): string => formatMinorAmount(amount, invoice.currency);
  const rows = lines.map(
    (
      line,
    ) => `<tr><td class="wide">${escape(line.description ?? '')}</td><td class="soft">${minute(line.period.start)} to ${minute(line.period.end)}</td>
      <td class="amount">${escape(line.quantity_decimal)}</td><td class="amount">${money(line.amount)}</td></tr>`,
  );
  const sums = [
    ['Subtotal', invoice.subtotal],
    ['Tax', invoice.total - invoice.subtotal],
    ['Total', invoice.total],
    ['Paid', invoice.amount_paid],
    ['Due', invoice.amount_remaining],
  ] as const;
  const foot = sums.map(
    ([name, amount]) => `<tr><td></td><td></td><td class="soft">${name}</td><td class="amount">${money(amount)}</td></tr>`,
  );
  return `<p><a href="/">All invoices</a></p>
    <h1>Invoice ${escape(invoice.number ?? '(draft)')} ${statusBadge(invoice)}</h1>
    <p class="soft">${escape(invoice.id)} for ${escape(invoice.customer_name ?? invoice.customer)}, created ${minute(invoice.created)}</p>
    <p>${escape(invoice.description ?? '')}</p>
    <div class="scroll"><table><tr><th>Description</th><th>Period (UTC)</th><th class="amount">Quantity</th><th class="amount">Amount</th></tr>
    ${rows.join('')}${foot.join('')}</table></div>`;
}

function statusBadge(invoice: Invoice): string {
  return `<span class="status ${invoice.status}">${invoice.status}</span>`;
}

function minute(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
}

function page(title: string, body: string): HttpAnswer {
  const notice =
    '<p class="notice"><strong>This is an emulator of Stripe, part of Tare.</strong> No money moves here, and Stripe knows nothing of it.</p>';
  return {
    status: 200,
    headers: { 'Content-Type': 'text/html; charset=utf-8' },
    body: `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(title)} - Stripe emulator</title><style>${STYLE}</style></head><body>${notice}${body}</body></html>`,
  };
}

function escape(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

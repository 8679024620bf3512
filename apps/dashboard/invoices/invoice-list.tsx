import { useState } from 'react';
import { periodText } from '../amounts/format.ts';
import { Money } from '../amounts/money.tsx';
import { useQuery } from '../graphql/use-query.ts';
import { Answered, Empty } from '../layout/notice.tsx';
import { addressOf, go } from '../layout/route.ts';
import { kindName, statusName, StatusBadge, SyncBadge } from './invoice-badges.tsx';
import { INVOICE_STATUSES, INVOICES } from './invoices-query.ts';
import type { InvoiceStatus, ListedInvoice } from './invoices-query.ts';

const PAGE_SIZE = 25;

/** All invoices, or those of a customer or a status; the address says which. */
export function InvoiceList({ params }: { readonly params: URLSearchParams }) {
  const customer = params.get('customer');
  const status = INVOICE_STATUSES.find((one) => one === params.get('status')) ?? null;
  return (
    <>
      <div className="page-head">
        <h1>Invoices {customer !== null && <span className="head-month">of {customer}</span>}</h1>
        <div className="controls">
          {customer !== null && <a href={addressOf('invoices', { status })}>Of all customers</a>}
          <select
            aria-label="Status"
            value={status ?? ''}
            onChange={(event) => go(addressOf('invoices', { customer, status: event.target.value }))}
          >
            <option value="">Any status</option>
            {INVOICE_STATUSES.map((one) => (
              <option key={one} value={one}>
                {statusName(one)}
              </option>
            ))}
          </select>
        </div>
      </div>
      <InvoicePages key={`${customer ?? ''} ${status ?? ''}`} customer={customer} status={status} />
    </>
  );
}

/** Cursors only lead forward, so those of the pages before are kept for the way back. */
function InvoicePages({ customer, status }: { readonly customer: string | null; readonly status: InvoiceStatus | null }) {
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  const asked = useQuery(INVOICES, { customer, status, first: PAGE_SIZE, after: cursors.at(-1) ?? null });
  return (
    <Answered asked={asked} what="invoices">
      {({ invoices: { edges, pageInfo } }) => (
        <>
          {edges.length === 0 ? (
            <NoInvoices isFiltered={customer !== null || status !== null} />
          ) : (
            <InvoiceTable invoices={edges.map(({ node }) => node)} />
          )}
          {(cursors.length > 1 || pageInfo.hasNextPage) && (
            <nav className="pager" aria-label="Pages">
              <button type="button" disabled={cursors.length === 1} onClick={() => setCursors(cursors.slice(0, -1))}>
                Previous
              </button>
              <span>Page {cursors.length}</span>
              <button type="button" disabled={!pageInfo.hasNextPage} onClick={() => setCursors([...cursors, pageInfo.endCursor])}>
                Next
              </button>
            </nav>
          )}
        </>
      )}
    </Answered>
  );
}

function NoInvoices({ isFiltered }: { readonly isFiltered: boolean }) {
  return isFiltered ? (
    <Empty title="No invoice matches.">Choose another status or customer.</Empty>
  ) : (
    <Empty title="No invoices yet.">They are made when a billing period ends and billing runs.</Empty>
  );
}

function InvoiceTable({ invoices }: { readonly invoices: readonly ListedInvoice[] }) {
  return (
    <div className="table-frame">
      <table className="invoices">
        <thead>
          <tr>
            <th scope="col">Invoice</th>
            <th scope="col">Customer</th>
            <th scope="col">Period</th>
            <th scope="col">Status</th>
            <th scope="col">Stripe</th>
            <th scope="col" className="number">
              Total
            </th>
          </tr>
        </thead>
        <tbody>
          {invoices.map((invoice) => (
            <tr key={invoice.id}>
              <th scope="row" className="invoice-number">
                <a href={addressOf('invoices', {}, invoice.id)}>{invoice.number ?? 'No number yet'}</a>
                {invoice.kind !== 'REGULAR' && <span className="key">{kindName(invoice.kind)}</span>}
              </th>
              <td className="invoice-customer">{invoice.customer.name}</td>
              <td className="invoice-period">{periodText(invoice.periodStart, invoice.periodEnd, invoice.customer.timeZone)}</td>
              <td className="invoice-status">
                <StatusBadge status={invoice.status} />
              </td>
              <td className="invoice-sync">
                <SyncBadge sync={invoice.sync} />
              </td>
              <td className="number invoice-total">
                <Money amount={invoice.total} currency={invoice.currency} named />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

import { isZero, negated } from '../amounts/exact.ts';
import { countText, periodText } from '../amounts/format.ts';
import { Money } from '../amounts/money.tsx';
import { useQuery } from '../graphql/use-query.ts';
import { Answered, Empty } from '../layout/notice.tsx';
import { addressOf } from '../layout/route.ts';
import { kindName, StatusBadge, SyncBadge } from './invoice-badges.tsx';
import { INVOICE } from './invoices-query.ts';
import type { Invoice } from './invoices-query.ts';

/** One invoice: its lines, and how they come to its total. */
export function InvoicePage({ id }: { readonly id: string }) {
  const asked = useQuery(INVOICE, { id });
  return (
    <>
      <p className="back">
        <a href={addressOf('invoices')}>All invoices</a>
      </p>
      <Answered asked={asked} what="the invoice">
        {({ invoice }) =>
          invoice === null ? (
            <Empty title="There is no invoice under this address.">It may belong to another tenant.</Empty>
          ) : (
            <InvoiceSheet invoice={invoice} />
          )
        }
      </Answered>
    </>
  );
}

function InvoiceSheet({ invoice }: { readonly invoice: Invoice }) {
  return (
    <article className="sheet card">
      <header>
        <h1>{invoice.number ?? 'Invoice without a number yet'}</h1>
        <span className="badges">
          <StatusBadge status={invoice.status} />
          <SyncBadge sync={invoice.sync} />
        </span>
      </header>
      <InvoiceFacts invoice={invoice} />
      <Lines invoice={invoice} />
      <InvoiceTotals invoice={invoice} />
    </article>
  );
}

function InvoiceFacts({ invoice: { customer, kind, periodStart, periodEnd, stripeInvoiceId, adjusts } }: { readonly invoice: Invoice }) {
  return (
    <dl className="facts">
      <div>
        <dt>Customer</dt>
        <dd>
          <a href={addressOf('invoices', { customer: customer.key })}>{customer.name}</a>
        </dd>
      </div>
      <div>
        <dt>Period</dt>
        <dd>{periodText(periodStart, periodEnd, customer.timeZone)}</dd>
      </div>
      <div>
        <dt>Kind</dt>
        <dd>{kindName(kind)}</dd>
      </div>
      {adjusts !== null && (
        <div>
          <dt>Corrects</dt>
          <dd>
            <a href={addressOf('invoices', {}, adjusts)}>an earlier invoice</a>
          </dd>
        </div>
      )}
      {stripeInvoiceId !== null && (
        <div>
          <dt>In Stripe</dt>
          <dd>
            <code>{stripeInvoiceId}</code>
          </dd>
        </div>
      )}
    </dl>
  );
}

function Lines({ invoice }: { readonly invoice: Invoice }) {
  const {
    lines,
    currency,
    customer: { timeZone },
  } = invoice;
  if (lines.length === 0) return <Empty title="This invoice has no lines." />;
  return (
    <table className="lines">
      <thead>
        <tr>
          <th scope="col">Line</th>
          <th scope="col">Period</th>
          <th scope="col" className="number">
            Quantity
          </th>
          <th scope="col" className="number">
            Amount
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={line.id}>
            <th scope="row" className="line-name">
              {line.description}
              {line.priceKey !== null && <span className="key">{line.priceKey}</span>}
            </th>
            <td className="line-period">{periodText(line.periodStart, line.periodEnd, timeZone)}</td>
            <td className="number line-quantity">{countText(line.quantity)}</td>
            <td className="number line-amount">
              <Money amount={line.amount} currency={currency} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** In the order of SEMANTICS 8.1; what the customer's own balance took or kept comes last, since a total never falls below zero (8.6). */
function InvoiceTotals({ invoice }: { readonly invoice: Invoice }) {
  const { subtotal, discounts, creditsApplied, tax, balanceApplied, balanceCarried, total, currency } = invoice;
  const rows = [
    ['Subtotal', subtotal],
    ['Discounts', negated(discounts)],
    ['Prepaid credits', negated(creditsApplied)],
    ['Tax', tax],
    ['Customer balance', negated(balanceApplied)],
    ['Kept for the next invoice', balanceCarried],
  ] as const;
  return (
    <dl className="totals" aria-label="Totals">
      {rows
        .filter(([name, amount]) => name === 'Subtotal' || name === 'Tax' || !isZero(amount))
        .map(([name, amount]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Money amount={amount} currency={currency} />
            </dd>
          </div>
        ))}
      <div className="grand">
        <dt>Total</dt>
        <dd>
          <Money amount={total} currency={currency} named />
        </dd>
      </div>
    </dl>
  );
}

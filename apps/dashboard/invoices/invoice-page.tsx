import { isZero, negated, sum } from '../amounts/exact.ts';
import { countText, periodText } from '../amounts/format.ts';
import { Money } from '../amounts/money.tsx';
import { useQuery } from '../graphql/use-query.ts';
import { Answered, Empty } from '../layout/notice.tsx';
import { addressOf } from '../layout/route.ts';
import { kindName, StatusBadge, SyncBadge } from './invoice-badges.tsx';
import { INVOICE } from './invoices-query.ts';
import type { Invoice, InvoiceLine } from './invoices-query.ts';

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
      <Lines lines={invoice.lines} currency={invoice.currency} />
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
        <dd>{periodText(periodStart, periodEnd)}</dd>
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

function Lines({ lines, currency }: { readonly lines: readonly InvoiceLine[]; readonly currency: string }) {
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
            <td className="line-period">{periodText(line.periodStart, line.periodEnd)}</td>
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

/** In the order of SEMANTICS 8.1. What the customer's own balance took or kept is the rest: a total never falls below zero. */
function InvoiceTotals({ invoice }: { readonly invoice: Invoice }) {
  const { subtotal, discounts, creditsApplied, tax, total, currency } = invoice;
  const balance = sum([total, negated(subtotal), discounts, creditsApplied, negated(tax)]);
  const rows = [
    ['Subtotal', subtotal],
    ['Discounts', negated(discounts)],
    ['Prepaid credits', negated(creditsApplied)],
    ['Tax', tax],
    ['Customer balance', balance],
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

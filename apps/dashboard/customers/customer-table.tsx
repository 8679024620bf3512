import { Fragment, useState } from 'react';
import { coverageText, percentText } from '../amounts/format.ts';
import { Money } from '../amounts/money.tsx';
import type { Span } from '../months/month.ts';
import { CustomerDetail } from './customer-detail.tsx';
import type { CustomerRow } from './customers-query.ts';
import { MarginStates } from './margin-state.tsx';

/** So many rows are drawn at once; the rest on demand. */
const ROWS_AT_ONCE = 100;

interface Props {
  readonly rows: readonly CustomerRow[];
  readonly span: Span;
  /** How many customers lost money in the month: so many have reasons. */
  readonly lossMakers: number;
}

export function CustomerTable({ rows, span, lossMakers }: Props) {
  const [limit, setLimit] = useState(ROWS_AT_ONCE);
  const [open, setOpen] = useState<string | null>(null);
  return (
    <>
      <div className="table-frame">
        <table className="customers stacked">
          <thead>
            <tr>
              <th scope="col">Customer</th>
              <th scope="col">State</th>
              <th scope="col" className="number">
                Revenue
              </th>
              <th scope="col" className="number">
                Cost
              </th>
              <th scope="col" className="number wide-only">
                Shared cost
              </th>
              <th scope="col" className="number">
                Margin
              </th>
              <th scope="col" className="number wide-only">
                Rate
              </th>
              <th scope="col" className="number wide-only">
                Coverage
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, limit).map((row) => {
              const id = row.key.join();
              const isOpen = open === id;
              return (
                <Fragment key={id}>
                  <CustomerCells row={row} isOpen={isOpen} onToggle={() => setOpen(isOpen ? null : id)} />
                  {isOpen && (
                    <tr className="detail-row">
                      <td colSpan={8}>
                        <CustomerDetail row={row} span={span} lossMakers={lossMakers} />
                      </td>
                    </tr>
                  )}
                </Fragment>
              );
            })}
          </tbody>
        </table>
      </div>
      <p className="table-foot">
        {Math.min(limit, rows.length)} of {rows.length} {rows.length === 1 ? 'customer' : 'customers'}, amounts in {rows[0]?.currency}
        {rows.length > limit && (
          <button type="button" onClick={() => setLimit(limit + ROWS_AT_ONCE)}>
            Show more
          </button>
        )}
      </p>
    </>
  );
}

function CustomerCells({ row, isOpen, onToggle }: { readonly row: CustomerRow; readonly isOpen: boolean; readonly onToggle: () => void }) {
  const { label, key, currency, revenue, cost, sharedCost, margin, marginRate, coverage } = row;
  return (
    <tr className={isOpen ? 'customer open' : 'customer'}>
      <th scope="row" className="customer-name">
        <button type="button" className="opener" aria-expanded={isOpen} onClick={onToggle}>
          <span className="caret" aria-hidden="true" />
          <span>
            {label}
            {key[0] !== label && <span className="key">{key[0]}</span>}
          </span>
        </button>
      </th>
      <td className="customer-state">
        <MarginStates row={row} />
      </td>
      <MoneyCell name="Revenue" amount={revenue} currency={currency} />
      <MoneyCell name="Cost" amount={cost} currency={currency} />
      <MoneyCell name="Shared cost" amount={sharedCost} currency={currency} isWideOnly />
      <MoneyCell name="Margin" amount={margin} currency={currency} />
      <td className="number wide-only">{marginRate === null ? <span className="none">–</span> : percentText(marginRate)}</td>
      <td className="number wide-only">{coverage === null ? <span className="none">–</span> : coverageText(coverage)}</td>
    </tr>
  );
}

interface MoneyCellProps {
  readonly name: string;
  readonly amount: string | null;
  readonly currency: string;
  readonly isWideOnly?: boolean;
}

/** `data-name` heads the amount where the table is too narrow for columns. */
function MoneyCell({ name, amount, currency, isWideOnly = false }: MoneyCellProps) {
  return (
    <td className={isWideOnly ? 'number wide-only' : 'number'} data-name={name}>
      <Money amount={amount} currency={currency} />
    </td>
  );
}

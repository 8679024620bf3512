import type { ReactNode } from 'react';
import { coverageText, percentText } from '../amounts/format.ts';
import { Money } from '../amounts/money.tsx';
import type { PlanKindRow, Totals } from './overview-query.ts';

const NAMES: Readonly<Record<string, string>> = {
  PER_QUERY: 'Per query',
  SUBSCRIPTION: 'Subscription',
  CREDIT: 'Credits',
  SITE_LICENSE: 'Site license',
  '(no plan)': 'No plan',
};

type Row = Omit<PlanKindRow, 'key' | 'label'>;

export function PlanKinds({ rows, total }: { readonly rows: readonly PlanKindRow[]; readonly total: Totals }) {
  return (
    <section>
      <h2>By plan kind</h2>
      <div className="table-frame">
        <table className="stacked" aria-label="Margin by plan kind">
          <thead>
            <tr>
              <th scope="col">Plan kind</th>
              {['Revenue', 'Cost', 'Shared cost', 'Margin', 'Rate', 'Coverage'].map((name) => (
                <th key={name} scope="col" className="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <MarginCells key={row.key.join()} name={NAMES[row.key[0] ?? ''] ?? row.label} row={row} />
            ))}
          </tbody>
          <tfoot>
            <MarginCells name={`Total, ${total.currency}`} row={total} />
          </tfoot>
        </table>
      </div>
    </section>
  );
}

function MarginCells({ name, row }: { readonly name: string; readonly row: Row }) {
  const { currency, marginRate, coverage } = row;
  return (
    <tr>
      <th scope="row">{name}</th>
      <Cell name="Revenue" value={<Money amount={row.revenue} currency={currency} />} />
      <Cell name="Cost" value={<Money amount={row.cost} currency={currency} />} />
      <Cell name="Shared cost" value={<Money amount={row.sharedCost} currency={currency} />} />
      <Cell name="Margin" value={<Money amount={row.margin} currency={currency} />} />
      <Cell name="Rate" value={marginRate === null ? null : percentText(marginRate)} />
      <Cell name="Coverage" value={coverage === null ? null : coverageText(coverage)} />
    </tr>
  );
}

/** `data-name` heads the value where the table is too narrow for columns. */
function Cell({ name, value }: { readonly name: string; readonly value: ReactNode }) {
  return (
    <td className="number" data-name={name}>
      {value ?? <span className="none">–</span>}
    </td>
  );
}

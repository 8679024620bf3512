import { useMemo, useState } from 'react';
import { useQuery } from '../graphql/use-query.ts';
import { Answered, Empty } from '../layout/notice.tsx';
import { addressOf, go } from '../layout/route.ts';
import { MonthPicker } from '../months/month-picker.tsx';
import { monthName, monthOf, reportedSpan } from '../months/month.ts';
import type { MonthProps, Span } from '../months/month.ts';
import { CustomerTable } from './customer-table.tsx';
import { CUSTOMERS } from './customers-query.ts';
import type { CustomerRow, MarginState } from './customers-query.ts';
import { stateName } from './margin-state.tsx';
import { CUSTOMER_SORTS, sortCustomers } from './sort-customers.ts';
import type { CustomerSort } from './sort-customers.ts';

const SORT_NAMES: Readonly<Record<CustomerSort, string>> = {
  worst: 'Worst margin first',
  best: 'Best margin first',
  revenue: 'Highest revenue first',
  cost: 'Highest cost first',
  rate: 'Lowest margin rate first',
  name: 'By name',
};

/** Everybody's margin in a month, worst first. */
export function Customers({ month, now, offered }: MonthProps) {
  const span = reportedSpan(month, now);
  const asked = useQuery(CUSTOMERS, span);
  return (
    <>
      <div className="page-head">
        <h1>
          Customers{' '}
          <span className="head-month">
            in {monthName(month)}
            {month === monthOf(now) ? ' so far' : ''}
          </span>
        </h1>
        <MonthPicker month={month} offered={offered} onChoose={(chosen) => go(addressOf('customers', { month: chosen }))} />
      </div>
      <Answered asked={asked} what="customers">
        {({ marginReport: { rows } }) =>
          rows.length === 0 ? (
            <Empty title="No customer had usage or revenue in this month.">Choose another month.</Empty>
          ) : (
            <CustomerList rows={rows} span={span} />
          )
        }
      </Answered>
    </>
  );
}

const STATES: readonly MarginState[] = ['LOSS_MAKING', 'NO_REVENUE', 'COST_UNKNOWN', 'AT_RISK', 'PROFITABLE'];

function CustomerList({ rows, span }: { readonly rows: readonly CustomerRow[]; readonly span: Span }) {
  const [search, setSearch] = useState('');
  const [sort, setSort] = useState<CustomerSort>('worst');
  const [state, setState] = useState<MarginState | null>(null);
  const shown = useMemo(() => sortCustomers(rows.filter(matches(search, state)), sort), [rows, search, state, sort]);
  return (
    <>
      <div className="controls">
        <input
          type="search"
          placeholder="Search name or key"
          aria-label="Search customers"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <select aria-label="Sort customers" value={sort} onChange={(event) => setSort(sortNamed(event.target.value))}>
          {CUSTOMER_SORTS.map((one) => (
            <option key={one} value={one}>
              {SORT_NAMES[one]}
            </option>
          ))}
        </select>
        <div className="chips" role="group" aria-label="Show only one state">
          {STATES.filter((one) => rows.some((row) => row.state === one)).map((one) => (
            <button
              key={one}
              type="button"
              className="chip"
              aria-pressed={state === one}
              onClick={() => setState(state === one ? null : one)}
            >
              {stateName(one)} <span className="chip-count">{rows.filter((row) => row.state === one).length}</span>
            </button>
          ))}
        </div>
      </div>
      {shown.length === 0 ? (
        <Empty title="No customer matches.">Change the search or show all states.</Empty>
      ) : (
        <CustomerTable rows={shown} span={span} lossMakers={rows.filter(({ flags }) => flags.includes('LOSS_MAKING')).length} />
      )}
    </>
  );
}

function matches(search: string, state: MarginState | null): (row: CustomerRow) => boolean {
  const wanted = search.trim().toLowerCase();
  return (row) => (state === null || row.state === state) && `${row.label} ${row.key.join(' ')}`.toLowerCase().includes(wanted);
}

const sortNamed = (name: string): CustomerSort => CUSTOMER_SORTS.find((sort) => sort === name) ?? 'worst';

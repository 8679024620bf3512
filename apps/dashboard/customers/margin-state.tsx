import type { CustomerRow, MarginState } from './customers-query.ts';

const NAMES: Readonly<Record<MarginState, string>> = {
  LOSS_MAKING: 'Loss-making',
  NO_REVENUE: 'No revenue',
  COST_UNKNOWN: 'Cost unknown',
  AT_RISK: 'At risk',
  PROFITABLE: 'Profitable',
};

export const stateName = (state: MarginState): string => NAMES[state];

/** The state, and in smaller type whatever else holds: unknown cost, no revenue and a loss are never one and the same. */
export function MarginStates({ row: { state, flags } }: { readonly row: Pick<CustomerRow, 'state' | 'flags'> }) {
  return (
    <span className="badges">
      <span className={`badge ${state.toLowerCase().replace('_', '-')}`}>{NAMES[state]}</span>
      {flags
        .filter((flag) => flag !== state)
        .map((flag) => (
          <span key={flag} className="also">
            {NAMES[flag]}
          </span>
        ))}
    </span>
  );
}

import type { ReactNode } from 'react';
import { isNegative, negated, rounded, roundedToAddUp } from '../amounts/exact.ts';
import { decimalsOf, grouped, percentText } from '../amounts/format.ts';
import { Unknown } from '../amounts/money.tsx';
import type { Totals } from './overview-query.ts';
import { isUpperBound } from './coverage.ts';

/** Revenue - cost - shared cost = margin, rounded so that what is read adds up. */
export function MarginStatement({ total }: { readonly total: Totals }) {
  const { revenue, cost, sharedCost, margin, marginRate, currency } = total;
  const decimals = decimalsOf(currency);
  const [earned = '0', spent = '0', shared = '0'] = roundedToAddUp([revenue, negated(cost ?? '0'), negated(sharedCost)], decimals);
  return (
    <section className="statement card" aria-label="Margin of the month">
      <Figure name="Revenue recognised" shown={earned} exact={revenue} currency={currency} />
      <Figure name="Cost" sign="−" shown={negated(spent)} exact={cost} currency={currency} />
      <Figure name="Shared cost" sign="−" shown={negated(shared)} exact={sharedCost} currency={currency} />
      <Figure name="Margin" sign="=" shown={margin === null ? '' : rounded(margin, decimals)} exact={margin} currency={currency}>
        <span className="rate">{marginRate === null ? noRate(margin) : `${percentText(marginRate)} of revenue`}</span>
        {isUpperBound(total) && margin !== null && <span className="bound">upper bound</span>}
      </Figure>
    </section>
  );
}

const noRate = (margin: string | null): string => (margin === null ? 'no rate: the cost is unknown' : 'no rate: there is no revenue');

interface FigureProps {
  readonly name: string;
  readonly sign?: string;
  readonly shown: string;
  /** Null: unknown. */
  readonly exact: string | null;
  readonly currency: string;
  readonly children?: ReactNode;
}

function Figure({ name, sign, shown, exact, currency, children }: FigureProps) {
  return (
    <div className={children === undefined ? 'figure' : 'figure result'} role="group" aria-label={name}>
      {sign !== undefined && (
        <span className="sign" aria-hidden="true">
          {sign}
        </span>
      )}
      <span className="figure-name">{name}</span>
      {exact === null ? (
        <Unknown />
      ) : (
        <span className={isNegative(exact) ? 'figure-amount negative' : 'figure-amount'} title={`${exact} ${currency}`}>
          {grouped(shown)}
          <span className="unit"> {currency}</span>
        </span>
      )}
      {children !== undefined && <span className="figure-notes">{children}</span>}
    </div>
  );
}

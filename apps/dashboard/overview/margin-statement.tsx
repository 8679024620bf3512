import type { ReactNode } from 'react';
import { percentText } from '../amounts/format.ts';
import { Money } from '../amounts/money.tsx';
import type { Totals } from './overview-query.ts';
import { isUpperBound } from './coverage.ts';

/** Revenue - cost - shared cost = margin, each rounded as everywhere else. */
export function MarginStatement({ total }: { readonly total: Totals }) {
  const { revenue, cost, sharedCost, margin, marginRate, currency } = total;
  return (
    <section className="statement card" aria-label="Margin of the month">
      <Figure name="Revenue recognised" amount={revenue} currency={currency} />
      <Figure name="Cost" sign="−" amount={cost} currency={currency} />
      <Figure name="Shared cost" sign="−" amount={sharedCost} currency={currency} />
      <Figure name="Margin" sign="=" amount={margin} currency={currency}>
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
  /** Null: unknown. */
  readonly amount: string | null;
  readonly currency: string;
  readonly children?: ReactNode;
}

function Figure({ name, sign, amount, currency, children }: FigureProps) {
  return (
    <div className={children === undefined ? 'figure' : 'figure result'} role="group" aria-label={name}>
      {sign !== undefined && (
        <span className="sign" aria-hidden="true">
          {sign}
        </span>
      )}
      <span className="figure-name">{name}</span>
      <span className="figure-amount">
        <Money amount={amount} currency={currency} named />
      </span>
      {children !== undefined && <span className="figure-notes">{children}</span>}
    </div>
  );
}

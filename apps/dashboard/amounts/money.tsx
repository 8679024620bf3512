import { isNegative } from './exact.ts';
import { moneyText } from './format.ts';

/** An amount in a table or a figure: rounded for reading, exact on hover. Unknown is a word, never a zero. */
export function Money({
  amount,
  currency,
  named = false,
}: {
  readonly amount: string | null;
  readonly currency: string;
  readonly named?: boolean;
}) {
  if (amount === null) return <Unknown />;
  return (
    <span className={isNegative(amount) ? 'amount negative' : 'amount'} title={`${amount} ${currency}`}>
      {moneyText(amount, currency)}
      {named && <span className="unit"> {currency}</span>}
    </span>
  );
}

export function Unknown() {
  return <span className="unknown">unknown</span>;
}

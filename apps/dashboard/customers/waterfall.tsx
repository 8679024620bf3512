import { barValue, compare, roundedToAddUp, rounded, sum } from '../amounts/exact.ts';
import { decimalsOf, grouped } from '../amounts/format.ts';

export interface Step {
  readonly key: string;
  readonly name: string;
  readonly about?: string;
  readonly amount: string;
}

interface Props {
  readonly steps: readonly Step[];
  /** Name of what the steps add up to. */
  readonly result: string;
  readonly currency: string;
  /**
   * Whether what is read has to add up: then a part may be a unit of the currency off its own rounding. Else each is rounded by itself, as where it also stands
   * outside of the list.
   */
  readonly addsUp: boolean;
  /** What they should add up to, where that is known from elsewhere; said when they do not. */
  readonly expected?: string;
}

const WIDTH = 100;

/** Steps that add up to their result, each beginning where the one before it ended. */
export function Waterfall({ steps, result, currency, addsUp, expected }: Props) {
  const amounts = steps.map(({ amount }) => amount);
  const total = sum(amounts);
  const decimals = decimalsOf(currency);
  const shown = addsUp ? roundedToAddUp(amounts, decimals) : amounts.map((amount) => rounded(amount, decimals));
  const ends = amounts.map((_, index) => barValue(sum(amounts.slice(0, index + 1))));
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const scale = high === low ? 0 : WIDTH / (high - low);
  const place = (from: number, to: number) => ({
    left: (Math.min(from, to) - low) * scale,
    width: Math.abs(to - from) * scale,
    zero: -low * scale,
  });
  return (
    <>
      <ol className="waterfall">
        {steps.map(({ key, name, about, amount }, index) => (
          <li key={key}>
            <span className="step-name">{name}</span>
            <StepBar {...place(ends[index - 1] ?? 0, ends[index] ?? 0)} isLoss={amount.startsWith('-')} />
            <span className="step-amount" title={`${amount} ${currency}`}>
              {grouped(shown[index] ?? amount)}
            </span>
            {about !== undefined && about !== '' && <span className="step-about">{about}</span>}
          </li>
        ))}
        <li className="step-result">
          <span className="step-name">{result}</span>
          <StepBar {...place(0, ends.at(-1) ?? 0)} isLoss={total.startsWith('-')} />
          <span className="step-amount" title={`${total} ${currency}`}>
            {grouped(rounded(total, decimals))} <span className="unit">{currency}</span>
          </span>
        </li>
      </ol>
      {expected !== undefined && compare(total, expected) !== 0 && (
        <p className="note" role="alert">
          These do not add up to the margin of {grouped(rounded(expected, decimals))} {currency}: it has changed since the page was loaded.
          Reload to see it.
        </p>
      )}
    </>
  );
}

interface BarProps {
  readonly left: number;
  readonly width: number;
  readonly zero: number;
  readonly isLoss: boolean;
}

function StepBar({ left, width, zero, isLoss }: BarProps) {
  return (
    <svg className="step-bar" viewBox={`0 0 ${WIDTH} 10`} preserveAspectRatio="none" aria-hidden="true">
      <line className="zero" x1={zero} x2={zero} y1="0" y2="10" />
      <rect className={isLoss ? 'bar down' : 'bar up'} x={left} y="2" width={Math.max(width, 0.4)} height="6" />
    </svg>
  );
}

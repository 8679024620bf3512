import type { Month } from '../months/month.ts';
import { addressOf, isMonthly, SCREENS } from './route.ts';
import type { Screen } from './route.ts';
import { Wordmark } from './wordmark.tsx';

const NAMES: Readonly<Record<Screen, string>> = {
  overview: 'Overview',
  customers: 'Customers',
  invoices: 'Invoices',
  worklists: 'Worklists',
};

/** The month goes along between the screens that have one. */
export function Header({
  screen,
  month,
  onSignOut,
}: {
  readonly screen: Screen;
  readonly month: Month | null;
  readonly onSignOut: () => void;
}) {
  return (
    <header className="top">
      <div className="top-inner">
        <a href={addressOf('overview', { month })} className="home">
          <Wordmark />
        </a>
        <nav aria-label="Screens">
          {SCREENS.map((one) => (
            <a key={one} href={addressOf(one, isMonthly(one) ? { month } : {})} aria-current={one === screen ? 'page' : undefined}>
              {NAMES[one]}
            </a>
          ))}
        </nav>
        <button type="button" className="quiet" onClick={onSignOut}>
          Sign out
        </button>
      </div>
    </header>
  );
}

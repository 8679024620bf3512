import { useCallback, useMemo, useState } from 'react';
import { forgetKey, SessionContext, storedKey, storeKey } from './access/session.ts';
import { SignIn } from './access/sign-in.tsx';
import { Customers } from './customers/customers.tsx';
import type { ApiError } from './graphql/api-error.ts';
import { useQuery } from './graphql/use-query.ts';
import { InvoiceList } from './invoices/invoice-list.tsx';
import { InvoicePage } from './invoices/invoice-page.tsx';
import { ErrorBoundary } from './layout/error-boundary.tsx';
import { Header } from './layout/header.tsx';
import { Answered } from './layout/notice.tsx';
import { isMonthly, useRoute } from './layout/route.ts';
import type { Route } from './layout/route.ts';
import { readMonths } from './months/choose-month.ts';
import { isMonth, monthOf } from './months/month.ts';
import type { MonthProps } from './months/month.ts';
import { MONTHS } from './months/months-query.ts';
import { Overview } from './overview/overview.tsx';
import { Worklists } from './worklists/worklists.tsx';

/** The key first; then the screen that the address names. */
export function App() {
  const [apiKey, setApiKey] = useState(storedKey);
  const [because, setBecause] = useState<ApiError | null>(null);
  const end = useCallback((error?: ApiError) => {
    forgetKey();
    setBecause(error ?? null);
    setApiKey(null);
  }, []);
  const begin = (key: string): void => {
    storeKey(key);
    setApiKey(key);
  };
  const session = useMemo(() => (apiKey === null ? null : { apiKey, end }), [apiKey, end]);
  if (session === null) return <SignIn because={because} onKey={begin} />;
  return (
    <SessionContext value={session}>
      <Signed onSignOut={() => end()} />
    </SessionContext>
  );
}

function Signed({ onSignOut }: { readonly onSignOut: () => void }) {
  const route = useRoute();
  const month = route.params.get('month');
  return (
    <>
      <Header screen={route.screen} month={isMonth(month) ? month : null} onSignOut={onSignOut} />
      <main className="page">
        <ErrorBoundary key={isMonthly(route.screen) ? 'month' : `${route.screen} ${route.id ?? ''}`}>
          <ScreenOf route={route} />
        </ErrorBoundary>
      </main>
    </>
  );
}

function ScreenOf({ route }: { readonly route: Route }) {
  switch (route.screen) {
    case 'overview':
    case 'customers':
      return <Monthly route={route} />;
    case 'invoices':
      return route.id === null ? <InvoiceList params={route.params} /> : <InvoicePage id={route.id} />;
    case 'worklists':
      return <Worklists />;
    default:
      return route.screen satisfies never;
  }
}

/** Screens of one month: that of the address, else the latest with usage. `now` stays what it was when they were opened, so that their figures fit together. */
function Monthly({ route }: { readonly route: Route }) {
  const [now] = useState(() => new Date());
  const asked = useQuery(MONTHS, {});
  return (
    <Answered asked={asked} what="months">
      {(answer) => {
        const { latest, offered } = readMonths(answer, monthOf(now));
        const wanted = route.params.get('month');
        return <MonthlyScreen route={route} month={isMonth(wanted) ? wanted : latest} now={now} offered={offered} />;
      }}
    </Answered>
  );
}

function MonthlyScreen({ route, ...props }: MonthProps & { readonly route: Route }) {
  return route.screen === 'overview' ? <Overview {...props} /> : <Customers {...props} />;
}

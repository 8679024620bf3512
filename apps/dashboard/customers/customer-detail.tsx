import { negated } from '../amounts/exact.ts';
import { countText, coverageText } from '../amounts/format.ts';
import { useQuery } from '../graphql/use-query.ts';
import { Answered } from '../layout/notice.tsx';
import { addressOf } from '../layout/route.ts';
import type { Span } from '../months/month.ts';
import { LOSS_MAKERS } from './customers-query.ts';
import type { CustomerRow, LossMaker, Reason } from './customers-query.ts';
import { isUpperBound } from '../overview/coverage.ts';
import { Waterfall } from './waterfall.tsx';
import type { Step } from './waterfall.tsx';

/** The API answers at most so many. */
const MOST_LOSS_MAKERS = 1000;

interface Props {
  readonly row: CustomerRow;
  readonly span: Span;
  readonly lossMakers: number;
}

/** How a customer's margin comes about, and where it is a loss, why. */
export function CustomerDetail({ row, span, lossMakers }: Props) {
  const { key, margin, flags, currency } = row;
  return (
    <div className="detail">
      <section>
        <h3>How the margin comes about</h3>
        {margin === null ? <UnknownMargin row={row} /> : <Waterfall {...marginSteps(row)} currency={currency} addsUp={false} />}
        <p className="note">
          {countText(row.events)} events.{' '}
          {isUpperBound(row) && `Cost known for ${coverageText(row.coverage ?? '0')} of them: the margin is an upper bound. `}
          {isCustomer(row) && <a href={addressOf('invoices', { customer: key[0] ?? null })}>Invoices of this customer</a>}
        </p>
      </section>
      {!isCustomer(row) && <p className="note">No customer’s usage caused this: it stands here so that the rows add up to the month.</p>}
      {isCustomer(row) && flags.includes('LOSS_MAKING') && margin !== null && (
        <Reasons row={row} margin={margin} span={span} first={Math.min(lossMakers, MOST_LOSS_MAKERS)} />
      )}
    </div>
  );
}

/** Idle capacity that nobody is charged with has a row, with a key in brackets, and no customer. */
const isCustomer = ({ key }: CustomerRow): boolean => !/^\(.*\)$/.test(key[0] ?? '');

function marginSteps({ revenue, cost, sharedCost }: CustomerRow) {
  const steps = [
    { key: 'revenue', name: 'Revenue recognised', amount: revenue },
    { key: 'cost', name: 'Cost', amount: negated(cost ?? '0') },
    { key: 'shared', name: 'Shared cost', amount: negated(sharedCost) },
  ];
  return { steps, result: 'Margin' };
}

function UnknownMargin({ row: { unpricedEvents } }: { readonly row: CustomerRow }) {
  return (
    <p>
      The cost of none of its events is known ({countText(unpricedEvents)} unpriced), so its margin is unknown.{' '}
      <a href={addressOf('worklists')}>See which models have no price</a>
    </p>
  );
}

interface ReasonsProps {
  readonly row: CustomerRow;
  readonly margin: string;
  readonly span: Span;
  readonly first: number;
}

function Reasons({ row, margin, span, first }: ReasonsProps) {
  const asked = useQuery(LOSS_MAKERS, { ...span, first });
  return (
    <section>
      <h3>Why it lost money</h3>
      <Answered asked={asked} what="reasons">
        {({ lossMakers }) => <ReasonsOf lossMaker={lossMakers.find(({ key }) => key.join() === row.key.join())} margin={margin} />}
      </Answered>
    </section>
  );
}

function ReasonsOf({ lossMaker, margin }: { readonly lossMaker: LossMaker | undefined; readonly margin: string }) {
  if (lossMaker === undefined || lossMaker.reasons.length === 0) return <p className="note">No reasons are known for this loss.</p>;
  const steps = lossMaker.reasons.map(stepOf);
  return <Waterfall steps={steps} result="Loss" currency={lossMaker.currency} addsUp expected={margin} />;
}

/** A reason's label says its name before a colon, then the figures. The steps run down to the loss, so what explains it is below zero. */
function stepOf({ code, label, amount }: Reason): Step {
  const [name = '', ...rest] = label.split(': ');
  const about = rest.join(': ');
  return {
    key: code,
    name: name === '' ? code : name,
    about: `${about.charAt(0).toUpperCase()}${about.slice(1)}`,
    amount: negated(amount),
  };
}

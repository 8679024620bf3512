import { coverageText, countText } from '../amounts/format.ts';
import { addressOf } from '../layout/route.ts';
import { isUpperBound } from './coverage.ts';
import type { Totals } from './overview-query.ts';

/** How much of the usage has a known cost, and what follows for the margin. */
export function CoverageFacts({ total }: { readonly total: Totals }) {
  const { coverage, tokenCoverage, unpricedEvents, events } = total;
  return (
    <section className="coverage" aria-label="Coverage">
      <dl>
        <Fact name="Events" value={countText(events)} />
        <Fact name="Cost known, by events" value={shareText(coverage)} />
        <Fact name="Cost known, by tokens" value={shareText(tokenCoverage)} />
      </dl>
      {isUpperBound(total) && (
        <p className="bound-note">
          The cost of {countText(unpricedEvents)} {unpricedEvents === '1' ? 'event is' : 'events is'} not known, so every margin here is an
          upper bound. <a href={addressOf('worklists')}>See which models have no price</a>
        </p>
      )}
    </section>
  );
}

const shareText = (share: string | null): string => (share === null ? 'no cost-bearing usage' : coverageText(share));

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

import { isZero } from '../amounts/exact.ts';
import { useQuery } from '../graphql/use-query.ts';
import { Answered, Empty } from '../layout/notice.tsx';
import { addressOf, go } from '../layout/route.ts';
import { MonthPicker } from '../months/month-picker.tsx';
import { monthName, monthOf, reportedSpan } from '../months/month.ts';
import type { Month, MonthProps } from '../months/month.ts';
import { CoverageFacts } from './coverage-facts.tsx';
import { DayBars } from './day-bars.tsx';
import { MarginStatement } from './margin-statement.tsx';
import { OVERVIEW } from './overview-query.ts';
import type { OverviewAnswer } from './overview-query.ts';
import { PlanKinds } from './plan-kinds.tsx';

/** What a month brought, what it cost, and what was left. */
export function Overview({ month, now, offered }: MonthProps) {
  const asked = useQuery(OVERVIEW, reportedSpan(month, now));
  return (
    <>
      <div className="page-head">
        <h1>
          {monthName(month)} {month === monthOf(now) && <span className="head-month">so far</span>}
        </h1>
        <MonthPicker month={month} offered={offered} onChoose={(chosen) => go(addressOf('overview', { month: chosen }))} />
      </div>
      <Answered asked={asked} what="the month">
        {(answer) => (isEmpty(answer) ? <NothingYet /> : <Figures answer={answer} month={month} />)}
      </Answered>
    </>
  );
}

function isEmpty({ byPlanKind: { total } }: OverviewAnswer): boolean {
  return [total.events, total.revenue, total.sharedCost].every(isZero);
}

function NothingYet() {
  return (
    <Empty title="No usage and no revenue in this month.">
      Send events to <code>POST /v1/events</code> or choose another month. Revenue shows as it is earned, cost as it is incurred.
    </Empty>
  );
}

function Figures({ answer: { byPlanKind, byDay }, month }: { readonly answer: OverviewAnswer; readonly month: Month }) {
  return (
    <>
      <MarginStatement total={byPlanKind.total} />
      <CoverageFacts total={byPlanKind.total} />
      <DayBars rows={byDay.rows} month={month} />
      <PlanKinds rows={byPlanKind.rows} total={byPlanKind.total} />
    </>
  );
}

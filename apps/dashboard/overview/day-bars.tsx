import { barValue, sum } from '../amounts/exact.ts';
import { moneyText } from '../amounts/format.ts';
import { Money } from '../amounts/money.tsx';
import { spanOf } from '../months/month.ts';
import type { Month } from '../months/month.ts';
import type { DayRow } from './overview-query.ts';

/** Drawing units; the picture is stretched to its frame, so nothing but bars and lines is drawn in it. */
const HEIGHT = 200;
const DAY_WIDTH = 24;
const BAR_WIDTH = 9;
/** Days whose number stands below them. */
const WEEKS = new Set(['01', '08', '15', '22', '29']);

/** What each day earned beside what it cost. Heights are the only place where an amount becomes a float. */
export function DayBars({ rows, month }: { readonly rows: readonly DayRow[]; readonly month: Month }) {
  const days = daysShown(rows, month);
  const currency = rows[0]?.currency ?? '';
  const values = rows.flatMap((row) => [barValue(row.revenue), costOf(row)]);
  const [top, bottom] = [Math.max(...values, 0), Math.min(...values, 0)];
  const scale = top === bottom ? 0 : HEIGHT / (top - bottom);
  const highest = rows
    .flatMap((row) => [row.revenue, sum([row.cost ?? '0', row.sharedCost])])
    .reduce((a, b) => (barValue(b) > barValue(a) ? b : a), '0');
  return (
    <section>
      <div className="section-head">
        <h2>Revenue and cost per day</h2>
        <Legend hasUnknown={rows.some((row) => row.cost === null)} />
      </div>
      <div className="chart card">
        <p className="axis-top">{rows.length > 0 && `${moneyText(highest, currency)} ${currency}`}</p>
        <svg
          viewBox={`0 0 ${days.length * DAY_WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label="Revenue and cost per day; the table below has the figures"
        >
          <line className="grid" x1="0" x2={days.length * DAY_WIDTH} y1="0.5" y2="0.5" />
          <line className="grid" x1="0" x2={days.length * DAY_WIDTH} y1={HEIGHT / 2} y2={HEIGHT / 2} />
          {days.map(({ day, row }, index) => (
            <Day key={day} row={row} day={day} left={index * DAY_WIDTH} zero={top * scale} scale={scale} />
          ))}
          <line className="zero" x1="0" x2={days.length * DAY_WIDTH} y1={top * scale} y2={top * scale} />
        </svg>
        <div className="axis-days" aria-hidden="true">
          {days.map(({ day }) => (
            <span key={day}>{WEEKS.has(day.slice(8)) ? Number(day.slice(8)) : ''}</span>
          ))}
        </div>
        <DayTable rows={rows} />
      </div>
    </section>
  );
}

/** Every day of the month, and days beyond it that customers in other time zones have in the same span. */
function daysShown(rows: readonly DayRow[], month: Month): { day: string; row: DayRow | null }[] {
  const { from, to } = spanOf(month);
  const byDay = new Map<string, DayRow | null>();
  for (let at = Date.parse(from); at < Date.parse(to); at += 86_400_000) byDay.set(new Date(at).toISOString().slice(0, 10), null);
  for (const row of rows) byDay.set(row.key[0] ?? '', row);
  return [...byDay].map(([day, row]) => ({ day, row })).sort((a, b) => (a.day < b.day ? -1 : 1));
}

const costOf = (row: DayRow): number => barValue(row.cost ?? '0') + barValue(row.sharedCost);

interface DayProps {
  readonly row: DayRow | null;
  readonly day: string;
  readonly left: number;
  readonly zero: number;
  readonly scale: number;
}

function Day({ row, day, left, zero, scale }: DayProps) {
  if (row === null) return null;
  const revenue = barValue(row.revenue) * scale;
  const cost = barValue(row.cost ?? '0') * scale;
  const shared = barValue(row.sharedCost) * scale;
  const costLeft = left + DAY_WIDTH / 2;
  return (
    <g>
      <title>{dayTitle(day, row)}</title>
      <rect className="hover" x={left} y="0" width={DAY_WIDTH} height={HEIGHT} />
      <Bar name="bar revenue" left={left + DAY_WIDTH / 2 - BAR_WIDTH - 0.5} from={zero} size={revenue} />
      {row.cost === null ? (
        <Bar name="bar cost-unknown" left={costLeft} from={zero} size={HEIGHT / 10} />
      ) : (
        <Bar name="bar cost" left={costLeft} from={zero} size={cost} />
      )}
      <Bar name="bar shared" left={costLeft} from={zero - cost} size={shared} />
    </g>
  );
}

function Bar({ name, left, from, size }: { readonly name: string; readonly left: number; readonly from: number; readonly size: number }) {
  return <rect className={name} x={left} width={BAR_WIDTH} y={size < 0 ? from : from - size} height={Math.abs(size)} />;
}

function dayTitle(day: string, { revenue, cost, sharedCost, currency }: DayRow): string {
  const spent = cost === null ? 'unknown' : `${moneyText(cost, currency)} ${currency}`;
  return `${day}\nRevenue ${moneyText(revenue, currency)} ${currency}\nCost ${spent}\nShared cost ${moneyText(sharedCost, currency)} ${currency}`;
}

function Legend({ hasUnknown }: { readonly hasUnknown: boolean }) {
  const entries = [
    ['revenue', 'Revenue'],
    ['cost', 'Cost'],
    ['shared', 'Shared cost'],
    ...(hasUnknown ? [['cost-unknown', 'Cost unknown']] : []),
  ];
  return (
    <ul className="legend">
      {entries.map(([name, label]) => (
        <li key={name}>
          <i className={`swatch ${name}`} />
          {label}
        </li>
      ))}
    </ul>
  );
}

function DayTable({ rows }: { readonly rows: readonly DayRow[] }) {
  return (
    <details>
      <summary>Figures per day</summary>
      <table className="compact">
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col" className="number">
              Revenue
            </th>
            <th scope="col" className="number">
              Cost
            </th>
            <th scope="col" className="number">
              Shared cost
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key.join()}>
              <th scope="row">{row.key[0]}</th>
              {[row.revenue, row.cost, row.sharedCost].map((amount, index) => (
                <td key={index} className="number">
                  <Money amount={amount} currency={row.currency} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="note">The month is in UTC; a day is a day in the customer’s own time zone, so the first and the last may reach over.</p>
    </details>
  );
}

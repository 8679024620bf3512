import { queryDocument } from '../graphql/query-document.ts';
import type { Span } from './month.ts';
import monthEvents from './month-events.graphql?raw';
import months from './months.graphql?raw';

export interface MonthsAnswer {
  readonly marginReport: {
    readonly rows: readonly { readonly key: readonly string[]; readonly events: string; readonly revenue: string }[];
  };
}

export const MONTHS = queryDocument<MonthsAnswer, Span>(months);

export const MONTH_EVENTS = queryDocument<{ readonly marginReport: { readonly total: { readonly events: string } } }, Span>(monthEvents);

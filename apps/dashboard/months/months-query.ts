import { queryDocument } from '../graphql/query-document.ts';
import type { Span } from './month.ts';
import text from './months.graphql?raw';

export interface MonthsAnswer {
  readonly marginReport: {
    readonly rows: readonly { readonly key: readonly string[]; readonly events: string; readonly revenue: string }[];
  };
}

export const MONTHS = queryDocument<MonthsAnswer, Span>(text);

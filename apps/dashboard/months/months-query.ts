import { queryDocument } from '../graphql/query-document.ts';
import type { Span } from './month.ts';
import months from './months.graphql?raw';

export interface MonthsAnswer {
  /** Null: no usage yet. */
  readonly usageSpan: Span | null;
}

export const MONTHS = queryDocument<MonthsAnswer, Record<string, never>>(months);

import { queryDocument } from '../graphql/query-document.ts';
import type { Span } from '../months/month.ts';
import text from './overview.graphql?raw';

/** Money of a margin row: strings in its currency; null is unknown. */
export interface Earnings {
  readonly currency: string;
  readonly revenue: string;
  readonly cost: string | null;
  readonly sharedCost: string;
  readonly coverage: string | null;
}

export interface Totals extends Earnings {
  readonly events: string;
  readonly margin: string | null;
  readonly marginRate: string | null;
  readonly tokenCoverage: string | null;
  readonly unpricedEvents: string;
}

export interface PlanKindRow extends Earnings {
  readonly key: readonly string[];
  readonly label: string;
  readonly margin: string | null;
  readonly marginRate: string | null;
}

export interface DayRow extends Earnings {
  readonly key: readonly string[];
}

export interface OverviewAnswer {
  readonly byPlanKind: { readonly rows: readonly PlanKindRow[]; readonly total: Totals };
  readonly byDay: { readonly rows: readonly DayRow[] };
}

export const OVERVIEW = queryDocument<OverviewAnswer, Span>(text);

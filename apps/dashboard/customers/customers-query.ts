import { queryDocument } from '../graphql/query-document.ts';
import type { Span } from '../months/month.ts';
import customers from './customers.graphql?raw';
import lossMakers from './loss-makers.graphql?raw';

export type MarginState = 'PROFITABLE' | 'AT_RISK' | 'LOSS_MAKING' | 'NO_REVENUE' | 'COST_UNKNOWN';

export interface CustomerRow {
  readonly key: readonly string[];
  readonly label: string;
  readonly currency: string;
  readonly events: string;
  readonly revenue: string;
  readonly cost: string | null;
  readonly sharedCost: string;
  readonly margin: string | null;
  readonly marginRate: string | null;
  readonly coverage: string | null;
  readonly unpricedEvents: string;
  readonly state: MarginState;
  readonly flags: readonly MarginState[];
}

export interface Reason {
  readonly code: string;
  readonly label: string;
  readonly amount: string;
}

export interface LossMaker {
  readonly key: readonly string[];
  readonly currency: string;
  readonly margin: string | null;
  readonly reasons: readonly Reason[];
}

export const CUSTOMERS = queryDocument<{ readonly marginReport: { readonly rows: readonly CustomerRow[] } }, Span>(customers);
export const LOSS_MAKERS = queryDocument<{ readonly lossMakers: readonly LossMaker[] }, Span & { readonly first: number }>(lossMakers);

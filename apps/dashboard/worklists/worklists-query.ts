import { queryDocument } from '../graphql/query-document.ts';
import text from './worklists.graphql?raw';

export interface UnpricedModel {
  readonly provider: string | null;
  readonly model: string | null;
  readonly events: string;
  readonly tokens: string;
  readonly firstSeen: string;
}

export interface UnattributedCustomer {
  readonly key: string;
  readonly events: string;
  readonly firstSeen: string;
}

export interface WorklistsAnswer {
  readonly unpricedModels: readonly UnpricedModel[];
  readonly unattributedCustomers: readonly UnattributedCustomer[];
}

export const WORKLISTS = queryDocument<WorklistsAnswer, { readonly first: number }>(text);

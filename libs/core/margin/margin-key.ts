import type { Segment } from '../subscriptions/index.ts';
import type { KindOfUsage } from './token-kinds.ts';
import { NONE, NOT_USAGE, NO_PLAN } from './margin-dimension.ts';
import type { MarginDimension } from './margin-dimension.ts';
import type { MarginCustomer } from './margin-facts.ts';

/** What decides the row that something stands in. */
export interface MarginPlace {
  readonly customer: Pick<MarginCustomer, 'key' | 'name'>;
  readonly segment: Segment | null;
  /** For what has a subscription but no plan that is known. */
  readonly subscriptionId: string | null;
  /** The customer's local day, `YYYY-MM-DD`. */
  readonly day: string;
  /** Null: not usage. */
  readonly usage: KindOfUsage | null;
  /** Capacity pool of a shared cost; null elsewhere. */
  readonly pool: string | null;
}

/** The value of each dimension, and how a person reads it. */
export interface MarginKey {
  readonly values: readonly string[];
  readonly labels: readonly string[];
}

export function marginKey(groupBy: readonly MarginDimension[], place: MarginPlace, deployments: ReadonlyMap<string, string>): MarginKey {
  const values = groupBy.map((dimension) => valueOf(dimension, place, deployments));
  const labels = groupBy.map((dimension, index) => labelOf(dimension, place) ?? values[index] ?? '');
  return { values, labels };
}

function valueOf(dimension: MarginDimension, place: MarginPlace, deployments: ReadonlyMap<string, string>): string {
  switch (dimension) {
    case 'CUSTOMER':
      return place.customer.key;
    case 'SUBSCRIPTION':
      return place.segment?.subscriptionId ?? place.subscriptionId ?? NO_PLAN;
    case 'PLAN':
      return place.segment?.planKey ?? NO_PLAN;
    case 'PLAN_KIND':
      return place.segment?.terms.kind ?? NO_PLAN;
    case 'DAY':
      return place.day;
    case 'MONTH':
      return place.day.slice(0, 7);
    case 'POOL':
      return place.usage === null ? (place.pool ?? NOT_USAGE) : (place.usage.record.pool ?? NONE);
    case 'DEPLOYMENT':
      return deploymentOf(place, deployments);
    default:
      return place.usage === null ? NOT_USAGE : (usageValueOf(dimension, place.usage) ?? NONE);
  }
}

type UsageDimension = Exclude<
  MarginDimension,
  'CUSTOMER' | 'SUBSCRIPTION' | 'PLAN' | 'PLAN_KIND' | 'DAY' | 'MONTH' | 'POOL' | 'DEPLOYMENT'
>;

function usageValueOf(dimension: UsageDimension, { record, tokenKind }: KindOfUsage): string | null {
  switch (dimension) {
    case 'USER':
      return record.user ?? null;
    case 'TRACE':
      return record.traceId ?? null;
    case 'MODEL':
      return record.model;
    case 'PROVIDER':
      return record.provider;
    case 'REGION':
      return record.region;
    case 'FEATURE':
      return record.feature;
    case 'EVENT_TYPE':
      return record.type;
    case 'TOKEN_KIND':
      return tokenKind;
    default:
      return dimension satisfies never;
  }
}

/** Of the pool that served it; a model without a pool was reached through somebody's API. */
function deploymentOf({ usage, pool }: MarginPlace, deployments: ReadonlyMap<string, string>): string {
  const key = usage === null ? pool : usage.record.pool;
  if (key !== null) return deployments.get(key) ?? NONE;
  if (usage === null) return NOT_USAGE;
  return usage.record.provider === null && usage.record.model === null ? NONE : 'API';
}

function labelOf(dimension: MarginDimension, { customer, segment }: MarginPlace): string | null {
  if (dimension === 'CUSTOMER') return customer.name;
  return dimension === 'PLAN' || dimension === 'SUBSCRIPTION' ? (segment?.planName ?? null) : null;
}

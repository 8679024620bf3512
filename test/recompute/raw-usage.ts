import type { TenantTransaction } from '@tare/database';
import { Fraction } from '../oracle/fraction.ts';
import { instantText, type RawContract, type RawFilter, type RawMeter, type RawSegment } from './raw-contract.ts';

/** A single event as it stood after a commit, as its row says. */
export interface RawEvent {
  readonly at: number;
  readonly type: string;
  readonly provider: string | null;
  readonly model: string | null;
  readonly service_tier: string | null;
  readonly region: string | null;
  readonly pool: string | null;
  readonly feature: string | null;
  readonly outcome: string;
  readonly subscription_id: string | null;
  readonly cost_state: string;
  readonly cost_currency: string | null;
  readonly user: string | null;
  readonly trace_id: string | null;
  readonly properties: Readonly<Record<string, unknown>> | null;
  readonly counts: Readonly<Record<string, string>>;
  readonly cost: string;
}

/** No bucket, no roll-up: the events themselves. $2 customer, $3 from, $4 to, $5 the last commit that was seen. */
const EVENTS = `
SELECT e.at, d.type, d.provider, d.model, d.service_tier, d.region, d.pool, d.feature, d.outcome, d.subscription_id, d.cost_state, d.cost_currency,
  e."user", e.trace_id, e.properties,
  jsonb_build_object('uncachedInput', coalesce(e.uncached_input, 0)::text, 'cacheRead', coalesce(e.cache_read, 0)::text, 'cacheWrite5m', coalesce(e.cache_write_5m, 0)::text,
    'cacheWrite1h', coalesce(e.cache_write_1h, 0)::text, 'inputAudio', coalesce(e.input_audio, 0)::text, 'plainOutput', coalesce(e.plain_output, 0)::text,
    'reasoning', coalesce(e.reasoning, 0)::text, 'outputAudio', coalesce(e.output_audio, 0)::text, 'quantity', coalesce(e.quantity, 0)::text,
    'gpuSeconds', coalesce(e.gpu_seconds, 0)::text) AS counts,
  (CASE WHEN e.costed_seq > $5 THEN 0 ELSE coalesce(e.cost, 0) END)::text AS cost
FROM usage_event e
JOIN usage_dimension d ON d.tenant_id = e.tenant_id AND d.no = CASE WHEN e.costed_seq > $5 THEN e.arrived_dimension_no ELSE e.dimension_no END
WHERE e.tenant_id = $1 AND e.customer_no = $2 AND e.at >= $3::timestamptz AND e.at < $4::timestamptz AND e.seq <= $5
  AND (e.voided_seq IS NULL OR e.voided_seq > $5)`;

const INPUT = ['uncachedInput', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'inputAudio'];
const OUTPUT = ['plainOutput', 'reasoning', 'outputAudio'];

export function readEvents(tx: TenantTransaction, customerNo: number, from: number, to: number, seq: number): Promise<RawEvent[]> {
  return tx.query<RawEvent>(EVENTS, [tx.tenantId, customerNo, instantText(from), instantText(to), seq]);
}

const CHANGES = `
SELECT 1 FROM usage_event WHERE tenant_id = $1 AND customer_no = $2 AND at >= $3::timestamptz AND at < $4::timestamptz
  AND (seq > $5 AND seq <= $6 OR voided_seq > $5 AND voided_seq <= $6 OR costed_seq > $5 AND costed_seq <= $6) LIMIT 1`;

/** Whether commits (after, upTo] brought, cancelled or costed usage of the time. */
export async function hasChanges(
  tx: TenantTransaction,
  customerNo: number,
  { from, to, after, upTo }: { readonly from: number; readonly to: number; readonly after: number; readonly upTo: number },
): Promise<boolean> {
  return (await tx.query(CHANGES, [tx.tenantId, customerNo, instantText(from), instantText(to), after, upTo])).length > 0;
}

/**
 * The subscription that rates an event (SEMANTICS 3.6); null: none. A name counts while what it names is there, paused or not; outside of that time, and of
 * the customer, it says nothing (docs/decisions/0026).
 */
export function subscriptionOf(event: RawEvent, { segments, meters }: RawContract): string | null {
  const there = segments.filter(({ start, end }) => start <= event.at && (end === null || event.at < end));
  const named = there.filter(({ subscriptionId }) => subscriptionId === event.subscription_id);
  if (named.length > 0) return named.find(({ paused }) => !paused)?.subscriptionId ?? null;
  const active = there.filter(({ paused }) => !paused);
  const ranked = active.map((segment) => ({ segment, rank: rankOf(event, segment, meters) })).filter(({ rank }) => rank > 0);
  ranked.sort(
    (a, b) =>
      b.rank - a.rank || a.segment.createdAt - b.segment.createdAt || (a.segment.subscriptionId < b.segment.subscriptionId ? -1 : 1),
  );
  return ranked[0]?.segment.subscriptionId ?? null;
}

/** 2: a filter names models or features; 1: it is taken like everything else; 0: not at all. */
function rankOf(event: RawEvent, { terms }: RawSegment, meters: RawContract['meters']): number {
  const valid = terms.prices.filter(({ validFrom, validUntil }) =>
    (validFrom ?? null) === null && (validUntil ?? null) === null
      ? true
      : (validFrom ?? event.at) <= event.at && event.at < (validUntil ?? event.at + 1),
  );
  const named = [
    ...valid.flatMap(({ meter, match }) => (meter === null ? [] : [{ meter, match }])),
    ...terms.burnRates,
    ...terms.fairUse.map(({ meter }) => ({ meter, match: [] })),
  ].flatMap(({ meter: key, match }) => {
    const meter = meters.get(key);
    return meter === undefined ? [] : [{ meter, match }];
  });
  if (terms.kind === 'SITE_LICENSE' && named.length === 0) return 1;
  const taken = named.filter(({ meter, match }) => isCounted(event, meter, match));
  const isExplicit = taken.some(({ meter, match }) =>
    [...meter.filters, ...match].some(({ property }) => property === 'model' || property === 'feature'),
  );
  return taken.length === 0 ? 0 : isExplicit ? 2 : 1;
}

/** Whether the meter counts the event, and the filters keep it. */
export function isCounted(event: RawEvent, meter: RawMeter, match: readonly RawFilter[]): boolean {
  const isType = meter.event_type === '*' || meter.event_type === event.type;
  return isType && [...meter.filters, ...match].every((filter) => filter.in.includes(textOf(event, filter.property) ?? '\u0000'));
}

export function textOf(event: RawEvent, property: string): string | null {
  switch (property) {
    case 'type':
    case 'provider':
    case 'model':
    case 'region':
    case 'pool':
    case 'feature':
    case 'outcome':
    case 'user':
      return event[property];
    case 'serviceTier':
      return event.service_tier;
    case 'traceId':
      return event.trace_id;
    default: {
      const value = propertyOf(event, property);
      if (typeof value === 'string') return value;
      return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
    }
  }
}

function propertyOf({ properties }: RawEvent, property: string): unknown {
  const path = property.replace(/^properties\./, '').split('.');
  return path.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : null),
    properties,
  );
}

/** What one event says of a property; null where it says no number. */
export function numberOf(event: RawEvent, property: string): Fraction | null {
  if (property === 'requests') return Fraction.ONE;
  const sum = (names: readonly string[]): Fraction => Fraction.sum(names.map((name) => Fraction.read(event.counts[name] ?? '0')));
  if (property === 'tokens.total') return sum([...INPUT, ...OUTPUT]);
  if (property === 'tokens.input') return sum(INPUT);
  if (property === 'tokens.output') return sum(OUTPUT);
  if (property.startsWith('tokens.')) return sum([property.slice('tokens.'.length)]);
  if (!property.startsWith('properties.')) return sum([property]);
  const value = propertyOf(event, property);
  return (typeof value === 'string' || typeof value === 'number') && /^-?\d+(\.\d+)?$/.test(String(value))
    ? Fraction.read(String(value))
    : null;
}

/** The quantity of the events that a meter counts; `before`: events of earlier parts of the billing period, whose members are charged already. */
export function quantityOf(meter: RawMeter, events: readonly RawEvent[], before: readonly RawEvent[]): Fraction {
  const property = meter.value_property ?? 'requests';
  switch (meter.aggregation) {
    case 'COUNT':
      return Fraction.of(events.length);
    case 'SUM':
      return Fraction.sum(events.map((event) => numberOf(event, property) ?? Fraction.ZERO));
    case 'UNIQUE_COUNT':
      return Fraction.of(membersOf(property, [...before, ...events]).size - membersOf(property, before).size);
    case 'MAX':
      return greatestOf(events.map((event) => numberOf(event, property)));
    case 'LATEST': {
      const valued = events.filter((event) => numberOf(event, property) !== null);
      const last = Math.max(...valued.map(({ at }) => at));
      return greatestOf(valued.filter(({ at }) => at === last).map((event) => numberOf(event, property)));
    }
    default:
      return meter.aggregation satisfies never;
  }
}

function membersOf(property: string, events: readonly RawEvent[]): Set<string> {
  return new Set(events.flatMap((event) => textOf(event, property) ?? []));
}

function greatestOf(values: readonly (Fraction | null)[]): Fraction {
  let best: Fraction | null = null;
  for (const value of values) if (value !== null && (best === null || value.compare(best) > 0)) best = value;
  return best ?? Fraction.ZERO;
}

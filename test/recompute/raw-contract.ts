import type { TenantTransaction } from '@tare/database';
import type { CaseAmounts } from '../oracle/bill-case.ts';

/** What the tables say of a customer's agreements, read by SQL of this file's own: nothing of the product's loaders, terms or calendars is used. */

export interface RawFilter {
  readonly property: string;
  readonly in: readonly string[];
}

/** A price as plan_version.terms has it: decimals are text, times are microseconds. */
export interface RawPrice extends CaseAmounts {
  readonly key: string;
  readonly model: 'FLAT' | 'PER_UNIT' | 'PACKAGE' | 'GRADUATED' | 'VOLUME' | 'PERCENTAGE' | 'COST_PLUS';
  readonly meter: string | null;
  readonly match: readonly RawFilter[];
  readonly amount?: string;
  readonly timing?: 'IN_ADVANCE' | 'IN_ARREARS';
  readonly perSeat: boolean;
  readonly valueProperty?: string | null;
  readonly groupBy?: string | null;
  readonly groups?: readonly (CaseAmounts & { readonly in: readonly string[] })[];
  readonly validFrom?: number | null;
  readonly validUntil?: number | null;
  readonly prorateIncluded?: boolean;
  readonly rollover?: boolean;
  readonly rolloverMaximum?: string | null;
  readonly rolloverPeriods?: number | null;
  readonly everyIntervals?: number;
}

export interface RawTerms {
  readonly kind: string;
  readonly currency: string;
  readonly prices: readonly RawPrice[];
  readonly minimumCommitment: string | null;
  readonly commitmentIntervals?: number;
  readonly creditsPerInterval: string | null;
  readonly creditPrice: string | null;
  readonly creditExhaustion: string;
  readonly overagePricePerCredit: string | null;
  readonly burnRates: readonly { readonly meter: string; readonly match: readonly RawFilter[] }[];
  readonly fairUse: readonly { readonly meter: string }[];
  readonly termIntervals?: number | null;
  readonly autoRenew?: boolean;
}

export interface RawSegment {
  readonly id: string;
  readonly subscriptionId: string;
  readonly planVersionId: string;
  readonly terms: RawTerms;
  readonly seats: number;
  readonly start: number;
  readonly end: number | null;
  readonly trialEnd: number | null;
  readonly paused: boolean;
  /** Of a license that does not renew itself. */
  readonly termEnd: number | null;
  /** Cancelled inside of a paid period, the unused part is credited. */
  readonly creditsUnused: boolean;
  /** When the subscription was made. */
  readonly createdAt: number;
}

/** A service period that was opened, with the whole billing period that it lies in. */
export interface RawPeriod {
  readonly id: string;
  readonly segment: RawSegment;
  readonly start: number;
  readonly end: number;
  readonly fullStart: number;
  readonly fullEnd: number;
  /** Counted from the anchor. */
  readonly index: number;
  readonly billedAt: number | null;
  /** The last commit of usage that was seen when it was closed. */
  readonly seenSeq: number | null;
  readonly invoiceId: string | null;
}

export interface RawDiscount {
  readonly key: string;
  readonly percentOff: string | null;
  readonly amountOff: { readonly amount: string; readonly currency: string } | null;
  readonly prices: readonly string[] | null;
  readonly addOns?: readonly string[] | null;
  readonly appliesTo?: 'ALL' | 'FEES' | 'USAGE';
  readonly periods: number | null;
  readonly carriesOn?: boolean;
  readonly from?: number | null;
  readonly until?: number | null;
}

/** With the time that it is for: lines whose service period begins in `[from, until)`. */
export type DatedDiscount = Omit<RawDiscount, 'from' | 'until'> & { readonly from: number; readonly until: number | null };

export interface RawMeter {
  readonly key: string;
  readonly event_type: string;
  readonly aggregation: 'SUM' | 'COUNT' | 'MAX' | 'UNIQUE_COUNT' | 'LATEST';
  readonly value_property: string | null;
  readonly filters: readonly RawFilter[];
}

/** Everything that was agreed with one customer. */
export interface RawContract {
  readonly customerNo: number;
  readonly segments: readonly RawSegment[];
  readonly periods: readonly RawPeriod[];
  readonly discounts: ReadonlyMap<string, readonly DatedDiscount[]>;
  readonly meters: ReadonlyMap<string, RawMeter>;
}

interface SegmentRow {
  readonly id: string;
  readonly subscription_id: string;
  readonly plan_version_id: string;
  readonly terms: RawTerms;
  readonly seats: number;
  readonly start_at: number;
  readonly end_at: number | null;
  readonly term_start_at: number;
  readonly term_end_at?: number | null;
  readonly trial_end_at: number | null;
  readonly paused: boolean;
  readonly created_at: number;
  readonly add_ons: readonly { readonly planKey: string; readonly planVersionId: string; readonly quantity: number }[];
  readonly overrides: readonly ({ readonly price: string } & Partial<RawPrice>)[];
  readonly discounts: readonly RawDiscount[];
  readonly customer_discounts: readonly RawDiscount[];
  readonly credits_unused: boolean;
}

interface PeriodRow {
  readonly id: string;
  readonly segment_id: string;
  readonly start_at: number;
  readonly end_at: number;
  readonly full_start: number;
  readonly full_end: number;
  readonly index: number;
  readonly billed_at: number | null;
  readonly seen_seq: number | null;
  readonly invoice_id: string | null;
}

const SEGMENTS = `
SELECT g.id, g.subscription_id, g.plan_version_id, v.terms, g.seats, g.start_at, coalesce(g.term_start_at, g.start_at) AS term_start_at, least(g.end_at, s.ends_at) AS end_at, g.trial_end_at, g.paused, g.add_ons, g.overrides, s.created_at, s.discounts, s.credits_unused, c.discounts AS customer_discounts
FROM subscription s JOIN customer c ON c.tenant_id = s.tenant_id AND c.id = s.customer_id JOIN subscription_segment g ON g.tenant_id = s.tenant_id AND g.subscription_id = s.id
JOIN plan_version v ON v.tenant_id = g.tenant_id AND v.id = g.plan_version_id
WHERE s.tenant_id = $1 AND s.customer_id = $2 AND (g.end_at IS NULL OR g.end_at > g.start_at) ORDER BY s.created_at, s.id, g.start_at, g.position`;

/** Whole billing periods by the calendar of PostgreSQL: the wall clock of the zone at the anchor, so many intervals on, month ends clamped from the anchor. */
const PERIODS = `
WITH counted AS (
  SELECT p.*, g.time_zone AS zone, v.terms ->> 'alignment' AS alignment, g.anchor_at AT TIME ZONE g.time_zone AS wall,
    date_trunc(lower(v.terms ->> 'interval'), g.anchor_at AT TIME ZONE g.time_zone) AS unit_start,
    (v.terms ->> 'intervalCount')::int * CASE v.terms ->> 'interval' WHEN 'DAY' THEN interval '1 day' WHEN 'WEEK' THEN interval '7 days'
      WHEN 'MONTH' THEN interval '1 month' WHEN 'QUARTER' THEN interval '3 months' ELSE interval '1 year' END AS step
  FROM billing_period p JOIN subscription_segment g ON g.tenant_id = p.tenant_id AND g.id = p.segment_id
  JOIN subscription s ON s.tenant_id = g.tenant_id AND s.id = g.subscription_id
  JOIN plan_version v ON v.tenant_id = g.tenant_id AND v.id = g.plan_version_id
  WHERE p.tenant_id = $1 AND s.customer_id = $2
)
SELECT id, segment_id, start_at, end_at, index, billed_at, seen_seq, invoice_id,
  (CASE alignment WHEN 'CALENDAR' THEN unit_start ELSE wall END + index * step) AT TIME ZONE zone AS full_start,
  (CASE alignment WHEN 'CALENDAR' THEN unit_start ELSE wall END + (index + 1) * step) AT TIME ZONE zone AS full_end
FROM counted ORDER BY start_at, id`;

/** $2 the segment, $3 an instant of the first period, $4 how many: where each of them ends, at most as many. */
const ENDS_OF_PERIODS = `
SELECT boundary.at FROM subscription_segment g JOIN plan_version v ON v.tenant_id = g.tenant_id AND v.id = g.plan_version_id
CROSS JOIN generate_series(-5, 2000) AS n CROSS JOIN LATERAL (
  SELECT (CASE v.terms ->> 'alignment' WHEN 'CALENDAR' THEN date_trunc(lower(v.terms ->> 'interval'), g.anchor_at AT TIME ZONE g.time_zone)
      ELSE g.anchor_at AT TIME ZONE g.time_zone END
    + n * (v.terms ->> 'intervalCount')::int * CASE v.terms ->> 'interval' WHEN 'DAY' THEN interval '1 day' WHEN 'WEEK' THEN interval '7 days'
      WHEN 'MONTH' THEN interval '1 month' WHEN 'QUARTER' THEN interval '3 months' ELSE interval '1 year' END) AT TIME ZONE g.time_zone AS at
) AS boundary
WHERE g.tenant_id = $1 AND g.id = $2 AND boundary.at > $3::timestamptz ORDER BY boundary.at LIMIT $4`;

/** $2 the segment, $3 how many periods from the anchor: where that one begins. */
const START_OF_PERIOD = `
SELECT (CASE v.terms ->> 'alignment' WHEN 'CALENDAR' THEN date_trunc(lower(v.terms ->> 'interval'), g.anchor_at AT TIME ZONE g.time_zone)
      ELSE g.anchor_at AT TIME ZONE g.time_zone END
    + $3::int * (v.terms ->> 'intervalCount')::int * CASE v.terms ->> 'interval' WHEN 'DAY' THEN interval '1 day' WHEN 'WEEK' THEN interval '7 days'
      WHEN 'MONTH' THEN interval '1 month' WHEN 'QUARTER' THEN interval '3 months' ELSE interval '1 year' END) AT TIME ZONE g.time_zone AS at
FROM subscription_segment g JOIN plan_version v ON v.tenant_id = g.tenant_id AND v.id = g.plan_version_id WHERE g.tenant_id = $1 AND g.id = $2`;

const METERS = 'SELECT key, event_type, aggregation, value_property, filters FROM meter WHERE tenant_id = $1';
const VERSIONS = 'SELECT id, terms FROM plan_version WHERE tenant_id = $1';

export async function readContract(tx: TenantTransaction, customerId: string): Promise<RawContract> {
  const [customer] = await tx.query<{ no: number }>('SELECT no FROM customer WHERE tenant_id = $1 AND id = $2', [tx.tenantId, customerId]);
  const versions = new Map((await tx.query<{ id: string; terms: RawTerms }>(VERSIONS, [tx.tenantId])).map(({ id, terms }) => [id, terms]));
  const rows: SegmentRow[] = [];
  for (const row of await tx.query<SegmentRow>(SEGMENTS, [tx.tenantId, customerId])) {
    const term = await termEndOf(tx, row);
    rows.push({ ...row, term_end_at: term, end_at: term === null ? row.end_at : Math.min(row.end_at ?? term, term) });
  }
  const segments = rows.map((row) => segmentOf(row, versions));
  const periods = await tx.query<PeriodRow>(PERIODS, [tx.tenantId, customerId]);
  const meters = await tx.query<RawMeter>(METERS, [tx.tenantId]);
  return {
    customerNo: customer?.no ?? -1,
    segments,
    periods: periods.flatMap((row) => periodOf(row, segments)),
    discounts: await discountsOf(tx, rows),
    meters: new Map(meters.map((meter) => [meter.key, meter])),
  };
}

/** Plan terms, with add-ons beside them and agreed amounts in their place. */
function segmentOf(row: SegmentRow, versions: ReadonlyMap<string, RawTerms>): RawSegment {
  const added = row.add_ons.flatMap(({ planKey, planVersionId, quantity }) =>
    (versions.get(planVersionId)?.prices ?? []).map((price) => ({ price: { ...price, key: `${planKey}/${price.key}` }, quantity })),
  );
  const own = row.terms.prices.map((price) => ({ price, quantity: 1 }));
  const prices = [...own, ...added].map(({ price, quantity }) => {
    const { price: _, ...agreed } = row.overrides.find((override) => override.price === price.key) ?? { price: '' };
    const merged: RawPrice = { ...price, ...agreed };
    if (quantity === 1) return merged;
    return {
      ...merged,
      ...(merged.amount === undefined ? {} : { amount: timesWhole(merged.amount, quantity) }),
      ...(merged.includedQuantity === undefined ? {} : { includedQuantity: timesWhole(merged.includedQuantity, quantity) }),
    };
  });
  return {
    id: row.id,
    subscriptionId: row.subscription_id,
    planVersionId: row.plan_version_id,
    terms: { ...row.terms, prices },
    seats: row.seats,
    start: row.start_at,
    end: row.end_at,
    trialEnd: row.trial_end_at,
    paused: row.paused,
    termEnd: row.term_end_at ?? null,
    creditsUnused: row.credits_unused,
    createdAt: row.created_at,
  };
}

/** Where a license ends that does not renew itself: with its first term, which begins after a trial. Null for all else. */
async function termEndOf(tx: TenantTransaction, row: SegmentRow): Promise<number | null> {
  const { kind, autoRenew, termIntervals } = row.terms;
  if (kind !== 'SITE_LICENSE' || autoRenew === true) return null;
  const begin = Math.max(row.term_start_at, row.trial_end_at ?? row.term_start_at);
  return endOf(tx, row.id, begin, termIntervals ?? 1);
}

function timesWhole(text: string, times: number): string {
  const decimals = text.split('.')[1]?.length ?? 0;
  const digits = (BigInt(text.replace('.', '')) * BigInt(times)).toString().padStart(decimals + 1, '0');
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

function periodOf(row: PeriodRow, segments: readonly RawSegment[]): RawPeriod[] {
  const segment = segments.find(({ id }) => id === row.segment_id);
  if (segment === undefined) return [];
  const { id, start_at: start, end_at: end, full_start: fullStart, full_end: fullEnd, invoice_id: invoiceId, index } = row;
  return [{ id, segment, start, end, fullStart, fullEnd, index, billedAt: row.billed_at, seenSeq: row.seen_seq, invoiceId }];
}

async function discountsOf(tx: TenantTransaction, rows: readonly SegmentRow[]): Promise<RawContract['discounts']> {
  const discounts = new Map<string, DatedDiscount[]>();
  for (const { subscription_id: id, discounts: given, customer_discounts: ofCustomer } of rows) {
    if (discounts.has(id)) continue;
    const own = rows.filter((row) => row.subscription_id === id);
    const dated: DatedDiscount[] = [];
    for (const discount of [...given, ...ofCustomer]) dated.push({ ...discount, ...(await spanOf(tx, discount, own)) });
    discounts.set(id, dated);
  }
  return discounts;
}

/** Periods are counted from the first one that is charged and begins while the discount is there. */
async function spanOf(
  tx: TenantTransaction,
  { from: given, until = null, periods }: RawDiscount,
  segments: readonly SegmentRow[],
): Promise<{ from: number; until: number | null }> {
  const begin = segments[0]?.start_at ?? 0;
  const from = Math.max(given ?? begin, begin);
  const chargedFrom = ({ paused, start_at: start, trial_end_at: trialEnd }: SegmentRow): number =>
    paused ? Infinity : Math.max(start, trialEnd ?? start, from);
  const first = segments.find((row) => chargedFrom(row) < (row.end_at ?? Infinity));
  if (periods === null || first === undefined) return { from, until };
  const counted = chargedFrom(first);
  const isWhole =
    counted === Math.max(first.start_at, first.trial_end_at ?? first.start_at) || (await endOf(tx, first.id, counted - 1, 1)) === counted;
  const last = await endOf(tx, first.id, counted, isWhole ? periods : periods + 1);
  return { from, until: until === null ? last : Math.min(last, until) };
}

/** Where the so many-th billing period from an instant on ends. */
export async function endOf(tx: TenantTransaction, segmentId: string, from: number, periods: number): Promise<number> {
  const ends = await tx.query<{ at: number }>(ENDS_OF_PERIODS, [tx.tenantId, segmentId, instantText(from), periods]);
  return ends.at(-1)?.at ?? Number.NaN;
}

/** The so many billing periods, counted from the anchor, that a period lies in; whole, whatever the subscription serves of them. */
export async function spanOfPeriods(
  tx: TenantTransaction,
  { segment, index }: RawPeriod,
  count: number,
): Promise<{ start: number; end: number }> {
  const first = Math.floor(index / count) * count;
  const startOf = async (periods: number): Promise<number> => {
    const [row] = await tx.query<{ at: number }>(START_OF_PERIOD, [tx.tenantId, segment.id, periods]);
    return row?.at ?? Number.NaN;
  };
  return { start: await startOf(first), end: await startOf(first + count) };
}

const MICROS_PER_MILLISECOND = 1_000;

/** Whole milliseconds as a date, and the microseconds that it cannot hold behind them. */
export function instantText(at: number): string {
  const micros = ((at % MICROS_PER_MILLISECOND) + MICROS_PER_MILLISECOND) % MICROS_PER_MILLISECOND;
  const text = new Date((at - micros) / MICROS_PER_MILLISECOND).toISOString();
  return `${text.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

/** Nothing of it is charged: a trial, or a pause. */
export const isFree = ({ segment, start }: RawPeriod): boolean => segment.paused || start < (segment.trialEnd ?? start);

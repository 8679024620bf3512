import { Injectable } from '@nestjs/common';
import { PlanStore, type PlanVersion } from '@tare/catalog';
import { effectiveTerms, overridesFromJson } from '@tare/core';
import type { AttachedAddOn, Instant, PlanTerms, PriceOverride, Segment } from '@tare/core';
import { sqlInstant, sqlInstantOrNull, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import { discountFromJson, discountToJson, type DiscountJson, type SubscriptionDiscount } from './discount.ts';

export interface Subscription {
  readonly id: string;
  readonly customerId: string;
  readonly startsAt: Instant;
  /** From here on it no longer bills; null while it is not cancelled. */
  readonly endsAt: Instant | null;
  /** When somebody cancelled it. */
  readonly canceledAt: Instant | null;
  /** It may stand beside another subscription on the same meter (SEMANTICS 3.6). */
  readonly overlap: boolean;
  /** Its customer's, then its own. */
  readonly discounts: readonly SubscriptionDiscount[];
  /** Cancelled inside of a paid period, the unused part is credited. */
  readonly creditsUnused: boolean;
  /** Since when it keeps its plan version whatever is migrated; null: it does not. */
  readonly pinnedAt: Instant | null;
  /** The latest time that a change of what is agreed was asked for; null: none was. */
  readonly changedAt: Instant | null;
  readonly createdAt: Instant;
}

/** Which subscriptions; none of the two: all of the tenant. */
export interface SubscriptionFilter {
  readonly customerIds?: readonly string[];
  readonly subscriptionIds?: readonly string[];
}

/** What is kept of a segment; the rest is its plan version's and its subscription's. */
export type NewSegment = Pick<
  Segment,
  | 'subscriptionId'
  | 'planVersionId'
  | 'seats'
  | 'addOns'
  | 'overrides'
  | 'paused'
  | 'start'
  | 'end'
  | 'anchor'
  | 'termStart'
  | 'trialEnd'
  | 'timeZone'
>;

interface SubscriptionRow {
  readonly id: string;
  readonly customer_id: string;
  readonly starts_at: Instant;
  readonly ends_at: Instant | null;
  readonly canceled_at: Instant | null;
  readonly overlap: boolean;
  readonly discounts: DiscountJson[];
  readonly customer_discounts: DiscountJson[];
  readonly credits_unused: boolean;
  readonly pinned_at: Instant | null;
  readonly changed_at: Instant | null;
  readonly created_at: Instant;
}

interface SegmentRow {
  readonly id: string;
  readonly subscription_id: string;
  readonly plan_version_id: string;
  readonly seats: number;
  readonly add_ons: AttachedAddOn[];
  readonly overrides: unknown[];
  readonly paused: boolean;
  readonly term_start_at: Instant | null;
  readonly start_at: Instant;
  readonly end_at: Instant | null;
  readonly anchor_at: Instant;
  readonly trial_end_at: Instant | null;
  readonly time_zone: string;
  readonly overlap: boolean;
  readonly created_at: Instant;
  /** It is cut by a cancellation that credits what is unused. */
  readonly credits_unused: boolean;
}

const SELECT = `SELECT s.id, s.customer_id, s.starts_at, s.ends_at, s.canceled_at, s.overlap, s.discounts, s.credits_unused, s.pinned_at, s.changed_at, s.created_at,
    c.discounts AS customer_discounts
  FROM subscription s JOIN customer c ON c.tenant_id = s.tenant_id AND c.id = s.customer_id`;
const SEGMENT_COLUMNS = `g.id, g.subscription_id, g.plan_version_id, g.seats, g.add_ons, g.overrides, g.paused, g.term_start_at, g.start_at, g.anchor_at,
  g.trial_end_at, g.time_zone, s.overlap, s.created_at`;
/** A cancellation cuts what was agreed without taking it away: taken back, everything is there again. */
const CUT_END = 'CASE WHEN s.ends_at IS NULL THEN g.end_at ELSE least(g.end_at, greatest(g.start_at, s.ends_at)) END';
const FILTER =
  's.tenant_id = $1 AND ($2::uuid[] IS NULL OR s.customer_id = ANY ($2::uuid[])) AND ($3::uuid[] IS NULL OR s.id = ANY ($3::uuid[]))';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** SQL of subscriptions and their segments. */
@Injectable()
export class SubscriptionStore {
  constructor(private readonly plans: PlanStore) {}

  /** Oldest first. */
  async subscriptions(tx: TenantTransaction, filter: SubscriptionFilter = {}): Promise<Subscription[]> {
    const rows = await tx.query<SubscriptionRow>(`${SELECT} WHERE ${FILTER} ORDER BY s.created_at, s.id`, filterValues(tx, filter));
    return rows.map(subscriptionOfRow);
  }

  /** Null for an id of nothing, of another tenant, or that is no id at all. */
  async byId(tx: TenantTransaction, id: string): Promise<Subscription | null> {
    if (!UUID.test(id)) return null;
    const [subscription] = await this.subscriptions(tx, { subscriptionIds: [id] });
    return subscription ?? null;
  }

  /**
   * Segments with what they are billed by: subscriptions oldest first, each one's segments in order of time, cut where the subscription is cancelled. A
   * segment that was replaced before it began ends where it starts: it covers no time, and no bill sees it.
   */
  async segments(tx: TenantTransaction, filter: SubscriptionFilter = {}): Promise<Segment[]> {
    const rows = await tx.query<SegmentRow>(
      `SELECT ${SEGMENT_COLUMNS}, ${CUT_END} AS end_at, s.credits_unused AND coalesce(${CUT_END} = s.ends_at, false) AS credits_unused
       FROM subscription s JOIN subscription_segment g ON g.tenant_id = s.tenant_id AND g.subscription_id = s.id
       WHERE ${FILTER} ORDER BY s.created_at, s.id, g.start_at, g.position`,
      filterValues(tx, filter),
    );
    return this.withTerms(tx, rows);
  }

  /** What is agreed for a subscription, as if it were not cancelled, in order of time. */
  async agreedSegments(tx: TenantTransaction, subscriptionId: string): Promise<Segment[]> {
    const rows = await tx.query<SegmentRow>(
      `SELECT ${SEGMENT_COLUMNS}, g.end_at, false AS credits_unused
       FROM subscription s JOIN subscription_segment g ON g.tenant_id = s.tenant_id AND g.subscription_id = s.id
       WHERE s.tenant_id = $1 AND s.id = $2 ORDER BY g.start_at, g.position`,
      [tx.tenantId, subscriptionId],
    );
    return this.withTerms(tx, rows);
  }

  async insert(
    tx: TenantTransaction,
    subscription: Pick<Subscription, 'customerId' | 'startsAt' | 'overlap' | 'discounts'>,
  ): Promise<Subscription> {
    const id = randomUUID();
    await tx.query(`INSERT INTO subscription (tenant_id, id, customer_id, starts_at, overlap, discounts) VALUES ($1, $2, $3, $4, $5, $6)`, [
      tx.tenantId,
      id,
      subscription.customerId,
      sqlInstant(subscription.startsAt),
      subscription.overlap,
      JSON.stringify(subscription.discounts.map(discountToJson)),
    ]);
    const inserted = await this.byId(tx, id);
    if (inserted === null) throw new Error('a subscription was inserted and is not there');
    return inserted;
  }

  /** Adds a segment behind those that are there. */
  async insertSegment(tx: TenantTransaction, segment: NewSegment): Promise<void> {
    await tx.query(
      `INSERT INTO subscription_segment
         (tenant_id, id, subscription_id, position, plan_version_id, seats, add_ons, overrides, paused, start_at, end_at, anchor_at, term_start_at,
          trial_end_at, time_zone)
       VALUES ($1, $2, $3, (SELECT coalesce(max(position), -1) + 1 FROM subscription_segment WHERE tenant_id = $1 AND subscription_id = $3),
         $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
      [
        tx.tenantId,
        randomUUID(),
        segment.subscriptionId,
        segment.planVersionId,
        segment.seats,
        JSON.stringify(segment.addOns),
        JSON.stringify(segment.overrides),
        segment.paused,
        sqlInstant(segment.start),
        sqlInstantOrNull(segment.end),
        sqlInstant(segment.anchor),
        sqlInstant(segment.termStart),
        sqlInstantOrNull(segment.trialEnd),
        segment.timeZone,
      ],
    );
  }

  /** Lets a segment end elsewhere; at its start, it covers no time any more. */
  async endSegment(tx: TenantTransaction, segmentId: string, end: Instant | null): Promise<void> {
    await tx.query('UPDATE subscription_segment SET end_at = $3 WHERE tenant_id = $1 AND id = $2', [
      tx.tenantId,
      segmentId,
      sqlInstantOrNull(end),
    ]);
  }

  /** The first cancellation stays the one that is told; a later one may end the subscription earlier. */
  async markCanceled(
    tx: TenantTransaction,
    subscriptionId: string,
    { endsAt, canceledAt, creditsUnused }: { endsAt: Instant; canceledAt: Instant; creditsUnused: boolean },
  ): Promise<void> {
    await tx.query(
      `UPDATE subscription SET ends_at = $3, canceled_at = coalesce(canceled_at, $4), credits_unused = $5 WHERE tenant_id = $1 AND id = $2`,
      [tx.tenantId, subscriptionId, sqlInstant(endsAt), sqlInstant(canceledAt), creditsUnused],
    );
  }

  async markChanged(tx: TenantTransaction, subscriptionId: string, at: Instant): Promise<void> {
    await tx.query('UPDATE subscription SET changed_at = greatest(changed_at, $3) WHERE tenant_id = $1 AND id = $2', [
      tx.tenantId,
      subscriptionId,
      sqlInstant(at),
    ]);
  }

  async takeBackCancellation(tx: TenantTransaction, subscriptionId: string): Promise<void> {
    await tx.query('UPDATE subscription SET ends_at = NULL, canceled_at = NULL, credits_unused = false WHERE tenant_id = $1 AND id = $2', [
      tx.tenantId,
      subscriptionId,
    ]);
  }

  /** Segments that have agreed the same share their terms: what is known of terms is known by their identity. */
  private async withTerms(tx: TenantTransaction, rows: readonly SegmentRow[]): Promise<Segment[]> {
    const versions = await this.plans.versions(
      tx,
      rows.flatMap((row) => [row.plan_version_id, ...row.add_ons.map(({ planVersionId }) => planVersionId)]),
    );
    const known = new Map<string, PlanTerms>();
    return rows.map((row) => {
      const version = requireVersion(versions, row.plan_version_id, row.id);
      const overrides = row.overrides.length === 0 ? [] : overridesFromJson(row.overrides);
      if (row.add_ons.length === 0 && overrides.length === 0) return segmentOfRow(row, version, version.terms, overrides);
      const key = JSON.stringify([row.plan_version_id, row.add_ons, row.overrides]);
      const terms = known.get(key) ?? effectiveTerms(version.terms, addOnTerms(row.add_ons, versions, row.id), overrides);
      known.set(key, terms);
      return segmentOfRow(row, version, terms, overrides);
    });
  }
}

/** The terms of add-ons, in the order in which they were attached. */
export function addOnTerms(
  addOns: readonly AttachedAddOn[],
  versions: ReadonlyMap<string, PlanVersion>,
  of: string,
): { key: string; terms: PlanTerms; quantity: number }[] {
  return addOns.map(({ planKey, planVersionId, quantity }) => ({
    key: planKey,
    terms: requireVersion(versions, planVersionId, of).terms,
    quantity,
  }));
}

function requireVersion(versions: ReadonlyMap<string, PlanVersion>, id: string, of: string): PlanVersion {
  const version = versions.get(id);
  if (version === undefined) throw new Error(`segment ${of} names plan version ${id}, which is not there`);
  return version;
}

function filterValues(tx: TenantTransaction, { customerIds, subscriptionIds }: SubscriptionFilter): unknown[] {
  return [tx.tenantId, customerIds ?? null, subscriptionIds ?? null];
}

function subscriptionOfRow(row: SubscriptionRow): Subscription {
  return {
    id: row.id,
    customerId: row.customer_id,
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    canceledAt: row.canceled_at,
    overlap: row.overlap,
    discounts: [
      ...row.customer_discounts.map((json) => discountFromJson(json, true)),
      ...row.discounts.map((json) => discountFromJson(json, false)),
    ],
    creditsUnused: row.credits_unused,
    pinnedAt: row.pinned_at,
    changedAt: row.changed_at,
    createdAt: row.created_at,
  };
}

function segmentOfRow(row: SegmentRow, version: PlanVersion, terms: PlanTerms, overrides: readonly PriceOverride[]): Segment {
  return {
    id: row.id,
    subscriptionId: row.subscription_id,
    planVersionId: row.plan_version_id,
    planKey: version.planKey,
    planName: version.planName,
    terms,
    seats: row.seats,
    addOns: row.add_ons,
    overrides,
    paused: row.paused,
    creditsUnused: row.credits_unused,
    start: row.start_at,
    end: row.end_at,
    anchor: row.anchor_at,
    termStart: row.term_start_at ?? row.start_at,
    trialEnd: row.trial_end_at,
    overlap: row.overlap,
    createdAt: row.created_at,
    timeZone: row.time_zone,
  };
}

import { Injectable } from '@nestjs/common';
import { PlanStore } from '@tare/catalog';
import { Decimal } from '@tare/core';
import type { Instant, Segment } from '@tare/core';
import { sqlInstant, sqlInstantOrNull, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';

/** A discount of a subscription. Exactly one of percentOff and amountOff is there. */
export interface SubscriptionDiscount {
  readonly key: string;
  /** "20" is 20 %. */
  readonly percentOff: Decimal | null;
  /** At most this much off each service period. */
  readonly amountOff: { readonly amount: Decimal; readonly currency: string } | null;
  /** Keys of the prices it is for; null: the whole invoice. */
  readonly prices: readonly string[] | null;
  /** Billing periods from the subscription's start; null: forever. */
  readonly periods: number | null;
}

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
  readonly discounts: readonly SubscriptionDiscount[];
  readonly createdAt: Instant;
}

/** Which subscriptions; none of the two: all of the tenant. */
export interface SubscriptionFilter {
  readonly customerIds?: readonly string[];
  readonly subscriptionIds?: readonly string[];
}

/** What is kept of a segment; the rest is its plan version's and its subscription's. */
export type NewSegment = Pick<Segment, 'subscriptionId' | 'planVersionId' | 'seats' | 'start' | 'end' | 'anchor' | 'trialEnd' | 'timeZone'>;

interface SubscriptionRow {
  readonly id: string;
  readonly customer_id: string;
  readonly starts_at: Instant;
  readonly ends_at: Instant | null;
  readonly canceled_at: Instant | null;
  readonly overlap: boolean;
  readonly discounts: DiscountJson[];
  readonly created_at: Instant;
}

interface DiscountJson {
  readonly key: string;
  readonly percentOff: string | null;
  readonly amountOff: { readonly amount: string; readonly currency: string } | null;
  readonly prices: string[] | null;
  readonly periods: number | null;
}

interface SegmentRow {
  readonly id: string;
  readonly subscription_id: string;
  readonly plan_version_id: string;
  readonly seats: number;
  readonly start_at: Instant;
  readonly end_at: Instant | null;
  readonly anchor_at: Instant;
  readonly trial_end_at: Instant | null;
  readonly time_zone: string;
  readonly overlap: boolean;
  readonly created_at: Instant;
}

const COLUMNS = 'id, customer_id, starts_at, ends_at, canceled_at, overlap, discounts, created_at';
const FILTER =
  's.tenant_id = $1 AND ($2::uuid[] IS NULL OR s.customer_id = ANY ($2::uuid[])) AND ($3::uuid[] IS NULL OR s.id = ANY ($3::uuid[]))';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** SQL of subscriptions and their segments. */
@Injectable()
export class SubscriptionStore {
  constructor(private readonly plans: PlanStore) {}

  /** Oldest first. */
  async subscriptions(tx: TenantTransaction, filter: SubscriptionFilter = {}): Promise<Subscription[]> {
    const rows = await tx.query<SubscriptionRow>(
      `SELECT ${COLUMNS} FROM subscription s WHERE ${FILTER} ORDER BY created_at, id`,
      filterValues(tx, filter),
    );
    return rows.map(subscriptionOfRow);
  }

  /** Null for an id of nothing, of another tenant, or that is no id at all. */
  async byId(tx: TenantTransaction, id: string): Promise<Subscription | null> {
    if (!UUID.test(id)) return null;
    const [subscription] = await this.subscriptions(tx, { subscriptionIds: [id] });
    return subscription ?? null;
  }

  /**
   * Segments with the terms of their plan version: subscriptions oldest first, each one's segments in order of time. A segment that was replaced before it
   * began ends where it starts: it covers no time, and no bill sees it.
   */
  async segments(tx: TenantTransaction, filter: SubscriptionFilter = {}): Promise<Segment[]> {
    const rows = await tx.query<SegmentRow>(
      `SELECT g.id, g.subscription_id, g.plan_version_id, g.seats, g.start_at, g.end_at, g.anchor_at, g.trial_end_at, g.time_zone, s.overlap, s.created_at
       FROM subscription s JOIN subscription_segment g ON g.tenant_id = s.tenant_id AND g.subscription_id = s.id
       WHERE ${FILTER} ORDER BY s.created_at, s.id, g.start_at, g.position`,
      filterValues(tx, filter),
    );
    return this.withTerms(tx, rows);
  }

  async insert(
    tx: TenantTransaction,
    subscription: Pick<Subscription, 'customerId' | 'startsAt' | 'overlap' | 'discounts'>,
  ): Promise<Subscription> {
    const [row] = await tx.query<SubscriptionRow>(
      `INSERT INTO subscription (tenant_id, id, customer_id, starts_at, overlap, discounts) VALUES ($1, $2, $3, $4, $5, $6) RETURNING ${COLUMNS}`,
      [
        tx.tenantId,
        randomUUID(),
        subscription.customerId,
        sqlInstant(subscription.startsAt),
        subscription.overlap,
        JSON.stringify(subscription.discounts),
      ],
    );
    if (!row) throw new Error('a subscription was inserted and did not come back');
    return subscriptionOfRow(row);
  }

  /** Adds a segment behind those that are there. */
  async insertSegment(tx: TenantTransaction, segment: NewSegment): Promise<void> {
    await tx.query(
      `INSERT INTO subscription_segment
         (tenant_id, id, subscription_id, position, plan_version_id, seats, start_at, end_at, anchor_at, trial_end_at, time_zone)
       VALUES ($1, $2, $3, (SELECT coalesce(max(position), -1) + 1 FROM subscription_segment WHERE tenant_id = $1 AND subscription_id = $3),
         $4, $5, $6, $7, $8, $9, $10)`,
      [
        tx.tenantId,
        randomUUID(),
        segment.subscriptionId,
        segment.planVersionId,
        segment.seats,
        sqlInstant(segment.start),
        sqlInstantOrNull(segment.end),
        sqlInstant(segment.anchor),
        sqlInstantOrNull(segment.trialEnd),
        segment.timeZone,
      ],
    );
  }

  /** A segment that was to end at a change that is taken back. */
  async reopenSegment(tx: TenantTransaction, segmentId: string): Promise<void> {
    await tx.query('UPDATE subscription_segment SET end_at = NULL WHERE tenant_id = $1 AND id = $2', [tx.tenantId, segmentId]);
  }

  /** Nothing of the subscription reaches beyond `at`: what runs ends there, what would start later covers no time. */
  async endSegments(tx: TenantTransaction, subscriptionId: string, at: Instant): Promise<void> {
    await tx.query(
      `UPDATE subscription_segment SET end_at = greatest(start_at, $3::timestamptz)
       WHERE tenant_id = $1 AND subscription_id = $2 AND (end_at IS NULL OR end_at > greatest(start_at, $3::timestamptz))`,
      [tx.tenantId, subscriptionId, sqlInstant(at)],
    );
  }

  async markCanceled(
    tx: TenantTransaction,
    subscriptionId: string,
    { endsAt, canceledAt }: { endsAt: Instant; canceledAt: Instant },
  ): Promise<void> {
    await tx.query('UPDATE subscription SET ends_at = $3, canceled_at = coalesce(canceled_at, $4) WHERE tenant_id = $1 AND id = $2', [
      tx.tenantId,
      subscriptionId,
      sqlInstant(endsAt),
      sqlInstant(canceledAt),
    ]);
  }

  private async withTerms(tx: TenantTransaction, rows: readonly SegmentRow[]): Promise<Segment[]> {
    const versions = await this.plans.versions(
      tx,
      rows.map((row) => row.plan_version_id),
    );
    return rows.map((row) => {
      const version = versions.get(row.plan_version_id);
      if (version === undefined) throw new Error(`segment ${row.id} names plan version ${row.plan_version_id}, which is not there`);
      return segmentOfRow(row, version);
    });
  }
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
    discounts: row.discounts.map(discountOfJson),
    createdAt: row.created_at,
  };
}

function discountOfJson({ key, percentOff, amountOff, prices, periods }: DiscountJson): SubscriptionDiscount {
  return {
    key,
    percentOff: percentOff === null ? null : Decimal.parse(percentOff),
    amountOff: amountOff && { amount: Decimal.parse(amountOff.amount), currency: amountOff.currency },
    prices,
    periods,
  };
}

function segmentOfRow(row: SegmentRow, version: { planKey: string; planName: string; terms: Segment['terms'] }): Segment {
  return {
    id: row.id,
    subscriptionId: row.subscription_id,
    planVersionId: row.plan_version_id,
    planKey: version.planKey,
    planName: version.planName,
    terms: version.terms,
    seats: row.seats,
    start: row.start_at,
    end: row.end_at,
    anchor: row.anchor_at,
    trialEnd: row.trial_end_at,
    overlap: row.overlap,
    createdAt: row.created_at,
    timeZone: row.time_zone,
  };
}

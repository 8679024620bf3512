import { Injectable } from '@nestjs/common';
import { assembleInvoice, Decimal, servicePeriodAt } from '@tare/core';
import type { Instant, Segment } from '@tare/core';
import { CustomerStore, MigrationsService, SubscriptionStore, type Customer, type MigrationRequest } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { historyAfter, openingHistory } from '../periods/billing-history.ts';
import type { BillingInstant, Part } from '../periods/billing-instant.ts';
import { BillingPeriodStore, type BillingPeriod } from '../periods/billing-period.store.ts';
import { PeriodFacts } from '../periods/period-facts.ts';

/** What a subscription would have paid for its last closed billing period, and what it pays under the version that it is on. */
export interface MigrationEffect {
  readonly subscriptionId: string;
  readonly customer: Customer;
  readonly currency: string;
  /** The billing period that both are for; null: none is closed yet, and only fees are compared. */
  readonly periodStart: Instant | null;
  readonly periodEnd: Instant | null;
  /** Fees, usage and commitment of the period net of discounts, without tax and prepaid money. */
  readonly before: Decimal;
  readonly after: Decimal;
  /** after - before: above zero, it pays more. */
  readonly change: Decimal;
}

export interface MigrationPreview {
  readonly rows: readonly MigrationEffect[];
  readonly payMore: number;
  readonly payLess: number;
  readonly hasNextPage: boolean;
  readonly endCursor: string | null;
}

interface Comparison {
  readonly subscriptionId: string;
  /** All of the customer, as they are and as they would be. */
  readonly segments: readonly Segment[];
  readonly migrated: readonly Segment[];
  readonly period: BillingPeriod | null;
}

/**
 * Who pays what more or less under another version of a plan: the last closed billing period of each subscription, whole, rated under both versions by what
 * makes the bills (SEMANTICS 11.1). Both start from the same place, with no rest of discounts carried on and only the credits that the plan grants, so that
 * nothing but the version makes the difference. Nothing is stored.
 */
@Injectable()
export class MigrationPreviews {
  constructor(
    private readonly database: Database,
    private readonly migrations: MigrationsService,
    private readonly customers: CustomerStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly periods: BillingPeriodStore,
    private readonly facts: PeriodFacts,
  ) {}

  /** @throws CodedError those of MigrationsService.scope */
  preview(tenantId: string, request: MigrationRequest): Promise<MigrationPreview> {
    return this.database.withTenant(tenantId, async (tx) => {
      const { from, to, subscriptionIds, hasNextPage } = await this.migrations.scope(tx, request);
      const subscriptions = await this.subscriptions.subscriptions(tx, { subscriptionIds });
      const customers = await this.customers.byIds(
        tx,
        subscriptions.map(({ customerId }) => customerId),
      );
      const rows: MigrationEffect[] = [];
      for (const { id, customerId } of subscriptions) {
        const customer = customers.get(customerId);
        if (customer === undefined) throw new Error(`subscription ${id} lost its customer`);
        const segments = await this.subscriptions.segments(tx, { customerIds: [customerId] });
        const migrated = await this.migrations.asIfMigrated(tx, segments, from, to);
        const effect = await this.effect(tx, {
          subscriptionId: id,
          segments,
          migrated,
          period: await this.lastClosed(tx, id, segments, from.versionId),
        });
        rows.push({ ...effect, subscriptionId: id, customer, currency: to.terms.currency });
      }
      return {
        rows: rows.sort((a, b) => b.change.compare(a.change)),
        payMore: rows.filter(({ change }) => change.isPositive()).length,
        payLess: rows.filter(({ change }) => change.isNegative()).length,
        hasNextPage,
        endCursor: subscriptionIds.at(-1) ?? null,
      };
    });
  }

  private async effect(
    tx: TenantTransaction,
    comparison: Comparison,
  ): Promise<Pick<MigrationEffect, 'periodStart' | 'periodEnd' | 'before' | 'after' | 'change'>> {
    const before = await this.charged(tx, comparison, comparison.segments);
    const after = await this.charged(tx, comparison, comparison.migrated);
    const { period } = comparison;
    return { periodStart: period?.start ?? null, periodEnd: period?.end ?? null, before, after, change: after.minus(before) };
  }

  /** The last closed period on the version: changed inside of it, only its last part. */
  private async lastClosed(
    tx: TenantTransaction,
    subscriptionId: string,
    segments: readonly Segment[],
    versionId: string,
  ): Promise<BillingPeriod | null> {
    const ofVersion = new Set(segments.filter(({ planVersionId }) => planVersionId === versionId).map(({ id }) => id));
    const rows = await this.periods.ofSubscription(tx, subscriptionId);
    return rows.filter(({ closedAt, segmentId }) => closedAt !== null && ofVersion.has(segmentId)).at(-1) ?? null;
  }

  /** What one world charges for the period: its fees when it begins, its usage when it ends. */
  private async charged(
    tx: TenantTransaction,
    { subscriptionId, period, segments: real }: Comparison,
    segments: readonly Segment[],
  ): Promise<Decimal> {
    const part = partOf(segments, real, subscriptionId, period);
    if (part === null) return Decimal.ZERO;
    const begins = instantAt(part.period.start, { opens: [part], fees: part.period.trial ? [] : [part] });
    const ends = period === null ? [] : [instantAt(part.period.end, { closes: [part] })];
    let history = openingHistory();
    let total = Decimal.ZERO;
    for (const [index, instant] of [begins, ...ends].entries()) {
      const result = await this.facts.load(tx, { subscriptionId, instant, late: 'NONE', world: { segments, history } });
      const invoices = result.invoices.map(assembleInvoice);
      history = historyAfter(history, result, invoices, index);
      total = Decimal.sum([total, ...invoices.map(({ taxBase }) => taxBase)]);
    }
    return total;
  }
}

/** The part to compare: of the closed period, else the one that the subscription begins with. */
function partOf(segments: readonly Segment[], real: readonly Segment[], subscriptionId: string, closed: BillingPeriod | null): Part | null {
  const index = real.findIndex((segment) =>
    closed === null ? segment.subscriptionId === subscriptionId && segment.end !== segment.start : segment.id === closed.segmentId,
  );
  const segment = segments[index];
  const period = segment && servicePeriodAt({ ...segment, end: closed?.end ?? segment.end }, closed?.start ?? chargedFrom(segment));
  return segment && period ? { segment, period } : null;
}

function chargedFrom({ start, trialEnd }: Segment): Instant {
  return Math.max(start, trialEnd ?? start);
}

function instantAt(at: Instant, more: Partial<BillingInstant>): BillingInstant {
  return { at, kind: 'REGULAR', closes: [], opens: [], fees: [], change: null, ...more };
}

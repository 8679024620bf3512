import { Injectable } from '@nestjs/common';
import { PlanStore, type PlanVersion } from '@tare/catalog';
import { CodedError, resetsAnchor } from '@tare/core';
import type { Instant, Segment } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { requireAttachable } from './add-ons.ts';
import { MigrationStore } from './migration.store.ts';
import { periodEndAt } from './plan-change.ts';
import { fittingOverrides } from './price-overrides.ts';
import { SubscriptionEditor, presentInstant, type HeldSubscription } from './subscription-editor.ts';
import { revised, timelineEdit, timelineOf, type Agreement, type Stretch } from './timeline.ts';

/** NOW: at `at`, prorated to the second. RENEWAL: at the end of the period, of a license of its term. NEVER: it keeps its version, also in migrations to come. */
export type MigrationTiming = 'NOW' | 'RENEWAL' | 'NEVER';

export interface MigrationRequest {
  /** Key. */
  readonly plan: string;
  readonly fromVersion: number;
  /** None: the newest. */
  readonly toVersion?: number | null | undefined;
  /** Keys; none: all customers, but for subscriptions that are pinned. */
  readonly customers?: readonly string[] | null | undefined;
  /** None: now. */
  readonly at?: Instant | null | undefined;
  /** At most so many subscriptions; none: 100. */
  readonly first?: number | null | undefined;
  /** `endCursor` of the page before. */
  readonly after?: string | null | undefined;
}

export interface MigrationRefusal {
  /** Id of the subscription. */
  readonly subscription: string;
  readonly code: string;
  readonly message: string;
}

/** What one page of a migration has done. */
export interface MigrationPage {
  readonly migrated: number;
  /** They were migrated before, or pinned. */
  readonly unchanged: number;
  /** What could not be migrated, and why; the others were. */
  readonly refused: readonly MigrationRefusal[];
  readonly hasNextPage: boolean;
  readonly endCursor: string | null;
}

/** A page of subscriptions on the version that a migration is from. */
export interface MigrationScope {
  readonly from: PlanVersion;
  readonly to: PlanVersion;
  readonly subscriptionIds: readonly string[];
  readonly hasNextPage: boolean;
}

const PAGE = 100;
const MOST = 500;

/**
 * Brings subscriptions from one version of a plan to another (SEMANTICS 4.9), page by page: each subscription is a transaction of its own, one that cannot be
 * migrated does not stop the others, and a migration that was interrupted is asked for again: what is migrated stays as it is.
 */
@Injectable()
export class MigrationsService {
  constructor(
    private readonly database: Database,
    private readonly store: MigrationStore,
    private readonly plans: PlanStore,
    private readonly editor: SubscriptionEditor,
  ) {}

  /** @throws CodedError UNKNOWN_PLAN | UNKNOWN_VERSION | SAME_VERSION | INVALID_COUNT */
  async migrate(
    tenantId: string,
    request: MigrationRequest & { readonly timing: MigrationTiming },
    actor = 'tare',
  ): Promise<MigrationPage> {
    const at = request.at ?? presentInstant();
    const scope = await this.database.withTenant(tenantId, (tx) => this.scope(tx, { ...request, at }));
    const refused: MigrationRefusal[] = [];
    let migrated = 0;
    for (const id of scope.subscriptionIds) {
      try {
        if (await this.database.withTenant(tenantId, (tx) => this.migrateOne(tx, id, scope, { ...request, at }, actor))) migrated += 1;
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        refused.push({ subscription: id, code: error.code, message: error.message });
      }
    }
    return {
      migrated,
      unchanged: scope.subscriptionIds.length - migrated - refused.length,
      refused,
      hasNextPage: scope.hasNextPage,
      endCursor: scope.subscriptionIds.at(-1) ?? null,
    };
  }

  /** The page of subscriptions that a migration is about. @throws CodedError UNKNOWN_PLAN | UNKNOWN_VERSION | SAME_VERSION | INVALID_COUNT */
  async scope(tx: TenantTransaction, request: MigrationRequest): Promise<MigrationScope> {
    const { plan, fromVersion, toVersion, customers, at, after } = request;
    const newest = await this.editor.requirePlan(tx, plan);
    const from = await this.version(tx, newest, fromVersion, 'fromVersion');
    const to = toVersion === null || toVersion === undefined ? newest : await this.version(tx, newest, toVersion, 'toVersion');
    if (from.versionId === to.versionId)
      throw new CodedError('SAME_VERSION', `Both are version ${to.version}: there is nothing to migrate.`, 'toVersion');
    const limit = requireFirst(request.first ?? PAGE);
    const candidates = {
      planVersionId: from.versionId,
      at: at ?? presentInstant(),
      customers: customers ?? null,
      after: requireCursor(after ?? null),
      limit: limit + 1,
    };
    const ids = await this.store.candidates(tx, candidates);
    return { from, to, subscriptionIds: ids.slice(0, limit), hasNextPage: ids.length > limit };
  }

  /** Segments as they would be if those of one version had always been of the other: for a preview. */
  async asIfMigrated(tx: TenantTransaction, segments: readonly Segment[], from: PlanVersion, to: PlanVersion): Promise<Segment[]> {
    const migrated: Segment[] = [];
    for (const segment of segments) {
      if (segment.planVersionId !== from.versionId) migrated.push(segment);
      else {
        const agreement = { ...segment, ...agreedOn(segment, to) };
        const { planName, terms } = await this.editor.termsOf(tx, agreement);
        migrated.push({ ...agreement, planName, terms });
      }
    }
    return migrated;
  }

  private async migrateOne(
    tx: TenantTransaction,
    id: string,
    { from, to }: MigrationScope,
    { timing, at, customers }: { timing: MigrationTiming; at: Instant; customers?: readonly string[] | null | undefined },
    actor: string,
  ): Promise<boolean> {
    const held = await this.editor.hold(tx, id);
    if (timing === 'NEVER') {
      await this.store.pin(tx, id);
      if (held.subscription.pinnedAt !== null) return false;
      await this.editor.done(tx, id, { actor, action: 'subscription.pin', detail: { plan: from.planKey, version: from.version } });
      return true;
    }
    const timeline = await this.migratedTimeline(tx, held, from, to, effectiveAt(held, timing, at));
    if (customers !== null && customers !== undefined) await this.store.unpin(tx, id);
    if (timelineEdit(held.segments, timeline).from === null) return false;
    await this.editor.apply(tx, held, timeline, at);
    const detail = { plan: to.planKey, from: from.version, to: to.version, timing, at };
    await this.editor.done(tx, id, { actor, action: 'subscription.migrate', detail });
    return true;
  }

  private async migratedTimeline(
    tx: TenantTransaction,
    { segments }: HeldSubscription,
    from: PlanVersion,
    to: PlanVersion,
    effective: Instant,
  ): Promise<Stretch[]> {
    const timeline = timelineOf(segments);
    const addOns = timeline.filter(({ planVersionId }) => planVersionId === from.versionId).flatMap((stretch) => stretch.addOns);
    const versions = await this.plans.versions(
      tx,
      addOns.map(({ planVersionId }) => planVersionId),
    );
    requireAttachable([...versions.values()], to);
    const anchor = resetsAnchor(from.terms, to.terms) ? { anchor: effective } : {};
    return revised(timeline, { from: effective }, (stretch) =>
      stretch.planVersionId === from.versionId ? { ...agreedOn(stretch, to), ...anchor } : {},
    );
  }

  private async version(tx: TenantTransaction, { planKey }: PlanVersion, version: number, path: string): Promise<PlanVersion> {
    const id = await this.store.versionId(tx, planKey, version);
    const found = id === null ? undefined : (await this.plans.versions(tx, [id])).get(id);
    if (found === undefined) throw new CodedError('UNKNOWN_VERSION', `Plan "${planKey}" has no published version ${version}.`, path);
    return found;
  }
}

/** What changes of an agreement under another version: prices agreed for what is not there any more end. */
function agreedOn({ overrides }: Pick<Agreement, 'overrides'>, to: PlanVersion): Pick<Agreement, 'planVersionId' | 'overrides'> {
  return { planVersionId: to.versionId, overrides: fittingOverrides(overrides, to.terms) };
}

/** When a subscription that runs at `at` goes over; one that starts later does at its start. */
function effectiveAt({ segments }: HeldSubscription, timing: MigrationTiming, at: Instant): Instant {
  if (timing === 'NOW') return at;
  const running = segments.find(({ start, end }) => start <= at && at < (end ?? Infinity) && end !== start);
  return running === undefined ? at : periodEndAt(running, at);
}

function requireFirst(first: number): number {
  if (Number.isInteger(first) && first >= 1 && first <= MOST) return first;
  throw new CodedError('INVALID_COUNT', `It is a whole number from 1 to ${MOST}.`, 'first');
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function requireCursor(after: string | null): string | null {
  if (after === null || UUID.test(after)) return after;
  throw new CodedError('INVALID_CURSOR', 'It is the endCursor of the page before.', 'after');
}

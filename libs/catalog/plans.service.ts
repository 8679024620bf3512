import { Injectable } from '@nestjs/common';
import { AuditLog } from '@tare/access';
import { CodedError, parsePlan, planTermsToJson, requireStorable, requiredText } from '@tare/core';
import type { PlanInput, PlanTerms } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { isDeepStrictEqual } from 'node:util';
import type { KeysetRow, Page, PageRequest } from './keyset-page.ts';
import { MeterStore } from './meter.store.ts';
import { PlanDraftStore, type ListedPlan, type PlanListing } from './plan-draft.store.ts';
import { draftViewOf, planViewOf, type PlanView, type PublishedPlanView } from './plan-view.ts';
import { PlanStore, type LatestPlanVersion } from './plan.store.ts';

/** Nobody in particular: a process of ours. */
const ANYBODY = 'tare';

/** What a version of a plan says. */
interface WrittenPlan {
  readonly key: string;
  readonly name: string;
  readonly terms: PlanTerms;
}

/**
 * Plans: what is charged, versioned: drafted, published, archived (SEMANTICS 4.9, 5). Who changed what is written down in the transaction of the change; what
 * changes nothing is not. `actor` everywhere: id of the API key, or the name of the process.
 */
@Injectable()
export class PlansService {
  constructor(
    private readonly database: Database,
    private readonly plans: PlanStore,
    private readonly drafts: PlanDraftStore,
    private readonly meters: MeterStore,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Publishes a plan; with the key of an existing one its next version. Running subscriptions keep theirs (SEMANTICS 4.9). Terms that are those of the
   * newest version make no new one. A draft stays as it is. @throws CodedError PLAN_ARCHIVED, and those of parsePlan
   */
  create(tenantId: string, input: PlanInput, actor = ANYBODY): Promise<PublishedPlanView> {
    requireStorableInput(input);
    return this.database.withTenant(tenantId, async (tx) => {
      const plan = await this.read(tx, input);
      const { id } = await this.plans.lockPlan(tx, plan);
      return planViewOf(await this.publishTerms(tx, id, plan, actor));
    });
  }

  /** Makes or replaces the draft of a plan's next version: what create would refuse is refused. @throws CodedError PLAN_ARCHIVED, and those of parsePlan */
  draft(tenantId: string, input: PlanInput, actor = ANYBODY): Promise<PlanView> {
    requireStorableInput(input);
    return this.database.withTenant(tenantId, async (tx) => {
      const plan = await this.read(tx, input);
      const { id } = await this.plans.lockPlan(tx, plan);
      await this.requireOpen(tx, plan.key);
      await this.drafts.put(tx, id, plan);
      const draft = await this.requireDraft(tx, plan.key);
      // The next draft takes its place: what it said stands here only.
      const detail = { version: draft.version, name: plan.name, terms: planTermsToJson(plan.terms) };
      await this.audit.record(tx, { actor, action: 'plan.draft', subject: plan.key, detail });
      return draftViewOf(draft);
    });
  }

  /** Publishes the draft of a plan as its next version. @throws CodedError NO_DRAFT | PLAN_ARCHIVED */
  publish(tenantId: string, key: string, actor = ANYBODY): Promise<PublishedPlanView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const { planId, planName, terms } = await this.lockDraft(tx, key);
      const version = await this.publishTerms(tx, planId, { key, name: planName, terms }, actor);
      await this.drafts.remove(tx, planId);
      return planViewOf(version);
    });
  }

  /** Takes a draft away; a plan of which nothing was published goes with it. Answers what is left of the plan: null for nothing. @throws CodedError NO_DRAFT */
  discard(tenantId: string, key: string, actor = ANYBODY): Promise<PlanView | null> {
    return this.database.withTenant(tenantId, async (tx) => {
      const { planId, version } = await this.lockDraft(tx, key);
      await this.drafts.remove(tx, planId);
      await this.audit.record(tx, { actor, action: 'plan.discard_draft', subject: key, detail: { version } });
      const latest = await this.plans.latestByKey(tx, key);
      return latest && planViewOf(latest);
    });
  }

  /** Archived, a plan takes no new subscriptions and no new version; those that there are go on. @throws CodedError UNKNOWN_PLAN */
  archive(tenantId: string, key: string, archived: boolean, actor = ANYBODY): Promise<PublishedPlanView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const latest = await this.plans.latestByKey(tx, key);
      if (latest === null) throw new CodedError('UNKNOWN_PLAN', 'No plan with this key has been published: a draft is discarded.', 'key');
      if ((latest.archivedAt !== null) === archived) return planViewOf(latest);
      await this.plans.setArchived(tx, latest.planId, archived);
      await this.audit.record(tx, { actor, action: archived ? 'plan.archive' : 'plan.unarchive', subject: key, detail: {} });
      return planViewOf((await this.plans.latestByKey(tx, key)) ?? latest);
    });
  }

  /** The terms that a plan would have, as create reads them; nothing is stored. @throws CodedError those of parsePlan */
  terms(tenantId: string, input: PlanInput): Promise<PlanTerms> {
    requireStorableInput(input);
    return this.database.withTenant(tenantId, async (tx) => (await this.read(tx, input)).terms);
  }

  /** The newest version of a plan, or one by its number; of a plan of which nothing is published the draft. Null when there is none. */
  byKey(tenantId: string, key: string, version: number | null = null): Promise<PlanView | null> {
    return this.database.withTenant(tenantId, async (tx) => {
      const found = version === null ? await this.plans.latestByKey(tx, key) : await this.plans.byVersion(tx, key, version);
      if (found !== null) return planViewOf(found);
      const draft = await this.drafts.byKey(tx, key);
      return draft === null || draft.version !== (version ?? 1) ? null : draftViewOf(draft);
    });
  }

  /** The draft of a plan's next version; null when there is none. */
  draftByKey(tenantId: string, key: string): Promise<PlanView | null> {
    return this.database.withTenant(tenantId, async (tx) => {
      const draft = await this.drafts.byKey(tx, key);
      return draft && draftViewOf(draft);
    });
  }

  /** Plans in the order in which they were made, each as its newest version says. */
  page(tenantId: string, request: PageRequest, listing: PlanListing = 'CURRENT'): Promise<Page<PlanView>> {
    return this.database.withTenant(tenantId, async (tx) => {
      const { rows, hasNextPage } = await this.drafts.page(tx, request, listing);
      return { rows: await this.viewsOf(tx, rows), hasNextPage };
    });
  }

  /** The published versions of a plan, the first one first; rows are listed by when they were published. */
  async versionsPage(tenantId: string, key: string, request: PageRequest): Promise<Page<KeysetRow & { readonly plan: PlanView }>> {
    const { rows, hasNextPage } = await this.database.withTenant(tenantId, (tx) => this.plans.versionsPage(tx, key, request));
    return { rows: rows.map((row) => ({ id: row.versionId, createdAt: row.publishedAt, plan: planViewOf(row) })), hasNextPage };
  }

  /** Plans as some versions of theirs say: by version id. */
  async byIds(tx: TenantTransaction, versionIds: Iterable<string>): Promise<Map<string, PublishedPlanView>> {
    const versions = await this.plans.versions(tx, versionIds);
    return new Map([...versions].map(([id, version]) => [id, planViewOf(version)]));
  }

  /** When plans were archived, by plan id; those that are not are left out. */
  archivedAt(tenantId: string, planIds: readonly string[]): ReturnType<PlanStore['archivedAt']> {
    return this.database.withTenant(tenantId, (tx) => this.plans.archivedAt(tx, planIds));
  }

  private async read(tx: TenantTransaction, input: PlanInput): Promise<WrittenPlan> {
    const terms = parsePlan(input, await this.meters.byKeys(tx));
    return { key: requiredText(input.key, 'key'), name: requiredText(input.name, 'name'), terms };
  }

  /** The plan's row is held: versions are numbered one after the other. */
  private async publishTerms(tx: TenantTransaction, planId: string, plan: WrittenPlan, actor: string): Promise<LatestPlanVersion> {
    const latest = await this.requireOpen(tx, plan.key);
    if (latest !== null && saysTheSame(latest, plan)) return latest;
    const version = (latest?.version ?? 0) + 1;
    await this.plans.insertVersion(tx, { planId, version, name: plan.name, terms: plan.terms });
    await this.audit.record(tx, { actor, action: 'plan.publish', subject: plan.key, detail: { version, name: plan.name } });
    const published = await this.plans.latestByKey(tx, plan.key);
    if (published === null) throw new Error(`plan ${plan.key} has no version after one was published`);
    return published;
  }

  private async requireOpen(tx: TenantTransaction, key: string): Promise<LatestPlanVersion | null> {
    const latest = await this.plans.latestByKey(tx, key);
    if (latest?.archivedAt == null) return latest;
    throw new CodedError('PLAN_ARCHIVED', `Plan "${key}" is archived: take it out of the archive first (unarchivePlan).`, 'key');
  }

  private async lockDraft(tx: TenantTransaction, key: string): ReturnType<PlansService['requireDraft']> {
    const { planId } = await this.requireDraft(tx, key);
    await this.plans.lock(tx, planId);
    return this.requireDraft(tx, key);
  }

  private async requireDraft(tx: TenantTransaction, key: string): Promise<NonNullable<Awaited<ReturnType<PlanDraftStore['byKey']>>>> {
    const draft = await this.drafts.byKey(tx, key);
    if (draft === null) throw new CodedError('NO_DRAFT', `There is no draft of a plan "${key}": make one with draftPlan.`, 'key');
    return draft;
  }

  private async viewsOf(tx: TenantTransaction, listed: readonly ListedPlan[]): Promise<PlanView[]> {
    const versions = await this.plans.versions(
      tx,
      listed.flatMap((plan) => (plan.state === 'PUBLISHED' ? [plan.versionId] : [])),
    );
    return listed.map((plan) => {
      if (plan.state === 'DRAFT') return draftViewOf(plan.draft);
      const version = versions.get(plan.versionId);
      if (version === undefined) throw new Error(`version ${plan.versionId} is listed and not there`);
      return planViewOf({ ...version, archivedAt: plan.archivedAt });
    });
  }
}

function saysTheSame(latest: LatestPlanVersion, plan: WrittenPlan): boolean {
  return latest.planName === plan.name && isDeepStrictEqual(planTermsToJson(latest.terms), planTermsToJson(plan.terms));
}

/** Postgres holds no NUL, in JSON neither. @throws CodedError INVALID_CHARACTER with the path of the text */
function requireStorableInput(value: unknown, path = ''): void {
  if (typeof value === 'string') requireStorable(value, path);
  if (Array.isArray(value)) value.forEach((item, index) => requireStorableInput(item, `${path}[${index}]`));
  else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) requireStorableInput(inner, path === '' ? name : `${path}.${name}`);
  }
}

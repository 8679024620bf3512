import { Injectable } from '@nestjs/common';
import { parsePlan, planTermsToJson, requireStorable, requiredText } from '@tare/core';
import type { Instant, PlanInput, PlanKind, PlanTerms } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { isDeepStrictEqual } from 'node:util';
import type { Page, PageRequest } from './keyset-page.ts';
import { MeterStore } from './meter.store.ts';
import { PlanStore, type PlanVersion } from './plan.store.ts';

/** A plan as the API shows it: the plan with what one of its versions says. */
export interface PlanView {
  /** Of the plan, the same for all versions. */
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly kind: PlanKind;
  /** ISO 4217. */
  readonly currency: string;
  readonly version: number;
  readonly versionId: string;
  /** When the plan (not the version) was made. */
  readonly createdAt: Instant;
}

/** Plans: what is charged, versioned (SEMANTICS 4.9, 5). */
@Injectable()
export class PlansService {
  constructor(
    private readonly database: Database,
    private readonly plans: PlanStore,
    private readonly meters: MeterStore,
  ) {}

  /**
   * Publishes a plan; with the key of an existing one its next version. Running subscriptions keep theirs (SEMANTICS 4.9). Terms that are those of the
   * newest version make no new one. @throws CodedError those of parsePlan
   */
  create(tenantId: string, input: PlanInput): Promise<PlanView> {
    requireStorableInput(input);
    return this.database.withTenant(tenantId, async (tx) => {
      const terms = parsePlan(input, await this.meters.byKeys(tx));
      return planViewOf(await this.publish(tx, { key: requiredText(input.key, 'key'), name: requiredText(input.name, 'name'), terms }));
    });
  }

  /** The newest version of a plan; null when there is none with the key. */
  byKey(tenantId: string, key: string): Promise<PlanView | null> {
    return this.database.withTenant(tenantId, async (tx) => {
      const version = await this.plans.latestByKey(tx, key);
      return version && planViewOf(version);
    });
  }

  /** The newest version of each plan, in the order in which plans were made. */
  async page(tenantId: string, request: PageRequest): Promise<Page<PlanView>> {
    const { rows, hasNextPage } = await this.database.withTenant(tenantId, (tx) => this.plans.page(tx, request));
    return { rows: rows.map(planViewOf), hasNextPage };
  }

  /** Plans as some versions of theirs say: by version id. */
  async byIds(tx: TenantTransaction, versionIds: Iterable<string>): Promise<Map<string, PlanView>> {
    const versions = await this.plans.versions(tx, versionIds);
    return new Map([...versions].map(([id, version]) => [id, planViewOf(version)]));
  }

  private async publish(tx: TenantTransaction, plan: { key: string; name: string; terms: PlanTerms }): Promise<PlanVersion> {
    const { id } = await this.plans.lockPlan(tx, plan);
    const latest = await this.plans.latestByKey(tx, plan.key);
    if (latest !== null && saysTheSame(latest, plan)) return latest;
    await this.plans.insertVersion(tx, { planId: id, version: (latest?.version ?? 0) + 1, name: plan.name, terms: plan.terms });
    const published = await this.plans.latestByKey(tx, plan.key);
    if (published === null) throw new Error(`plan ${plan.key} has no version after one was published`);
    return published;
  }
}

export function planViewOf({ planId, planKey, planName, terms, version, versionId, createdAt }: PlanVersion): PlanView {
  return { id: planId, key: planKey, name: planName, kind: terms.kind, currency: terms.currency, version, versionId, createdAt };
}

function saysTheSame(latest: PlanVersion, plan: { name: string; terms: PlanTerms }): boolean {
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

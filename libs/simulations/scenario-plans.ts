import { Injectable } from '@nestjs/common';
import { PlanStore } from '@tare/catalog';
import { CodedError, parsePlan } from '@tare/core';
import type { Meter, PlanInput } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import { assumptionsOf, type CandidatePlan, type Scenario, type ScenarioInput } from './scenario.ts';

/** Looks up the plans that scenarios name. */
@Injectable()
export class ScenarioPlans {
  constructor(private readonly plans: PlanStore) {}

  /** `path`: of the scenario in the request. @throws CodedError UNKNOWN_PLAN, and those of parsePlan for a draft */
  async resolve(tx: TenantTransaction, input: ScenarioInput, meters: ReadonlyMap<string, Meter>, path: string): Promise<Scenario> {
    const assignments = new Map<string, CandidatePlan>();
    for (const [index, { customers, plan }] of (input.assignments ?? []).entries()) {
      const candidate = await this.published(tx, plan, `${path}.assignments[${index}].plan`);
      for (const key of customers) assignments.set(key, candidate);
    }
    const plan = input.plan == null ? draftOf(input.draftPlan, meters, path) : await this.published(tx, input.plan, `${path}.plan`);
    return { name: input.name, plan, assignments, assumptions: assumptionsOf(input), elasticity: input.elasticity ?? null };
  }

  private async published(tx: TenantTransaction, key: string, path: string): Promise<CandidatePlan> {
    const version = await this.plans.latestByKey(tx, key);
    if (version === null) throw new CodedError('UNKNOWN_PLAN', `There is no plan with key "${key}".`, path);
    return { versionId: version.versionId, key, name: version.planName, terms: version.terms };
  }
}

/** A draft is validated like a plan that is published, and stored nowhere. */
function draftOf(draft: PlanInput | null | undefined, meters: ReadonlyMap<string, Meter>, path: string): CandidatePlan | null {
  if (draft == null) return null;
  try {
    return { versionId: randomUUID(), key: draft.key, name: draft.name, terms: parsePlan(draft, meters) };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw new CodedError(error.code, error.message, `${path}.draftPlan.${error.path ?? ''}`.replace(/\.$/, ''));
  }
}

import { CodedError, Decimal, NO_ASSUMPTIONS, requiredText } from '@tare/core';
import type { Assumptions, Instant, ModelRoute, PlanInput, PlanTerms } from '@tare/core';

export interface ElasticityRange {
  readonly low: Decimal;
  readonly high: Decimal;
}

/** ScenarioInput of the contract. */
export interface ScenarioInput {
  readonly name: string;
  readonly plan?: string | null | undefined;
  readonly draftPlan?: PlanInput | null | undefined;
  readonly assignments?: readonly { readonly customers: readonly string[]; readonly plan: string }[] | null | undefined;
  readonly costMultiplier?: Decimal | null | undefined;
  readonly usageMultiplier?: Decimal | null | undefined;
  readonly modelRoutes?: readonly ModelRoute[] | null | undefined;
  readonly cacheRate?: Decimal | null | undefined;
  readonly batchShare?: Decimal | null | undefined;
  readonly elasticity?: ElasticityRange | null | undefined;
}

/** SimulationInput of the contract. */
export interface SimulationInput {
  readonly from: Instant;
  readonly to: Instant;
  readonly knownAt?: Instant | null | undefined;
  /** Keys; none: everybody. */
  readonly customers?: readonly string[] | null | undefined;
  readonly scenarios: readonly ScenarioInput[];
}

/** The terms that a customer has in a scenario, published or not. */
export interface CandidatePlan {
  /** Of a draft an id that nothing else has. */
  readonly versionId: string;
  readonly key: string;
  readonly name: string;
  readonly terms: PlanTerms;
}

/** A scenario with its plans looked up. */
export interface Scenario {
  readonly name: string;
  /** For everybody that no assignment names; null: each keeps its own. */
  readonly plan: CandidatePlan | null;
  readonly assignments: ReadonlyMap<string, CandidatePlan>;
  readonly assumptions: Assumptions;
  readonly elasticity: ElasticityRange | null;
}

const MOST_SCENARIOS = 10;

/** @throws CodedError INVALID_SPAN | INVALID_SCENARIO | OUT_OF_RANGE | KEY_MISSING */
export function requireSimulation({ from, to, scenarios }: SimulationInput): void {
  if (from >= to) throw new CodedError('INVALID_SPAN', 'A span ends after it begins.', 'to');
  if (scenarios.length < 1 || scenarios.length > MOST_SCENARIOS) {
    throw new CodedError('INVALID_SCENARIO', `A simulation has 1 to ${MOST_SCENARIOS} scenarios.`, 'scenarios');
  }
  if (new Set(scenarios.map(({ name }) => name)).size < scenarios.length) {
    throw new CodedError('INVALID_SCENARIO', 'Scenarios of one simulation have different names.', 'scenarios');
  }
  for (const [index, scenario] of scenarios.entries()) requireScenario(scenario, `scenarios[${index}]`);
}

export function assumptionsOf({ costMultiplier, usageMultiplier, modelRoutes, cacheRate, batchShare }: ScenarioInput): Assumptions {
  return {
    costMultiplier: costMultiplier ?? NO_ASSUMPTIONS.costMultiplier,
    usageMultiplier: usageMultiplier ?? NO_ASSUMPTIONS.usageMultiplier,
    modelRoutes: modelRoutes ?? [],
    cacheRate: cacheRate ?? null,
    batchShare: batchShare ?? null,
  };
}

function requireScenario(scenario: ScenarioInput, path: string): void {
  requiredText(scenario.name, `${path}.name`);
  if (scenario.plan != null && scenario.draftPlan != null) {
    throw new CodedError(
      'INVALID_SCENARIO',
      'A scenario puts everybody on an existing plan or on a draft, not on both.',
      `${path}.draftPlan`,
    );
  }
  requireNotNegative(scenario.costMultiplier, `${path}.costMultiplier`);
  requireNotNegative(scenario.usageMultiplier, `${path}.usageMultiplier`);
  requireShare(scenario.cacheRate, `${path}.cacheRate`);
  requireShare(scenario.batchShare, `${path}.batchShare`);
  requireRoutes(scenario.modelRoutes ?? [], `${path}.modelRoutes`);
  requireOneAssignment(scenario, path);
  if (scenario.elasticity != null && scenario.elasticity.low.compare(scenario.elasticity.high) > 0) {
    throw new CodedError('OUT_OF_RANGE', 'The lower end of a range is not above the upper one.', `${path}.elasticity.low`);
  }
}

function requireRoutes(routes: readonly ModelRoute[], path: string): void {
  const shares = new Map<string, Decimal>();
  for (const [index, { provider, model, share }] of routes.entries()) {
    requireShare(share, `${path}[${index}].share`);
    const key = JSON.stringify([provider, model]);
    const sum = share.plus(shares.get(key) ?? Decimal.ZERO);
    shares.set(key, sum);
    requireShare(sum, `${path}[${index}].share`);
  }
}

function requireOneAssignment({ assignments }: ScenarioInput, path: string): void {
  const keys = (assignments ?? []).flatMap(({ customers }) => customers);
  if (new Set(keys).size < keys.length) {
    throw new CodedError('INVALID_SCENARIO', 'A customer is assigned to one plan.', `${path}.assignments`);
  }
}

function requireNotNegative(value: Decimal | null | undefined, path: string): void {
  if (value?.isNegative() === true) throw new CodedError('OUT_OF_RANGE', 'A multiplier is not below 0.', path);
}

function requireShare(value: Decimal | null | undefined, path: string): void {
  if (value != null && (value.isNegative() || value.compare(Decimal.ONE) > 0)) {
    throw new CodedError('OUT_OF_RANGE', 'A share is between 0 and 1, also of several routes of one model together.', path);
  }
}

import { Injectable } from '@nestjs/common';
import { CodedError, Decimal, assumedUsage, changesNothing, MarginCube, scenarioCustomers, scenarioTotals, usageAfter } from '@tare/core';
import type { Assumptions, Instant, MarginCustomer, MarginQuery, ScenarioCustomer, ScenarioOutcome, ScenarioTotals } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { listCostOf, MarginContext, MarginFactsReader, People, type Person } from '@tare/margins';
import { CandidateWorld } from './candidate-world.ts';
import { RealWorld, type RealBilling } from './real-world.ts';
import type { Scenario, SimulationInput } from './scenario.ts';
import { ScenarioPlans } from './scenario-plans.ts';

/** ScenarioResult of the contract. */
export interface ScenarioResult {
  readonly name: string;
  readonly totals: ScenarioTotals;
  readonly low: ScenarioTotals | null;
  readonly high: ScenarioTotals | null;
  readonly customers: readonly ScenarioCustomer[];
}

/** A person with what really happened. */
interface Participant {
  readonly person: Person;
  readonly real: MarginCustomer;
  readonly billing: RealBilling;
}

interface Run {
  readonly tx: TenantTransaction;
  readonly query: MarginQuery;
  readonly participants: readonly Participant[];
  readonly idle: MarginCustomer | null;
}

interface WorldResult {
  readonly totals: ScenarioTotals;
  readonly outcomes: readonly ScenarioOutcome[];
}

/** Customers times scenarios that one request answers. */
const MOST_WORLDS = 20_000;

/** Runs the scenarios of one simulation. Nothing is written. */
@Injectable()
export class SimulationRun {
  constructor(
    private readonly context: MarginContext,
    private readonly people: People,
    private readonly facts: MarginFactsReader,
    private readonly plans: ScenarioPlans,
    private readonly realWorld: RealWorld,
    private readonly candidates: CandidateWorld,
  ) {}

  /** @throws CodedError NOT_FOUND | UNKNOWN_PLAN | SIMULATION_TOO_LARGE | NO_EXCHANGE_RATE, and those of parsePlan */
  async run(tx: TenantTransaction, input: SimulationInput, now: Instant): Promise<ScenarioResult[]> {
    const query = await this.context.queryOf(tx, { from: input.from, to: input.to, groupBy: ['CUSTOMER'] }, now);
    const scenarios: Scenario[] = [];
    for (const [index, scenario] of input.scenarios.entries()) {
      scenarios.push(await this.plans.resolve(tx, scenario, query.meters, `scenarios[${index}]`));
    }
    const people = await this.peopleOf(tx, input, scenarios);
    const participants = await this.participants(tx, query, people, input.knownAt ?? null);
    const idle = input.customers == null ? await this.facts.idleCapacity(tx, query) : null;
    const results: ScenarioResult[] = [];
    for (const scenario of scenarios) results.push(await this.scenario({ tx, query, participants, idle }, scenario));
    return results;
  }

  private async peopleOf(tx: TenantTransaction, input: SimulationInput, scenarios: readonly Scenario[]): Promise<Person[]> {
    const people = await this.people.inSpan(tx, input, input.customers ?? null);
    const known = new Set(people.flatMap(({ customer, key }) => (customer === null ? [] : [key])));
    for (const key of input.customers ?? []) requireKnown(key, known, 'customers');
    if (input.customers == null) {
      for (const [index, { assignments }] of scenarios.entries()) {
        for (const key of assignments.keys()) requireKnown(key, known, `scenarios[${index}].assignments`);
      }
    }
    if (people.length * scenarios.length > MOST_WORLDS) {
      throw new CodedError(
        'SIMULATION_TOO_LARGE',
        `At most ${MOST_WORLDS} customers times scenarios are simulated at once: name some customers, or ask for fewer scenarios.`,
        'customers',
      );
    }
    return people;
  }

  private async participants(
    tx: TenantTransaction,
    query: MarginQuery,
    people: readonly Person[],
    knownAt: Instant | null,
  ): Promise<Participant[]> {
    const byKey = new Map(people.map((person) => [person.key, person]));
    const participants: Participant[] = [];
    for await (const real of this.facts.customers(tx, query, people, { knownAt })) {
      const person = byKey.get(real.key);
      if (person !== undefined) participants.push({ person, real, billing: await this.realWorld.billed(tx, query, person, knownAt) });
    }
    return participants;
  }

  /** As assumed, and where usage responds to price also with the weakest and the strongest response (SEMANTICS 11.3). */
  private async scenario(run: Run, scenario: Scenario): Promise<ScenarioResult> {
    const base = await this.world(run, scenario, () => Decimal.ONE);
    const { elasticity } = scenario;
    const bound = async (end: Decimal): Promise<ScenarioTotals> => (await this.world(run, scenario, responseTo(end, base.outcomes))).totals;
    return {
      name: scenario.name,
      totals: base.totals,
      low: elasticity === null ? null : await bound(elasticity.low),
      high: elasticity === null ? null : await bound(elasticity.high),
      customers: scenarioCustomers(base.outcomes),
    };
  }

  /** `response`: how much of its usage a customer keeps. */
  private async world(
    { tx, query, participants, idle }: Run,
    scenario: Scenario,
    response: (key: string) => Decimal,
  ): Promise<WorldResult> {
    const cube = new MarginCube(query);
    const billed = new Map<string, Decimal>();
    for (const participant of participants) {
      const { key } = participant.person;
      const kept = response(key);
      const assumptions = { ...scenario.assumptions, usageMultiplier: scenario.assumptions.usageMultiplier.times(kept) };
      const outcome = await this.outcome(tx, query, participant, scenario, assumptions);
      cube.add(outcome.customer);
      billed.set(key, outcome.billed);
    }
    if (idle !== null) cube.add(withCost(idle, scenario.assumptions));
    const { rows, total } = cube.report();
    const rowOf = new Map(rows.map((row) => [row.key[0] ?? '', row]));
    const outcomes = participants
      .filter(({ person }) => person.customer !== null)
      .map(({ person: { key }, billing }) => ({
        customerKey: key,
        billed: billed.get(key) ?? Decimal.ZERO,
        reallyBilled: billing.issued,
        row: rowOf.get(key) ?? null,
      }));
    return { totals: scenarioTotals(outcomes, total), outcomes };
  }

  private async outcome(
    tx: TenantTransaction,
    query: MarginQuery,
    { person, real, billing }: Participant,
    { plan, assignments }: Scenario,
    assumptions: Assumptions,
  ): Promise<{ billed: Decimal; customer: MarginCustomer }> {
    const candidate = assignments.get(person.key) ?? plan;
    if (person.segments.length === 0 || person.customer === null) {
      const records = assumedUsage(real.records, assumptions, listCostOf(query.rateOf));
      return { billed: billing.recomputed, customer: { ...withCost(real, assumptions), records } };
    }
    if (candidate === null && changesNothing(assumptions)) return { billed: billing.recomputed, customer: real };
    return this.candidates.outcome(tx, query, person, { plan: candidate, assumptions, real });
  }
}

/** A customer that would be billed more uses less, or the other way round, as the elasticity says. */
function responseTo(elasticity: Decimal, outcomes: readonly ScenarioOutcome[]): (key: string) => Decimal {
  const kept = new Map(
    outcomes.map(({ customerKey, billed, reallyBilled }) => [customerKey, usageAfter(elasticity, reallyBilled, billed)]),
  );
  return (key) => kept.get(key) ?? Decimal.ONE;
}

function withCost(customer: MarginCustomer, { costMultiplier }: Assumptions): MarginCustomer {
  return { ...customer, sharedCosts: customer.sharedCosts.map((cost) => ({ ...cost, amount: cost.amount.times(costMultiplier) })) };
}

function requireKnown(key: string, known: ReadonlySet<string>, path: string): void {
  if (!known.has(key)) throw new CodedError('NOT_FOUND', `There is no customer with key "${key}".`, path);
}

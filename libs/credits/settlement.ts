import { applyExhaustion, burnCredits, compareGrants, Decimal } from '@tare/core';
import type { BurnAllocation, Grant, Instant, PlanTerms } from '@tare/core';

/** A wallet at one moment: what its grants have left and what it owes. */
export interface WalletState {
  readonly grants: readonly Grant[];
  readonly debt: Decimal;
}

/** Credits that usage of a period wants. */
export interface Demand {
  readonly at: Instant;
  readonly key: string;
  readonly credits: Decimal;
}

/** A recorded burn of a period, in the order in which it was posted. */
export interface RecordedBurn {
  /** Null: nothing covered it. */
  readonly grantId: string | null;
  readonly key: string;
  readonly credits: Decimal;
  readonly revenue: Decimal;
  /** Which account stood against it where no grant did. */
  readonly against: 'GRANT' | 'UNCOVERED' | 'DEBT';
}

/** Part of a settlement: below zero where credits are given back. */
export interface SettledBurn {
  readonly at: Instant;
  readonly key: string;
  readonly grantId: string | null;
  readonly credits: Decimal;
  readonly revenue: Decimal;
  readonly against: 'GRANT' | 'UNCOVERED' | 'DEBT';
}

export interface Settlement {
  /** What is to be posted. */
  readonly burns: readonly SettledBurn[];
  /** Of the whole period, what was settled before included: credits that neither a grant nor an overdraft covered. */
  readonly uncoveredCredits: Decimal;
  /** The wallet afterwards. */
  readonly wallet: WalletState;
}

type Exhaustion = Pick<PlanTerms, 'creditExhaustion' | 'overdraftLimit'>;

/**
 * Settles the usage of a service period against a wallet, in order of event time (SEMANTICS 7.2, 7.3, 7.5). Pure: drafts, previews and simulations plan
 * with it, closing a period posts its answer.
 */
export function settlePeriod(terms: Exhaustion, wallet: WalletState, demands: readonly Demand[]): Settlement {
  const { allocations, uncovered, remaining } = burnCredits(wallet.grants, demands);
  const exhaustion = applyExhaustion(terms, uncovered, wallet.debt);
  const burns = [
    ...allocations.map((allocation) => burnOf(demands, allocation)),
    ...uncovered.flatMap((burn, index) => uncoveredBurns(demands[burn.demandIndex], exhaustion[index])),
  ];
  const owed = Decimal.sum(exhaustion.map(({ debt }) => debt));
  const uncoveredCredits = Decimal.sum(exhaustion.map(({ overage, leakage }) => overage.plus(leakage)));
  const grants = wallet.grants.map((grant) => ({ ...grant, remaining: remaining.get(grant.id) ?? grant.remaining }));
  return { burns, uncoveredCredits, wallet: { grants, debt: wallet.debt.plus(owed) } };
}

/**
 * Settles usage and corrections that came after the period was closed. What was recorded stays as it is (SEMANTICS 7.3): more of a kind of usage burns
 * grants that are effective at `at`, less of it is given back from its own burns, the last first (7.8).
 */
export function settleLate(
  terms: Exhaustion,
  wallet: WalletState,
  demands: readonly Demand[],
  recorded: readonly RecordedBurn[],
  at: Instant,
): Settlement {
  const keys = [...new Set([...demands.map(({ key }) => key), ...recorded.map(({ key }) => key)])].sort();
  const changes = keys.map((key) => ({ at, key, credits: sumOf(demands, key).minus(sumOf(recorded, key)) }));
  const returned = changes
    .filter(({ credits }) => credits.isNegative())
    .flatMap((change) => returnedBurns(inBurnOrder(recorded, wallet), change));
  const settled = settlePeriod(
    terms,
    walletWith(wallet, returned),
    changes.filter(({ credits }) => credits.isPositive()),
  );
  const before = uncoveredOf(recorded).plus(uncoveredOf(returned));
  return { ...settled, burns: [...returned, ...settled.burns], uncoveredCredits: before.plus(settled.uncoveredCredits) };
}

/** Credits that neither a grant nor an overdraft covered. */
export function uncoveredOf(burns: readonly Pick<RecordedBurn, 'against' | 'credits'>[]): Decimal {
  return Decimal.sum(burns.filter(({ against }) => against === 'UNCOVERED').map(({ credits }) => credits));
}

function burnOf(demands: readonly Demand[], { demandIndex, grantId, credits, revenue }: BurnAllocation): SettledBurn {
  const { at, key } = demandAt(demands, demandIndex);
  return { at, key, grantId, credits, revenue, against: 'GRANT' };
}

function uncoveredBurns(
  demand: Demand | undefined,
  parts: { overage: Decimal; debt: Decimal; leakage: Decimal } | undefined,
): SettledBurn[] {
  if (demand === undefined || parts === undefined) return [];
  const burn = (against: 'UNCOVERED' | 'DEBT', credits: Decimal): SettledBurn[] =>
    credits.isZero() ? [] : [{ at: demand.at, key: demand.key, grantId: null, credits, revenue: Decimal.ZERO, against }];
  return [...burn('DEBT', parts.debt), ...burn('UNCOVERED', parts.overage.plus(parts.leakage))];
}

/** Burns below zero that give back as much as the change says, uncovered ones and then the last grant first. */
function returnedBurns(recorded: readonly RecordedBurn[], change: Demand): SettledBurn[] {
  const returned: SettledBurn[] = [];
  let left = change.credits.negated();
  for (const burn of netBurns(recorded.filter(({ key }) => key === change.key)).reverse()) {
    const back = Decimal.min(left, burn.credits);
    if (!back.isPositive()) continue;
    const revenue = burn.revenue.times(back).dividedBy(burn.credits, 12).negated();
    returned.push({ ...burn, at: change.at, credits: back.negated(), revenue });
    left = left.minus(back);
  }
  return returned;
}

/** Grants in the order in which they burn, then what nothing covered: returned from the end, credits come back to the grant that gave last. */
function inBurnOrder(recorded: readonly RecordedBurn[], { grants }: WalletState): RecordedBurn[] {
  const ids = [...grants].sort(compareGrants).map(({ id }) => id);
  const rank = ({ grantId }: RecordedBurn): number => (grantId === null ? ids.length : ids.indexOf(grantId));
  return [...recorded].sort((a, b) => rank(a) - rank(b));
}

/** What stands of recorded burns once earlier returns are taken off, by grant. */
function netBurns(recorded: readonly RecordedBurn[]): RecordedBurn[] {
  const net = new Map<string, RecordedBurn>();
  for (const burn of recorded) {
    const name = `${burn.against} ${burn.grantId ?? ''}`;
    const known = net.get(name);
    net.set(name, known ? { ...known, credits: known.credits.plus(burn.credits), revenue: known.revenue.plus(burn.revenue) } : burn);
  }
  return [...net.values()];
}

function walletWith({ grants, debt }: WalletState, returned: readonly SettledBurn[]): WalletState {
  const back = (grantId: string): Decimal => Decimal.sum(returned.filter((burn) => burn.grantId === grantId).map(({ credits }) => credits));
  const owed = Decimal.sum(returned.filter(({ against }) => against === 'DEBT').map(({ credits }) => credits));
  return { grants: grants.map((grant) => ({ ...grant, remaining: grant.remaining.minus(back(grant.id)) })), debt: debt.plus(owed) };
}

function sumOf(burns: readonly { readonly key: string; readonly credits: Decimal }[], key: string): Decimal {
  return Decimal.sum(burns.filter((burn) => burn.key === key).map(({ credits }) => credits));
}

function demandAt(demands: readonly Demand[], index: number): Demand {
  const demand = demands[index];
  if (demand === undefined) throw new RangeError(`there is no demand ${index}`);
  return demand;
}

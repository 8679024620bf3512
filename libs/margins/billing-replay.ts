import { Injectable } from '@nestjs/common';
import {
  allowancesAfter,
  PeriodFacts,
  type BillingHistory,
  type BillingInstant,
  type InvoiceLine,
  type PlannedSettlement,
} from '@tare/billing';
import { assembleInvoice, breakage, burnDemand, Decimal, notCarried, revenueOf, withoutLost } from '@tare/core';
import type {
  AssembledInvoice,
  AssembledLine,
  CreditCarry,
  CreditRevenue,
  EndedPart,
  Grant,
  Instant,
  InvoiceFacts,
  Segment,
  UncoveredUse,
  UsageRecord,
} from '@tare/core';
import { cutsOfGrants, settlePeriod, type WalletState } from '@tare/credits';
import type { TenantTransaction } from '@tare/database';

/** One step of a replay: what a subscription bills at an instant. */
export interface ReplayStep {
  readonly subscriptionId: string;
  readonly instant: BillingInstant;
  /** The instant is not a boundary: usage up to it of periods that still run, without minimums and commitments. */
  readonly isSoFar: boolean;
}

/** A customer's billing from some moment on, in the real world or another one. */
export interface ReplayRequest {
  /** All segments of the customer in that world. */
  readonly segments: readonly Segment[];
  /** In order of time. */
  readonly steps: readonly ReplayStep[];
  /** What came before, by subscription. */
  readonly histories: ReadonlyMap<string, Pick<BillingHistory, 'lines' | 'discountUses' | 'allowances'>>;
  readonly wallet: WalletState;
  readonly balances: BillingHistory['balances'];
  /** Only usage that commits up to this one brought; null: all of it. */
  readonly upToSeq: number | null;
  /** What the world changes of usage; null: nothing. */
  readonly change: ((records: readonly UsageRecord[]) => readonly UsageRecord[]) | null;
  /** Grants that end by then are over. */
  readonly until: Instant;
}

export interface ReplayedLine extends AssembledLine {
  readonly currency: string;
}

/** Nothing of it was written anywhere. */
export interface Replayed {
  readonly lines: readonly ReplayedLine[];
  readonly credits: readonly CreditRevenue[];
  readonly uncovered: readonly (UncoveredUse & { readonly segmentId: string; readonly periodStart: Instant })[];
}

/** What a replay remembers from step to step. */
interface World {
  readonly lines: Map<string, InvoiceLine[]>;
  readonly discountUses: Map<string, BillingHistory['discountUses'][number][]>;
  readonly allowances: Map<string, BillingHistory['allowances']>;
  wallet: WalletState;
  balances: Map<string, Decimal>;
  readonly replayed: { lines: ReplayedLine[]; credits: CreditRevenue[]; uncovered: Replayed['uncovered'][number][] };
}

/**
 * Bills in memory what billing would bill: the same facts loader and the same `assembleInvoice`, with the results of one step as the history of the next
 * (SEMANTICS 11.1). Reports use it for periods that are not billed yet, simulations for worlds that never were.
 */
@Injectable()
export class BillingReplay {
  constructor(private readonly facts: PeriodFacts) {}

  async replay(tx: TenantTransaction, request: ReplayRequest): Promise<Replayed> {
    const world = worldOf(request);
    for (const step of request.steps) await this.take(tx, step, world, request);
    for (const grant of world.wallet.grants) world.replayed.credits.push(...expiryOf(grant, request.until));
    return world.replayed;
  }

  private async take(
    tx: TenantTransaction,
    { subscriptionId, instant, isSoFar }: ReplayStep,
    world: World,
    request: ReplayRequest,
  ): Promise<void> {
    const history = {
      lines: world.lines.get(subscriptionId) ?? [],
      discountUses: world.discountUses.get(subscriptionId) ?? [],
      wallet: world.wallet,
      balances: world.balances,
      allowances: world.allowances.get(subscriptionId) ?? [],
    };
    const loaded = await this.facts.load(tx, {
      subscriptionId,
      instant,
      world: { segments: request.segments, history },
      ...(request.upToSeq === null ? {} : { upToSeq: request.upToSeq }),
      ...(isSoFar ? { usageUntil: instant.at, closing: false } : {}),
    });
    const { invoices, settlements } = request.change === null ? loaded : changed(loaded.invoices, world.wallet, request.change);
    const assembled = invoices.map(assembleInvoice);
    const issued = assembled.flatMap(({ grants }) =>
      grants.map((grant): Grant => ({ ...grant, id: grant.key, remaining: grant.credits, createdAt: instant.at })),
    );
    for (const invoice of assembled) keepInvoice(world, subscriptionId, invoice);
    keepSettlements(world, subscriptionId, settlements);
    if (loaded.creditCarry !== null) keepCarried(world, loaded.creditCarry);
    for (const grant of issued) keepGrant(world, subscriptionId, grant);
  }
}

/** Facts under changed usage; the credits it burns are settled again with the same functions. */
function changed(
  invoices: readonly InvoiceFacts[],
  opening: WalletState,
  change: NonNullable<ReplayRequest['change']>,
): { invoices: InvoiceFacts[]; settlements: PlannedSettlement[] } {
  let wallet = opening;
  const settlements: PlannedSettlement[] = [];
  const ended = (part: EndedPart, facts: InvoiceFacts): EndedPart => {
    const records = change(part.records);
    const { segment, period } = part;
    if (segment.terms.burnRates.length === 0 || period.trial) return { ...part, records };
    const demands = burnDemand(segment, period, records, facts.meters, { cuts: cutsOfGrants(wallet.grants) }).filter(({ credits }) =>
      credits.isPositive(),
    );
    const settlement = settlePeriod(segment.terms, wallet, demands);
    wallet = settlement.wallet;
    settlements.push({ segmentId: segment.id, periodStart: period.start, settlement });
    return { ...part, records, uncoveredCredits: settlement.uncoveredCredits };
  };
  return { invoices: invoices.map((facts) => ({ ...facts, ended: facts.ended.map((part) => ended(part, facts)) })), settlements };
}

function worldOf({ histories, wallet, balances }: ReplayRequest): World {
  return {
    lines: new Map([...histories].map(([id, { lines }]) => [id, [...lines]])),
    discountUses: new Map([...histories].map(([id, { discountUses }]) => [id, [...discountUses]])),
    allowances: new Map([...histories].map(([id, { allowances }]) => [id, allowances])),
    wallet,
    balances: new Map(balances),
    replayed: { lines: [], credits: [], uncovered: [] },
  };
}

function keepInvoice(
  world: World,
  subscriptionId: string,
  { lines, currency, discountUses, allowances, balanceApplied, balanceCarried }: AssembledInvoice,
): void {
  const kept = world.lines.get(subscriptionId) ?? [];
  world.lines.set(subscriptionId, [...kept, ...lines.map((line, position) => ({ ...line, id: line.scopeKey, invoiceId: '', position }))]);
  const uses = world.discountUses.get(subscriptionId) ?? [];
  world.discountUses.set(subscriptionId, [...uses, ...discountUses.map((use) => ({ ...use, invoiceNo: 0 }))]);
  world.allowances.set(subscriptionId, allowancesAfter(world.allowances.get(subscriptionId) ?? [], allowances));
  const balance = (world.balances.get(currency) ?? Decimal.ZERO).plus(balanceCarried).minus(balanceApplied);
  world.balances.set(currency, balance);
  world.replayed.lines.push(...lines.map((line) => ({ ...line, currency })));
}

function keepSettlements(world: World, subscriptionId: string, settlements: readonly PlannedSettlement[]): void {
  for (const { segmentId, periodStart, settlement } of settlements) {
    for (const { at, key, grantId, credits, revenue, against } of settlement.burns) {
      if (against === 'UNCOVERED') world.replayed.uncovered.push({ segmentId, periodStart, at, dimensionKey: key, credits });
      const currency = world.wallet.grants.find(({ id }) => id === grantId)?.costBasis?.currency;
      if (currency === undefined || revenue.isZero()) continue;
      world.replayed.credits.push({ kind: 'CREDIT_BURN', at, amount: revenue, currency, subscriptionId, dimensionKey: key });
    }
    world.wallet = settlement.wallet;
  }
}

/** What is not carried into the next period is earned where the ended one is over (SEMANTICS 7.9). */
function keepCarried(world: World, carry: CreditCarry): void {
  const { grants } = world.wallet;
  const lost = notCarried(grants, carry);
  for (const { grantId, revenue } of lost) {
    const currency = grants.find(({ id }) => id === grantId)?.costBasis?.currency;
    if (currency === undefined || revenue.isZero()) continue;
    const { at, subscriptionId } = carry;
    world.replayed.credits.push({ kind: 'BREAKAGE', at, amount: revenue, currency, subscriptionId, dimensionKey: null });
  }
  world.wallet = { ...world.wallet, grants: withoutLost(grants, lost) };
}

/** A grant pays what the wallet owes first (SEMANTICS 7.5). */
function keepGrant(world: World, subscriptionId: string, grant: Grant): void {
  const repaid = Decimal.min(world.wallet.debt, grant.credits);
  const amount = revenueOf(grant, Decimal.ZERO, repaid);
  if (!amount.isZero() && grant.costBasis !== null) {
    const { currency } = grant.costBasis;
    world.replayed.credits.push({ kind: 'CREDIT_BURN', at: grant.effectiveAt, amount, currency, subscriptionId, dimensionKey: null });
  }
  const grants = [...world.wallet.grants, { ...grant, subscriptionId, remaining: grant.credits.minus(repaid) }];
  world.wallet = { grants, debt: world.wallet.debt.minus(repaid) };
}

function expiryOf(grant: Grant, until: Instant): CreditRevenue[] {
  if (grant.expiresAt === null || grant.expiresAt > until || grant.costBasis === null || !grant.remaining.isPositive()) return [];
  const { currency } = grant.costBasis;
  return [
    {
      kind: 'BREAKAGE',
      at: grant.expiresAt,
      amount: breakage(grant),
      currency,
      subscriptionId: grant.subscriptionId ?? null,
      dimensionKey: null,
    },
  ];
}

import { Injectable } from '@nestjs/common';
import { MeterStore } from '@tare/catalog';
import { availableAt, Decimal, isLapsing, periodContains, planGrantKey, returnedBurns, segmentEnd, standingBurns } from '@tare/core';
import type { CreditLapse, Instant, Meter, Period, Segment } from '@tare/core';
import { CustomerStore, SubscriptionStore, type Customer } from '@tare/customers';
import type { TenantTransaction } from '@tare/database';
import { UsagePins, UsageReader } from '@tare/usage';
import { createHash } from 'node:crypto';
import { CreditLapses } from './credit-lapses.ts';
import { CreditStore, periodKey, type StoredGrant, type WalletRow } from './credit.store.ts';
import { pendingUntil, type PendingGrant } from './pending-grants.ts';
import { causeOf } from './posting.ts';
import { needsSingleEvents, RatedUsageReader } from './rated-usage.ts';
import { settlePeriod, type WalletState } from './settlement.ts';
import { SettlementStore } from './settlement.store.ts';
import { burningParts, burningSegments, demandsOf, keyOfPart, missingDemands, type BurningPart, type PartDemand } from './usage-demands.ts';
import { WalletWatch } from './wallet-watch.ts';
import { Wallets, type DecidedBurn } from './wallets.ts';

export interface DrawRequest {
  readonly customerId: string;
  /** Usage that commits up to this one brought; none: all that there is. */
  readonly upToSeq?: number;
  /** Periods that are drawn to their last event whatever the cursor says: those that an invoice closes now, or rates again. */
  readonly parts?: readonly BurningPart[];
  /** When usage of closed periods burns, instead of the default below. */
  readonly lateAt?: Instant;
  /** The clock that the caller goes by: the real one for live tenants, billing time in a run. None: event time is all there is. */
  readonly now?: Instant;
}

/** Everything that a draw is decided from. */
interface Drawing {
  readonly request: DrawRequest;
  readonly customer: Customer;
  readonly segments: readonly Segment[];
  readonly meters: ReadonlyMap<string, Meter>;
  readonly wallet: WalletRow;
  readonly grants: readonly StoredGrant[];
  readonly seq: number;
  /** Up to when each subscription's periods are closed. */
  readonly settledUntil: ReadonlyMap<string, Instant>;
  /** Grants of plans that are still to come. */
  readonly pending: readonly PendingGrant[];
  /** What periods that are over, and not closed yet, do not carry on. */
  readonly lapses: readonly CreditLapse[];
}

/** So far ahead of the clock, in microseconds, usage may lie. */
const AHEAD = 6 * 60 * 1_000_000;

/** Commits are numbered from 0 on. */
const BEFORE_EVERYTHING = -1;

/**
 * Takes what usage burns from wallets as it arrives (SEMANTICS 7.3, docs/decisions/0021). Pulled: a cursor per wallet follows the commits of usage, and what is
 * burnt commits with it. Decisions are made in the order of draws, inside of one in order of event time, and recorded: they are never made again.
 *
 * What commits since the cursor brought is enough where burn rates read sums and nothing else has changed. Otherwise, and for periods that an invoice closes,
 * all usage of the periods is compared with what was recorded, and the difference is drawn: so what a period burns never depends on how often it was looked at.
 */
@Injectable()
export class DrawDown {
  constructor(
    private readonly customers: CustomerStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly meters: MeterStore,
    private readonly reader: UsageReader,
    private readonly pins: UsagePins,
    private readonly usage: RatedUsageReader,
    private readonly store: CreditStore,
    private readonly settlements: SettlementStore,
    private readonly wallets: Wallets,
    private readonly watch: WalletWatch,
    private readonly lapses: CreditLapses,
  ) {}

  /** Holds the wallet until the transaction ends. Nothing to draw: nothing is held. */
  async draw(tx: TenantTransaction, request: DrawRequest): Promise<void> {
    const segments = await this.subscriptions.segments(tx, { customerIds: [request.customerId] });
    const burning = burningSegments(segments);
    if (burning.length === 0) return;
    const customer = (await this.customers.byIds(tx, [request.customerId])).get(request.customerId);
    if (customer === undefined) throw new Error(`customer ${request.customerId} is not there`);
    if (await this.isUpToDate(tx, request, customer, segments)) return;
    const wallet = await this.store.lock(tx, customer.id);
    const progress = new Map((await this.store.cursors(tx, customer.id)).map((cursor) => [cursor.subscriptionId, cursor]));
    const grants = await this.store.grants(tx, customer.id);
    const until = Math.max(request.now ?? 0, Date.now() * 1_000) + AHEAD;
    const drawing: Drawing = {
      request,
      customer,
      segments,
      meters: await this.meters.byKeys(tx),
      wallet,
      grants,
      // Read after the lock: no draw before this one has seen more.
      seq: request.upToSeq ?? (await this.reader.currentSeq(tx)),
      settledUntil: new Map([...progress].map(([subscriptionId, { settledUntil }]) => [subscriptionId, settledUntil])),
      pending: pendingUntil({ segments, progress, has: (key) => grants.some((grant) => grant.key === key) }, until),
      lapses: await this.lapses.of(tx, customer.id, segments, until),
    };
    const demands = await this.demands(tx, drawing);
    const burns = await this.decide(tx, drawing, demands);
    await this.wallets.postBurns(tx, customer.id, burns);
    const drawnSeq = Math.max(drawing.seq, wallet.drawnSeq ?? 0);
    const waiting = await this.waiting(tx, drawing);
    await this.store.markDrawn(tx, customer.id, { seq: drawnSeq, terms: fingerprint(segments), waiting });
    if (burns.length === 0) return;
    const at = request.now ?? Math.max(...burns.map((burn) => burn.at));
    const lapses = drawing.lapses.length === 0 ? [] : await this.lapses.of(tx, customer.id, segments, until);
    const after = availableAt(await this.store.grants(tx, customer.id), at, lapses);
    await this.watch.look(tx, { customer, wallet, before: availableAt(drawing.grants, at, drawing.lapses), after, at });
  }

  private async isUpToDate(
    tx: TenantTransaction,
    { parts = [], upToSeq }: DrawRequest,
    customer: Customer,
    segments: readonly Segment[],
  ): Promise<boolean> {
    if (parts.length > 0) return false;
    const row = await this.store.row(tx, customer.id);
    if (row === null || row.drawnSeq === null || row.drawnTerms !== fingerprint(segments)) return false;
    const seq = upToSeq ?? (await this.reader.currentSeq(tx));
    return row.drawnSeq >= seq || (await this.reader.changedSpan(tx, customer.no, { afterSeq: row.drawnSeq, upToSeq: seq })) === null;
  }

  /** What is to be burnt and given back. */
  private async demands(tx: TenantTransaction, drawing: Drawing): Promise<PartDemand[]> {
    const { wallet, customer, segments, seq, request } = drawing;
    if (wallet.drawnSeq !== null && wallet.drawnTerms === fingerprint(segments)) {
      const since = await this.since(tx, drawing, wallet.drawnSeq);
      if (since !== null) {
        const parts = request.parts ?? [];
        const forced = new Set(parts.map((part) => periodKey(keyOfPart(part))));
        const others = since.filter(({ part }) => !forced.has(periodKey(keyOfPart(part))));
        return [...others, ...(await this.missing(tx, drawing, parts))];
      }
    }
    const known = await this.reader.changedSpan(tx, customer.no, { afterSeq: BEFORE_EVERYTHING, upToSeq: seq });
    const open = known === null ? [] : this.openParts(drawing, known);
    const forced = request.parts ?? [];
    const names = new Set(forced.map((part) => periodKey(keyOfPart(part))));
    const others = open.filter((part) => !names.has(periodKey(keyOfPart(part))));
    return [
      ...(await this.missing(tx, drawing, forced)),
      ...(await this.missing(tx, drawing, others, (demand) => !isWaiting(drawing, demand))),
    ];
  }

  /** What commits after the cursor brought; null where that cannot be told from sums, or was merged with what came before. */
  private async since(tx: TenantTransaction, drawing: Drawing, afterSeq: number): Promise<PartDemand[] | null> {
    const { customer, segments, meters, seq } = drawing;
    if (afterSeq >= seq) return [];
    const span = await this.reader.changedSpan(tx, customer.no, { afterSeq, upToSeq: seq });
    if (span === null) return [];
    if (needsSingleEvents({ span, segments, meters })) return null;
    const cuts = cutsOf(drawing);
    const usage = await this.usage.readSince(tx, { customerNo: customer.no, segments, meters, span, cuts, upToSeq: seq }, afterSeq);
    // Asked after the sums were read: had they been merged across the cursor by then, the floor would be above it.
    if ((await this.pins.floor(tx)) > afterSeq) return null;
    const parts = await this.live(tx, drawing, burningParts(segments, span));
    return demandsOf(parts, { usage, meters, cuts }).filter((demand) => !isWaiting(drawing, demand));
  }

  /** All usage of the periods, or what counts of it, against what was recorded of it. */
  private async missing(
    tx: TenantTransaction,
    drawing: Drawing,
    parts: readonly BurningPart[],
    counts: (demand: Pick<PartDemand, 'part' | 'at'>) => boolean = () => true,
  ): Promise<PartDemand[]> {
    if (parts.length === 0) return [];
    const { customer, segments, meters, seq } = drawing;
    const cuts = cutsOf(drawing);
    const span = { start: Math.min(...parts.map(({ period }) => period.start)), end: Math.max(...parts.map(({ period }) => period.end)) };
    const usage = await this.usage.read(tx, { customerNo: customer.no, segments, meters, span, cuts, upToSeq: seq });
    const demands = demandsOf(parts, { usage, meters, cuts }).filter((demand) => demand.credits.isPositive() && counts(demand));
    const recorded = (await this.store.recordedUsage(tx, parts.map(keyOfPart))).filter((burn) => {
      const part = parts.find((one) => periodKey(keyOfPart(one)) === periodKey(burn));
      return part === undefined || counts({ part, at: burn.at });
    });
    return missingDemands(parts, demands, recorded);
  }

  /** Periods that are not closed and share time with the usage. Late usage of closed ones is drawn with the invoice that rates them again. */
  private openParts(drawing: Drawing, known: Period): BurningPart[] {
    return burningParts(drawing.segments, known).filter((part) => !isClosed(drawing, part) && ownPending(drawing, part) === undefined);
  }

  /**
   * What the usage that waits will burn, by the grant that it waits for: until it comes, nobody else is to count on that much of it. Credits that were recorded
   * already, before the grant was known of, wait for nothing.
   */
  private async waiting(tx: TenantTransaction, drawing: Drawing): Promise<Map<string, Decimal>> {
    const { customer, segments, meters, seq, pending } = drawing;
    const counted = pending.filter(({ whenPaid }) => !whenPaid);
    const waiting = new Map<string, Decimal>();
    if (counted.length === 0) return waiting;
    const span = {
      start: Math.min(...counted.map(({ period }) => period.start)),
      end: Math.max(...counted.map(({ period }) => period.end)),
    };
    const parts = burningParts(segments, span).filter((part) => !isClosed(drawing, part));
    if (parts.length === 0) return waiting;
    const cuts = cutsOf(drawing);
    const usage = await this.usage.read(tx, { customerNo: customer.no, segments, meters, span, cuts, upToSeq: seq });
    const recorded = await this.store.recordedUsage(tx, parts.map(keyOfPart));
    const known = recorded.flatMap((burn): Pick<PartDemand, 'part' | 'at' | 'credits'>[] => {
      const part = parts.find((one) => periodKey(keyOfPart(one)) === periodKey(burn));
      return part === undefined ? [] : [{ part, at: burn.at, credits: burn.credits.negated() }];
    });
    for (const { part, at, credits } of [...demandsOf(parts, { usage, meters, cuts }), ...known]) {
      const grant = waitsFor(drawing, { part, at });
      if (grant === undefined || grant.whenPaid) continue;
      waiting.set(grant.key, (waiting.get(grant.key) ?? Decimal.ZERO).plus(credits));
    }
    return new Map([...waiting].filter(([, credits]) => credits.isPositive()));
  }

  /** Usage of a voided period burns nothing until the period is billed again. */
  private async live(tx: TenantTransaction, drawing: Drawing, parts: readonly BurningPart[]): Promise<BurningPart[]> {
    const closed = parts.filter((part) => isClosed(drawing, part));
    const voided = await this.settlements.voided(tx, closed.map(keyOfPart));
    return parts.filter((part) => !voided.has(periodKey(keyOfPart(part))));
  }

  /** What is given back comes first, then open periods in order of event time, then what came late: it burns what is current (SEMANTICS 7.3). */
  private async decide(tx: TenantTransaction, drawing: Drawing, demands: readonly PartDemand[]): Promise<DecidedBurn[]> {
    const returned: DecidedBurn[] = [];
    let state: WalletState = { grants: drawing.grants, debt: drawing.wallet.debt, lapses: drawing.lapses };
    for (const demand of returnsOf(demands)) {
      const burns = await this.giveBack(tx, drawing, demand);
      returned.push(...burns);
      state = walletWith(state, burns);
    }
    const late = new Set(demands.filter(({ part }) => isClosed(drawing, part)).map(({ part }) => part));
    const inOrder = demands
      .filter(({ credits }) => credits.isPositive())
      .sort((a, b) => Number(late.has(a.part)) - Number(late.has(b.part)) || a.at - b.at || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    const burnt: DecidedBurn[] = [];
    for (const demand of inOrder) {
      const at = late.has(demand.part) ? lateAt(drawing, demand.part) : demand.at;
      const { burns, wallet } = settlePeriod(demand.part.segment.terms, state, [{ ...demand, at }]);
      state = wallet;
      burnt.push(...burns.map(({ key, ...burn }) => ({ ...burn, cause: causeOfPart(demand.part, key) })));
    }
    return [...returned, ...burnt];
  }

  private async giveBack(tx: TenantTransaction, drawing: Drawing, { part, key, credits }: PartDemand): Promise<DecidedBurn[]> {
    const recorded = await this.store.usageBurns(tx, keyOfPart(part), key);
    const standing = Decimal.sum(standingBurns(recorded).map((burn) => burn.credits));
    const back = Decimal.min(credits.negated(), standing);
    const counts = isClosed(drawing, part) ? lateAt(drawing, part) : null;
    return returnedBurns(recorded, back).map(({ grantId, against, credits: given, revenue, at: burntAt }) => ({
      ...{ grantId, against, credits: given, revenue, at: counts ?? burntAt },
      cause: causeOfPart(part, key),
    }));
  }
}

/** Late usage burns what is current: by the clock, if there is one, else at the end of what is closed. */
function lateAt({ request, settledUntil }: Drawing, { segment, period }: BurningPart): Instant {
  if (request.lateAt !== undefined) return request.lateAt;
  const until = settledUntil.get(segment.subscriptionId) ?? period.end;
  return Math.max(until, request.now ?? until);
}

function isClosed({ settledUntil }: Drawing, { segment, period }: BurningPart): boolean {
  return period.start < (settledUntil.get(segment.subscriptionId) ?? -Infinity);
}

/** The grant that a plan makes for the period, while it is still to come. */
function ownPending(drawing: Drawing, { segment, period }: BurningPart): PendingGrant | undefined {
  const key = planGrantKey(segment.id, period.start);
  return drawing.pending.find((grant) => grant.key === key);
}

/**
 * A plan's credits come when the invoice of their period is finalized (SEMANTICS 7.6): until then its usage waits for them, or for the period's close. So does
 * usage of the customer's other plans in that time, which would burn them too; nobody knows when an invoice is paid, so that only the plan's own waits for that.
 */
function waitsFor(drawing: Drawing, { part, at }: Pick<PartDemand, 'part' | 'at'>): PendingGrant | undefined {
  if (isClosed(drawing, part)) return undefined;
  return ownPending(drawing, part) ?? drawing.pending.find(({ whenPaid, period }) => !whenPaid && periodContains(period, at));
}

function isWaiting(drawing: Drawing, demand: Pick<PartDemand, 'part' | 'at'>): boolean {
  return waitsFor(drawing, demand) !== undefined;
}

/** No demand reaches across an instant at which a grant begins or ends, be it there or still to come, or credits lapse. */
function cutsOf({ grants, pending, lapses }: Drawing): Instant[] {
  return [...cutsOfGrants(grants), ...lapses.map(({ at }) => at), ...pending.flatMap(({ period }) => [period.start, period.end])];
}

/** Credits to give back, by period and dimensions: the ledger is read once for each. */
function returnsOf(demands: readonly PartDemand[]): PartDemand[] {
  const returns = new Map<string, PartDemand>();
  for (const demand of demands.filter(({ credits }) => credits.isNegative())) {
    const name = `${periodKey(keyOfPart(demand.part))} ${demand.key}`;
    const known = returns.get(name);
    returns.set(name, known ? { ...known, credits: known.credits.plus(demand.credits) } : demand);
  }
  return [...returns.values()];
}

function causeOfPart(part: BurningPart, dimensionKey: string): DecidedBurn['cause'] {
  return causeOf('USAGE', { ...keyOfPart(part), subscriptionId: part.segment.subscriptionId, dimensionKey });
}

/** The wallet with what is given back. */
function walletWith({ grants, debt, lapses = [] }: WalletState, returned: readonly DecidedBurn[]): WalletState {
  const after = grants.map((grant) => {
    const own = returned.filter(({ grantId }) => grantId === grant.id);
    if (own.length === 0) return grant;
    const credits = Decimal.sum(own.map((burn) => burn.credits));
    const revenue = Decimal.sum(own.map((burn) => burn.revenue));
    const priceUsed = grant.priceUsed?.plus(revenue);
    return { ...grant, remaining: grant.remaining.minus(credits), ...(priceUsed === undefined ? {} : { priceUsed }) };
  });
  const owed = Decimal.sum(returned.filter(({ against }) => against === 'DEBT').map(({ credits }) => credits));
  // What is given back of a time before credits lapse may lapse too.
  const lapsing = lapses.map((lapse) => {
    const back = returned.filter(
      ({ grantId, at }) => at < lapse.at && grants.some((grant) => grant.id === grantId && isLapsing(grant, lapse)),
    );
    return { ...lapse, credits: lapse.credits.minus(Decimal.sum(back.map(({ credits }) => credits))) };
  });
  return { grants: after, debt: Decimal.max(Decimal.ZERO, debt.plus(owed)), lapses: lapsing };
}

/** Instants at which grants begin or end: no demand reaches across one (SEMANTICS 7.3). */
export function cutsOfGrants(grants: WalletState['grants']): Instant[] {
  return grants.flatMap(({ effectiveAt, expiresAt }) => [effectiveAt, ...(expiresAt === null ? [] : [expiresAt])]);
}

/**
 * Everything about a customer's segments that decides what usage burns: drawn under another one, all that is open is looked at again. Those that burn nothing decide
 * whose usage is, by being there or being named (SEMANTICS 3.6).
 */
export function fingerprint(segments: readonly Segment[]): string {
  const facts = segments.map((segment) => {
    const { id, start, anchor, trialEnd, timeZone, terms, paused } = segment;
    if (terms.burnRates.length === 0) return [id, start, segmentEnd(segment), paused];
    const rates = terms.burnRates.map(({ meter, creditsPerUnit, match }) => [meter, creditsPerUnit.toString(), match]);
    const calendar = [terms.interval, terms.intervalCount, terms.alignment, terms.creditsPerInterval?.toString() ?? null];
    return [id, start, segmentEnd(segment), anchor, trialEnd, timeZone, calendar, rates];
  });
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32);
}

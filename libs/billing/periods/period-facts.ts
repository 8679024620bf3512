import { Injectable } from '@nestjs/common';
import { ExchangeRates, MeterStore, type LoadedExchangeRates } from '@tare/catalog';
import {
  billedFeesOf,
  billedLinesOf,
  burnDemand,
  commitmentSpan,
  creditCarry,
  Decimal,
  discountSpan,
  discountedPeriods,
  feesNetOf,
  NO_TAX,
  rateChanges,
  roundToBilling,
  servicePeriodAt,
  spanOfIntervals,
  subscriptionEnd,
} from '@tare/core';
import type {
  AllowanceRecord,
  CreditCarry,
  Discount,
  EndedPart,
  ExchangeRate,
  Instant,
  InvoiceFacts,
  InvoiceTax,
  LateInvoice,
  Meter,
  Period,
  PlanChange,
  Segment,
} from '@tare/core';
import {
  CreditStore,
  cutsOfGrants,
  DrawDown,
  needsSingleEvents,
  periodKey,
  RatedUsageReader,
  SettlementStore,
  settlePeriod,
  type RatedUsage,
  type RatedUsageQuery,
  type RecordedSettlement,
  type Settlement,
  type WalletState,
} from '@tare/credits';
import type { Customer, Subscription } from '@tare/customers';
import type { TenantTransaction } from '@tare/database';
import { UsageReader } from '@tare/usage';
import { AgreedBeforeStore, segmentsThen, type AgreedThen } from './agreed-before.store.ts';
import { AllowanceStore } from './allowance.store.ts';
import { BillingPeriodStore, type BillingPeriod } from './billing-period.store.ts';
import { type BillingInstant, type Part } from './billing-instant.ts';
import { withFeesHandedOver } from './handed-over.ts';
import { InvoiceStore, placeOf, type DiscountUse } from '../invoices/invoice.store.ts';
import type { Invoice, InvoiceLine } from '../invoices/invoice.ts';
import { groupedBy } from '../grouped-by.ts';
import { Standings, type Standing } from './standings.ts';
import { CreditNoteStore } from '../credit-notes/credit-note.store.ts';
import { TaxSource } from '../tax/tax-source.ts';

/** What has happened to a subscription before an instant: loaded from the tables, or kept by a simulation for its own world. */
export interface BillingHistory {
  /** Lines of standing invoices. */
  readonly lines: readonly InvoiceLine[];
  readonly discountUses: readonly DiscountUse[];
  readonly wallet: WalletState;
  /** Owed to the customer, by currency. */
  readonly balances: ReadonlyMap<string, Decimal>;
  /** The last record of each allowance that rolls over, from periods before the instant. */
  readonly allowances: readonly AllowanceRecord[];
}

export interface FactsQuery {
  readonly subscriptionId: string;
  /** Where its customer stands, when the caller has loaded it. */
  readonly standing?: Standing;
  /** What is billed: one of `billingInstants`, or an instant made up (usage so far, a supplementary invoice). */
  readonly instant: BillingInstant;
  /** Only usage that commits up to this one brought; none: all that there is. */
  readonly upToSeq?: number;
  /** Usage of the instant's periods from here on is not read: for what would be billed so far. None: whole periods. */
  readonly usageUntil?: Instant;
  /**
   * Usage is drawn from the wallet first, by this clock, so that what nothing covers is known: the one thing that a load writes. The caller holds the wallet.
   * None: as drawn so far.
   */
  readonly draws?: Instant;
  /** False: minimums, commitments and fees in arrears of the instant's periods are not due yet. */
  readonly closing?: boolean;
  /** Corrections of closed periods: what has not been rated yet (default), or none. */
  readonly late?: 'UNRATED' | 'NONE';
  /**
   * The facts of an invoice that was issued, as they were then: usage up to its `seenSeq`, what was billed before it, recorded credit allocations instead
   * of new ones (SEMANTICS 8.4, 11.2).
   */
  readonly asIssued?: Invoice;
  /** The instant was billed before, by an invoice that is void now: what corrections of it billed or gave since is taken off. */
  readonly again?: boolean;
  /** Another world: these segments of the customer (all of its subscriptions) instead of the real ones, and what was billed in it so far. */
  readonly world?: { readonly segments: readonly Segment[]; readonly history: BillingHistory };
}

/** What the usage of a period burns in another world, whose wallet nothing was drawn from. */
export interface PlannedSettlement {
  readonly segmentId: string;
  readonly periodStart: Instant;
  readonly settlement: Settlement;
}

/** What an invoice finds uncovered. */
export interface UncoveredPart extends Omit<RecordedSettlement, 'invoiceId'> {
  /** Of the plan: which of the invoices of an instant it is on. */
  readonly currency: string;
}

export interface PeriodFactsResult {
  readonly customer: Customer;
  readonly subscription: Subscription;
  /** The last commit of usage in the facts. */
  readonly seenSeq: number;
  /** How many exchange rates had been recorded that the facts are of. */
  readonly seenRates: number;
  /** One for each currency: almost always one, none when there is nothing to assemble. */
  readonly invoices: readonly InvoiceFacts[];
  /** Of another world. */
  readonly settlements: readonly PlannedSettlement[];
  /** What nothing covers of the periods that are closed now or rated again: finalizing remembers it, and recomputation reads it back. */
  readonly uncovered: readonly UncoveredPart[];
  /** Closed periods whose late usage is in the facts. */
  readonly late: readonly BillingPeriod[];
  /** What becomes of plan credits that roll over, once the wallet is settled and before the plan grants more. Null: nothing. */
  readonly creditCarry: CreditCarry | null;
}

/** Everything of one load, on the way from tables to facts. */
interface Loaded {
  readonly query: FactsQuery;
  readonly customer: Customer;
  readonly subscription: Subscription;
  readonly segments: readonly Segment[];
  readonly meters: ReadonlyMap<string, Meter>;
  readonly exchangeRates: readonly ExchangeRate[];
  readonly seenRates: number;
  readonly seenSeq: number;
  readonly late: readonly LateScope[];
  readonly history: BillingHistory;
  /** Credits that nothing covers, by period; of another world none are recorded. */
  readonly uncovered: ReadonlyMap<string, Decimal>;
  readonly tax: InvoiceTax;
  /** Price of credits that were sold without tax and are burnt now, by currency. */
  readonly untaxedBurns: ReadonlyMap<string, Decimal>;
  /** What is recorded of the allowances of parts that were closed before. */
  readonly allowances: readonly AllowanceRecord[];
  readonly usage: ReadonlyMap<Part, RatedUsage>;
}

/** The same, with usage only while its result is made. */
interface Opening extends Omit<Loaded, 'usage'> {
  usage: ReadonlyMap<Part, RatedUsage>;
}

/** A query with where its customer stands. */
interface Asked {
  readonly query: FactsQuery;
  readonly standing: Standing;
  readonly subscription: Subscription;
  readonly segments: readonly Segment[];
}

/** Periods that were closed together, by one invoice or by none. */
interface LateScope {
  /** The invoice, or the first period where there was none. */
  readonly adjusts: string;
  /** Its place in the series; null where there was none. */
  readonly invoiceNo: number | null;
  /** It is void, for who asks. */
  readonly voided: boolean;
  readonly periods: readonly BillingPeriod[];
  readonly parts: readonly Part[];
}

/** Bills whose usage is read by one statement and held in memory at once. */
const CHUNK = 200;

/**
 * The one door from tables to `assembleInvoice`: runs, drafts, previews, recomputation, margins and simulations load here. Whatever is asked for, it is a
 * page: the number of queries does not depend on how many customers, prices, lines or events there are (a few for all of them, one for the usage of
 * every 200, one for each customer whose meters need single events, and those of wallets). To load one more fact: README.md.
 */
@Injectable()
export class PeriodFacts {
  constructor(
    private readonly standings: Standings,
    private readonly meters: MeterStore,
    private readonly rates: ExchangeRates,
    private readonly reader: UsageReader,
    private readonly usage: RatedUsageReader,
    private readonly credits: CreditStore,
    private readonly drawDown: DrawDown,
    private readonly settlements: SettlementStore,
    private readonly periods: BillingPeriodStore,
    private readonly invoices: InvoiceStore,
    private readonly taxes: TaxSource,
    private readonly notes: CreditNoteStore,
    private readonly allowances: AllowanceStore,
    private readonly agreed: AgreedBeforeStore,
  ) {}

  /** The same query in the same transaction gives the same facts; nothing is written, unless `draws` says so. */
  async load(tx: TenantTransaction, query: FactsQuery): Promise<PeriodFactsResult> {
    for await (const result of this.page(tx, [query])) return result;
    throw new Error('a page of one query has no result');
  }

  /**
   * The same for many queries, of different subscriptions, in their order. Results come one after the other: with each only its own usage is in memory, so
   * take from it what is needed and let it go. All see usage up to one commit.
   */
  async *page(tx: TenantTransaction, queries: readonly FactsQuery[]): AsyncGenerator<PeriodFactsResult, void> {
    const openings = await this.openings(tx, queries);
    const chunks = chunksOf(openings);
    let ahead = this.usageAhead(tx, chunks[0]);
    for (const [index, chunk] of chunks.entries()) {
      const usage = await ahead;
      // Postgres sums up the next ones while these are assembled.
      ahead = this.usageAhead(tx, chunks[index + 1]);
      for (const [position, opening] of chunk.entries()) {
        // For as long as the result is made and no longer: it is the largest part of what is loaded.
        opening.usage = usage[position] ?? NO_USAGE;
        const result = resultOf(opening);
        opening.usage = NO_USAGE;
        yield result;
      }
    }
  }

  private async openings(tx: TenantTransaction, queries: readonly FactsQuery[]): Promise<Opening[]> {
    const asked = await this.asked(tx, queries);
    // What is closed and lacks a rate is written down before one comes, or finds it (`LateExchangeRates`).
    if (queries.some(({ draws }) => draws !== undefined)) await this.rates.hold(tx);
    const [meters, rates, currentSeq] = await Promise.all([this.meters.byKeys(tx), this.rates.load(tx), this.reader.currentSeq(tx)]);
    const seenSeqOf = ({ asIssued, upToSeq }: FactsQuery): number => asIssued?.seenSeq ?? upToSeq ?? currentSeq;
    const late = await this.lateScopes(tx, asked, seenSeqOf);
    const histories = await this.histories(tx, asked, late);
    const uncovered = await this.uncovered(tx, asked, late, seenSeqOf);
    const allowances = await this.recordedAllowances(tx, asked, late);
    const taxes = await this.taxesOf(tx, asked);
    const untaxedBurns = await this.untaxedBurns(tx, asked, late);
    return asked.map(({ query, standing: { customer }, subscription, segments }, index) => ({
      query,
      customer,
      subscription,
      segments,
      meters,
      ...ratesOf(query, rates),
      seenSeq: seenSeqOf(query),
      late: late.get(query) ?? [],
      history: query.world?.history ?? histories.get(query) ?? NOTHING_BILLED,
      uncovered: uncovered.get(query) ?? NONE_UNCOVERED,
      tax: taxes[index] ?? NO_TAX,
      untaxedBurns: untaxedBurns.get(query) ?? NO_BURNS,
      allowances: allowances.get(subscription.id) ?? [],
      usage: NO_USAGE,
    }));
  }

  /** The tax as it holds at the instant; an issued invoice keeps the amounts that it has. */
  private async taxesOf(tx: TenantTransaction, asked: readonly Asked[]): Promise<InvoiceTax[]> {
    const taxes = await this.taxes.taxesOf(
      tx,
      asked.map(({ query: { instant }, standing }) => ({ customerId: standing.customer.id, at: instant.at })),
    );
    return asked.map(({ query: { asIssued } }, index): InvoiceTax => {
      if (asIssued === undefined) return taxes[index] ?? NO_TAX;
      const { taxes: issued, creditsTaxed } = asIssued.detail;
      return { kind: 'AMOUNTS', taxes: issued, creditsTaxed };
    });
  }

  /**
   * Credits that were sold without tax are taxed by the invoice that closes what burnt them: all that was burnt by its instant, less what invoices have taxed,
   * rounded as a whole, so that each is taxed once, whatever was voided, given back or came late (SEMANTICS 8.6). Usage has to be drawn.
   */
  private async untaxedBurns(
    tx: TenantTransaction,
    asked: readonly Asked[],
    late: ReadonlyMap<FactsQuery, readonly LateScope[]>,
  ): Promise<Map<FactsQuery, ReadonlyMap<string, Decimal>>> {
    const found = new Map<FactsQuery, ReadonlyMap<string, Decimal>>();
    const closing = asked.filter(({ query }) => {
      const { asIssued, world, instant } = query;
      if (asIssued !== undefined) found.set(query, new Map([[asIssued.currency, asIssued.detail.untaxedBurns]]));
      const isBilled = instant.closes.length > 0 || (late.get(query) ?? []).length > 0;
      return asIssued === undefined && world === undefined && query.closing !== false && isBilled;
    });
    const burnt = await this.credits.burntUntaxed(
      tx,
      closing.map(({ query: { instant }, standing }) => ({ customerId: standing.customer.id, before: instant.at })),
    );
    const taxed = await this.invoices.taxedBurns(tx, [...burnt.keys()]);
    for (const { query, standing } of closing) {
      const before = taxed.get(standing.customer.id);
      const own = [...(burnt.get(standing.customer.id) ?? [])].map(([currency, amount]): [string, Decimal] => [
        currency,
        roundToBilling(amount, currency).minus(before?.get(currency) ?? Decimal.ZERO),
      ]);
      found.set(query, new Map(own));
    }
    return found;
  }

  private async asked(tx: TenantTransaction, queries: readonly FactsQuery[]): Promise<Asked[]> {
    const unknown = queries.flatMap(({ standing, subscriptionId }) => (standing === undefined ? [subscriptionId] : []));
    const found = unknown.length === 0 ? new Map<string, Standing>() : await this.standings.ofSubscriptions(tx, unknown);
    const asked = queries.map((query) => {
      const standing = query.standing ?? found.get(query.subscriptionId);
      const subscription = standing?.subscriptions.find(({ id }) => id === query.subscriptionId);
      if (!standing || !subscription) throw new Error(`subscription ${query.subscriptionId} is not there`);
      return { query, standing, subscription, segments: query.world?.segments ?? standing.segments };
    });
    const agreed = await this.agreedThen(tx, asked);
    return agreed.size === 0
      ? asked
      : asked.map((one) => ({ ...one, segments: segmentsThen(one.segments, one.subscription.id, agreed.get(one.query) ?? NOTHING_ELSE) }));
  }

  /** Of issued invoices, where the customer has other subscriptions: what was agreed for those when they were made. */
  private async agreedThen(tx: TenantTransaction, asked: readonly Asked[]): Promise<Map<FactsQuery, AgreedThen>> {
    const issued = asked.flatMap(({ query, standing }) => {
      const place = query.world === undefined && standing.subscriptions.length > 1 ? placeIn(query) : null;
      return place === null ? [] : [{ query, customerId: standing.customer.id, place }];
    });
    const agreed = await this.agreed.madeWith(tx, issued);
    return new Map(issued.map(({ query }, index) => [query, agreed[index] ?? NOTHING_ELSE]));
  }

  /** Closed periods to rate again, each with all that was closed together with it: the whole scope (SEMANTICS 8.3). */
  private async lateScopes(
    tx: TenantTransaction,
    asked: readonly Asked[],
    seenSeqOf: (query: FactsQuery) => number,
  ): Promise<Map<FactsQuery, LateScope[]>> {
    const wanted = asked.filter(({ query }) => query.world === undefined && query.late !== 'NONE');
    const touched = new Map<FactsQuery, BillingPeriod[]>();
    for (const [upToSeq, own] of groupedBy(
      wanted.filter(({ query }) => query.asIssued === undefined),
      ({ query }) => seenSeqOf(query),
    )) {
      const periods = await this.periods.late(
        tx,
        own.map(({ subscription }) => subscription.id),
        upToSeq,
      );
      for (const { query, subscription } of own) touched.set(query, periods.get(subscription.id) ?? []);
    }
    for (const one of wanted.filter(({ query }) => (touched.get(query) ?? []).length > 0)) {
      touched.set(one.query, await this.withTrueUps(tx, one, touched.get(one.query) ?? [], seenSeqOf(one.query)));
    }
    const invoices = await this.invoices.byIds(
      tx,
      [...touched.values()].flat().flatMap(({ invoiceId }) => (invoiceId === null ? [] : [invoiceId])),
    );
    const scopes = new Map<FactsQuery, LateScope[]>();
    for (const { query, subscription, segments } of wanted) {
      const { asIssued } = query;
      scopes.set(
        query,
        asIssued === undefined
          ? [...groupedBy(besides(query, touched.get(query) ?? []), ({ billedAt }) => billedAt ?? NaN).values()].map((scope) => {
              const adjusted = invoices.get(scope[0]?.invoiceId ?? '');
              return lateScope(scope, segments, adjusted, adjusted?.status === 'VOID');
            })
          : await this.issuedScopes(tx, asIssued, subscription, segments),
      );
    }
    return scopes;
  }

  /**
   * What an issued invoice corrected, as its own lines say. The rows of periods cannot: they name the invoice that bills a period now, which may have been
   * voided and billed again since.
   */
  private async issuedScopes(
    tx: TenantTransaction,
    asIssued: Invoice,
    subscription: Subscription,
    segments: readonly Segment[],
  ): Promise<LateScope[]> {
    const lines = (await this.invoices.linesOf(tx, [asIssued.id])).get(asIssued.id) ?? [];
    const deltas = groupedBy(
      lines.filter(({ kind }) => kind === 'DELTA'),
      ({ adjusts }) => adjusts ?? '',
    );
    if (deltas.size === 0) return [];
    const rows = await this.periods.ofSubscription(tx, subscription.id);
    const invoices = await this.invoices.byIds(tx, [...deltas.keys()]);
    return [...deltas].flatMap(([adjusts, own]) => {
      const billedAt = rows.find((row) => own.some((line) => isOfRow(line, row)))?.billedAt;
      const periods = rows.filter((row) => billedAt != null && row.billedAt === billedAt);
      if (periods.length === 0) return [];
      const adjusted = invoices.get(adjusts);
      const voided = adjusted?.voidedPlace != null && adjusted.voidedPlace <= placeOf(asIssued.number ?? '');
      return [{ ...lateScope(periods, segments, adjusted, voided), adjusts }];
    });
  }

  /**
   * Late usage changes the true-up of a commitment over several billing periods that was due since: with it, what was closed together with that is rated
   * again too (SEMANTICS 8.3). In order of time.
   */
  private async withTrueUps(
    tx: TenantTransaction,
    { subscription, segments }: Asked,
    touched: readonly BillingPeriod[],
    seenSeq: number,
  ): Promise<BillingPeriod[]> {
    const ends = new Set(touched.flatMap((period) => commitmentEnd(period, segments) ?? []));
    if (ends.size === 0) return [...touched];
    const rows = await this.periods.ofSubscription(tx, subscription.id);
    const isThere = (row: BillingPeriod): boolean => row.closedAt !== null && row.seenSeq !== null && row.seenSeq < seenSeq;
    const trueUps = rows.filter((row) => isThere(row) && ends.has(row.end) && !touched.some(({ billedAt }) => billedAt === row.billedAt));
    const invoices = await this.invoices.byIds(
      tx,
      trueUps.flatMap(({ invoiceId }) => invoiceId ?? []),
    );
    const standing = trueUps.filter(({ invoiceId }) => invoiceId === null || invoices.get(invoiceId)?.status !== 'VOID');
    const times = new Set(standing.map(({ billedAt }) => billedAt));
    return [...touched, ...rows.filter((row) => isThere(row) && times.has(row.billedAt))].sort((a, b) => a.start - b.start);
  }

  /** What has happened before, of those that are not of another world: only what their bills can depend on is read. */
  private async histories(
    tx: TenantTransaction,
    asked: readonly Asked[],
    late: ReadonlyMap<FactsQuery, readonly LateScope[]>,
  ): Promise<Map<FactsQuery, BillingHistory>> {
    const real = asked.filter(({ query }) => query.world === undefined);
    const [lines, discountUses, balances, allowances] = await Promise.all([
      this.invoices.billedLinesOf(
        tx,
        real
          .filter(({ query }) => dependsOnBilledLines(query, late.get(query) ?? []))
          .map(({ query, subscription }) => ({
            subscriptionId: subscription.id,
            since: sinceOf(query.instant, late.get(query) ?? []),
            before: placeIn(query),
          })),
      ),
      this.invoices.discountUsesOf(
        tx,
        real
          .filter(({ subscription }) => subscription.discounts.some(({ amountOff }) => amountOff !== null))
          .map(({ query, subscription }) => ({ subscriptionId: subscription.id, before: placeIn(query) })),
      ),
      this.invoices.balancesOf(
        tx,
        real.map(({ query, standing }) => ({ customerId: standing.customer.id, before: placeIn(query) })),
      ),
      this.allowances.latest(
        tx,
        real.filter(rollsOver).map(({ query, subscription }) => ({
          subscriptionId: subscription.id,
          beginsBefore: beginOf(query.instant),
          before: placeIn(query),
        })),
      ),
    ]);
    const histories = new Map<FactsQuery, BillingHistory>();
    for (const { query, standing, subscription, segments } of real) {
      const billed = lines.get(subscription.id) ?? [];
      const left = query.instant.change === null ? billed : await this.lessCredited(tx, billed, query.instant.at, placeIn(query));
      histories.set(query, {
        lines: withFeesHandedOver(left, segmentsOf(subscription, segments), query.instant.at),
        discountUses: [...(discountUses.get(subscription.id) ?? []), ...unwrittenUses(query, late.get(query) ?? [])],
        wallet: NOTHING_BILLED.wallet,
        balances: balances.get(standing.customer.id) ?? NOTHING_BILLED.balances,
        allowances: allowances.get(subscription.id) ?? [],
      });
    }
    return histories;
  }

  /**
   * What a credit note took back of a fee, a change at `at` does not give back once more: what was billed of it is that much less (SEMANTICS 6.1). Of usage
   * nothing is less: else a correction of it would bill again what was credited.
   */
  private async lessCredited(
    tx: TenantTransaction,
    lines: readonly InvoiceLine[],
    at: Instant,
    before: number | null,
  ): Promise<InvoiceLine[]> {
    const unused = lines.filter(({ kind, period }) => FEE_KINDS.has(kind) && period.end > at);
    const credited = await this.notes.creditedOfLines(
      tx,
      unused.map(({ id }) => id),
      before,
    );
    return lines.map((line) => {
      const amount = credited.get(line.id);
      return amount === undefined ? line : { ...line, discounts: [...line.discounts, { key: 'credit note', amount, ofLine: false }] };
    });
  }

  /**
   * Of parts that are rated again: late ones, and those of an issued invoice or of one that is made again, whose openings never change. What a THRESHOLD
   * invoice billed so far was not recorded yet when it was made: it opens with what the part before carried on then.
   */
  private recordedAllowances(
    tx: TenantTransaction,
    asked: readonly Asked[],
    late: ReadonlyMap<FactsQuery, readonly LateScope[]>,
  ): Promise<Map<string, AllowanceRecord[]>> {
    const rolling = asked.filter((one) => one.query.world === undefined && rollsOver(one));
    const parts = rolling.flatMap(({ query }) =>
      [...query.instant.closes, ...(late.get(query) ?? []).flatMap((scope) => scope.parts)].map((part) => ({
        part,
        before: query.asIssued?.kind === 'THRESHOLD' ? placeIn(query) : null,
      })),
    );
    return this.allowances.ofPeriods(
      tx,
      parts.map(({ part: { segment, period }, before }) => ({ segmentId: segment.id, start: period.start, before })),
    );
  }

  /** What nothing covers, of those that burn credits: as drawn, or as the issued invoice found it (SEMANTICS 7.3, 8.4). */
  private async uncovered(
    tx: TenantTransaction,
    asked: readonly Asked[],
    late: ReadonlyMap<FactsQuery, readonly LateScope[]>,
    seenSeqOf: (query: FactsQuery) => number,
  ): Promise<Map<FactsQuery, ReadonlyMap<string, Decimal>>> {
    const found = new Map<FactsQuery, ReadonlyMap<string, Decimal>>();
    for (const { query, standing } of asked) {
      if (query.world !== undefined) continue;
      const { asIssued, instant, draws, usageUntil } = query;
      const parts = [...instant.closes, ...(late.get(query) ?? []).flatMap((scope) => scope.parts)].filter(settlesCredits);
      if (parts.length === 0) continue;
      if (asIssued !== undefined) {
        found.set(query, await this.settlements.foundBy(tx, asIssued.id));
        continue;
      }
      if (draws !== undefined) {
        // Late usage burns what is current at the end of the time that is closed now: at the instant itself the credits of the ended period are gone.
        const burning = parts.filter(burnsCredits);
        const request = { customerId: standing.customer.id, upToSeq: seenSeqOf(query), lateAt: instant.at - 1, now: draws };
        await this.drawDown.draw(tx, { ...request, parts: burning });
      }
      found.set(query, await this.credits.uncovered(tx, parts.map(keyOfPart), usageUntil ?? null));
    }
    return found;
  }

  /** Begins to read; a failure is heard of where it is waited for. */
  private usageAhead(tx: TenantTransaction, chunk: readonly Opening[] | undefined): Promise<Map<Part, RatedUsage>[]> {
    const reading = chunk === undefined ? Promise.resolve([]) : this.usageOf(tx, chunk);
    reading.catch(() => undefined);
    return reading;
  }

  /** Of each opening by part: one read for what is closed now, and one for each late scope, all sums in one statement. */
  private async usageOf(tx: TenantTransaction, chunk: readonly Opening[]): Promise<Map<Part, RatedUsage>[]> {
    const readings = chunk.flatMap((opening, index) => readingsOf(opening).map((reading) => ({ ...reading, index })));
    const rated = await this.usage.readMany(
      tx,
      readings.map(({ query }) => query),
    );
    const usage = chunk.map(() => new Map<Part, RatedUsage>());
    for (const [position, { parts, index }] of readings.entries()) {
      for (const part of parts) usage[index]?.set(part, rated[position] ?? new Map());
    }
    return usage;
  }
}

const segmentsOf = ({ id }: Subscription, segments: readonly Segment[]): Segment[] =>
  segments.filter(({ subscriptionId }) => subscriptionId === id);

/** Of an issued invoice, its place in the series: what came from there on is not of its facts. */
const placeIn = ({ asIssued }: FactsQuery): number | null => (asIssued?.number ? placeOf(asIssued.number) : null);

const NOTHING_BILLED: BillingHistory = {
  lines: [],
  discountUses: [],
  wallet: { grants: [], debt: Decimal.ZERO },
  balances: new Map(),
  allowances: [],
};
const NO_BURNS: ReadonlyMap<string, Decimal> = new Map();
const NOTHING_ELSE: AgreedThen = new Map();
const NO_USAGE: ReadonlyMap<Part, RatedUsage> = new Map();
const NO_DISCOUNTS: readonly Discount[] = [];
const NONE_UNCOVERED: ReadonlyMap<string, Decimal> = new Map();

function resultOf(loaded: Loaded): PeriodFactsResult {
  const { query, customer, subscription, seenSeq, seenRates } = loaded;
  const closed = closedParts(loaded);
  const late = lateInvoices(loaded);
  const invoices = invoicesOf(loaded, closed.parts, late);
  const uncovered = query.world === undefined && query.asIssued === undefined ? uncoveredParts(loaded) : [];
  const { settlements } = closed;
  const periods = loaded.late.flatMap((scope) => scope.periods);
  return { customer, subscription, seenSeq, seenRates, invoices, settlements, uncovered, late: periods, creditCarry: carryAfter(loaded) };
}

/** The rates that are known, or those that an issued invoice was made with. */
function ratesOf({ asIssued }: FactsQuery, rates: LoadedExchangeRates): Pick<Loaded, 'exchangeRates' | 'seenRates'> {
  const seenRates = asIssued === undefined ? rates.count : (asIssued.seenRates ?? 0);
  return { exchangeRates: rates.asOf(seenRates), seenRates };
}

/** Only a period that is over carries anything on. */
function carryAfter({ query: { instant, closing }, subscription, segments }: Loaded): CreditCarry | null {
  const { at, closes, opens } = instant;
  if (closes.length === 0 || closing === false) return null;
  const ended = closes.map(({ segment }) => segment);
  const own = segments.filter(({ subscriptionId }) => subscriptionId === subscription.id);
  const next = opens.at(-1)?.segment ?? null;
  return creditCarry({ subscriptionId: subscription.id, at, ended, next, isLast: subscriptionEnd(own) === at });
}

/** What the invoices of the load find, to be remembered with them. */
function uncoveredParts({ query, late, uncovered }: Loaded): UncoveredPart[] {
  const found = (parts: readonly Part[], isLate: boolean): UncoveredPart[] =>
    parts.filter(settlesCredits).map((part) => {
      const key = keyOfPart(part);
      return { ...key, currency: part.segment.terms.currency, late: isLate, uncovered: uncovered.get(periodKey(key)) ?? Decimal.ZERO };
    });
  return [
    ...found(query.instant.closes, false),
    ...found(
      late.flatMap(({ parts }) => parts),
      true,
    ),
  ];
}

/** Bills that read sums stand together; one that needs single events, whose number has no bound, stands alone. */
function chunksOf(openings: readonly Opening[]): Opening[][] {
  const chunks: Opening[][] = [];
  let open: { chunk: Opening[]; upToSeq: number } | null = null;
  for (const opening of openings) {
    const isAlone = readingsOf(opening).some(({ query }) => needsSingleEvents(query));
    if (open !== null && !isAlone && open.chunk.length < CHUNK && open.upToSeq === opening.seenSeq) {
      open.chunk.push(opening);
      continue;
    }
    const chunk = [opening];
    chunks.push(chunk);
    open = isAlone ? null : { chunk, upToSeq: opening.seenSeq };
  }
  return chunks;
}

/** What is read of usage for a bill: nothing where nothing that is closed depends on it. */
function readingsOf({
  query,
  late,
  customer,
  segments,
  meters,
  seenSeq,
  history,
  exchangeRates,
}: Opening): { parts: readonly Part[]; query: RatedUsageQuery }[] {
  const together = [query.instant.closes, ...late.map((scope) => scope.parts)];
  return together
    .filter((parts) => parts.some(({ segment }) => dependsOnUsage(segment)))
    .map((parts) => {
      const start = Math.min(...parts.map(({ period }) => period.start));
      const until = parts === query.instant.closes ? query.usageUntil : undefined;
      const end = Math.min(Math.max(...parts.map(({ period }) => period.end)), until ?? Infinity);
      const cuts = [...cutsOfGrants(history.wallet.grants), ...cutsOfRates(parts, exchangeRates, { start, end })];
      // Another world may look at usage that its own plans do not charge.
      const onlyRated = query.world === undefined;
      return { parts, query: { customerNo: customer.no, segments, meters, span: { start, end }, cuts, upToSeq: seenSeq, onlyRated } };
    });
}

/** Cost in other currencies is converted day by day. */
function cutsOfRates(parts: readonly Part[], rates: readonly ExchangeRate[], span: Period): Instant[] {
  if (rates.length === 0) return [];
  const onCost = parts.filter(({ segment: { terms } }) => terms.prices.some(({ model }) => model === 'COST_PLUS'));
  return onCost.flatMap(({ segment: { terms, timeZone } }) => rateChanges(terms.currency, rates, timeZone, span));
}

/** Fixed fees and credits alone are billed without a look at usage. */
function dependsOnUsage({ terms }: Segment): boolean {
  return terms.burnRates.length > 0 || terms.prices.some(({ model }) => model !== 'FLAT');
}

/** What is billed again is no correction of itself. */
function besides({ again, instant }: FactsQuery, touched: readonly BillingPeriod[]): readonly BillingPeriod[] {
  return again === true ? touched.filter(({ billedAt, voided }) => billedAt !== instant.at || !voided) : touched;
}

/** Only then lines of earlier invoices decide anything: a commitment counts fees, a change credits them, a correction or a later part takes off what was billed. */
function dependsOnBilledLines({ instant, again, asIssued }: FactsQuery, late: readonly LateScope[]): boolean {
  if (instant.change !== null || late.length > 0 || again === true || asIssued?.replaces != null) return true;
  return instant.closes.some(({ segment: { terms } }) => terms.minimumCommitment !== null || terms.invoiceThreshold !== null);
}

/** Whether a subscription has, or had, an allowance that rolls over. */
function rollsOver({ subscription, segments }: Asked): boolean {
  return segments.some(
    ({ subscriptionId, terms }) =>
      subscriptionId === subscription.id && terms.prices.some((price) => price.model !== 'FLAT' && price.rollover),
  );
}

/** Where what is closed now begins; the instant itself where nothing is. */
function beginOf({ at, closes }: BillingInstant): Instant {
  return Math.min(at, ...closes.map(({ period }) => period.start));
}

/** Usage of the period burns credits. */
function burnsCredits({ segment, period }: Part): boolean {
  return segment.terms.burnRates.length > 0 && !period.trial;
}

/** Something may be uncovered in the period: usage, or a debit by key. */
function settlesCredits(part: Part): boolean {
  return burnsCredits(part) || (part.segment.terms.kind === 'CREDIT' && !part.period.trial);
}

const keyOfPart = ({ segment, period }: Part): { segmentId: string; periodStart: Instant } => ({
  segmentId: segment.id,
  periodStart: period.start,
});

/** The periods that are closed now, in order of time. */
function closedParts(loaded: Loaded): { parts: EndedPart[]; settlements: PlannedSettlement[] } {
  let wallet = loaded.history.wallet;
  const settlements: PlannedSettlement[] = [];
  const parts = loaded.query.instant.closes.map((part): EndedPart => {
    if (loaded.query.world === undefined || !burnsCredits(part))
      return endedPart(part, loaded.query.instant.closes, loaded, uncoveredOf(part, loaded));
    const settlement = settledPart(part, loaded, wallet);
    wallet = settlement.wallet;
    settlements.push({ ...keyOfPart(part), settlement });
    return endedPart(part, loaded.query.instant.closes, loaded, settlement.uncoveredCredits);
  });
  return { parts, settlements };
}

function lateInvoices(loaded: Loaded): LateInvoice[] {
  return loaded.late.map((scope): LateInvoice => {
    const ended = scope.parts.map((part) => ({
      allowances: [],
      ...endedPart(part, scope.parts, loaded, uncoveredOf(part, loaded)),
      // It was closed, whatever is asked of the period that runs.
      closing: true,
    }));
    const { meters, exchangeRates } = loaded;
    const currency = currencyOfParts(scope.parts);
    const discountUses = usesOfScope(scope, loaded);
    const besides = usesBesides(scope, loaded);
    const discounts = discountsOf(loaded, currency, scope).map((discount) => {
      const used = discount.givenAt == null ? discount.used : usesWithout(loaded, discount.key, discountUses);
      return { ...discount, used: [...used, ...besides.filter(({ key }) => key === discount.key)] };
    });
    return {
      invoiceId: scope.adjusts,
      facts: { currency, meters, ended, next: [], changes: [], discounts, exchangeRates },
      billed: billedOf(scope, loaded),
      voided: scope.voided,
      discountUses: [...discountUses, ...besides.map((use) => ({ ...use, amount: use.amount.negated() }))],
    };
  });
}

/**
 * What corrections of an issued invoice took of amounts off, or gave back, where they have no line that would have their periods rated again: a discount that
 * was as large as what it was taken off leaves nothing to be charged, and still what is left of it is another amount since.
 */
function unwrittenUses({ asIssued }: FactsQuery, late: readonly LateScope[]): DiscountUse[] {
  if (asIssued === undefined) return [];
  const rated = new Set(late.flatMap(({ parts }) => parts.map(({ period }) => period.fullStart)));
  const invoiceNo = placeOf(asIssued.number ?? '');
  return asIssued.detail.discountUses.flatMap((use) =>
    use.ofCorrection === true && !rated.has(use.periodStart) ? [{ ...use, invoiceNo }] : [],
  );
}

/**
 * What the invoice of a late scope, threshold invoices and corrections took of amounts off, for the periods of the scope. Where they were closed without an
 * invoice, all else is what fees took.
 */
function usesOfScope({ parts, invoiceNo }: LateScope, { history }: Loaded): DiscountUse[] {
  const starts = new Set(parts.map(({ period }) => period.fullStart));
  return history.discountUses.filter(
    (use) =>
      starts.has(use.periodStart) &&
      (use.ofThreshold === true || use.ofCorrection === true || (invoiceNo !== null && use.invoiceNo >= invoiceNo)),
  );
}

/**
 * What lines of the corrected invoice that are not rated again took of discounts for the same billing periods, or gave back: credit for unused time, where a
 * subscription ended or went over to another interval.
 */
function usesBesides({ adjusts, parts, invoiceNo }: LateScope, { history }: Loaded): DiscountUse[] {
  return history.lines
    .filter(({ invoiceId, kind }) => invoiceId === adjusts && (kind === 'PRORATION_CREDIT' || kind === 'PRORATION_CHARGE'))
    .flatMap(({ period: { start }, discounts }) => {
      const periodStart = parts.find(({ period }) => period.fullStart <= start && start < period.fullEnd)?.period.fullStart;
      return periodStart === undefined ? [] : discounts.map(({ key, amount }) => ({ key, periodStart, amount, invoiceNo: invoiceNo ?? 0 }));
    });
}

/** Where the rest of an amount is carried on, all other uses of it count: what later periods took is gone. */
function usesWithout({ history }: Loaded, key: string, own: readonly DiscountUse[]): DiscountUse[] {
  return history.discountUses.filter((use) => use.key === key && !own.includes(use));
}

function uncoveredOf(part: Part, { uncovered }: Loaded): Decimal {
  return uncovered.get(periodKey(keyOfPart(part))) ?? Decimal.ZERO;
}

/** The credits that the usage of a part burns in a world of its own: each part takes what the one before left. */
function settledPart(part: Part, loaded: Loaded, wallet: WalletState): Settlement {
  const { segment, period } = part;
  const demands = burnDemand(segment, period, recordsOf(part, loaded), loaded.meters, { cuts: cutsOfGrants(wallet.grants) });
  return settlePeriod(
    segment.terms,
    wallet,
    demands.filter(({ credits }) => credits.isPositive()),
  );
}

/** `together`: the parts that are, or were, closed with it. */
function endedPart(part: Part, together: readonly Part[], loaded: Loaded, uncoveredCredits: Decimal): EndedPart {
  const { query, segments, history, allowances } = loaded;
  const own = segments.filter(({ subscriptionId }) => subscriptionId === part.segment.subscriptionId);
  const recorded = allowances.filter(({ segmentId, periodStart }) => segmentId === part.segment.id && periodStart === part.period.start);
  return {
    segment: part.segment,
    period: part.period,
    records: recordsOf(part, loaded),
    feesNet: feesNetOf(history.lines, part.segment, part.period),
    uncoveredCredits,
    // Of a period that closes for the first time only threshold invoices; lines of other keys are not of its usage.
    billed: billedLinesOf(history.lines.filter((line) => isOfPart(line, part, together))),
    closing: query.closing ?? true,
    ...(recorded.length > 0 ? { allowances: recorded } : {}),
    commitment: commitmentSpan(part, together, own, history.lines),
  };
}

function recordsOf(part: Part, { usage }: Loaded): EndedPart['records'] {
  const records = usage.get(part)?.get(part.segment.id) ?? [];
  return records.filter(({ from }) => part.period.start <= from && from < part.period.end);
}

/** Parts of one instant are billed by currency: a plan may follow one in another (SEMANTICS 6.2). */
function invoicesOf(loaded: Loaded, parts: readonly EndedPart[], late: readonly LateInvoice[]): InvoiceFacts[] {
  const { instant } = loaded.query;
  const changes = planChanges(loaded);
  const currencies = [
    ...parts.map(({ segment }) => segment.terms.currency),
    ...changes.map(({ from }) => from.terms.currency),
    ...instant.fees.map(({ segment }) => segment.terms.currency),
    ...late.map(({ facts }) => facts.currency),
  ];
  const isOne = currencies.every((currency) => currency === currencies[0]);
  return (isOne ? currencies.slice(0, 1) : [...new Set(currencies)]).map((currency) => ({
    currency,
    meters: loaded.meters,
    ended: isOne ? parts : parts.filter(({ segment }) => segment.terms.currency === currency),
    next: isOne ? instant.fees : instant.fees.filter(({ segment }) => segment.terms.currency === currency),
    changes: isOne ? changes : changes.filter(({ from }) => from.terms.currency === currency),
    discounts: discountsOf(loaded, currency, null),
    exchangeRates: loaded.exchangeRates,
    allowances: allowancesIn(currency, loaded),
    late: late.filter(({ facts }) => facts.currency === currency),
    tax: loaded.tax,
    untaxedBurns: loaded.untaxedBurns.get(currency) ?? Decimal.ZERO,
    prepaidAmount: Decimal.ZERO,
    customerBalance: loaded.history.balances.get(currency) ?? Decimal.ZERO,
  }));
}

function planChanges({ query: { instant }, history }: Loaded): PlanChange[] {
  if (instant.change === null) return [];
  const { from, to } = instant.change;
  return [{ at: instant.at, from, billed: billedFeesOf(history.lines, from, instant.at), to }];
}

/** What is carried is carried on in the currency of its plan. */
function allowancesIn(currency: string, { history, segments }: Loaded): readonly AllowanceRecord[] {
  if (history.allowances.length === 0) return history.allowances;
  const own = new Set(segments.filter(({ terms }) => terms.currency === currency).map(({ id }) => id));
  return history.allowances.filter(({ segmentId }) => own.has(segmentId));
}

/** `late`: with the uses that its invoice had found; null: with all that were made. */
function discountsOf({ query, subscription, segments, history }: Loaded, currency: string, late: LateScope | null): readonly Discount[] {
  if (subscription.discounts.length === 0) return NO_DISCOUNTS;
  const own = segments.filter((segment) => segment.subscriptionId === subscription.id);
  return subscription.discounts
    .filter(({ amountOff }) => amountOff === null || amountOff.currency === currency)
    .map(({ key, percentOff, amountOff, prices, addOns, appliesTo, carriesOn, ...time }) => {
      const span = discountSpan(own, time);
      const used = history.discountUses.filter((use) => use.key === key && (late === null || isBefore(use, late, carriesOn)));
      // An invoice that is made again leaves to later periods what they were given.
      const horizon = Math.max(query.instant.at, ...used.map(({ periodStart }) => periodStart));
      return {
        ...{ key, percentOff, amountOff: amountOff?.amount ?? null, prices, addOns, appliesTo, ...span },
        givenAt: carriesOn ? discountedPeriods(own, span, horizon) : null,
        used,
      };
    });
}

/** Uses of threshold invoices of the same periods are no others': the whole scope is rated again, and they with it. */
function isBefore({ invoiceNo, ofThreshold, periodStart }: DiscountUse, late: LateScope, carriesOn: boolean): boolean {
  if (ofThreshold === true && late.parts.some(({ period }) => period.fullStart === periodStart)) return false;
  return carriesOn || late.invoiceNo === null || invoiceNo < late.invoiceNo;
}

/**
 * Everything that was billed for the periods of a late scope and stands: by the invoice that closed them, by threshold invoices while they ran, and by
 * corrections since. Of a void one only corrections: what they billed or gave is taken back.
 */
function billedOf({ adjusts, parts, voided }: LateScope, { history }: Loaded): LateInvoice['billed'] {
  const isOfScope = ({ kind, invoiceId }: InvoiceLine): boolean =>
    kind === 'DELTA' || (!voided && (BILLED_IN_ARREARS.has(kind) || invoiceId === adjusts));
  return billedLinesOf(history.lines.filter((line) => parts.some((part) => isOfPart(line, part, parts)) && isOfScope(line)));
}

/** A true-up bears the name of the first part that is joined and ends with the last one. */
function isOfRow(line: InvoiceLine, { segmentId, start, end }: BillingPeriod): boolean {
  if (line.adjustsKind === 'COMMITMENT') return line.period.end === end;
  return line.segmentId === segmentId && line.period.start >= start && line.period.start < end;
}

/**
 * A fee may be valid from inside of its period on. A true-up to a commitment over several billing periods is for periods before it too: it ends with what
 * ends the commitment, of which the part may be joined with others.
 */
function isOfPart(
  { kind, adjustsKind, segmentId, period: { start, end } }: InvoiceLine,
  { segment, period }: Part,
  together: readonly Part[],
): boolean {
  if (segmentId !== segment.id) return false;
  const isTrueUp = kind === 'COMMITMENT' || adjustsKind === 'COMMITMENT';
  if (isTrueUp && segment.terms.commitmentIntervals > 1) return together.some((other) => other.period.end === end);
  return start >= period.start && start < period.end;
}

/** Lines that only closing and threshold invoices have. */
const FEE_KINDS: ReadonlySet<string> = new Set(['FEE', 'CREDITS', 'PRORATION_CHARGE']);
const BILLED_IN_ARREARS: ReadonlySet<string> = new Set(['USAGE', 'OVERAGE', 'COMMITMENT']);

function lateScope(
  periods: readonly BillingPeriod[],
  segments: readonly Segment[],
  invoice: Invoice | undefined,
  voided: boolean,
): LateScope {
  const [first] = periods;
  if (first === undefined) throw new Error('a late scope has no periods');
  return {
    adjusts: first.invoiceId ?? first.id,
    invoiceNo: invoice?.number == null ? null : placeOf(invoice.number),
    voided,
    periods,
    parts: periods.map((period) => partOf(period, segments)),
  };
}

/** Where the commitment over several billing periods ends that a closed period is part of; null without one. */
function commitmentEnd(closed: BillingPeriod, segments: readonly Segment[]): Instant | null {
  const { segment, period } = partOf(closed, segments);
  const { minimumCommitment, commitmentIntervals } = segment.terms;
  if (minimumCommitment === null || commitmentIntervals === 1) return null;
  const own = segments.filter(({ subscriptionId }) => subscriptionId === segment.subscriptionId);
  const span = spanOfIntervals({ ...segment, end: null }, period, commitmentIntervals);
  return Math.min(span.end, subscriptionEnd(own) ?? Infinity);
}

/** The service period as it was when it was closed. */
function partOf(closed: BillingPeriod, segments: readonly Segment[]): Part {
  const segment = segments.find(({ id }) => id === closed.segmentId);
  const period = segment && servicePeriodAt({ ...segment, end: closed.end }, closed.start);
  if (!segment || !period) throw new Error(`the closed period ${closed.id} is not one of its segment`);
  return { segment, period: { ...period, end: closed.end } };
}

function currencyOfParts(parts: readonly Part[]): string {
  const [part] = parts;
  if (part === undefined) throw new Error('a late scope has no parts');
  return part.segment.terms.currency;
}

/** Lines before this time say nothing about the instant: fees of billing periods that are closed now, and late ones. */
function sinceOf({ at, closes }: BillingInstant, late: readonly LateScope[]): Instant {
  const starts = [...closes, ...late.flatMap(({ parts }) => parts)].map(({ segment, period }) =>
    Math.min(period.start, period.fullStart, spanOfIntervals(segment, period, segment.terms.commitmentIntervals).fullStart),
  );
  return Math.min(at, ...starts);
}

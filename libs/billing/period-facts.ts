import { Injectable } from '@nestjs/common';
import { ExchangeRates, MeterStore } from '@tare/catalog';
import { billedFeesOf, billedLinesOf, burnDemand, Decimal, discountUntil, feesNetOf, NO_TAX, servicePeriodAt } from '@tare/core';
import type { Discount, EndedPart, ExchangeRate, Instant, InvoiceFacts, LateInvoice, Meter, PlanChange, Segment } from '@tare/core';
import {
  CreditStore,
  grantCuts,
  RatedUsageReader,
  settleLate,
  settlePeriod,
  uncoveredOf,
  type RatedUsage,
  type RecordedBurn,
  type Settlement,
  type WalletState,
} from '@tare/credits';
import { CustomerStore, SubscriptionStore, type Customer, type Subscription } from '@tare/customers';
import type { TenantTransaction } from '@tare/database';
import { UsageReader } from '@tare/usage';
import { BillingPeriodStore, type BillingPeriod } from './billing-period.store.ts';
import type { BillingInstant, Part } from './billing-instant.ts';
import { InvoiceStore, placeOf, type DiscountUse } from './invoice.store.ts';
import type { Invoice, InvoiceLine } from './invoice.ts';

/** What has happened to a subscription before an instant: loaded from the tables, or kept by a simulation for its own world. */
export interface BillingHistory {
  /** Lines of standing invoices. */
  readonly lines: readonly InvoiceLine[];
  readonly discountUses: readonly DiscountUse[];
  readonly wallet: WalletState;
  /** Owed to the customer, by currency. */
  readonly balances: ReadonlyMap<string, Decimal>;
}

export interface FactsQuery {
  readonly subscriptionId: string;
  /** What is billed: one of `billingInstants`, or an instant made up (usage so far, a supplementary invoice). */
  readonly instant: BillingInstant;
  /** Only usage that commits up to this one brought; none: all that there is. */
  readonly upToSeq?: number;
  /** Usage from here on is not read: for what would be billed so far. None: whole periods. */
  readonly usageUntil?: Instant;
  /** False: minimums and commitments are not due yet. */
  readonly closing?: boolean;
  /** Corrections of closed periods: what has not been rated yet (default), or none. */
  readonly late?: 'UNRATED' | 'NONE';
  /**
   * The facts of an invoice that was issued, as they were then: usage up to its `seenSeq`, what was billed before it, recorded credit allocations instead
   * of new ones (SEMANTICS 8.4, 11.2).
   */
  readonly asIssued?: Invoice;
  /** Another world: these segments of the customer (all of its subscriptions) instead of the real ones, and what was billed in it so far. */
  readonly world?: { readonly segments: readonly Segment[]; readonly history: BillingHistory };
}

/** A settlement of credits that finalizing posts. */
export interface PlannedSettlement {
  readonly segmentId: string;
  readonly periodStart: Instant;
  readonly settlement: Settlement;
}

export interface PeriodFactsResult {
  readonly customer: Customer;
  readonly subscription: Subscription;
  /** The last commit of usage in the facts. */
  readonly seenSeq: number;
  /** One for each currency: almost always one, none when there is nothing to assemble. */
  readonly invoices: readonly InvoiceFacts[];
  readonly settlements: readonly PlannedSettlement[];
  /** Closed periods whose late usage is in the facts. */
  readonly late: readonly BillingPeriod[];
}

/** Everything of one load, on the way from tables to facts. */
interface Loaded {
  readonly query: FactsQuery;
  readonly customer: Customer;
  readonly subscription: Subscription;
  readonly segments: readonly Segment[];
  readonly meters: ReadonlyMap<string, Meter>;
  readonly exchangeRates: readonly ExchangeRate[];
  readonly seenSeq: number;
  readonly late: readonly LateScope[];
  readonly history: BillingHistory;
  readonly recorded: ReadonlyMap<string, readonly RecordedBurn[]>;
  readonly usage: ReadonlyMap<Part, RatedUsage>;
}

/** Periods that were closed together, by one invoice or by none. */
interface LateScope {
  /** The invoice, or the first period where there was none. */
  readonly adjusts: string;
  /** Its place in the series; null where there was none. */
  readonly invoiceNo: number | null;
  readonly periods: readonly BillingPeriod[];
  readonly parts: readonly Part[];
}

/**
 * The one door from tables to `assembleInvoice`: runs, drafts, previews, recomputation, margins and simulations load here. The number of queries does not
 * depend on how many prices, lines or events there are (one for usage, one more for each stretch of late periods).
 */
@Injectable()
export class PeriodFacts {
  constructor(
    private readonly customers: CustomerStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly meters: MeterStore,
    private readonly rates: ExchangeRates,
    private readonly reader: UsageReader,
    private readonly usage: RatedUsageReader,
    private readonly credits: CreditStore,
    private readonly periods: BillingPeriodStore,
    private readonly invoices: InvoiceStore,
  ) {}

  /** Pure from here on: the same query in the same transaction gives the same facts, and nothing is written. */
  async load(tx: TenantTransaction, query: FactsQuery): Promise<PeriodFactsResult> {
    const loaded = await this.loadAll(tx, query);
    const closed = closedParts(loaded);
    const late = lateInvoices(loaded, closed.wallet);
    const { customer, subscription, seenSeq } = loaded;
    const invoices = invoicesOf(loaded, closed.parts, late.invoices);
    const settlements = query.asIssued ? [] : [...closed.settlements, ...late.settlements];
    return { customer, subscription, seenSeq, invoices, settlements, late: loaded.late.flatMap(({ periods }) => periods) };
  }

  private async loadAll(tx: TenantTransaction, query: FactsQuery): Promise<Loaded> {
    const subscription = await this.subscriptions.byId(tx, query.subscriptionId);
    const customer = subscription && (await this.customers.byIds(tx, [subscription.customerId])).get(subscription.customerId);
    if (!subscription || !customer) throw new Error(`subscription ${query.subscriptionId} is not there`);
    const segments = query.world?.segments ?? (await this.subscriptions.segments(tx, { customerIds: [customer.id] }));
    const meters = new Map((await this.meters.all(tx)).map((meter) => [meter.key, meter]));
    const exchangeRates = (await this.rates.load(tx)).rates;
    const seenSeq = query.asIssued?.seenSeq ?? query.upToSeq ?? (await this.reader.currentSeq(tx));
    const periods = query.world ? [] : await this.periods.ofSubscription(tx, subscription.id);
    const late = await this.lateScopes(tx, query, segments, periods, seenSeq);
    const history = query.world?.history ?? (await this.history(tx, query, customer, sinceOf(query.instant, late)));
    const recorded = await this.recorded(tx, query, periods, late);
    const base = { query, customer, subscription, segments, meters, exchangeRates, seenSeq, late, history, recorded };
    return { ...base, usage: await this.usageOf(tx, base) };
  }

  private async history(
    tx: TenantTransaction,
    { subscriptionId, asIssued }: FactsQuery,
    customer: Customer,
    since: Instant,
  ): Promise<BillingHistory> {
    const before = asIssued?.number ? placeOf(asIssued.number) : null;
    return {
      lines: await this.invoices.billedLines(tx, subscriptionId, since, before),
      discountUses: await this.invoices.discountUses(tx, subscriptionId, before),
      wallet: await this.credits.wallet(tx, customer.id),
      balances: await this.invoices.balances(tx, customer.id, before),
    };
  }

  /** Closed periods to rate again, each with all that was closed together with it: the whole scope (SEMANTICS 8.3). */
  private async lateScopes(
    tx: TenantTransaction,
    { subscriptionId, late = 'UNRATED', asIssued, world }: FactsQuery,
    segments: readonly Segment[],
    periods: readonly BillingPeriod[],
    seenSeq: number,
  ): Promise<LateScope[]> {
    if (world !== undefined || late === 'NONE') return [];
    const touched = asIssued
      ? await this.periods.lateAsOf(tx, subscriptionId, seenSeq)
      : await this.periods.late(tx, subscriptionId, seenSeq);
    const times = [...new Set(touched.map(({ billedAt }) => billedAt))].filter(
      (at) => at !== asIssued?.billingAt || asIssued?.kind === 'SUPPLEMENTARY',
    );
    const scopes = times.map((billedAt) => periods.filter((period) => period.billedAt === billedAt));
    const invoices = await this.invoices.byIds(
      tx,
      scopes.flatMap((scope) => scope.flatMap(({ invoiceId }) => (invoiceId === null ? [] : [invoiceId]))),
    );
    return scopes.map((scope) => lateScope(scope, segments, invoices));
  }

  /** Recorded burns of closed periods; of an issued invoice those that it had made or found. */
  private async recorded(
    tx: TenantTransaction,
    { instant, asIssued }: FactsQuery,
    periods: readonly BillingPeriod[],
    late: readonly LateScope[],
  ): Promise<Map<string, RecordedBurn[]>> {
    const closing = asIssued ? periods.filter(({ billedAt }) => billedAt === instant.at) : [];
    const wanted = [...closing, ...late.flatMap((scope) => scope.periods)];
    const burns = await this.credits.allocations(
      tx,
      wanted.map(({ id }) => id),
    );
    const made = asIssued
      ? await this.invoices.byIds(
          tx,
          [...burns.values()].flat().flatMap(({ invoiceId }) => (invoiceId === null ? [] : [invoiceId])),
        )
      : null;
    const isKnown = (invoiceId: string | null): boolean => {
      const number = invoiceId === null ? null : (made?.get(invoiceId)?.number ?? null);
      return asIssued?.number == null || number === null || placeOf(number) <= placeOf(asIssued.number);
    };
    return new Map(
      wanted.map((period) => [
        keyOf(period.segmentId, period.start),
        (burns.get(period.id) ?? []).filter((burn) => isKnown(burn.invoiceId)),
      ]),
    );
  }

  /** One read for what is closed now, and one for each late scope. */
  private async usageOf(tx: TenantTransaction, loaded: Omit<Loaded, 'usage'>): Promise<Map<Part, RatedUsage>> {
    const { query, late, customer, segments, meters, seenSeq, history } = loaded;
    const usage = new Map<Part, RatedUsage>();
    for (const parts of [query.instant.closes, ...late.map((scope) => scope.parts)]) {
      if (parts.length === 0) continue;
      const start = Math.min(...parts.map(({ period }) => period.start));
      const end = Math.min(Math.max(...parts.map(({ period }) => period.end)), query.usageUntil ?? Infinity);
      const rated = await this.usage.read(tx, {
        customerNo: customer.no,
        segments,
        meters,
        span: { start, end },
        cuts: grantCuts(history.wallet),
        upToSeq: seenSeq,
      });
      for (const part of parts) usage.set(part, rated);
    }
    return usage;
  }
}

/** The periods that are closed now, in order of time; each takes its credits from what the one before left. */
function closedParts(loaded: Loaded): { parts: EndedPart[]; settlements: PlannedSettlement[]; wallet: WalletState } {
  let wallet = loaded.history.wallet;
  const settlements: PlannedSettlement[] = [];
  const parts = loaded.query.instant.closes.map((part): EndedPart => {
    const settled = settledPart(part, loaded, wallet, null);
    wallet = settled.wallet;
    settlements.push(...settled.planned);
    return endedPart(part, loaded, settled.uncoveredCredits);
  });
  return { parts, settlements, wallet };
}

/**
 * Late usage burns what is current at the end of the time that is closed now, after that time's own usage (SEMANTICS 7.3): at the instant itself the
 * credits of the ended period are gone and those of the next one are not there yet.
 */
function lateInvoices(loaded: Loaded, wallet: WalletState): { invoices: LateInvoice[]; settlements: PlannedSettlement[] } {
  const lateAt = loaded.query.instant.at - 1;
  let state = wallet;
  const settlements: PlannedSettlement[] = [];
  const invoices = loaded.late.map((scope): LateInvoice => {
    const ended = scope.parts.map((part) => {
      const settled = settledPart(part, loaded, state, lateAt);
      state = settled.wallet;
      settlements.push(...settled.planned);
      return endedPart(part, loaded, settled.uncoveredCredits);
    });
    const { meters, exchangeRates } = loaded;
    const currency = currencyOfParts(scope.parts);
    const discounts = discountsOf(loaded, currency, scope.invoiceNo);
    return {
      invoiceId: scope.adjusts,
      facts: { currency, meters, ended, next: [], changes: [], discounts, exchangeRates },
      billed: billedOf(scope, loaded),
    };
  });
  return { invoices, settlements };
}

/** The credits that the usage of a part burns. `lateAt`: the part was closed before, and what came since is settled at this instant. */
function settledPart(
  part: Part,
  loaded: Loaded,
  wallet: WalletState,
  lateAt: Instant | null,
): { uncoveredCredits: Decimal; wallet: WalletState; planned: PlannedSettlement[] } {
  const { segment, period } = part;
  if (segment.terms.burnRates.length === 0 || period.trial) return { uncoveredCredits: Decimal.ZERO, wallet, planned: [] };
  const recorded = loaded.recorded.get(keyOf(segment.id, period.start)) ?? [];
  if (loaded.query.asIssued) return { uncoveredCredits: uncoveredOf(recorded), wallet, planned: [] };
  const demands = burnDemand(segment, period, recordsOf(part, loaded), loaded.meters, { cuts: grantCuts(wallet) });
  const settlement =
    lateAt === null
      ? settlePeriod(
          segment.terms,
          wallet,
          demands.filter(({ credits }) => credits.isPositive()),
        )
      : settleLate(segment.terms, wallet, demands, recorded, lateAt);
  const planned = { segmentId: segment.id, periodStart: period.start, settlement };
  return { uncoveredCredits: settlement.uncoveredCredits, wallet: settlement.wallet, planned: [planned] };
}

function endedPart(part: Part, loaded: Loaded, uncoveredCredits: Decimal): EndedPart {
  return {
    segment: part.segment,
    period: part.period,
    records: recordsOf(part, loaded),
    chargedBefore: [],
    feesNet: feesNetOf(loaded.history.lines, part.segment, part.period),
    uncoveredCredits,
    billed: [],
    closing: loaded.query.closing ?? true,
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
  return [...new Set(currencies)].map((currency) => ({
    currency,
    meters: loaded.meters,
    ended: parts.filter(({ segment }) => segment.terms.currency === currency),
    next: instant.fees.filter(({ segment }) => segment.terms.currency === currency),
    changes: changes.filter(({ from }) => from.terms.currency === currency),
    discounts: discountsOf(loaded, currency, null),
    exchangeRates: loaded.exchangeRates,
    late: late.filter(({ facts }) => facts.currency === currency),
    tax: NO_TAX,
    untaxedBurns: Decimal.ZERO,
    prepaidAmount: Decimal.ZERO,
    customerBalance: loaded.history.balances.get(currency) ?? Decimal.ZERO,
  }));
}

function planChanges({ query: { instant }, history }: Loaded): PlanChange[] {
  if (instant.change === null) return [];
  const { from, to } = instant.change;
  return [{ at: instant.at, from, billed: billedFeesOf(history.lines, from, instant.at), to }];
}

/** `before`: the uses that an invoice at this place had found; null: all that were made. */
function discountsOf({ subscription, segments, history }: Loaded, currency: string, before: number | null): Discount[] {
  const [first] = segments.filter((segment) => segment.subscriptionId === subscription.id);
  if (first === undefined) return [];
  const charged = { ...first, start: Math.max(first.start, first.trialEnd ?? first.start) };
  return subscription.discounts
    .filter(({ amountOff }) => amountOff === null || amountOff.currency === currency)
    .map(({ key, percentOff, amountOff, prices, periods }) => ({
      key,
      percentOff,
      amountOff: amountOff?.amount ?? null,
      prices,
      from: first.start,
      until: discountUntil(charged, periods),
      used: history.discountUses.filter((use) => use.key === key && (before === null || use.invoiceNo < before)),
    }));
}

/** Everything that was billed for the periods of a late scope: by the invoice that closed them and by corrections of it since. */
function billedOf({ adjusts, parts }: LateScope, { history }: Loaded): LateInvoice['billed'] {
  const isOfPart = (line: InvoiceLine): boolean =>
    parts.some(({ segment, period }) => line.segmentId === segment.id && line.period.start === period.start);
  const isOfScope = (line: InvoiceLine): boolean => (line.kind === 'DELTA' ? line.adjusts === adjusts : line.invoiceId === adjusts);
  return billedLinesOf(history.lines.filter((line) => isOfPart(line) && isOfScope(line)));
}

function lateScope(periods: readonly BillingPeriod[], segments: readonly Segment[], invoices: ReadonlyMap<string, Invoice>): LateScope {
  const [first] = periods;
  if (first === undefined) throw new Error('a late scope has no periods');
  const number = first.invoiceId === null ? null : (invoices.get(first.invoiceId)?.number ?? null);
  return {
    adjusts: first.invoiceId ?? first.id,
    invoiceNo: number === null ? null : placeOf(number),
    periods,
    parts: periods.map((period) => partOf(period, segments)),
  };
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
  const starts = [...closes, ...late.flatMap(({ parts }) => parts)].map(({ period }) => Math.min(period.start, period.fullStart));
  return Math.min(at, ...starts);
}

const keyOf = (segmentId: string, start: Instant): string => `${segmentId} ${start}`;

import { Injectable } from '@nestjs/common';
import { assembleInvoice, CodedError, isEmptyInvoice, subscriptionEnd } from '@tare/core';
import type { AssembledInvoice, Decimal, GrantToIssue, Instant } from '@tare/core';
import { CreditStore, DrawDown, SettlementStore, Wallets } from '@tare/credits';
import { timeOrderedId, type TenantTransaction } from '@tare/database';
import { UsageBoundaries, UsagePins } from '@tare/usage';
import { AllowanceStore } from '../periods/allowance.store.ts';
import { type BillingInstant } from '../periods/billing-instant.ts';
import { BillingPeriodStore, type BillingPeriod, type NewPeriod, type PeriodClosing } from '../periods/billing-period.store.ts';
import { groupedBy } from '../grouped-by.ts';
import { instantKey, InvoiceStore, placeOf, type DraftToSave, type InstantKey, type NewInvoice } from '../invoices/invoice.store.ts';
import type { Invoice, InvoiceKind } from '../invoices/invoice.ts';
import { PeriodFacts, type PeriodFactsResult } from '../periods/period-facts.ts';
import { Standings, type Course, type Standing } from '../periods/standings.ts';
import { instantOf } from '../periods/issued-instant.ts';
import { runningPeriod } from '../periods/running-period.ts';
import { undoneInstants } from '../periods/undone-instants.ts';
import { usesCredits } from '../periods/uses-credits.ts';

/** How a page of customers is billed. */
export interface StepRequest {
  /** Billing time. */
  readonly asOf: Instant;
  readonly graceSeconds: number;
  /** FINAL: periods are closed. PREVIEW: the same without numbers and announcements, in a transaction that is rolled back. */
  readonly mode: 'FINAL' | 'PREVIEW';
  /** Up to which instant is billed, also inside of the grace period; none: up to its end. */
  readonly until?: Instant;
}

export interface StepResult {
  readonly periodsClosed: number;
  readonly invoicesCreated: number;
  readonly invoicesFinalized: number;
  readonly invoiceIds: readonly string[];
}

/** What a page did, and which of its customers have more to be billed: in the next page, since each instant builds on the one before. */
export interface PageResult extends StepResult {
  readonly unfinished: readonly string[];
  /** Customers with something due that is not final yet: for `draft`. */
  readonly inGrace: readonly string[];
}

export const NOTHING_DONE: StepResult = { periodsClosed: 0, invoicesCreated: 0, invoicesFinalized: 0, invoiceIds: [] };

/** One subscription at one billing instant. */
interface Billing {
  readonly request: StepRequest;
  readonly standing: Standing;
  readonly course: Course;
  readonly at: Instant;
  readonly kind: InvoiceKind;
  readonly instant: BillingInstant;
  /** The voided invoice whose instant is billed again; none: it is billed for the first time. */
  readonly again?: Invoice;
}

/** What came of it in memory: usage is forgotten here, what it led to is kept until the page is saved. */
interface Assembled extends Pick<PeriodFactsResult, 'seenSeq' | 'seenRates' | 'uncovered' | 'late' | 'creditCarry'> {
  readonly billing: Billing;
  readonly invoices: readonly AssembledInvoice[];
}

/** An invoice with its place among those that are there. */
interface PlacedInvoice {
  readonly billing: Assembled;
  readonly assembled: AssembledInvoice;
  readonly invoice: NewInvoice;
  readonly id: string;
  readonly existing: Invoice | undefined;
  /** VOID: its draft was voided and is not made again. EMPTY: without lines it is none. */
  readonly state: 'SAVED' | 'VOID' | 'EMPTY';
}

const MICROS_PER_SECOND = 1_000_000;

/**
 * Bills a page of customers in one transaction: all of it happens, or nothing (SEMANTICS 8.5). One customer is a page of one. Everything is loaded with a
 * fixed number of queries, assembled in memory and saved with a fixed number of statements; customers with wallets cost a few more each.
 */
@Injectable()
export class BillingStep {
  constructor(
    private readonly standings: Standings,
    private readonly boundaries: UsageBoundaries,
    private readonly pins: UsagePins,
    private readonly credits: CreditStore,
    private readonly wallets: Wallets,
    private readonly drawDown: DrawDown,
    private readonly settlements: SettlementStore,
    private readonly facts: PeriodFacts,
    private readonly periods: BillingPeriodStore,
    private readonly invoices: InvoiceStore,
    private readonly allowances: AllowanceStore,
  ) {}

  /**
   * Takes each customer's earliest instant that is not done and final by `asOf`: of its subscriptions only one, since they share wallet and balance. Nothing
   * for those where another run was here first. Locks customers and wallets, each in one order.
   */
  async bill(tx: TenantTransaction, customerIds: readonly string[], request: StepRequest): Promise<PageResult> {
    const standings = await this.lock(tx, customerIds);
    const until = request.until ?? finalBy(request);
    const due = [...(await this.standings.courses(tx, standings))].map(([standing, courses]) => undoneOf(standing, courses, request));
    const undone = due.map((own) => own.filter(({ at }) => at <= until));
    const billings = undone.flatMap(([earliest]) => earliest ?? []);
    const result = await this.finalize(tx, request, await this.assembled(tx, billings));
    const customersOf = (pages: readonly Billing[][]): string[] => pages.flatMap(([first]) => first?.standing.customer.id ?? []);
    return {
      ...result,
      unfinished: customersOf(undone.filter(({ length }) => length > 1)),
      inGrace: customersOf(due.map((own) => own.filter(({ at }) => at > until))),
    };
  }

  /** Makes drafts of what is due by `asOf` and not final yet, where there are none: what is known so far, assembled again when it is finalized. */
  async draft(tx: TenantTransaction, customerIds: readonly string[], request: StepRequest): Promise<StepResult> {
    const standings = await this.lock(tx, customerIds);
    const due = [...(await this.standings.courses(tx, standings))].map(([standing, courses]) =>
      undoneOf(standing, courses, request).filter(({ at }) => at > finalBy(request)),
    );
    const made = await this.invoices.ofInstants(tx, due.flat().map(keyOf));
    const missing = due.map((own) => own.filter((billing) => !made.has(instantKey(keyOf(billing)))));
    const most = Math.max(0, ...missing.map(({ length }) => length));
    let result = NOTHING_DONE;
    // Facts are loaded for one instant of each customer at a time.
    for (let turn = 0; turn < most; turn += 1) {
      result = added(
        result,
        await this.saveDrafts(
          tx,
          await this.assembled(
            tx,
            missing.flatMap((own) => own[turn] ?? []),
          ),
        ),
      );
    }
    return result;
  }

  private async saveDrafts(tx: TenantTransaction, page: readonly Assembled[]): Promise<StepResult> {
    const drafts = page.flatMap((billing) =>
      billing.invoices.map((assembled, sequence) => ({ billing, assembled, invoice: newInvoice(billing, sequence), id: timeOrderedId() })),
    );
    const kept = drafts.filter(({ assembled }) => !isEmptyInvoice(assembled));
    await this.pinUsage(
      tx,
      kept.map(({ billing }) => billing),
    );
    await this.invoices.saveDrafts(
      tx,
      kept.map(({ billing, assembled, invoice, id }) => ({
        ...invoice,
        ...{ id, assembled, seenSeq: billing.seenSeq, seenRates: billing.seenRates },
        replaces: false,
      })),
    );
    return { ...NOTHING_DONE, invoicesCreated: kept.length, invoiceIds: kept.map(({ id }) => id) };
  }

  /** Bills what came for closed periods after the final invoice of subscriptions, one of each customer (SEMANTICS 6.3, 8.3). */
  async billSupplements(
    tx: TenantTransaction,
    ended: readonly { readonly customerId: string; readonly subscriptionId: string }[],
    request: StepRequest,
  ): Promise<StepResult> {
    const wanted = new Set(ended.map(({ subscriptionId }) => subscriptionId));
    const standings = await this.lock(
      tx,
      ended.map(({ customerId }) => customerId),
    );
    const billings = [...(await this.standings.courses(tx, standings))].flatMap(([standing, courses]) =>
      courses.filter(({ subscription }) => wanted.has(subscription.id)).flatMap((course) => supplementOf(standing, course, request)),
    );
    const assembled = (await this.assembled(tx, billings)).filter(({ late }) => late.length > 0);
    return this.finalize(tx, request, assembled);
  }

  /**
   * Bills the usage so far of running periods where what is not billed of it has reached their plan's threshold, one subscription of each customer: at the
   * cumulative amount less what was billed, so that tiers never restart (SEMANTICS 4.7, 8.3). Minimums and commitments wait for the period's end.
   */
  async billThresholds(
    tx: TenantTransaction,
    running: readonly { readonly customerId: string; readonly subscriptionId: string }[],
    request: StepRequest,
  ): Promise<StepResult> {
    const wanted = new Set(running.map(({ subscriptionId }) => subscriptionId));
    const standings = await this.lock(
      tx,
      running.map(({ customerId }) => customerId),
    );
    const billings = [...(await this.standings.courses(tx, standings))].flatMap(([standing, courses]) =>
      courses.filter(({ subscription }) => wanted.has(subscription.id)).flatMap((course) => thresholdOf(standing, course, request)),
    );
    const reached = (await this.assembled(tx, billings)).map((one) => ({
      ...one,
      invoices: one.invoices.filter((invoice) => isReached(one, invoice)),
    }));
    return this.finalize(
      tx,
      request,
      reached.filter(({ invoices }) => invoices.length > 0),
    );
  }

  /**
   * Bills the periods of a voided invoice again, with what is known now: an invoice of its own at the next sequence (SEMANTICS 8.5), which takes off what
   * corrections of the voided one have billed or given. @throws CodedError NOTHING_TO_BILL
   */
  async billAgain(tx: TenantTransaction, voided: Invoice, asOf: Instant): Promise<string> {
    const request: StepRequest = { asOf, graceSeconds: 0, mode: 'FINAL' };
    const [standing] = await this.lock(tx, [voided.customerId]);
    const courses = standing && (await this.standings.courses(tx, [standing])).get(standing);
    const course = courses?.find(({ subscription }) => subscription.id === voided.subscriptionId);
    if (standing === undefined || course === undefined) throw new Error(`subscription ${voided.subscriptionId ?? ''} is not there`);
    const periods = await this.periods.ofSubscription(tx, course.subscription.id);
    const { billingAt: at, kind } = voided;
    const instant = instantOf(voided, course.segments, periods);
    const billing: Billing = { request, standing, course: { ...course, periods }, at, kind, instant, again: voided };
    const [assembled] = await this.assembled(tx, [billing]);
    const invoices = (assembled?.invoices ?? []).filter(({ currency }) => currency === voided.currency);
    if (assembled === undefined || invoices.every(isEmptyInvoice))
      throw new CodedError('NOTHING_TO_BILL', 'With what is known now nothing is to be billed for its periods.', 'invoice');
    const { invoiceIds } = await this.finalize(tx, request, [{ ...assembled, invoices }]);
    const [id] = invoiceIds;
    if (id === undefined) throw new Error(`invoice ${voided.id} was billed again and did not come back`);
    await this.periods.billAgain(tx, voided.id, { invoiceId: id, seenSeq: assembled.seenSeq });
    return id;
  }

  /** Customers, then the wallets of those who use credits. */
  private async lock(tx: TenantTransaction, customerIds: readonly string[]): Promise<Standing[]> {
    await this.periods.lookUpByKey(tx);
    const standings = await this.standings.lock(tx, customerIds);
    const withCredits = standings.filter(({ segments }) => usesCredits(segments));
    await this.credits.lockMany(
      tx,
      withCredits.map(({ customer }) => customer.id),
    );
    return standings;
  }

  private async assembled(tx: TenantTransaction, billings: readonly Billing[]): Promise<Assembled[]> {
    if (billings.length === 0) return [];
    const queries = billings.map(({ standing, course, instant, request, again, kind }) => ({
      ...{ subscriptionId: course.subscription.id, standing, instant },
      draws: request.asOf,
      ...(again === undefined ? {} : { again: true }),
      ...(kind === 'THRESHOLD' ? soFar(instant.at) : {}),
    }));
    const assembled: Assembled[] = [];
    for await (const { seenSeq, seenRates, uncovered, late, creditCarry, invoices } of this.facts.page(tx, queries)) {
      const billing = billings[assembled.length];
      if (billing === undefined) throw new Error('facts came that nobody asked for');
      assembled.push({ billing, seenSeq, seenRates, uncovered, late, creditCarry, invoices: invoices.map(assembleInvoice) });
    }
    return assembled;
  }

  /** Saves a page. What is posted when an invoice becomes final is posted here, for all invoices of the page at once. */
  private async finalize(tx: TenantTransaction, request: StepRequest, page: readonly Assembled[]): Promise<StepResult> {
    if (page.length === 0) return NOTHING_DONE;
    const isPreview = request.mode === 'PREVIEW';
    if (!isPreview) await this.pinUsage(tx, page);
    const placed = await this.placed(tx, page);
    const saved = placed.filter(({ state }) => state === 'SAVED').map(invoiceToSave);
    await this.removeEmpty(tx, placed);
    await this.invoices.saveLines(tx, saved);
    const closed = await this.closePeriods(tx, request, page, placed);
    await this.settle(tx, page, placed, closed);
    await this.markRated(tx, page, placed);
    // Late, since whoever else bills this tenant waits for the numbers.
    const numbers = isPreview ? [] : await this.invoices.takeNumbers(tx, saved.length);
    await this.invoices.saveInvoices(tx, saved, { numbers, finalizedAt: request.asOf });
    await this.recordAllowances(tx, page, numbers);
    await this.postToBalances(tx, saved);
    const invoiceIds = saved.map(({ id }) => id);
    if (!isPreview) await this.invoices.announce(tx, invoiceIds, 'FINALIZED');
    // Last, since all that sends usage of this tenant waits for its clock.
    if (!isPreview) await this.cutUsage(tx, page);
    return {
      periodsClosed: closed.length,
      invoicesCreated: saved.filter(({ replaces }) => !replaces).length,
      invoicesFinalized: saved.length,
      invoiceIds,
    };
  }

  /** Each invoice at the first sequence that no finalized one has: in the place of its draft, where there is one. */
  private async placed(tx: TenantTransaction, page: readonly Assembled[]): Promise<PlacedInvoice[]> {
    const made = await this.invoices.ofInstants(
      tx,
      page.map(({ billing }) => keyOf(billing)),
    );
    return page.flatMap((billing) => {
      const there = made.get(instantKey(keyOf(billing.billing))) ?? [];
      const isTaken = ({ finalizedAt, status }: Invoice): boolean =>
        finalizedAt !== null || (billing.billing.again !== undefined && status === 'VOID');
      const first = Math.max(-1, ...there.filter(isTaken).map(({ sequence }) => sequence)) + 1;
      return billing.invoices.map((assembled, index) => {
        const invoice = newInvoice(billing, first + index);
        const existing = there.find(({ sequence }) => sequence === invoice.sequence);
        const state = existing?.status === 'VOID' ? 'VOID' : isEmptyInvoice(assembled) ? 'EMPTY' : 'SAVED';
        const named = billing.billing.again === undefined ? assembled : renamed(assembled, invoice.sequence);
        return { billing, assembled: named, invoice, id: existing?.id ?? timeOrderedId(), existing, state };
      });
    });
  }

  private removeEmpty(tx: TenantTransaction, placed: readonly PlacedInvoice[]): Promise<void> {
    const empty = placed.filter(({ state, existing }) => state === 'EMPTY' && existing !== undefined);
    return this.invoices.removeDraft(tx, ...empty.map(({ id }) => id));
  }

  /** What a total below zero leaves, and what this one used of it (SEMANTICS 8.6). */
  private postToBalances(tx: TenantTransaction, saved: readonly DraftToSave[]): Promise<void> {
    const entries = saved.map(({ id, customerId, assembled: { currency, balanceCarried, balanceApplied } }) => ({
      ...{ customerId, currency, invoiceId: id },
      amount: balanceCarried.minus(balanceApplied),
    }));
    return this.invoices.addToBalance(tx, ...entries);
  }

  /** Opens what begins and closes what is billed, in one statement each; answers what was closed. */
  private async closePeriods(
    tx: TenantTransaction,
    { asOf }: StepRequest,
    page: readonly Assembled[],
    placed: readonly PlacedInvoice[],
  ): Promise<BillingPeriod[]> {
    const invoiceOf = invoicesByBilling(placed);
    const opened: NewPeriod[] = [];
    const closings: PeriodClosing[] = [];
    const closed: BillingPeriod[] = [];
    for (const assembled of page) {
      const { billing, seenSeq } = assembled;
      const { course, instant, at: billedAt } = billing;
      if (billing.kind === 'THRESHOLD') continue;
      const known: Pick<BillingPeriod, 'id' | 'segmentId' | 'start' | 'closedAt'>[] = [...course.periods];
      for (const { segment, period } of [...instant.opens, ...instant.closes]) {
        if (known.some(({ segmentId, start }) => segmentId === segment.id && start === period.start)) continue;
        const { index, start, end } = period;
        const id = timeOrderedId();
        opened.push({ id, subscriptionId: course.subscription.id, segmentId: segment.id, index, start, end });
        known.push({ id, segmentId: segment.id, start, closedAt: null });
      }
      const invoice = invoiceOf.get(assembled);
      const invoiceId = invoice?.id ?? null;
      const voided = invoice?.state === 'VOID';
      if (billing.again !== undefined) closed.push(...course.periods.filter(({ invoiceId: of }) => of === billing.again?.id));
      for (const { segment, period } of instant.closes) {
        const row = known.find((one) => one.segmentId === segment.id && one.start === period.start && one.closedAt === null);
        if (row === undefined) continue;
        const { id } = row;
        const { index, start, end } = period;
        closings.push({ segmentId: segment.id, start, end, closedAt: asOf, billedAt, seenSeq, invoiceId, voided });
        closed.push({
          id,
          subscriptionId: course.subscription.id,
          segmentId: segment.id,
          index,
          start,
          end,
          closedAt: asOf,
          billedAt,
          seenSeq,
          invoiceId,
          voided,
        });
      }
    }
    await this.periods.open(tx, opened);
    await this.periods.close(tx, closings);
    return closed;
  }

  /** What closed periods left of allowances that roll over: the next ones begin with it. Behind all invoices of the page, before all that come. */
  private async recordAllowances(tx: TenantTransaction, page: readonly Assembled[], numbers: readonly string[]): Promise<void> {
    const recorded = page.map(({ billing, invoices }) => ({
      subscriptionId: billing.course.subscription.id,
      records: invoices.flatMap(({ allowances }) => allowances),
    }));
    if (recorded.every(({ records }) => records.length === 0)) return;
    const last = numbers.at(-1);
    await this.allowances.save(tx, recorded, last === undefined ? await this.invoices.nextPlace(tx) : placeOf(last) + 1);
  }

  /**
   * What closing does to wallets, whose usage was drawn before: what nothing covered is remembered with the invoice that bills it, then the plan grants credits.
   * Customers without credits cost nothing here.
   */
  private async settle(
    tx: TenantTransaction,
    page: readonly Assembled[],
    placed: readonly PlacedInvoice[],
    closed: readonly BillingPeriod[],
  ): Promise<void> {
    const invoicesOf = groupedBy(placed, ({ billing }) => billing);
    const closedOf = groupedBy(closed, ({ subscriptionId }) => subscriptionId);
    for (const assembled of page) {
      const { billing, uncovered, creditCarry } = assembled;
      if (!usesCredits(billing.standing.segments)) continue;
      const own = invoicesOf.get(assembled) ?? [];
      const customerId = billing.standing.customer.id;
      const subscriptionId = billing.course.subscription.id;
      const periods = closedOf.get(subscriptionId) ?? [];
      const { opens } = billing.instant;
      if (periods.length + opens.length > 0) {
        // A change inside of a billing period closes nothing: then what was closed stays what it is.
        const begin = Math.min(...billing.course.segments.map(({ start }) => start));
        const settledUntil = Math.max(begin, ...periods.map(({ end }) => end));
        const grantedUntil = opens.length === 0 ? null : Math.max(...opens.map(({ period }) => period.start));
        await this.credits.advanceCursor(tx, customerId, { subscriptionId, settledUntil, grantedUntil });
      }
      const invoiceOf = (currency: string): PlacedInvoice | undefined =>
        own.find((one) => hasInvoice(one) && one.assembled.currency === currency);
      await this.settlements.record(
        tx,
        customerId,
        uncovered.map(({ currency, ...part }) => ({ ...part, invoiceId: invoiceOf(currency)?.id ?? null })),
      );
      // A draft that was voided bills nothing: what usage of its periods burnt is given back.
      for (const { id } of own.filter(({ state }) => state === 'VOID')) await this.wallets.reverseInvoice(tx, customerId, id, billing.at);
      if (creditCarry !== null) await this.wallets.carryOver(tx, customerId, creditCarry);
      // After that: a debt that the ended period left is taken from the grants of the next one (SEMANTICS 7.5).
      for (const one of own.filter(({ state }) => state !== 'VOID')) {
        const by = { invoiceId: hasInvoice(one) ? one.id : null, taxedAtUse: one.assembled.creditsTaxed === 'AT_USE' };
        await this.wallets.issueOfPlan(tx, customerId, by, grantsOf(one));
      }
      // What waited for them takes its part before anybody else does (docs/decisions/0024).
      const isWaitedFor = ((await this.credits.row(tx, customerId))?.waiting.size ?? 0) > 0;
      if (isWaitedFor) await this.drawDown.draw(tx, { customerId, now: billing.request.asOf });
    }
  }

  /**
   * Late usage is rated when an invoice stands that says so. With a draft that was voided, or without an invoice where nothing changed but what is left of an
   * amount off, its periods stay to be rated: by the next one.
   */
  private async markRated(tx: TenantTransaction, page: readonly Assembled[], placed: readonly PlacedInvoice[]): Promise<void> {
    const waiting = new Set(placed.filter(leavesCorrections).map(({ billing }) => billing));
    const rated = page.filter((assembled) => !waiting.has(assembled));
    for (const [seenSeq, own] of groupedBy(rated, (assembled) => assembled.seenSeq)) {
      await this.periods.markRated(
        tx,
        own.flatMap(({ late }) => late),
        seenSeq,
      );
    }
  }

  /** Invoices and periods remember which usage they have seen, and are recomputed from it: it stays readable as it was (SEMANTICS 8.4). */
  private async pinUsage(tx: TenantTransaction, page: readonly Assembled[]): Promise<void> {
    for (const [seenSeq, own] of groupedBy(page, (assembled) => assembled.seenSeq)) {
      await this.pins.pinMany(
        tx,
        own.map(({ billing }) => billing.standing.customer.no),
        seenSeq,
      );
    }
  }

  /** Usage is counted in cells that the bounds of open periods cut, so that later reads need no single events (SEMANTICS 12). */
  private cutUsage(tx: TenantTransaction, page: readonly Assembled[]): Promise<void> {
    const bounds = page.map(({ billing: { standing, instant, kind }, invoices }) => {
      const expiries = invoices.flatMap(({ grants }) => grants.flatMap(({ expiresAt }) => expiresAt ?? []));
      const opened = [...instant.opens.flatMap(({ period }) => [period.start, period.end]), ...expiries];
      return [standing.customer.no, kind === 'THRESHOLD' ? [instant.at] : opened] as const;
    });
    return this.boundaries.registerMany(tx, new Map(bounds));
  }
}

export function added(a: StepResult, b: StepResult): StepResult {
  return {
    periodsClosed: a.periodsClosed + b.periodsClosed,
    invoicesCreated: a.invoicesCreated + b.invoicesCreated,
    invoicesFinalized: a.invoicesFinalized + b.invoicesFinalized,
    invoiceIds: [...a.invoiceIds, ...b.invoiceIds],
  };
}

/** Until when instants are out of their grace period. */
export function finalBy({ asOf, graceSeconds }: Pick<StepRequest, 'asOf' | 'graceSeconds'>): Instant {
  return asOf - graceSeconds * MICROS_PER_SECOND;
}

/** Everything that a customer's subscriptions have not billed by `asOf`, in order of time, then of their age. */
function undoneOf(standing: Standing, courses: readonly Course[], request: StepRequest): Billing[] {
  const undone = courses.flatMap((course) =>
    undoneInstants(course.segments, course.periods, request.asOf).map((instant) => ({
      request,
      standing,
      course,
      at: instant.at,
      kind: instant.kind,
      instant,
    })),
  );
  return undone.sort((a, b) => a.at - b.at);
}

/** Nothing where no period with a threshold runs, or where one that is over waits for the end of its grace period. */
function thresholdOf(standing: Standing, course: Course, request: StepRequest): Billing[] {
  const { asOf: at } = request;
  const instant = runningPeriod(course.segments, course.periods, at);
  if (instant === null || thresholdAt(instant) === null || instant.closes.some(({ period }) => period.fullEnd <= at)) return [];
  return [{ request, standing, course, at, kind: 'THRESHOLD', instant }];
}

/** Of the plan that runs. */
function thresholdAt({ closes }: BillingInstant): { readonly amount: Decimal; readonly currency: string } | null {
  const terms = closes.at(-1)?.segment.terms;
  return terms?.invoiceThreshold == null ? null : { amount: terms.invoiceThreshold, currency: terms.currency };
}

function isReached({ billing }: Assembled, { currency, subtotal, discounts }: AssembledInvoice): boolean {
  const threshold = thresholdAt(billing.instant);
  return threshold?.currency === currency && subtotal.minus(discounts).compare(threshold.amount) >= 0;
}

/** The facts of a period that goes on. */
const soFar = (at: Instant) => ({ usageUntil: at, closing: false, late: 'NONE' as const });

/** What it corrects of earlier periods is on no invoice that stands. */
const leavesCorrections = ({ state, assembled: { discountUses } }: PlacedInvoice): boolean =>
  state === 'VOID' || (state === 'EMPTY' && discountUses.some(({ ofCorrection }) => ofCorrection === true));

/** Nothing while the subscription runs, or is not billed to its end. */
function supplementOf(standing: Standing, course: Course, request: StepRequest): Billing[] {
  const at = subscriptionEnd(course.segments);
  if (at === null || course.periods.some(({ closedAt }) => closedAt === null)) return [];
  const instant: BillingInstant = { at, kind: 'REGULAR', closes: [], opens: [], fees: [], change: null };
  return [{ request, standing, course, at, kind: 'SUPPLEMENTARY', instant }];
}

function keyOf({ course, at, kind }: Billing): InstantKey {
  return { subscriptionId: course.subscription.id, billingAt: at, kind };
}

/** What is granted now: what waits for payment is kept by the invoice, unless there is nothing to pay (SEMANTICS 7.6). */
function grantsOf({ assembled }: PlacedInvoice): readonly GrantToIssue[] {
  return assembled.total.isPositive() ? assembled.grants.filter(({ grantedWhen }) => grantedWhen !== 'PAID') : assembled.grants;
}

/** Grants of a voided invoice were taken back and keep their keys: those that come again have others. */
function renamed(assembled: AssembledInvoice, sequence: number): AssembledInvoice {
  return { ...assembled, grants: assembled.grants.map((grant) => ({ ...grant, key: `${grant.key}#${sequence}` })) };
}

const hasInvoice = ({ state }: PlacedInvoice): boolean => state !== 'EMPTY';

/** The invoice that names a billing: the first of several currencies. */
function invoicesByBilling(placed: readonly PlacedInvoice[]): Map<Assembled, PlacedInvoice> {
  const first = new Map<Assembled, PlacedInvoice>();
  for (const one of placed) if (hasInvoice(one) && !first.has(one.billing)) first.set(one.billing, one);
  return first;
}

function invoiceToSave({ billing, assembled, invoice, id, existing }: PlacedInvoice): DraftToSave {
  return {
    customerId: invoice.customerId,
    subscriptionId: invoice.subscriptionId,
    billingAt: invoice.billingAt,
    kind: invoice.kind,
    sequence: invoice.sequence,
    adjusts: invoice.adjusts,
    periodStart: invoice.periodStart,
    periodEnd: invoice.periodEnd,
    draftedAt: invoice.draftedAt,
    finalizeAt: invoice.finalizeAt,
    id,
    assembled,
    seenSeq: billing.seenSeq,
    seenRates: billing.seenRates,
    replaces: existing !== undefined,
    again: billing.billing.again?.id ?? null,
  };
}

function newInvoice({ billing, late }: Assembled, sequence: number): NewInvoice {
  const { request, standing, course, at, kind, instant } = billing;
  const { asOf, graceSeconds } = request;
  const isSupplement = kind === 'SUPPLEMENTARY';
  const period =
    kind === 'THRESHOLD'
      ? { periodStart: Math.min(at, ...instant.closes.map(({ period: { start } }) => start)), periodEnd: at }
      : invoicePeriod(instant, late);
  return {
    customerId: standing.customer.id,
    subscriptionId: course.subscription.id,
    billingAt: at,
    kind,
    sequence,
    adjusts: isSupplement ? (late.find(({ invoiceId }) => invoiceId !== null)?.invoiceId ?? null) : null,
    periodStart: period.periodStart,
    periodEnd: period.periodEnd,
    draftedAt: asOf,
    finalizeAt: isSupplement || kind === 'THRESHOLD' ? asOf : at + graceSeconds * MICROS_PER_SECOND,
  };
}

/** The period that ended; at the beginning, and for a change inside of one, the one that begins. Of a correction the corrected one. */
function invoicePeriod(
  { at, kind, closes, fees, change }: BillingInstant,
  late: readonly BillingPeriod[],
): { periodStart: Instant; periodEnd: Instant } {
  const ended = kind === 'REGULAR' ? closes.map(({ period }) => period) : [];
  const begun = [...(change?.to ? [change.to] : []), ...fees].map(({ period }) => period);
  const spans = [ended, begun, closes.map(({ period }) => period), late].find((candidates) => candidates.length > 0) ?? [
    { start: at, end: at },
  ];
  return { periodStart: Math.min(...spans.map(({ start }) => start)), periodEnd: Math.max(...spans.map(({ end }) => end)) };
}

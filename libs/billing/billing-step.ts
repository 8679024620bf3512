import { Injectable } from '@nestjs/common';
import { assembleInvoice } from '@tare/core';
import type { AssembledInvoice, GrantToIssue, Instant, Segment } from '@tare/core';
import { CreditStore, Wallets } from '@tare/credits';
import { CustomerStore, SubscriptionStore } from '@tare/customers';
import type { TenantTransaction } from '@tare/database';
import { UsageBoundaries, UsagePins } from '@tare/usage';
import { billingInstants, subscriptionEnd, type BillingInstant } from './billing-instant.ts';
import { BillingPeriodStore, type BillingPeriod } from './billing-period.store.ts';
import { InvoiceStore, type NewInvoice } from './invoice.store.ts';
import type { InvoiceKind } from './invoice.ts';
import { PeriodFacts, type PeriodFactsResult } from './period-facts.ts';

/** What is to be done for one subscription at one billing instant. */
export interface StepRequest {
  readonly customerId: string;
  readonly subscriptionId: string;
  readonly at: Instant;
  /** Billing time. */
  readonly asOf: Instant;
  readonly graceSeconds: number;
  /** DRAFT inside of the grace period, FINAL after it; PREVIEW: like FINAL, without number and announcement, in a transaction that is rolled back. */
  readonly mode: 'DRAFT' | 'FINAL' | 'PREVIEW';
}

export interface StepResult {
  readonly periodsClosed: number;
  readonly invoicesCreated: number;
  readonly invoicesFinalized: number;
  readonly invoiceIds: readonly string[];
}

export const NOTHING_DONE: StepResult = { periodsClosed: 0, invoicesCreated: 0, invoicesFinalized: 0, invoiceIds: [] };

interface Billing {
  readonly request: StepRequest;
  readonly kind: InvoiceKind;
  readonly instant: BillingInstant;
  readonly facts: PeriodFactsResult;
  readonly rows: readonly BillingPeriod[];
}

/** A subscription and how far it is billed. */
interface Standing {
  readonly rows: readonly BillingPeriod[];
  readonly segments: readonly Segment[];
}

const MICROS_PER_SECOND = 1_000_000;

/** One billing instant of one subscription, in one transaction: all of it happens, or nothing (SEMANTICS 8.5). */
@Injectable()
export class BillingStep {
  constructor(
    private readonly customers: CustomerStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly boundaries: UsageBoundaries,
    private readonly pins: UsagePins,
    private readonly credits: CreditStore,
    private readonly wallets: Wallets,
    private readonly facts: PeriodFacts,
    private readonly periods: BillingPeriodStore,
    private readonly invoices: InvoiceStore,
  ) {}

  /**
   * Does what is still to be done at the instant; nothing when another run was here first. What a change since has put before it comes first: each instant
   * builds on the one before. Locks customer, subscription and wallet, in this order.
   */
  async bill(tx: TenantTransaction, request: StepRequest): Promise<StepResult> {
    await this.lock(tx, request);
    const standing = await this.standing(tx, request);
    const undone = undoneInstants(standing.segments, standing.rows, request.at);
    const missed = undone.findLast(({ at }) => at < request.at && isFinalBy(at, request));
    if (missed === undefined) return this.billInstant(tx, request, standing);
    const before = await this.bill(tx, { ...request, at: missed.at, mode: request.mode === 'PREVIEW' ? 'PREVIEW' : 'FINAL' });
    return added(before, await this.billInstant(tx, request, await this.standing(tx, request)));
  }

  private async standing(tx: TenantTransaction, { subscriptionId }: Pick<StepRequest, 'subscriptionId'>): Promise<Standing> {
    const rows = await this.periods.ofSubscription(tx, subscriptionId);
    return { rows, segments: await this.subscriptions.segments(tx, { subscriptionIds: [subscriptionId] }) };
  }

  private async billInstant(tx: TenantTransaction, request: StepRequest, { rows, segments }: Standing): Promise<StepResult> {
    const instant = undoneInstant(segments, rows, request.at);
    if (instant === null) return NOTHING_DONE;
    const { subscriptionId, mode } = request;
    const facts = await this.facts.load(tx, { subscriptionId, instant });
    const billing = { request, kind: instant.kind, instant, facts, rows };
    return mode === 'DRAFT' ? this.draft(tx, billing) : this.finalize(tx, billing);
  }

  /** Bills what came for closed periods after the subscription's final invoice (SEMANTICS 6.3, 8.3). */
  async billSupplement(tx: TenantTransaction, request: Omit<StepRequest, 'at'>): Promise<StepResult> {
    await this.lock(tx, request);
    const { rows, segments } = await this.standing(tx, request);
    const at = subscriptionEnd(segments);
    if (at === null || rows.some(({ closedAt }) => closedAt === null)) return NOTHING_DONE;
    const instant: BillingInstant = { at, kind: 'REGULAR', closes: [], opens: [], fees: [], change: null };
    const facts = await this.facts.load(tx, { subscriptionId: request.subscriptionId, instant });
    if (facts.late.length === 0) return NOTHING_DONE;
    return this.finalize(tx, { request: { ...request, at }, kind: 'SUPPLEMENTARY', instant, facts, rows });
  }

  private async lock(
    tx: TenantTransaction,
    { customerId, subscriptionId }: Pick<StepRequest, 'customerId' | 'subscriptionId'>,
  ): Promise<void> {
    await this.customers.lock(tx, customerId);
    await this.periods.lockSubscription(tx, subscriptionId);
    await this.credits.lock(tx, customerId);
  }

  /** What is known so far, once: it is assembled again when it is finalized. */
  private async draft(tx: TenantTransaction, billing: Billing): Promise<StepResult> {
    const invoiceIds: string[] = [];
    for (const [sequence, facts] of billing.facts.invoices.entries()) {
      const invoice = newInvoice(billing, sequence);
      const assembled = assembleInvoice(facts);
      if (assembled.lines.length === 0 || (await this.invoices.byKey(tx, invoice)) !== null) continue;
      await this.pinUsage(tx, billing.facts);
      invoiceIds.push((await this.invoices.saveDraft(tx, invoice, assembled, billing.facts.seenSeq)).id);
    }
    return { ...NOTHING_DONE, invoicesCreated: invoiceIds.length, invoiceIds };
  }

  private async finalize(tx: TenantTransaction, billing: Billing): Promise<StepResult> {
    const { subscriptionId, at } = billing.request;
    if (billing.request.mode === 'FINAL') await this.pinUsage(tx, billing.facts);
    const first = await this.invoices.nextSequence(tx, { subscriptionId, billingAt: at, kind: billing.kind });
    const saved: SavedInvoice[] = [];
    for (const [index, facts] of billing.facts.invoices.entries())
      saved.push(await this.saveInvoice(tx, billing, first + index, assembleInvoice(facts)));
    const isVoid = saved.some(({ isVoid: wasVoided }) => wasVoided);
    const invoiceId = saved.find(({ id }) => id !== null)?.id ?? null;
    const closed = await this.closePeriods(tx, billing, invoiceId);
    if (!isVoid) await this.settle(tx, billing, closed, invoiceId);
    // After the settlement: a debt that the ended period left is taken from the grants of the next one (SEMANTICS 7.5).
    for (const { id, grants } of saved) await this.wallets.issueOfPlan(tx, billing.request.customerId, id, grants);
    await this.periods.markRated(
      tx,
      billing.facts.late.map(({ id }) => id),
      billing.facts.seenSeq,
    );
    if (billing.request.mode === 'FINAL') await this.cutUsage(tx, billing);
    const made = saved.filter(({ id, isVoid: wasVoided }) => id !== null && !wasVoided);
    return {
      periodsClosed: closed.length,
      invoicesCreated: made.filter(({ isNew }) => isNew).length,
      invoicesFinalized: made.length,
      invoiceIds: made.flatMap(({ id }) => (id === null ? [] : [id])),
    };
  }

  /** An invoice without lines is none; a draft that was voided stays void, and its periods are closed with it. */
  private async saveInvoice(tx: TenantTransaction, billing: Billing, sequence: number, assembled: AssembledInvoice): Promise<SavedInvoice> {
    const { request, facts } = billing;
    const invoice = newInvoice(billing, sequence);
    const existing = await this.invoices.byKey(tx, invoice);
    if (existing?.status === 'VOID') return { id: existing.id, isNew: false, isVoid: true, grants: [] };
    if (assembled.lines.length === 0) {
      if (existing) await this.invoices.removeDraft(tx, existing.id);
      return { id: null, isNew: false, isVoid: false, grants: assembled.grants };
    }
    const { id, isNew } = await this.invoices.saveDraft(tx, invoice, assembled, facts.seenSeq);
    const isPreview = request.mode === 'PREVIEW';
    const number = isPreview ? null : await this.invoices.nextNumber(tx);
    await this.invoices.finalize(tx, id, { number, finalizedAt: request.asOf });
    const amount = assembled.balanceCarried.minus(assembled.balanceApplied);
    await this.invoices.addToBalance(tx, { customerId: request.customerId, currency: assembled.currency, amount, invoiceId: id });
    if (!isPreview) await this.invoices.announce(tx, id, 'FINALIZED');
    return { id, isNew, isVoid: false, grants: assembled.grants };
  }

  private async closePeriods(
    tx: TenantTransaction,
    { request, instant, facts, rows }: Billing,
    invoiceId: string | null,
  ): Promise<BillingPeriod[]> {
    const { subscriptionId, customerId, at, asOf } = request;
    for (const { segment, period } of [...instant.opens, ...instant.closes]) {
      await this.periods.open(tx, { subscriptionId, segmentId: segment.id, index: period.index, start: period.start, end: period.end });
    }
    const known = instant.closes.length === 0 ? rows : await this.periods.ofSubscription(tx, subscriptionId);
    const closing = instant.closes.flatMap((part) => {
      const row = known.find(
        ({ segmentId, start, closedAt }) => segmentId === part.segment.id && start === part.period.start && closedAt === null,
      );
      return row ? [{ row, end: part.period.end }] : [];
    });
    for (const { row, end } of closing)
      await this.periods.close(tx, row.id, { end, closedAt: asOf, billedAt: at, seenSeq: facts.seenSeq, invoiceId });
    if (closing.length > 0) {
      await this.credits.advanceCursor(tx, customerId, { subscriptionId, settledUntil: Math.max(...closing.map(({ end }) => end)) });
    }
    return closing.map(({ row }) => row);
  }

  private async settle(
    tx: TenantTransaction,
    { request, facts }: Billing,
    closed: readonly BillingPeriod[],
    invoiceId: string | null,
  ): Promise<void> {
    const { customerId, subscriptionId } = request;
    for (const { segmentId, periodStart, settlement } of facts.settlements) {
      const period = [...closed, ...facts.late].find((row) => row.segmentId === segmentId && row.start === periodStart);
      if (period) await this.wallets.postSettlement(tx, customerId, { subscriptionId, periodId: period.id, invoiceId }, settlement);
    }
  }

  /** Invoices and periods remember which usage they have seen, and are recomputed from it: it stays readable as it was (SEMANTICS 8.4). */
  private pinUsage(tx: TenantTransaction, { customer, seenSeq }: PeriodFactsResult): Promise<void> {
    return this.pins.pin(tx, customer.no, seenSeq);
  }

  /** Usage is counted in cells that the bounds of open periods cut, so that later reads need no single events (SEMANTICS 12). */
  private async cutUsage(tx: TenantTransaction, { instant, facts }: Billing): Promise<void> {
    const bounds = instant.opens.flatMap(({ period }) => [period.start, period.end]);
    if (bounds.length > 0) await this.boundaries.register(tx, facts.customer.no, bounds);
  }
}

interface SavedInvoice {
  readonly id: string | null;
  readonly isNew: boolean;
  readonly isVoid: boolean;
  /** What the plan grants with it. */
  readonly grants: readonly GrantToIssue[];
}

/** What is known of a service period's row here. */
type PeriodProgress = Pick<BillingPeriod, 'segmentId' | 'start' | 'closedAt' | 'end'>;

/** The instant with what is not done of it; null when nothing is left to do. */
export function undoneInstant(segments: readonly Segment[], rows: readonly PeriodProgress[], at: Instant): BillingInstant | null {
  return undoneInstants(segments, rows, at).find((instant) => instant.at === at) ?? null;
}

/** The instants up to and including `until` with what is not done of them, in order. */
function undoneInstants(segments: readonly Segment[], rows: readonly PeriodProgress[], until: Instant): BillingInstant[] {
  return billingInstants(segments, openFrom(rows), until).flatMap((instant) => undonePart(instant, rows) ?? []);
}

function undonePart(instant: BillingInstant, rows: readonly PeriodProgress[]): BillingInstant | null {
  const row = (segmentId: string, start: Instant) =>
    rows.find((candidate) => candidate.segmentId === segmentId && candidate.start === start);
  const opens = instant.opens.filter(({ segment, period }) => row(segment.id, period.start) === undefined);
  const closes = instant.closes.filter(({ segment, period }) => (row(segment.id, period.start)?.closedAt ?? null) === null);
  if (opens.length === 0 && closes.length === 0) return null;
  if (opens.length > 0) return { ...instant, opens, closes };
  return { ...instant, kind: 'REGULAR', opens, closes, fees: [], change: null };
}

function isFinalBy(at: Instant, { asOf, graceSeconds }: StepRequest): boolean {
  return at <= asOf - graceSeconds * MICROS_PER_SECOND;
}

function added(a: StepResult, b: StepResult): StepResult {
  return {
    periodsClosed: a.periodsClosed + b.periodsClosed,
    invoicesCreated: a.invoicesCreated + b.invoicesCreated,
    invoicesFinalized: a.invoicesFinalized + b.invoicesFinalized,
    invoiceIds: [...a.invoiceIds, ...b.invoiceIds],
  };
}

/** Before it everything is done: where open periods begin, else where closed ones end. */
export function openFrom(rows: readonly Pick<BillingPeriod, 'start' | 'end' | 'closedAt'>[]): Instant {
  const open = rows.filter(({ closedAt }) => closedAt === null).map(({ start }) => start);
  if (open.length > 0) return Math.min(...open);
  return rows.length === 0 ? 0 : Math.max(...rows.map(({ end }) => end)) - 1;
}

function newInvoice({ request, kind, instant, facts }: Billing, sequence: number): NewInvoice {
  const { customerId, subscriptionId, at, asOf, graceSeconds } = request;
  const period = invoicePeriod(instant, facts);
  const adjusts = kind === 'SUPPLEMENTARY' ? (facts.late.find(({ invoiceId }) => invoiceId !== null)?.invoiceId ?? null) : null;
  const finalizeAt = kind === 'SUPPLEMENTARY' ? asOf : at + graceSeconds * MICROS_PER_SECOND;
  return { customerId, subscriptionId, billingAt: at, kind, sequence, adjusts, ...period, draftedAt: asOf, finalizeAt };
}

/** The period that ended; at the beginning, and for a change, the one that begins. Of a correction the corrected one. */
function invoicePeriod(
  { at, closes, fees, change }: BillingInstant,
  { late }: PeriodFactsResult,
): { periodStart: Instant; periodEnd: Instant } {
  const ended = change === null ? closes.map(({ period }) => period) : [];
  const begun = [...(change?.to ? [change.to] : []), ...fees].map(({ period }) => period);
  const spans = [ended, begun, closes.map(({ period }) => period), late].find((candidates) => candidates.length > 0) ?? [
    { start: at, end: at },
  ];
  return { periodStart: Math.min(...spans.map(({ start }) => start)), periodEnd: Math.max(...spans.map(({ end }) => end)) };
}

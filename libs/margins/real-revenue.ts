import { Injectable } from '@nestjs/common';
import { AllowanceStore, BillingPeriodStore, InvoiceStore, withFeesHandedOver, type BillingHistory, type InvoiceLine } from '@tare/billing';
import { revenueOfCredits, revenueOfLine, segmentEnd } from '@tare/core';
import type { Instant, MarginQuery, RevenueItem, Segment } from '@tare/core';
import { CreditStore, periodKey, type PeriodKey } from '@tare/credits';
import type { Customer } from '@tare/customers';
import type { TenantTransaction } from '@tare/database';
import { BillingReplay, type Replayed, type ReplayStep } from './billing-replay.ts';
import type { Person } from './people.ts';
import { inOrder, openSteps } from './replay-steps.ts';
import { RevenueStore, type CustomerCreditRevenue, type IssuedLine, type PeriodUncovered } from './revenue.store.ts';

/** A customer with everything that it was billed. */
type Payer = Person & { readonly customer: Customer };

/** What real customers pay: what was issued and burnt, and what is open as it would be billed now (SEMANTICS 10.1). */
@Injectable()
export class RealRevenue {
  constructor(
    private readonly store: RevenueStore,
    private readonly periods: BillingPeriodStore,
    private readonly invoices: InvoiceStore,
    private readonly credits: CreditStore,
    private readonly replay: BillingReplay,
    private readonly allowances: AllowanceStore,
  ) {}

  /** By customer id. Five queries for all of them, and more only for those with open periods in the span. `knownAt`: without corrections since. */
  async of(
    tx: TenantTransaction,
    query: MarginQuery,
    people: readonly Person[],
    knownAt: Instant | null = null,
  ): Promise<Map<string, RevenueItem[]>> {
    const payers = people.flatMap((person) => (person.customer === null ? [] : [{ ...person, customer: person.customer }]));
    const ids = payers.map(({ customer }) => customer.id);
    const issued = await this.store.issuedLines(tx, ids, query, knownAt);
    const lines = byCustomer([...issued, ...(await this.store.creditNoteLines(tx, ids, query, knownAt))]);
    const credits = byCustomer(await this.store.creditRevenue(tx, ids, query));
    const uncovered = await this.store.uncovered(tx, ids, query);
    const open = await this.withOpenPeriods(tx, query, payers);
    const billed = await this.billedOfChanged(tx, query, payers);
    const items = new Map<string, RevenueItem[]>();
    for (const payer of payers) {
      const { id } = payer.customer;
      const steps = open.has(id) ? await this.openSteps(tx, query, payer) : [];
      // Usage of open periods was drawn already, and is billed again below: once is enough.
      const replayedPeriods = new Set(periodsOf(steps).map(periodKey));
      const burnt = (credits.get(id) ?? []).filter(({ period }) => period === null || !replayedPeriods.has(period));
      const handedOver = handedOverLines(payer, billed, Math.min(query.asOf, ...steps.map(({ instant }) => instant.at)));
      const issued = issuedItems(payer, [...(lines.get(id) ?? []), ...handedOver], burnt, uncovered);
      const replayed = steps.length > 0 ? replayedItems(payer.segments, await this.replayOpen(tx, query, payer, steps)) : [];
      items.set(id, [...issued, ...replayed]);
    }
    return items;
  }

  /**
   * What was billed of subscriptions that changed, by subscription: a change that left a fee as it was may have made no invoice, and from then on the fee is
   * earned by what it was changed to.
   */
  private billedOfChanged(tx: TenantTransaction, { from }: MarginQuery, payers: readonly Payer[]): Promise<Map<string, InvoiceLine[]>> {
    const changed = payers.flatMap(({ segments }) => [...bySubscription(segments)].filter(([, own]) => own.length > 1));
    return this.invoices.billedLinesOf(
      tx,
      changed.map(([subscriptionId]) => ({ subscriptionId, since: from, before: null })),
    );
  }

  /** What the customer's open periods would be billed now; null where nothing in the span is open. */
  async openBilling(tx: TenantTransaction, query: MarginQuery, person: Person): Promise<Replayed | null> {
    if (person.customer === null) return null;
    const payer = { ...person, customer: person.customer };
    const open = await this.withOpenPeriods(tx, query, [payer]);
    return open.has(payer.customer.id) ? this.replayOpen(tx, query, payer, await this.openSteps(tx, query, payer)) : null;
  }

  /** Customers with something in the span that billing has not closed. */
  private async withOpenPeriods(tx: TenantTransaction, { from, asOf }: MarginQuery, payers: readonly Payer[]): Promise<Set<string>> {
    const subscriptions = [...new Set(payers.flatMap(({ segments }) => segments.map(({ subscriptionId }) => subscriptionId)))];
    const progress = await this.periods.progress(tx, subscriptions);
    const isOpen = (segment: Segment): boolean => {
      const end = segmentEnd(segment) ?? Infinity;
      if (segment.start >= asOf || end <= from || segment.start === end) return false;
      const known = progress.get(segment.subscriptionId);
      if (known === undefined || known.closedUntil === null || known.closedUntil < Math.min(asOf, end)) return true;
      return known.open.some(({ start }) => start < asOf);
    };
    return new Set(payers.filter(({ segments }) => segments.some(isOpen)).map(({ customer }) => customer.id));
  }

  /** What billing has not billed yet, in order of time. */
  private async openSteps(tx: TenantTransaction, { asOf }: MarginQuery, { segments }: Payer): Promise<ReplayStep[]> {
    const steps: ReplayStep[] = [];
    for (const [subscriptionId, own] of bySubscription(segments)) {
      steps.push(...openSteps(subscriptionId, own, await this.periods.ofSubscription(tx, subscriptionId), asOf));
    }
    return inOrder(steps);
  }

  private async replayOpen(
    tx: TenantTransaction,
    { asOf }: MarginQuery,
    { customer, segments }: Payer,
    steps: readonly ReplayStep[],
  ): Promise<Replayed> {
    const histories = new Map<string, Pick<BillingHistory, 'lines' | 'discountUses' | 'allowances'>>();
    for (const subscriptionId of new Set(steps.map((step) => step.subscriptionId))) {
      const own = steps.filter((step) => step.subscriptionId === subscriptionId);
      histories.set(subscriptionId, await this.historyOf(tx, subscriptionId, segments, own));
    }
    const wallet = await this.credits.wallet(tx, customer.id, periodsOf(steps));
    const balances = await this.invoices.balances(tx, customer.id, null);
    return this.replay.replay(tx, { segments, steps, histories, wallet, balances, upToSeq: null, change: null, until: asOf });
  }

  private async historyOf(
    tx: TenantTransaction,
    subscriptionId: string,
    segments: readonly Segment[],
    steps: readonly ReplayStep[],
  ): Promise<Pick<BillingHistory, 'lines' | 'discountUses' | 'allowances'>> {
    const starts = steps.flatMap(({ instant }) => [
      instant.at,
      ...instant.closes.map(({ period }) => Math.min(period.start, period.fullStart)),
    ]);
    const before = Math.min(...starts);
    const lines = await this.invoices.billedLines(tx, subscriptionId, before, null);
    const own = segments.filter((segment) => segment.subscriptionId === subscriptionId);
    return {
      lines: withFeesHandedOver(lines, own, Math.min(...steps.map(({ instant }) => instant.at))),
      discountUses: await this.invoices.discountUses(tx, subscriptionId, null),
      allowances: (await this.allowances.latest(tx, [{ subscriptionId, beginsBefore: before }])).get(subscriptionId) ?? [],
    };
  }
}

/** The service periods whose usage the steps bill. */
function periodsOf(steps: readonly ReplayStep[]): PeriodKey[] {
  return steps.flatMap(({ instant }) =>
    instant.closes.map(({ segment, period }) => ({ segmentId: segment.id, periodStart: period.start })),
  );
}

/** How replayed lines and credits are earned: exactly, since nothing of them is rounded yet. */
export function replayedItems(segments: readonly Segment[], { lines, credits, uncovered }: Replayed): RevenueItem[] {
  const segmentOf = new Map(segments.map((segment) => [segment.id, segment]));
  const ofLines = lines.flatMap((line) =>
    revenueOfLine(
      { ...line, isBilled: false, finalizedAt: null, voidedAt: null },
      segmentOf.get(line.segmentId) ?? null,
      uncovered.filter((use) => use.segmentId === line.segmentId && use.periodStart === line.period.start),
    ),
  );
  return [...ofLines, ...credits.map((one) => revenueOfCredits(one, segmentAt(segments, one.subscriptionId, one.at)))];
}

function issuedItems(
  { segments }: Payer,
  lines: readonly IssuedLine[],
  credits: readonly CustomerCreditRevenue[],
  uncovered: readonly PeriodUncovered[],
): RevenueItem[] {
  const segmentOf = new Map(segments.map((segment) => [segment.id, segment]));
  const ofLines = lines.flatMap((line) =>
    revenueOfLine(
      line,
      segmentOf.get(line.segmentId) ?? null,
      line.kind === 'OVERAGE' ? uncovered.filter((use) => use.segmentId === line.segmentId && use.periodStart === line.period.start) : [],
    ),
  );
  return [...ofLines, ...credits.map((one) => revenueOfCredits(one, segmentAt(segments, one.subscriptionId, one.at)))];
}

/** Lines that are on no invoice, of changes before `until`: what they take from one segment they give to another. */
function handedOverLines({ customer, segments }: Payer, billed: ReadonlyMap<string, readonly InvoiceLine[]>, until: Instant): IssuedLine[] {
  return [...bySubscription(segments)].flatMap(([subscriptionId, own]) => {
    const lines = billed.get(subscriptionId) ?? [];
    return withFeesHandedOver(lines, own, until)
      .slice(lines.length)
      .map((line) => ({
        ...{ ...line, customerId: customer.id, currency: currencyOf(line, own) },
        ...{ isBilled: true, finalizedAt: line.period.start, voidedAt: null },
      }));
  });
}

function currencyOf({ segmentId }: InvoiceLine, segments: readonly Segment[]): string {
  const segment = segments.find(({ id }) => id === segmentId);
  if (segment === undefined) throw new Error(`segment ${segmentId} is not there`);
  return segment.terms.currency;
}

function segmentAt(segments: readonly Segment[], subscriptionId: string | null, at: Instant): Segment | null {
  const own = segments.filter((segment) => segment.subscriptionId === subscriptionId && segment.start <= at);
  return own.at(-1) ?? null;
}

export function bySubscription(segments: readonly Segment[]): Map<string, Segment[]> {
  const groups = new Map<string, Segment[]>();
  for (const segment of segments) groups.set(segment.subscriptionId, [...(groups.get(segment.subscriptionId) ?? []), segment]);
  return groups;
}

function byCustomer<Row extends { readonly customerId: string }>(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.customerId);
    if (group === undefined) groups.set(row.customerId, [row]);
    else group.push(row);
  }
  return groups;
}

import { Injectable } from '@nestjs/common';
import { SettingsService, TenantsService } from '@tare/access';
import { assembleInvoice, CodedError } from '@tare/core';
import type { Instant, Segment } from '@tare/core';
import { CreditStore, Wallets } from '@tare/credits';
import { CustomerStore, SubscriptionStore, type Customer, type Subscription } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { UsageReader } from '@tare/usage';
import { billingInstants, subscriptionEnd, type BillingInstant } from './billing-instant.ts';
import { BillingPeriodStore, type BillingPeriod, type Progress } from './billing-period.store.ts';
import { BillingStep, NOTHING_DONE, openFrom, undoneInstant, type StepRequest, type StepResult } from './billing-step.ts';
import { InvoiceStore } from './invoice.store.ts';
import { PeriodFacts } from './period-facts.ts';
import { previewOf, type InvoicePreview } from './invoice-preview.ts';

export interface BillingRun {
  readonly asOf: Instant;
  readonly periodsClosed: number;
  readonly invoicesCreated: number;
  readonly invoicesFinalized: number;
}

type Due = Pick<StepRequest, 'customerId' | 'subscriptionId' | 'at'>;

const MICROS_PER_SECOND = 1_000_000;
/** Customers whose progress is read at once. */
const PAGE = 500;

/** Ends a preview: everything that its transaction wrote is rolled back. */
class PreviewDone extends Error {
  constructor(readonly previews: InvoicePreview[]) {
    super('a preview writes nothing');
  }
}

/** When what is billed: finds what is due and takes one step after the other. */
@Injectable()
export class BillingService {
  constructor(
    private readonly database: Database,
    private readonly tenants: TenantsService,
    private readonly settings: SettingsService,
    private readonly customers: CustomerStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly usage: UsageReader,
    private readonly credits: CreditStore,
    private readonly wallets: Wallets,
    private readonly periods: BillingPeriodStore,
    private readonly invoices: InvoiceStore,
    private readonly facts: PeriodFacts,
    private readonly step: BillingStep,
  ) {}

  /**
   * Everything that is due by `asOf`: drafts at their instant, finalization after the grace period, late usage of subscriptions that have ended, expiry of
   * credits. Runs may race, be killed and be run again: each (subscription, instant) is one transaction and happens once (SEMANTICS 8.5). A customer whose
   * step fails does not stop the others; the first failure is thrown at the end.
   * @throws CodedError AS_OF_IN_FUTURE for a live tenant
   */
  async run(tenantId: string, asOf: Instant, now: Instant = Date.now() * 1_000): Promise<BillingRun> {
    if (asOf > now && (await this.tenants.isLive(tenantId))) {
      throw new CodedError('AS_OF_IN_FUTURE', 'A live tenant bills up to now, not ahead of the clock.', 'asOf');
    }
    const { graceSeconds } = await this.settings.settings(tenantId);
    const customers = await this.database.withTenant(tenantId, (tx) => this.customers.all(tx));
    const run = new RunningTotal(asOf);
    for (let first = 0; first < customers.length; first += PAGE) {
      await this.billPage(tenantId, customers.slice(first, first + PAGE), graceSeconds, run);
    }
    return run.result();
  }

  /**
   * What would be invoiced if the customer's open periods were closed at `at` (now unless said): first what is due by then and not finalized, then the usage
   * so far of the periods that are still running, without minimums and commitments. Nothing is stored. @throws CodedError NOT_FOUND
   */
  async preview(tenantId: string, customerKey: string, at: Instant = Date.now() * 1_000): Promise<InvoicePreview[]> {
    try {
      await this.database.withTenant(tenantId, async (tx) => {
        const customer = await this.customers.byKey(tx, customerKey);
        if (customer === null) throw new CodedError('NOT_FOUND', `There is no customer with key "${customerKey}".`, 'customer');
        throw new PreviewDone(await this.previews(tx, customer, at));
      });
    } catch (error) {
      if (error instanceof PreviewDone) return error.previews;
      throw error;
    }
    return [];
  }

  private async billPage(tenantId: string, customers: readonly Customer[], graceSeconds: number, run: RunningTotal): Promise<void> {
    const found = await this.database.withTenant(tenantId, (tx) => this.dueOf(tx, customers, run.asOf));
    const until = run.asOf - graceSeconds * MICROS_PER_SECOND;
    const billed: string[] = [];
    for (const customer of customers) {
      await run.attempt(async () => {
        for (const due of found.due.get(customer.id) ?? []) {
          const request: StepRequest = { ...due, asOf: run.asOf, graceSeconds, mode: due.at <= until ? 'FINAL' : 'DRAFT' };
          run.add(await this.database.withTenant(tenantId, (tx) => this.step.bill(tx, request)));
        }
        await this.afterSteps(tenantId, customer, found.ended.get(customer.id) ?? [], { graceSeconds, run });
        billed.push(customer.id);
      });
    }
    await run.attempt(() => this.dropOverdueDrafts(tenantId, billed, until));
    await run.attempt(() => this.expireCredits(tenantId, customers, until));
  }

  /** Late usage of subscriptions whose final invoice is out: a supplementary one each. */
  private async afterSteps(
    tenantId: string,
    { id: customerId }: Customer,
    ended: readonly string[],
    { graceSeconds, run }: { graceSeconds: number; run: RunningTotal },
  ): Promise<void> {
    if (ended.length === 0) return;
    const late = await this.database.withTenant(tenantId, async (tx) =>
      this.periods.endedWithLateUsage(tx, ended, await this.usage.currentSeq(tx)),
    );
    for (const subscriptionId of late) {
      const request = { customerId, subscriptionId, asOf: run.asOf, graceSeconds, mode: 'FINAL' as const };
      run.add(await this.database.withTenant(tenantId, (tx) => this.step.billSupplement(tx, request)));
    }
  }

  /** Everything due of these customers is final: what is still a draft bills an instant that there is no more. */
  private async dropOverdueDrafts(tenantId: string, customerIds: readonly string[], until: Instant): Promise<void> {
    await this.database.withTenant(tenantId, async (tx) => {
      for (const { id, customerId } of await this.invoices.overdueDrafts(tx, customerIds, until)) {
        await this.customers.lock(tx, customerId);
        await this.invoices.removeDraft(tx, id);
      }
    });
  }

  /** Grants that are over, and that no open period could still burn, become breakage (SEMANTICS 7.9). */
  private async expireCredits(tenantId: string, customers: readonly Customer[], until: Instant): Promise<void> {
    const own = new Set(customers.map(({ id }) => id));
    const expired = await this.database.withTenant(tenantId, (tx) => this.credits.customersWithExpired(tx, until));
    for (const customerId of expired.filter((id) => own.has(id))) {
      await this.database.withTenant(tenantId, async (tx) => {
        await this.credits.lock(tx, customerId);
        const burning = (await this.subscriptions.segments(tx, { customerIds: [customerId] })).filter(
          ({ terms }) => terms.burnRates.length > 0,
        );
        const open = await this.periods.earliestOpen(
          tx,
          burning.map(({ id }) => id),
        );
        await this.wallets.expireDue(tx, customerId, Math.min(until, open ?? until));
      });
    }
  }

  /** What is due by customer, in order of time; and the subscriptions that have ended by then. A fixed number of queries for all of them. */
  private async dueOf(
    tx: TenantTransaction,
    customers: readonly Customer[],
    asOf: Instant,
  ): Promise<{ due: Map<string, Due[]>; ended: Map<string, string[]> }> {
    const filter = { customerIds: customers.map(({ id }) => id) };
    const subscriptions = await this.subscriptions.subscriptions(tx, filter);
    const segments = groupedBy(await this.subscriptions.segments(tx, filter), ({ subscriptionId }) => subscriptionId);
    const progress = await this.periods.progress(
      tx,
      subscriptions.map(({ id }) => id),
    );
    const due = subscriptions.flatMap((subscription) =>
      dueInstants(subscription, segments.get(subscription.id) ?? [], progress.get(subscription.id), asOf),
    );
    due.sort((a, b) => a.at - b.at);
    const ended = subscriptions.filter(({ id }) => (subscriptionEnd(segments.get(id) ?? []) ?? Infinity) <= asOf);
    return {
      due: groupedBy(due, ({ customerId }) => customerId),
      ended: new Map(
        [...groupedBy(ended, ({ customerId }) => customerId)].map(([id, own]) => [id, own.map((subscription) => subscription.id)]),
      ),
    };
  }

  private async previews(tx: TenantTransaction, customer: Customer, at: Instant): Promise<InvoicePreview[]> {
    const { due } = await this.dueOf(tx, [customer], at);
    const previews: InvoicePreview[] = [];
    for (const step of due.get(customer.id) ?? []) {
      const { invoiceIds } = await this.step.bill(tx, { ...step, asOf: at, graceSeconds: 0, mode: 'PREVIEW' });
      previews.push(...(await this.previewsOf(tx, customer, invoiceIds)));
    }
    for (const subscription of await this.subscriptions.subscriptions(tx, { customerIds: [customer.id] })) {
      previews.push(...(await this.soFar(tx, customer, subscription, at)));
    }
    return previews;
  }

  private async previewsOf(tx: TenantTransaction, customer: Customer, invoiceIds: readonly string[]): Promise<InvoicePreview[]> {
    const invoices = await this.invoices.byIds(tx, invoiceIds);
    const lines = await this.invoices.linesOf(tx, invoiceIds);
    return [...invoices.values()].map((invoice) => ({
      ...invoice,
      id: `preview:${invoice.subscriptionId ?? ''}:${invoice.billingAt}:${invoice.kind}`,
      status: 'DRAFT' as const,
      finalizedAt: null,
      customer,
      lines: lines.get(invoice.id) ?? [],
    }));
  }

  /** The usage so far of the billing period that runs at `at`. */
  private async soFar(tx: TenantTransaction, customer: Customer, subscription: Subscription, at: Instant): Promise<InvoicePreview[]> {
    const instant = runningPeriod(
      await this.subscriptions.segments(tx, { subscriptionIds: [subscription.id] }),
      await this.periods.ofSubscription(tx, subscription.id),
      at,
    );
    if (instant === null) return [];
    const { invoices } = await this.facts.load(tx, { subscriptionId: subscription.id, instant, usageUntil: at, closing: false });
    return invoices
      .map((facts) => previewOf(assembleInvoice(facts), { customer, subscription, instant, at }))
      .filter(({ lines }) => lines.length > 0);
  }
}

/** What a run has done so far, and the first thing that went wrong. */
class RunningTotal {
  private total = NOTHING_DONE;
  private failure: { readonly error: unknown } | null = null;

  constructor(readonly asOf: Instant) {}

  add(step: StepResult): void {
    this.total = {
      periodsClosed: this.total.periodsClosed + step.periodsClosed,
      invoicesCreated: this.total.invoicesCreated + step.invoicesCreated,
      invoicesFinalized: this.total.invoicesFinalized + step.invoicesFinalized,
      invoiceIds: [],
    };
  }

  async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.failure ??= { error };
    }
  }

  result(): BillingRun {
    if (this.failure !== null) throw this.failure.error;
    const { periodsClosed, invoicesCreated, invoicesFinalized } = this.total;
    return { asOf: this.asOf, periodsClosed, invoicesCreated, invoicesFinalized };
  }
}

function groupedBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** Instants of a subscription up to `asOf` that are not done. Where nothing is open, everything up to the last closing is. */
function dueInstants(subscription: Subscription, segments: readonly Segment[], progress: Progress | undefined, asOf: Instant): Due[] {
  const rows = rowsOf(progress);
  const doneUntil = progress === undefined || progress.open.length > 0 ? -Infinity : (progress.closedUntil ?? -Infinity);
  return billingInstants(segments, openFrom(rows), asOf)
    .filter(({ at }) => at > doneUntil && undoneInstant(segments, rows, at) !== null)
    .map(({ at }) => ({ customerId: subscription.customerId, subscriptionId: subscription.id, at }));
}

/** The progress in the shape of rows: what is open, and one closed row that ends where the last one did. */
function rowsOf(progress: Progress | undefined): Pick<BillingPeriod, 'segmentId' | 'start' | 'end' | 'closedAt'>[] {
  if (progress === undefined) return [];
  const open = progress.open.map(({ segmentId, start }) => ({ segmentId, start, end: start, closedAt: null }));
  const { closedUntil } = progress;
  return closedUntil === null ? open : [...open, { segmentId: '', start: closedUntil - 1, end: closedUntil, closedAt: closedUntil }];
}

/** The billing period that runs at `at`, as an instant that closes its parts so far; null where none runs. */
function runningPeriod(segments: readonly Segment[], rows: readonly BillingPeriod[], at: Instant): BillingInstant | null {
  const open = rows.filter(({ closedAt, start }) => closedAt === null && start < at).map(({ segmentId, start }) => `${segmentId} ${start}`);
  const end = Math.max(at, ...rows.filter(({ closedAt }) => closedAt === null).map((row) => row.end));
  const parts = billingInstants(segments, openFrom(rows), end)
    .flatMap(({ closes }) => closes)
    .filter(({ segment, period }) => open.includes(`${segment.id} ${period.start}`));
  return parts.length === 0 ? null : { at, kind: 'REGULAR', closes: parts, opens: [], fees: [], change: null };
}

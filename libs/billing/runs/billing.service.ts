import { Injectable } from '@nestjs/common';
import { SettingsService, TenantsService } from '@tare/access';
import { CodedError } from '@tare/core';
import type { Instant } from '@tare/core';
import { CreditStore, Wallets } from '@tare/credits';
import { CustomerStore, SubscriptionStore } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { BillingPeriodStore } from '../periods/billing-period.store.ts';
import { added, BillingStep, finalBy, NOTHING_DONE, type StepRequest, type StepResult } from './billing-step.ts';
import { groupedBy } from '../grouped-by.ts';
import { InvoiceStore } from '../invoices/invoice.store.ts';
import { PrepaidInvoices } from './prepaid-invoices.ts';
import { WorkBesideInstants, type SubscriptionWork } from './work-beside-instants.ts';

export interface BillingRun {
  readonly asOf: Instant;
  readonly periodsClosed: number;
  readonly invoicesCreated: number;
  readonly invoicesFinalized: number;
}

/** Customers that are billed in one transaction: more would be held for longer, and their bills stay in memory until all of them are saved. */
const PAGE = 500;
const PAGES_AT_ONCE = 2;
/** Number behind all customers. */
const END = Infinity;

/** When what is billed: finds what is due and bills it page by page. */
@Injectable()
export class BillingService {
  constructor(
    private readonly database: Database,
    private readonly tenants: TenantsService,
    private readonly settings: SettingsService,
    private readonly customers: CustomerStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly credits: CreditStore,
    private readonly wallets: Wallets,
    private readonly periods: BillingPeriodStore,
    private readonly invoices: InvoiceStore,
    private readonly step: BillingStep,
    private readonly beside: WorkBesideInstants,
    private readonly prepaid: PrepaidInvoices,
  ) {}

  /**
   * Everything that is due by `asOf`: drafts at their instant, finalization after the grace period, late usage of subscriptions that have ended, usage that has reached a
   * threshold, purchases of credits, expiry of credits. Runs may race, be killed and be run again: each (subscription, instant) is in one transaction and happens once (SEMANTICS 8.5). A customer
   * whose billing fails does not stop the others: the page that it is in is taken apart until it is alone. The first failure is thrown at the end.
   * @throws CodedError AS_OF_IN_FUTURE for a live tenant
   */
  async run(tenantId: string, asOf: Instant, now: Instant = Date.now() * 1_000): Promise<BillingRun> {
    if (asOf > now && (await this.tenants.isLive(tenantId))) {
      throw new CodedError('AS_OF_IN_FUTURE', 'A live tenant bills up to now, not ahead of the clock.', 'asOf');
    }
    const { graceSeconds } = await this.settings.settings(tenantId);
    const run = new RunningTotal(tenantId, { asOf, graceSeconds, mode: 'FINAL' });
    await this.billCustomers(run);
    for (const work of this.beside.of(run.request)) await this.billEach(run, work);
    await run.attempt(async () => run.add(await this.prepaid.bill(tenantId, asOf)));
    await run.attempt(() => this.dropOverdueDrafts(run));
    await run.attempt(() => this.expireCredits(run));
    return run.result();
  }

  /**
   * Page after page of those who have something due, by their numbers: their usage lies in that order. Two pages are under way at a time, so that one is
   * worked out while the database reads or writes the other; each has a transaction of its own, and nobody is on both.
   */
  private async billCustomers(run: RunningTotal): Promise<void> {
    const pages = this.pagesDue(run);
    const lane = async (): Promise<void> => {
      for (let page = await pages(); page.length > 0; page = await pages()) await this.billPage(run, page);
    };
    const lanes = await Promise.allSettled(Array.from({ length: PAGES_AT_ONCE }, lane));
    const failed = lanes.find((ended) => ended.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** Answers the next page with each call, in the order of the calls; an empty one at the end. */
  private pagesDue({ tenantId, request: { asOf } }: RunningTotal): () => Promise<readonly string[]> {
    let after: Promise<{ readonly no: number; readonly ids: readonly string[] }> = Promise.resolve({ no: 0, ids: [] });
    const read = async (afterNo: number): Promise<{ no: number; ids: string[] }> => {
      if (afterNo === END) return { no: END, ids: [] };
      const due = await this.database.withTenant(tenantId, async (tx) => {
        await this.periods.learnSizes(tx);
        return this.periods.customersDue(tx, { asOf, afterNo, limit: PAGE });
      });
      const isLast = due.length < PAGE;
      return { no: isLast ? END : (due.at(-1)?.no ?? END), ids: due.map(({ id }) => id) };
    };
    return async () => {
      after = after.then(({ no }) => read(no));
      return (await after).ids;
    };
  }

  /** One instant of each customer after the other, until nothing of theirs is due: those who failed take no further part in the run. */
  private async billPage(run: RunningTotal, customerIds: readonly string[]): Promise<void> {
    let left = customerIds;
    const inGrace = new Set<string>();
    while (left.length > 0) {
      const results = await this.apart(run, left, (tx, ids) => this.step.bill(tx, ids, run.request));
      left = results.flatMap(({ unfinished }) => unfinished);
      for (const id of results.flatMap((result) => result.inGrace)) inGrace.add(id);
    }
    const healthy = [...inGrace].filter((id) => !run.failed.has(id));
    await this.apart(run, healthy, (tx, ids) => this.step.draft(tx, ids, run.request));
  }

  /** Page by page, and of each customer one subscription at a time: they share its balance. */
  private async billEach(run: RunningTotal, { read, bill }: SubscriptionWork): Promise<void> {
    let afterId: string | null = null;
    for (;;) {
      const page = await this.database.withTenant(run.tenantId, (tx) => read(tx, { afterId, limit: PAGE }));
      let left = page.filter(({ customerId }) => !run.failed.has(customerId));
      while (left.length > 0) {
        const firsts = [...groupedBy(left, ({ customerId }) => customerId).values()].flatMap((own) => own.slice(0, 1));
        const customerIds = firsts.map(({ customerId }) => customerId);
        await this.apart(run, customerIds, (tx, ids) =>
          bill(
            tx,
            firsts.filter(({ customerId }) => ids.includes(customerId)),
          ),
        );
        left = left.filter((one) => !firsts.includes(one));
      }
      if (page.length < PAGE) return;
      afterId = page.at(-1)?.subscriptionId ?? null;
    }
  }

  /** Everything due is final: what is still a draft bills an instant that there is no more. */
  private async dropOverdueDrafts(run: RunningTotal): Promise<void> {
    let afterId: string | null = null;
    for (;;) {
      const drafts = await this.database.withTenant(run.tenantId, (tx) =>
        this.invoices.overdueDrafts(tx, { billedUntil: finalBy(run.request), afterId, limit: PAGE }),
      );
      const dropped = drafts.filter(({ customerId }) => !run.failed.has(customerId));
      await this.database.withTenant(run.tenantId, async (tx) => {
        await this.customers.lockMany(
          tx,
          dropped.map(({ customerId }) => customerId),
        );
        await this.invoices.removeDraft(tx, ...dropped.map(({ id }) => id));
      });
      if (drafts.length < PAGE) return;
      afterId = drafts.at(-1)?.id ?? null;
    }
  }

  /** Grants that are over, and that no open period could still burn, become breakage (SEMANTICS 7.9). */
  private async expireCredits({ tenantId, request }: RunningTotal): Promise<void> {
    const until = finalBy(request);
    for (const customerId of await this.database.withTenant(tenantId, (tx) => this.credits.customersWithExpired(tx, until))) {
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

  /**
   * Does work for all customers in one transaction; where that fails, for each half of them, until those who fail are alone. Answers what was done.
   */
  private async apart<Result extends StepResult>(
    run: RunningTotal,
    customerIds: readonly string[],
    work: (tx: TenantTransaction, customerIds: readonly string[]) => Promise<Result>,
  ): Promise<Result[]> {
    if (customerIds.length === 0) return [];
    try {
      const result = await this.database.withTenant(run.tenantId, (tx) => work(tx, customerIds));
      run.add(result);
      return [result];
    } catch (error) {
      const half = customerIds.length >> 1;
      if (half === 0) return run.fail(error, customerIds);
      const first = await this.apart(run, customerIds.slice(0, half), work);
      return [...first, ...(await this.apart(run, customerIds.slice(half), work))];
    }
  }
}

/** What a run has done so far, whose billing failed, and the first thing that went wrong. */
class RunningTotal {
  readonly failed = new Set<string>();
  private total = NOTHING_DONE;
  private failure: { readonly error: unknown } | null = null;

  constructor(
    readonly tenantId: string,
    readonly request: StepRequest,
  ) {}

  add(step: StepResult): void {
    this.total = { ...added(this.total, step), invoiceIds: [] };
  }

  fail(error: unknown, customerIds: readonly string[]): [] {
    for (const id of customerIds) this.failed.add(id);
    this.failure ??= { error };
    return [];
  }

  async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.fail(error, []);
    }
  }

  result(): BillingRun {
    if (this.failure !== null) throw this.failure.error;
    const { periodsClosed, invoicesCreated, invoicesFinalized } = this.total;
    return { asOf: this.request.asOf, periodsClosed, invoicesCreated, invoicesFinalized };
  }
}

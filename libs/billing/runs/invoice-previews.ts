import { Injectable } from '@nestjs/common';
import { SettingsService } from '@tare/access';
import { assembleInvoice, CodedError } from '@tare/core';
import type { Instant } from '@tare/core';
import { CustomerStore, type Customer } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { InvoiceStore } from '../invoices/invoice.store.ts';
import { previewOfBilled, previewOfSoFar, type InvoicePreview, type PreviewState } from '../invoices/invoice-preview.ts';
import { PeriodFacts } from '../periods/period-facts.ts';
import { runningPeriod } from '../periods/running-period.ts';
import { Standings, type Course, type Standing } from '../periods/standings.ts';
import { BillingStep, type StepRequest } from './billing-step.ts';
import { PrepaidInvoices } from './prepaid-invoices.ts';
import { WorkBesideInstants } from './work-beside-instants.ts';

/** Ends a preview: everything that its transaction wrote is rolled back. */
class PreviewDone extends Error {
  constructor(readonly previews: InvoicePreview[]) {
    super('a preview writes nothing');
  }
}

/** More subscriptions than one customer has. */
const ALL = 2_147_483_647;

/** What a customer would be invoiced for: a run for one customer, in a transaction that is rolled back. */
@Injectable()
export class InvoicePreviews {
  constructor(
    private readonly database: Database,
    private readonly settings: SettingsService,
    private readonly customers: CustomerStore,
    private readonly invoices: InvoiceStore,
    private readonly standings: Standings,
    private readonly facts: PeriodFacts,
    private readonly step: BillingStep,
    private readonly beside: WorkBesideInstants,
    private readonly prepaid: PrepaidInvoices,
  ) {}

  /**
   * First what a run at `at` (now unless said) would issue, of all kinds and to the cent; then what is due by then and in its grace period; then the usage so far of
   * the periods that go on, without minimums and commitments. Nothing is stored. @throws CodedError NOT_FOUND
   */
  async of(tenantId: string, customerKey: string, at: Instant = Date.now() * 1_000): Promise<InvoicePreview[]> {
    const { graceSeconds } = await this.settings.settings(tenantId);
    try {
      await this.database.withTenant(tenantId, async (tx) => {
        const customer = await this.customers.byKey(tx, customerKey);
        if (customer === null) throw new CodedError('NOT_FOUND', `There is no customer with key "${customerKey}".`, 'customer');
        const request = { asOf: at, graceSeconds, mode: 'PREVIEW' as const };
        throw new PreviewDone([
          ...(await this.shown(tx, customer, 'DUE', await this.due(tx, customer, request))),
          ...(await this.shown(tx, customer, 'IN_GRACE', await this.instants(tx, customer, { ...request, until: at }))),
          ...(await this.soFar(tx, customer, at)),
        ]);
      });
    } catch (error) {
      if (error instanceof PreviewDone) return error.previews;
      throw error;
    }
    return [];
  }

  /** Bills as `BillingService.run` does, in its order, since each invoice builds on those before. Answers ids of invoices. */
  private async due(tx: TenantTransaction, customer: Customer, request: StepRequest): Promise<string[]> {
    const ids = await this.instants(tx, customer, request);
    for (const { read, bill } of this.beside.of(request)) {
      for (const one of await read(tx, { customerId: customer.id, afterId: null, limit: ALL })) {
        ids.push(...(await bill(tx, [one])).invoiceIds);
      }
    }
    return [...ids, ...(await this.prepaid.previewIn(tx, customer.id, request.asOf))];
  }

  /** One instant after the other, until nothing is due. */
  private async instants(tx: TenantTransaction, { id }: Customer, request: StepRequest): Promise<string[]> {
    const ids: string[] = [];
    for (let isDone = false; !isDone;) {
      const { invoiceIds, unfinished } = await this.step.bill(tx, [id], request);
      ids.push(...invoiceIds);
      isDone = unfinished.length === 0;
    }
    return ids;
  }

  private async shown(tx: TenantTransaction, customer: Customer, preview: PreviewState, ids: readonly string[]): Promise<InvoicePreview[]> {
    const invoices = await this.invoices.byIds(tx, ids);
    const lines = await this.invoices.linesOf(tx, ids);
    return ids.flatMap((id) => {
      const invoice = invoices.get(id);
      return invoice === undefined ? [] : previewOfBilled(invoice, lines.get(id) ?? [], { customer, preview });
    });
  }

  /** Of each subscription, the usage so far of the billing period that runs at `at`. */
  private async soFar(tx: TenantTransaction, customer: Customer, at: Instant): Promise<InvoicePreview[]> {
    const [standing] = await this.standings.of(tx, [customer]);
    const courses = standing && (await this.standings.courses(tx, [standing])).get(standing);
    const previews: InvoicePreview[] = [];
    for (const course of courses ?? []) if (standing) previews.push(...(await this.running(tx, standing, course, at)));
    return previews;
  }

  private async running(tx: TenantTransaction, standing: Standing, course: Course, at: Instant): Promise<InvoicePreview[]> {
    const { subscription } = course;
    const instant = runningPeriod(course.segments, course.periods, at);
    if (instant === null) return [];
    const { invoices } = await this.facts.load(tx, {
      subscriptionId: subscription.id,
      standing,
      instant,
      usageUntil: at,
      closing: false,
      draws: at,
    });
    return invoices
      .map((facts) => previewOfSoFar(assembleInvoice(facts), { customer: standing.customer, subscription, instant, at }))
      .filter(({ lines }) => lines.length > 0);
  }
}

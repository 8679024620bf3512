import { Injectable, type OnModuleInit } from '@nestjs/common';
import { assemblePurchase, Decimal, NO_TAX } from '@tare/core';
import type { Instant, InvoiceTax } from '@tare/core';
import { CreditStore, PurchasesService, type CreditPurchase, type RequestedPurchases } from '@tare/credits';
import { CustomerStore } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import { NOTHING_DONE, type StepResult } from './billing-step.ts';
import { InvoiceStore } from '../invoices/invoice.store.ts';
import { InvoicesService } from '../invoices/invoices.service.ts';
import { TaxSource } from '../tax/tax-source.ts';

/** Purchases that are invoiced in one transaction. */
const PAGE = 200;

/** Invoices of credits that customers buy, or that are topped up for them (SEMANTICS 7.6, 8.5). */
@Injectable()
export class PrepaidInvoices implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
    private readonly credits: CreditStore,
    private readonly purchases: PurchasesService,
    private readonly invoices: InvoiceStore,
    private readonly standing: InvoicesService,
    private readonly taxes: TaxSource,
  ) {}

  /** Paying a PREPAID invoice brings its credits, voiding it before cancels the purchase: in the transaction that does it. */
  onModuleInit(): void {
    this.standing.onPaid(async (tx, { id: invoiceId, kind, detail }, paidAt) => {
      const taxedAtUse = detail.creditsTaxed === 'AT_USE';
      if (kind === 'PREPAID') await this.purchases.paidIn(tx, { invoiceId, taxedAtUse }, paidAt);
    });
    this.standing.onVoided((tx, { id, kind }) => (kind === 'PREPAID' ? this.purchases.voidedIn(tx, id) : Promise.resolve()));
  }

  /**
   * Makes a PREPAID invoice of each purchase that has none, final at once. Who runs twice or at the same time makes each once: purchases are held while they
   * are invoiced, and an invoice names its purchase.
   */
  async bill(tenantId: string, asOf: Instant): Promise<StepResult> {
    let total = NOTHING_DONE;
    for (;;) {
      const made = await this.database.withTenant(tenantId, (tx) => this.billPage(tx, asOf));
      const { invoicesCreated, invoicesFinalized } = total;
      total = { ...total, invoicesCreated: invoicesCreated + made, invoicesFinalized: invoicesFinalized + made };
      if (made < PAGE) return total;
    }
  }

  /** The invoice of one purchase, at once; nothing where it has one, or where somebody else makes it just now. */
  async billPurchase(tenantId: string, id: string, asOf: Instant): Promise<void> {
    await this.database.withTenant(tenantId, (tx) => this.billPage(tx, asOf, { id, most: 1 }));
  }

  /**
   * In a transaction that is rolled back, by who holds the customer: drafts of what `bill` would invoice it for, without numbers. The purchases are not held, so that no run
   * passes over them meanwhile. Answers ids of invoices.
   */
  async previewIn(tx: TenantTransaction, customerId: string, asOf: Instant): Promise<string[]> {
    const ids: string[] = [];
    for (const { purchase, tax } of await this.taxed(tx, await this.purchases.waitingIn(tx, customerId), asOf))
      ids.push((await this.draft(tx, purchase, tax, asOf)).id);
    return ids;
  }

  private async billPage(tx: TenantTransaction, asOf: Instant, wanted: RequestedPurchases = { most: PAGE }): Promise<number> {
    const purchases = await this.purchases.requestedIn(tx, wanted);
    if (purchases.length === 0) return 0;
    const customerIds = [...new Set(purchases.map(({ customerId }) => customerId))];
    await this.customers.lockMany(tx, customerIds);
    await this.credits.lockMany(tx, customerIds);
    for (const { purchase, tax } of await this.taxed(tx, purchases, asOf)) await this.issue(tx, purchase, tax, asOf);
    return purchases.length;
  }

  /** Purchases with the taxes of those who buy. */
  private async taxed(
    tx: TenantTransaction,
    purchases: readonly CreditPurchase[],
    at: Instant,
  ): Promise<{ readonly purchase: CreditPurchase; readonly tax: InvoiceTax }[]> {
    const taxes = await this.taxes.taxesOf(
      tx,
      purchases.map(({ customerId }) => ({ customerId, at })),
    );
    return purchases.map((purchase, index) => ({ purchase, tax: taxes[index] ?? NO_TAX }));
  }

  private async issue(tx: TenantTransaction, purchase: CreditPurchase, tax: InvoiceTax, asOf: Instant): Promise<void> {
    const { id, total } = await this.draft(tx, purchase, tax, asOf);
    await this.invoices.setPurchase(tx, id, purchase.id);
    await this.purchases.invoicedIn(tx, purchase, id);
    const [number = null] = await this.invoices.takeNumbers(tx, 1);
    await this.invoices.finalize(tx, id, { number, finalizedAt: asOf });
    await this.invoices.announce(tx, [id], 'FINALIZED');
    // The balance paid all of it: nobody will pay it any more.
    if (total.isZero()) await this.standing.payIn(tx, id, asOf);
  }

  private async draft(
    tx: TenantTransaction,
    { id: purchaseId, customerId, credits, price }: CreditPurchase,
    tax: InvoiceTax,
    asOf: Instant,
  ): Promise<{ readonly id: string; readonly total: Decimal }> {
    const customerBalance = (await this.invoices.balances(tx, customerId, null)).get(price.currency) ?? Decimal.ZERO;
    const assembled = assemblePurchase({ id: purchaseId, credits, price, at: asOf, tax, customerBalance });
    const id = randomUUID();
    await this.invoices.saveDrafts(tx, [
      {
        ...{ id, customerId, subscriptionId: null, billingAt: asOf, kind: 'PREPAID', sequence: 0, adjusts: null },
        ...{
          periodStart: asOf,
          periodEnd: asOf,
          draftedAt: asOf,
          finalizeAt: asOf,
          assembled,
          seenSeq: null,
          seenRates: null,
          replaces: false,
        },
      },
    ]);
    const { currency, balanceCarried, balanceApplied, total } = assembled;
    await this.invoices.addToBalance(tx, { customerId, currency, amount: balanceCarried.minus(balanceApplied), invoiceId: id });
    return { id, total };
  }
}

import { Injectable } from '@nestjs/common';
import { InvoiceRecomputation, InvoiceStore, PeriodFacts, type BillingInstant } from '@tare/billing';
import { assembleInvoice } from '@tare/core';
import type { Decimal, Instant, MarginQuery } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { bySubscription, RealRevenue, RevenueStore, type IssuedLine, type Person } from '@tare/margins';
import { billedFor, type BilledPart } from './billed-amount.ts';

/** What a customer is billed for the span under the plans that it really has. */
export interface RealBilling {
  /** As its issued invoices say. */
  readonly issued: Decimal;
  /** As the same invoices come out when they are assembled again from stored usage (SEMANTICS 11.2). */
  readonly recomputed: Decimal;
}

/** The identity: real plans, billed again. */
@Injectable()
export class RealWorld {
  constructor(
    private readonly store: RevenueStore,
    private readonly invoices: InvoiceStore,
    private readonly recomputation: InvoiceRecomputation,
    private readonly facts: PeriodFacts,
    private readonly revenue: RealRevenue,
  ) {}

  /**
   * `knownAt`: corrections that were finalized later are left out, so that the issued invoices come back; null: with all corrections, also those that no
   * invoice has yet (SEMANTICS 8.3). Periods that are open stand in both figures as they would be billed now.
   */
  async billed(tx: TenantTransaction, query: MarginQuery, person: Person, knownAt: Instant | null): Promise<RealBilling> {
    if (person.customer === null) return { issued: billedFor([], query), recomputed: billedFor([], query) };
    const lines = (await this.store.issuedLines(tx, [person.customer.id], query, knownAt)).filter(({ voidedAt }) => voidedAt === null);
    const open = (await this.revenue.openBilling(tx, query, person))?.lines ?? [];
    const late = knownAt === null ? await this.unratedLate(tx, person, query) : [];
    const unbilled = billedFor([...open, ...late], query);
    const recomputed = await this.recomputed(tx, lines, knownAt);
    return { issued: billedFor(lines, query).plus(unbilled), recomputed: billedFor(recomputed, query).plus(unbilled) };
  }

  private async recomputed(tx: TenantTransaction, lines: readonly IssuedLine[], knownAt: Instant | null): Promise<BilledPart[]> {
    const invoices = await this.invoices.byIds(tx, [...new Set(lines.map(({ invoiceId }) => invoiceId))]);
    const parts: BilledPart[] = [];
    for (const invoice of invoices.values()) {
      const isCorrected = knownAt === null || (invoice.finalizedAt ?? 0) <= knownAt;
      const assembled = await this.recomputation.recompute(tx, invoice);
      const kept = assembled.lines.filter(({ kind }) => kind !== 'DELTA' || isCorrected);
      parts.push(...kept.map((line) => ({ ...line, currency: assembled.currency })));
    }
    return parts;
  }

  /** Corrections of closed periods that will stand on the next invoice. */
  private async unratedLate(tx: TenantTransaction, { segments }: Person, { to }: MarginQuery): Promise<BilledPart[]> {
    const nothing: BillingInstant = { at: to, kind: 'REGULAR', closes: [], opens: [], fees: [], change: null };
    const parts: BilledPart[] = [];
    for (const subscriptionId of bySubscription(segments).keys()) {
      const { invoices } = await this.facts.load(tx, { subscriptionId, instant: nothing });
      for (const { lines, currency } of invoices.map(assembleInvoice)) parts.push(...lines.map((line) => ({ ...line, currency })));
    }
    return parts;
  }
}

import { Injectable } from '@nestjs/common';
import { keysetOf, PlanStore, type PageRequest, type PlanVersion } from '@tare/catalog';
import { parseInstant, type AssembledLine, type Instant, type Meter, type Price, type Segment } from '@tare/core';
import { SubscriptionStore } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { SeenEvents, type EventPlace } from '@tare/usage';
import { LineEvents, type EventBatch, type LineEvent, type LineEventPage, type LineEventSource } from './explain-line-events.ts';
import { lineHash } from './explain-line-hash.ts';
import { ExplainLineStore } from './explain-line.store.ts';
import { InvoiceStore } from '../invoices/invoice.store.ts';
import type { Invoice, InvoiceLine } from '../invoices/invoice.ts';
import { InvoiceRecomputation } from './recompute-invoice.ts';

/** Where a line comes from (SEMANTICS 8.4); the line itself has quantity, walk and rounding. */
export interface LineExplanation {
  readonly invoice: Invoice;
  readonly line: InvoiceLine;
  /** Null for a line of no plan: credits that were bought apart from one. */
  readonly plan: PlanVersion | null;
  /** Of the subscription where the line's period begins; null without a plan. */
  readonly seats: number | null;
  /** The price as the customer had it; null for credits, overage and commitment. */
  readonly price: Price | null;
  /** What counts the events behind the line; null for a line without. */
  readonly meter: Meter | null;
  /** See lineHash. */
  readonly hash: string;
  /** Events before it are no longer kept and can't be listed; null: all are there. */
  readonly eventsDroppedBefore: Instant | null;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Explains invoice lines to the cent, down to the events. */
@Injectable()
export class LineExplanations {
  constructor(
    private readonly database: Database,
    private readonly store: ExplainLineStore,
    private readonly invoices: InvoiceStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly plans: PlanStore,
    private readonly events: LineEvents,
    private readonly seenEvents: SeenEvents,
    private readonly recomputation: InvoiceRecomputation,
  ) {}

  /** Null for an id of nothing or of another tenant. */
  explain(tenantId: string, lineId: string): Promise<LineExplanation | null> {
    return this.database.withTenant(tenantId, async (tx) => {
      const found = await this.lineOf(tx, lineId);
      return found && this.explanation(tx, found);
    });
  }

  /** The events behind a line, by time: 50 unless `first` says otherwise, at most 500. @throws CodedError INVALID_PAGE_SIZE | INVALID_CURSOR */
  eventsOf(tenantId: string, lineId: string, request: PageRequest): Promise<LineEventPage> {
    const { afterTime, afterId, limit } = keysetOf(request);
    return this.database.withTenant(tenantId, async (tx) => {
      const found = await this.lineOf(tx, lineId);
      const source = found && (await this.events.source(tx, found.invoice, found.line));
      if (source === null) return { events: [], hasNextPage: false, end: null };
      const after = afterTime === null || afterId === null ? null : { at: parseInstant(afterTime), id: afterId };
      return this.events.page(tx, source, limit - 1, after);
    });
  }

  /** The hash of the same line, assembled again from its events; null while its invoice is not final, or where it no longer comes about. */
  recomputedHash(tenantId: string, lineId: string): Promise<string | null> {
    return this.database.withTenant(tenantId, async (tx) => {
      const found = await this.lineOf(tx, lineId);
      if (found === null || found.invoice.number === null || found.invoice.subscriptionId === null) return null;
      const { currency, lines } = await this.recomputation.recompute(tx, found.invoice);
      const same = lines.find((line) => isSame(line, found.line));
      return same === undefined ? null : lineHash(currency, same);
    });
  }

  /** All events behind a line, in batches of a transaction each: what an invoice saw never changes, so they are of one moment. */
  async *everyEvent(tenantId: string, invoice: Invoice, line: InvoiceLine): AsyncGenerator<readonly LineEvent[]> {
    const source = await this.database.withTenant(tenantId, (tx) => this.events.source(tx, invoice, line));
    if (source !== null) yield* this.batches(tenantId, source);
  }

  private async *batches(tenantId: string, source: LineEventSource): AsyncGenerator<readonly LineEvent[]> {
    let after: EventPlace | null = null;
    do {
      const batch: EventBatch = await this.batch(tenantId, source, after);
      if (batch.behind.length > 0) yield batch.behind;
      after = batch.next;
    } while (after !== null);
  }

  private batch(tenantId: string, source: LineEventSource, after: EventPlace | null): Promise<EventBatch> {
    return this.database.withTenant(tenantId, (tx) => this.events.batch(tx, source, after));
  }

  private async lineOf(tx: TenantTransaction, lineId: string): Promise<{ invoice: Invoice; line: InvoiceLine } | null> {
    const invoiceId = UUID.test(lineId) ? await this.store.invoiceOfLine(tx, lineId) : null;
    const invoice = invoiceId === null ? null : await this.invoices.byId(tx, invoiceId);
    if (invoice === null) return null;
    const line = (await this.invoices.linesOf(tx, [invoice.id])).get(invoice.id)?.find(({ id }) => id === lineId.toLowerCase());
    return line === undefined ? null : { invoice, line };
  }

  private async explanation(tx: TenantTransaction, { invoice, line }: { invoice: Invoice; line: InvoiceLine }): Promise<LineExplanation> {
    const plan = (await this.plans.versions(tx, [line.planVersionId])).get(line.planVersionId) ?? null;
    const segment = await this.segmentOf(tx, line);
    const source = await this.events.source(tx, invoice, line);
    const dropped = source === null ? null : await this.seenEvents.droppedBefore(tx);
    return {
      invoice,
      line,
      plan,
      seats: segment?.seats ?? null,
      price: segment?.terms.prices.find(({ key }) => key === line.priceKey) ?? null,
      meter: source?.countings[0]?.meter ?? null,
      hash: lineHash(invoice.currency, line),
      eventsDroppedBefore: dropped !== null && dropped > line.period.start ? dropped : null,
    };
  }

  private async segmentOf(tx: TenantTransaction, { segmentId, subscriptionId }: InvoiceLine): Promise<Segment | undefined> {
    const segments = await this.subscriptions.segments(tx, { subscriptionIds: [subscriptionId] });
    return segments.find(({ id }) => id === segmentId);
  }
}

/** No two lines of an invoice agree in these. */
function isSame(a: AssembledLine, b: InvoiceLine): boolean {
  return a.kind === b.kind && a.scopeKey === b.scopeKey && a.adjusts === b.adjusts;
}

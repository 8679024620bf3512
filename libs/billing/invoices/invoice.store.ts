import { Injectable } from '@nestjs/common';
import { keysetOf, pageOf, type Page, type PageRequest } from '@tare/catalog';
import { Decimal } from '@tare/core';
import type { AssembledInvoice, Instant, LineKind } from '@tare/core';
import { BinaryArray, plainArray, sqlInstant, timeOrderedId, type TenantTransaction } from '@tare/database';
import { NumberSeries } from './number-series.store.ts';
import {
  readInvoiceDetail,
  readLineDetail,
  readScopeKey,
  type Invoice,
  type InvoiceDetail,
  type InvoiceKind,
  type InvoiceLine,
  type InvoiceStatus,
} from './invoice.ts';
import type { DraftToSave, InvoiceKey, NewInvoice } from './draft-to-save.ts';
import { InvoiceColumns, SAVE_INVOICES } from './invoice-columns.ts';
import { INSERT_LINES, LineColumns } from './line-columns.ts';
import { groupedBy } from '../grouped-by.ts';

/** The invoices of one subscription at one billing instant; more than one where several were needed (`sequence`). */
export type InstantKey = Omit<InvoiceKey, 'sequence'>;

/** What makes invoices final as they are written. */
export interface FinalAtOnce {
  /** In the order of the invoices; none in a preview, which is rolled back. */
  readonly numbers: readonly string[];
  readonly finalizedAt: Instant;
}

export interface Finalization {
  readonly id: string;
  /** Null in a preview, which is rolled back. */
  readonly number: string | null;
  readonly finalizedAt: Instant;
}

/** Positive: to the customer's credit. */
export interface BalanceEntry {
  readonly customerId: string;
  readonly currency: string;
  readonly amount: Decimal;
  readonly invoiceId: string;
}

export interface InvoiceFilter {
  readonly customerId: string | null;
  readonly status: InvoiceStatus | null;
}

/** A use of a discount, with the place of its invoice in the order of finalization. */
export interface DiscountUse {
  readonly invoiceNo: number;
  /** Its invoice billed a part of a period that ran. */
  readonly ofThreshold?: boolean;
  /** A correction took it, or gave it back. */
  readonly ofCorrection?: boolean;
  readonly key: string;
  readonly periodStart: Instant;
  readonly amount: Decimal;
}

interface InvoiceRow {
  readonly id: string;
  readonly number: string | null;
  readonly kind: InvoiceKind;
  readonly adjusts: string | null;
  readonly customer_id: string;
  readonly subscription_id: string | null;
  readonly billing_at: Instant;
  readonly sequence: number;
  readonly status: InvoiceStatus;
  readonly currency: string;
  readonly period_start: Instant;
  readonly period_end: Instant;
  readonly subtotal: string;
  readonly discounts: string;
  readonly credits_applied: string;
  readonly tax: string;
  readonly total: string;
  readonly seen_seq: number | null;
  readonly seen_rates: number | null;
  readonly drafted_at: Instant;
  readonly finalize_at: Instant;
  readonly finalized_at: Instant | null;
  readonly paid_at: Instant | null;
  readonly voided_at: Instant | null;
  readonly voided_place: number | null;
  readonly replaces: string | null;
  readonly created_at: Instant;
  readonly detail: unknown;
}

interface LineRow {
  readonly id: string;
  readonly invoice_id: string;
  readonly position: number;
  readonly scope_key: string;
  readonly kind: LineKind;
  readonly description: string;
  readonly price_key: string | null;
  readonly price_group: string | null;
  readonly plan_version_id: string;
  readonly segment_id: string;
  readonly quantity: string;
  readonly exact_amount: string;
  readonly amount: string;
  readonly discount: string;
  readonly period_start: Instant;
  readonly period_end: Instant;
  readonly adjusts: string | null;
  readonly detail: unknown;
  readonly invoice_subscription_id: string | null;
  readonly invoice_currency: string;
}

const COLUMNS = `i.id, i.number, i.kind, i.adjusts, i.customer_id, i.subscription_id, i.billing_at, i.sequence, i.status, i.currency, i.period_start, i.period_end,
  i.subtotal, i.discounts, i.credits_applied, i.tax, i.total, i.seen_seq, i.seen_rates, i.drafted_at, i.finalize_at, i.finalized_at, i.paid_at, i.voided_at, i.voided_place, i.replaces, i.created_at,
  i.detail`;
const LINE_COLUMNS = `l.id, l.invoice_id, l.position, l.scope_key, l.kind, l.description, l.price_key, l.price_group, l.plan_version_id, l.segment_id, l.quantity, l.exact_amount,
  l.amount, l.discount, l.period_start, l.period_end, l.adjusts, l.detail, i.subscription_id AS invoice_subscription_id, i.currency AS invoice_currency`;
/** An invoice's place in its series: the order in which invoices were finalized. */
const NUMBER = `substring(i.number from '[0-9]+$')::int`;
/** Finalized and standing. */
const COUNTS = `i.status IN ('FINALIZED', 'PAID', 'UNCOLLECTIBLE')`;

/** Standing for who asks: now, or as the invoice at place `w.before` found it, which may have been before a void. */
const STOOD = `CASE WHEN w.before IS NULL THEN ${COUNTS} ELSE i.number IS NOT NULL AND ${NUMBER} < w.before AND (i.status <> 'VOID' OR i.voided_place > w.before) END`;

/** The place of a number in its series. */
export const placeOf = (number: string): number => Number(/\d+$/.exec(number)?.[0] ?? Number.NaN);

/** What the outbox tells of an invoice. PAID and WRITTEN_OFF: here, which the payment provider does not know. */
export type Announcement = 'FINALIZED' | 'VOIDED' | 'PAID' | 'WRITTEN_OFF';

/** SQL of invoices and their lines. */
@Injectable()
export class InvoiceStore {
  private readonly numbers = new NumberSeries();

  async byId(tx: TenantTransaction, id: string): Promise<Invoice | null> {
    return (await this.byIds(tx, [id])).get(id) ?? null;
  }

  async byIds(tx: TenantTransaction, ids: readonly string[]): Promise<Map<string, Invoice>> {
    const rows = await tx.query<InvoiceRow>(`SELECT ${COLUMNS} FROM invoice i WHERE i.tenant_id = $1 AND i.id = ANY ($2::uuid[])`, [
      tx.tenantId,
      ids,
    ]);
    return new Map(rows.map((row) => [row.id, invoiceOfRow(row)]));
  }

  /**
   * The invoices of billing instants, in order of their sequence, by `instantKey`. LATERAL in the order of an index, rather than a join: it stays one look-up
   * for each, where statistics from before the tenant's first run would read all of its invoices for each.
   */
  async ofInstants(tx: TenantTransaction, instants: readonly InstantKey[]): Promise<Map<string, Invoice[]>> {
    if (instants.length === 0) return new Map();
    const rows = await tx.query<InvoiceRow>(
      `SELECT i.* FROM unnest($2::uuid[], $3::timestamptz[], $4::text[]) AS k (subscription_id, billing_at, kind) CROSS JOIN LATERAL (
         SELECT ${COLUMNS} FROM invoice i
         WHERE i.tenant_id = $1 AND i.subscription_id = k.subscription_id AND i.billing_at = k.billing_at AND i.kind = k.kind
         ORDER BY i.tenant_id, i.subscription_id, i.billing_at, i.kind, i.sequence
       ) AS i ORDER BY i.sequence`,
      [
        tx.tenantId,
        plainArray(instants.map(({ subscriptionId }) => subscriptionId)),
        plainArray(instants.map(({ billingAt }) => sqlInstant(billingAt))),
        plainArray(instants.map(({ kind }) => kind)),
      ],
    );
    return groupedBy(rows.map(invoiceOfRow), (invoice) =>
      instantKey({ subscriptionId: invoice.subscriptionId ?? '', billingAt: invoice.billingAt, kind: invoice.kind }),
    );
  }

  /** Holds the invoice until the transaction ends. */
  async lock(tx: TenantTransaction, id: string): Promise<void> {
    await tx.query('SELECT 1 FROM invoice WHERE tenant_id = $1 AND id = $2 FOR UPDATE', [tx.tenantId, id]);
  }

  /** In the order in which they were made. */
  async page(tx: TenantTransaction, { customerId, status }: InvoiceFilter, request: PageRequest): Promise<Page<Invoice>> {
    const { afterTime, afterId, limit } = keysetOf(request);
    const rows = await tx.query<InvoiceRow>(
      `SELECT ${COLUMNS} FROM invoice i
       WHERE i.tenant_id = $1 AND ($2::uuid IS NULL OR i.customer_id = $2::uuid) AND ($3::text IS NULL OR i.status = $3::text)
         AND ($4::timestamptz IS NULL OR (i.created_at, i.id) > ($4::timestamptz, $5::uuid))
       ORDER BY i.created_at, i.id LIMIT $6`,
      [tx.tenantId, customerId, status, afterTime, afterId, limit],
    );
    return pageOf(rows.map(invoiceOfRow), limit);
  }

  /** The lines of many invoices, by invoice, in their order. */
  async linesOf(tx: TenantTransaction, invoiceIds: readonly string[]): Promise<Map<string, InvoiceLine[]>> {
    const rows = await tx.query<LineRow>(
      `SELECT ${LINE_COLUMNS} FROM invoice_line l JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
       WHERE l.tenant_id = $1 AND l.invoice_id = ANY ($2::uuid[]) ORDER BY l.invoice_id, l.position`,
      [tx.tenantId, invoiceIds],
    );
    const byInvoice = new Map<string, InvoiceLine[]>(invoiceIds.map((id) => [id, []]));
    for (const row of rows) byInvoice.get(row.invoice_id)?.push(lineOfRow(row));
    return byInvoice;
  }

  /** What standing invoices billed a subscription for times after `since`; `before`: only invoices before this place in the series. */
  async billedLines(tx: TenantTransaction, subscriptionId: string, since: Instant, before: number | null): Promise<InvoiceLine[]> {
    return (await this.billedLinesOf(tx, [{ subscriptionId, since, before }])).get(subscriptionId) ?? [];
  }

  /** The same for many subscriptions, each named once. */
  async billedLinesOf(
    tx: TenantTransaction,
    wanted: readonly { readonly subscriptionId: string; readonly since: Instant; readonly before: number | null }[],
  ): Promise<Map<string, InvoiceLine[]>> {
    if (wanted.length === 0) return new Map();
    const rows = await tx.query<LineRow & { subscription_id: string }>(
      `SELECT w.subscription_id, ${LINE_COLUMNS}
       FROM unnest($2::uuid[], $3::timestamptz[], $4::int4[]) AS w (subscription_id, since, before)
       JOIN invoice i ON i.tenant_id = $1 AND i.subscription_id = w.subscription_id
       JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
       WHERE l.period_end > w.since AND ${STOOD} ORDER BY i.created_at, i.billing_at, i.sequence, l.position`,
      [
        tx.tenantId,
        wanted.map(({ subscriptionId }) => subscriptionId),
        wanted.map(({ since }) => sqlInstant(since)),
        wanted.map(({ before }) => before),
      ],
    );
    return valuesBy(rows, (row) => row.subscription_id, lineOfRow);
  }

  /** Uses of amountOff discounts on standing invoices of a subscription. */
  async discountUses(tx: TenantTransaction, subscriptionId: string, before: number | null): Promise<DiscountUse[]> {
    return (await this.discountUsesOf(tx, [{ subscriptionId, before }])).get(subscriptionId) ?? [];
  }

  /** The same for many subscriptions, each named once. */
  async discountUsesOf(
    tx: TenantTransaction,
    wanted: readonly { readonly subscriptionId: string; readonly before: number | null }[],
  ): Promise<Map<string, DiscountUse[]>> {
    if (wanted.length === 0) return new Map();
    const rows = await tx.query<{ subscription_id: string; no: number; of_threshold: boolean; detail: unknown }>(
      `SELECT w.subscription_id, coalesce(${NUMBER}, 0) AS no, i.kind = 'THRESHOLD' AS of_threshold, i.detail
       FROM unnest($2::uuid[], $3::int4[]) AS w (subscription_id, before) JOIN invoice i ON i.tenant_id = $1 AND i.subscription_id = w.subscription_id
       WHERE jsonb_array_length(coalesce(i.detail -> 'discountUses', '[]')) > 0 AND ${STOOD}`,
      [tx.tenantId, wanted.map(({ subscriptionId }) => subscriptionId), wanted.map(({ before }) => before)],
    );
    const uses = new Map<string, DiscountUse[]>();
    for (const { subscription_id: id, no, of_threshold: ofThreshold, detail } of rows) {
      uses.set(id, [
        ...(uses.get(id) ?? []),
        ...readInvoiceDetail(detail, Decimal.ZERO).discountUses.map((use) => ({ ...use, invoiceNo: no, ofThreshold })),
      ]);
    }
    return uses;
  }

  /** What earlier totals below zero left to the customer's credit, by currency (SEMANTICS 8.6). */
  async balances(tx: TenantTransaction, customerId: string, before: number | null): Promise<Map<string, Decimal>> {
    return (await this.balancesOf(tx, [{ customerId, before }])).get(customerId) ?? new Map();
  }

  /** What standing invoices have taxed of credits that were sold without tax, by customer and currency. */
  async taxedBurns(tx: TenantTransaction, customerIds: readonly string[]): Promise<Map<string, ReadonlyMap<string, Decimal>>> {
    const taxed = new Map<string, Map<string, Decimal>>();
    if (customerIds.length === 0) return taxed;
    const rows = await tx.query<{ customer_id: string; currency: string; burns: string }>(
      `SELECT customer_id, currency, sum((detail ->> 'untaxedBurns')::numeric) AS burns FROM invoice
       WHERE tenant_id = $1 AND customer_id = ANY ($2::uuid[]) AND finalized_at IS NOT NULL AND status <> 'VOID' AND detail ? 'untaxedBurns' GROUP BY 1, 2`,
      [tx.tenantId, customerIds],
    );
    for (const { customer_id: id, currency, burns } of rows) {
      const own = taxed.get(id) ?? new Map<string, Decimal>();
      taxed.set(id, own.set(currency, Decimal.parse(burns)));
    }
    return taxed;
  }

  /** The same for many customers, each named once. Those without any are left out. */
  async balancesOf(
    tx: TenantTransaction,
    wanted: readonly { readonly customerId: string; readonly before: number | null }[],
  ): Promise<Map<string, Map<string, Decimal>>> {
    if (wanted.length === 0) return new Map();
    const rows = await tx.query<{ customer_id: string; currency: string; amount: string }>(
      `SELECT w.customer_id, e.currency, sum(e.amount) AS amount
       FROM unnest($2::uuid[], $3::int4[]) AS w (customer_id, before)
       CROSS JOIN LATERAL (
         SELECT * FROM customer_balance_entry e WHERE e.tenant_id = $1 AND e.customer_id = w.customer_id ORDER BY e.tenant_id, e.customer_id, e.currency
       ) AS e
       WHERE w.before IS NULL
         OR coalesce(e.place, (SELECT ${NUMBER} + 1 FROM invoice i WHERE i.tenant_id = e.tenant_id AND i.id = e.invoice_id)) <= w.before
       GROUP BY w.customer_id, e.currency`,
      [tx.tenantId, plainArray(wanted.map(({ customerId }) => customerId)), plainArray(wanted.map(({ before }) => before))],
    );
    const balances = new Map<string, Map<string, Decimal>>();
    for (const { customer_id: id, currency, amount } of rows) {
      const own = balances.get(id) ?? new Map<string, Decimal>();
      balances.set(id, own.set(currency, Decimal.max(Decimal.ZERO, Decimal.parse(amount))));
    }
    return balances;
  }

  /** Moves balances of customers; zero moves nothing. */
  async addToBalance(tx: TenantTransaction, ...entries: readonly BalanceEntry[]): Promise<void> {
    const moves = entries.filter(({ amount }) => !amount.isZero());
    if (moves.length === 0) return;
    await tx.query(
      `INSERT INTO customer_balance_entry (tenant_id, id, customer_id, currency, amount, invoice_id)
       SELECT $1, gen_random_uuid(), * FROM unnest($2::uuid[], $3::text[], $4::numeric[], $5::uuid[])`,
      [
        tx.tenantId,
        moves.map(({ customerId }) => customerId),
        moves.map(({ currency }) => currency),
        moves.map(({ amount }) => amount.toString()),
        moves.map(({ invoiceId }) => invoiceId),
      ],
    );
  }

  /** What an invoice took from (below zero) or gave to the customer's balance. */
  async balanceOf(tx: TenantTransaction, invoiceId: string): Promise<Decimal> {
    const [row] = await tx.query<{ amount: string }>(
      'SELECT coalesce(sum(amount), 0) AS amount FROM customer_balance_entry WHERE tenant_id = $1 AND invoice_id = $2',
      [tx.tenantId, invoiceId],
    );
    return Decimal.parse(row?.amount ?? '0');
  }

  /** Writes a draft with its lines, in place of the draft that is there. `isNew`: it was not there before. */
  async saveDraft(
    tx: TenantTransaction,
    invoice: NewInvoice,
    assembled: AssembledInvoice,
    seenSeq: number,
  ): Promise<{ id: string; isNew: boolean }> {
    const { subscriptionId, billingAt, kind, sequence } = invoice;
    const known = await this.ofInstants(tx, [{ subscriptionId, billingAt, kind }]);
    const existing = known.get(instantKey(invoice))?.find((candidate) => candidate.sequence === sequence);
    const id = existing?.id ?? timeOrderedId();
    await this.saveDrafts(tx, [{ ...invoice, id, assembled, seenSeq, seenRates: null, replaces: existing !== undefined }]);
    return { id, isNew: existing === undefined };
  }

  /** Writes many drafts with their lines: as many statements as for one. Those that replace a draft have its id. */
  async saveDrafts(tx: TenantTransaction, drafts: readonly DraftToSave[]): Promise<void> {
    await this.saveLines(tx, drafts);
    await this.saveInvoices(tx, drafts);
  }

  /** The lines of invoices that are written after them, in place of those that their drafts had. */
  async saveLines(
    tx: TenantTransaction,
    invoices: readonly Pick<DraftToSave, 'id' | 'subscriptionId' | 'assembled' | 'replaces'>[],
  ): Promise<void> {
    const replaced = invoices.filter(({ replaces }) => replaces).map(({ id }) => id);
    if (replaced.length > 0) await this.removeLines(tx, replaced);
    await this.insertLines(tx, invoices);
  }

  /** Writes invoices, whose lines are there: as drafts, or final at once. */
  async saveInvoices(tx: TenantTransaction, invoices: readonly DraftToSave[], final: FinalAtOnce | null = null): Promise<void> {
    if (invoices.length === 0) return;
    const columns = new InvoiceColumns(invoices.length);
    const finalizedAt = final === null ? null : final.finalizedAt;
    for (const [index, invoice] of invoices.entries()) columns.add(invoice, { number: final?.numbers[index] ?? null, finalizedAt });
    await tx.execute('save invoices', SAVE_INVOICES, [tx.tenantId, ...columns.arrays()]);
  }

  /** Remembers of a draft which purchase of credits it bills: once, as a unique index says. */
  async setPurchase(tx: TenantTransaction, id: string, purchaseId: string): Promise<void> {
    await tx.query('UPDATE invoice SET purchase_id = $3 WHERE tenant_id = $1 AND id = $2', [tx.tenantId, id, purchaseId]);
  }

  /** The invoice that bills the periods of a voided one again; null: none does. */
  async replacementOf(tx: TenantTransaction, id: string): Promise<string | null> {
    const [row] = await tx.query<{ id: string }>('SELECT id FROM invoice WHERE tenant_id = $1 AND replaces = $2', [tx.tenantId, id]);
    return row?.id ?? null;
  }

  /** A draft that turned out to have nothing on it. */
  async removeDraft(tx: TenantTransaction, ...ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.removeLines(tx, ids);
    await tx.query(`DELETE FROM invoice WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND status = 'DRAFT'`, [tx.tenantId, ids]);
  }

  /**
   * Drafts of billing periods whose instant is over, by their id from `afterId` on, at most `limit`: once everything due is final, those whose instant a
   * change or a cancellation took away.
   */
  async overdueDrafts(
    tx: TenantTransaction,
    { billedUntil, afterId, limit }: { billedUntil: Instant; afterId: string | null; limit: number },
  ): Promise<{ id: string; customerId: string }[]> {
    const rows = await tx.query<{ id: string; customer_id: string }>(
      `SELECT id, customer_id FROM invoice WHERE tenant_id = $1 AND status = 'DRAFT' AND kind IN ('REGULAR', 'PRORATION') AND billing_at <= $2
         AND ($3::uuid IS NULL OR id > $3::uuid) ORDER BY id LIMIT $4`,
      [tx.tenantId, sqlInstant(billedUntil), afterId, limit],
    );
    return rows.map((row) => ({ id: row.id, customerId: row.customer_id }));
  }

  /** The next numbers of the tenant's series as one block, gapless: its row is held until the transaction ends, so take them late. */
  takeNumbers(tx: TenantTransaction, count: number): Promise<string[]> {
    return this.numbers.take(tx, 'INVOICE', count);
  }

  /** `NumberSeries.nextPlace` */
  nextPlace(tx: TenantTransaction): Promise<number> {
    return this.numbers.nextPlace(tx);
  }

  /** Makes a draft final, or many at once. */
  finalize(tx: TenantTransaction, id: string, finalization: Omit<Finalization, 'id'>): Promise<void> {
    return this.finalizeMany(tx, [{ id, ...finalization }]);
  }

  async finalizeMany(tx: TenantTransaction, invoices: readonly Finalization[]): Promise<void> {
    if (invoices.length === 0) return;
    await tx.execute(
      'finalize invoices',
      `UPDATE invoice AS i SET status = 'FINALIZED', number = f.number, finalized_at = f.finalized_at
       FROM unnest($2::uuid[], $3::text[], $4::timestamptz[]) AS f (id, number, finalized_at)
       WHERE i.tenant_id = $1 AND i.id = f.id AND i.status = 'DRAFT'`,
      [
        tx.tenantId,
        invoices.map(({ id }) => id),
        invoices.map(({ number }) => number),
        invoices.map(({ finalizedAt }) => sqlInstant(finalizedAt)),
      ],
    );
  }

  /** `place`: that of the next invoice; those from there on do not find this one any more. */
  async markVoid(tx: TenantTransaction, id: string, at: Instant, place: number): Promise<void> {
    await tx.query(`UPDATE invoice SET status = 'VOID', voided_at = $3, voided_place = $4 WHERE tenant_id = $1 AND id = $2`, [
      tx.tenantId,
      id,
      sqlInstant(at),
      place,
    ]);
  }

  /** FINALIZED or UNCOLLECTIBLE -> PAID. */
  async markPaid(tx: TenantTransaction, id: string, at: Instant): Promise<void> {
    await tx.query(
      `UPDATE invoice SET status = 'PAID', paid_at = $3 WHERE tenant_id = $1 AND id = $2 AND status IN ('FINALIZED', 'UNCOLLECTIBLE')`,
      [tx.tenantId, id, sqlInstant(at)],
    );
  }

  async markUncollectible(tx: TenantTransaction, id: string): Promise<void> {
    await tx.query(`UPDATE invoice SET status = 'UNCOLLECTIBLE' WHERE tenant_id = $1 AND id = $2 AND status = 'FINALIZED'`, [
      tx.tenantId,
      id,
    ]);
  }

  /** Announces to the right of the street what happened, in the transaction in which it did. Once per invoice and kind. */
  async announce(tx: TenantTransaction, invoiceId: string | readonly string[], kind: Announcement): Promise<void> {
    const ids = typeof invoiceId === 'string' ? [invoiceId] : invoiceId;
    if (ids.length === 0) return;
    const announced = new BinaryArray('uuid', ids.length);
    for (const id of ids) announced.uuid(id);
    await tx.execute(
      'announce invoices',
      `INSERT INTO invoice_outbox (tenant_id, invoice_id, kind) SELECT $1, *, $3 FROM unnest($2::uuid[]) ON CONFLICT DO NOTHING`,
      [tx.tenantId, announced.finish(), kind],
    );
  }

  private async removeLines(tx: TenantTransaction, invoiceIds: readonly string[]): Promise<void> {
    await tx.query('DELETE FROM invoice_line WHERE tenant_id = $1 AND invoice_id = ANY ($2::uuid[])', [tx.tenantId, invoiceIds]);
  }

  private async insertLines(
    tx: TenantTransaction,
    invoices: readonly Pick<DraftToSave, 'id' | 'subscriptionId' | 'assembled'>[],
  ): Promise<void> {
    const count = invoices.reduce((sum, { assembled }) => sum + assembled.lines.length, 0);
    if (count === 0) return;
    const columns = new LineColumns(count);
    for (const { id, subscriptionId, assembled } of invoices) {
      const invoice = { id, invoiceSubscriptionId: subscriptionId, currency: assembled.currency };
      for (const [position, line] of assembled.lines.entries()) columns.add(line, position, invoice);
    }
    await tx.execute('insert invoice lines', INSERT_LINES, [tx.tenantId, ...columns.arrays()]);
  }
}

/** Names a billing instant among others. */
export const instantKey = ({ subscriptionId, billingAt, kind }: InstantKey): string => `${kind} ${billingAt} ${subscriptionId}`;

function valuesBy<Row, Value>(rows: readonly Row[], keyOf: (row: Row) => string, valueOf: (row: Row) => Value): Map<string, Value[]> {
  return new Map([...groupedBy(rows, keyOf)].map(([key, own]) => [key, own.map(valueOf)]));
}

function invoiceOfRow(row: InvoiceRow): Invoice {
  return {
    id: row.id,
    number: row.number,
    kind: row.kind,
    adjusts: row.adjusts,
    customerId: row.customer_id,
    subscriptionId: row.subscription_id,
    billingAt: row.billing_at,
    sequence: row.sequence,
    status: row.status,
    currency: row.currency,
    periodStart: row.period_start,
    periodEnd: row.period_end,
    subtotal: Decimal.parse(row.subtotal),
    discounts: Decimal.parse(row.discounts),
    creditsApplied: Decimal.parse(row.credits_applied),
    tax: Decimal.parse(row.tax),
    total: Decimal.parse(row.total),
    seenSeq: row.seen_seq,
    seenRates: row.seen_rates,
    draftedAt: row.drafted_at,
    finalizeAt: row.finalize_at,
    finalizedAt: row.finalized_at,
    paidAt: row.paid_at,
    voidedAt: row.voided_at,
    voidedPlace: row.voided_place,
    replaces: row.replaces,
    createdAt: row.created_at,
    detail: readInvoiceDetail(row.detail, Decimal.parse(row.subtotal).minus(Decimal.parse(row.discounts))),
  };
}

function lineOfRow(row: LineRow): InvoiceLine {
  const quantity = Decimal.parse(row.quantity);
  const exactAmount = Decimal.parse(row.exact_amount);
  const amount = Decimal.parse(row.amount);
  const period = { start: row.period_start, end: row.period_end };
  const name = { kind: row.kind, segmentId: row.segment_id, priceKey: row.price_key, group: row.price_group, period };
  return {
    ...readLineDetail(row.detail, {
      ...{ quantity, exactAmount, amount },
      ...{ invoiceSubscriptionId: row.invoice_subscription_id, currency: row.invoice_currency },
    }),
    id: row.id,
    invoiceId: row.invoice_id,
    position: row.position,
    ...name,
    scopeKey: readScopeKey(row.scope_key, name),
    description: row.description,
    planVersionId: row.plan_version_id,
    quantity,
    exactAmount,
    amount,
    discount: Decimal.parse(row.discount),
    adjusts: row.adjusts,
  };
}

export type { DraftToSave, InvoiceDetail, InvoiceKey, NewInvoice };

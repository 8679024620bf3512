import { Injectable } from '@nestjs/common';
import { keysetOf, pageOf, type Page, type PageRequest } from '@tare/catalog';
import { Decimal } from '@tare/core';
import type { AssembledInvoice, Instant, LineKind } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import {
  invoiceDetailOf,
  lineDetailOf,
  readInvoiceDetail,
  readLineDetail,
  type Invoice,
  type InvoiceDetail,
  type InvoiceKind,
  type InvoiceLine,
  type InvoiceStatus,
} from './invoice.ts';

/** What names an invoice: it exists once (SEMANTICS 8.5). */
export interface InvoiceKey {
  readonly subscriptionId: string;
  readonly billingAt: Instant;
  readonly kind: InvoiceKind;
  readonly sequence: number;
}

export interface NewInvoice extends InvoiceKey {
  readonly customerId: string;
  readonly adjusts: string | null;
  readonly periodStart: Instant;
  readonly periodEnd: Instant;
  readonly draftedAt: Instant;
  readonly finalizeAt: Instant;
}

export interface InvoiceFilter {
  readonly customerId: string | null;
  readonly status: InvoiceStatus | null;
}

/** A use of a discount, with the place of its invoice in the order of finalization. */
export interface DiscountUse {
  readonly invoiceNo: number;
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
  readonly drafted_at: Instant;
  readonly finalize_at: Instant;
  readonly finalized_at: Instant | null;
  readonly paid_at: Instant | null;
  readonly voided_at: Instant | null;
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
}

const COLUMNS = `i.id, i.number, i.kind, i.adjusts, i.customer_id, i.subscription_id, i.billing_at, i.sequence, i.status, i.currency, i.period_start, i.period_end,
  i.subtotal, i.discounts, i.credits_applied, i.tax, i.total, i.seen_seq, i.drafted_at, i.finalize_at, i.finalized_at, i.paid_at, i.voided_at, i.created_at, i.detail`;
const LINE_COLUMNS = `l.id, l.invoice_id, l.position, l.scope_key, l.kind, l.description, l.price_key, l.price_group, l.plan_version_id, l.segment_id, l.quantity, l.exact_amount,
  l.amount, l.discount, l.period_start, l.period_end, l.adjusts, l.detail`;
const SERIES = 'TARE';
const NUMBER_DIGITS = 6;
/** An invoice's place in its series: the order in which invoices were finalized. */
const NUMBER = `substring(i.number from '[0-9]+$')::int`;
/** Finalized and standing. */
const COUNTS = `i.status IN ('FINALIZED', 'PAID', 'UNCOLLECTIBLE')`;

/** The place of a number in its series. */
export const placeOf = (number: string): number => Number(/\d+$/.exec(number)?.[0] ?? Number.NaN);

/** SQL of invoices and their lines. */
@Injectable()
export class InvoiceStore {
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

  async byKey(tx: TenantTransaction, { subscriptionId, billingAt, kind, sequence }: InvoiceKey): Promise<Invoice | null> {
    const [row] = await tx.query<InvoiceRow>(
      `SELECT ${COLUMNS} FROM invoice i WHERE i.tenant_id = $1 AND i.subscription_id = $2 AND i.billing_at = $3 AND i.kind = $4 AND i.sequence = $5`,
      [tx.tenantId, subscriptionId, sqlInstant(billingAt), kind, sequence],
    );
    return row ? invoiceOfRow(row) : null;
  }

  /** The first sequence at a billing instant that no finalized invoice has. */
  async nextSequence(tx: TenantTransaction, { subscriptionId, billingAt, kind }: Omit<InvoiceKey, 'sequence'>): Promise<number> {
    const [row] = await tx.query<{ next: number }>(
      `SELECT coalesce(max(sequence) + 1, 0) AS next FROM invoice
       WHERE tenant_id = $1 AND subscription_id = $2 AND billing_at = $3 AND kind = $4 AND finalized_at IS NOT NULL`,
      [tx.tenantId, subscriptionId, sqlInstant(billingAt), kind],
    );
    return row?.next ?? 0;
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
      `SELECT ${LINE_COLUMNS} FROM invoice_line l WHERE l.tenant_id = $1 AND l.invoice_id = ANY ($2::uuid[]) ORDER BY l.invoice_id, l.position`,
      [tx.tenantId, invoiceIds],
    );
    const byInvoice = new Map<string, InvoiceLine[]>(invoiceIds.map((id) => [id, []]));
    for (const row of rows) byInvoice.get(row.invoice_id)?.push(lineOfRow(row));
    return byInvoice;
  }

  /** What standing invoices billed a subscription for times after `since`; `before`: only invoices before this place in the series. */
  async billedLines(tx: TenantTransaction, subscriptionId: string, since: Instant, before: number | null): Promise<InvoiceLine[]> {
    const rows = await tx.query<LineRow>(
      `SELECT ${LINE_COLUMNS} FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
       WHERE i.tenant_id = $1 AND i.subscription_id = $2 AND ${COUNTS} AND l.period_end > $3 AND ($4::int IS NULL OR ${NUMBER} < $4::int)
       ORDER BY i.created_at, l.position`,
      [tx.tenantId, subscriptionId, sqlInstant(since), before],
    );
    return rows.map(lineOfRow);
  }

  /** Uses of amountOff discounts on standing invoices of a subscription. */
  async discountUses(tx: TenantTransaction, subscriptionId: string, before: number | null): Promise<DiscountUse[]> {
    const rows = await tx.query<{ no: number; detail: unknown }>(
      `SELECT coalesce(${NUMBER}, 0) AS no, i.detail FROM invoice i
       WHERE i.tenant_id = $1 AND i.subscription_id = $2 AND ${COUNTS} AND jsonb_array_length(coalesce(i.detail -> 'discountUses', '[]')) > 0
         AND ($3::int IS NULL OR ${NUMBER} < $3::int)`,
      [tx.tenantId, subscriptionId, before],
    );
    return rows.flatMap(({ no, detail }) => readInvoiceDetail(detail).discountUses.map((use) => ({ ...use, invoiceNo: no })));
  }

  /** What earlier totals below zero left to the customer's credit, by currency (SEMANTICS 8.6). */
  async balances(tx: TenantTransaction, customerId: string, before: number | null): Promise<Map<string, Decimal>> {
    const rows = await tx.query<{ currency: string; amount: string }>(
      `SELECT e.currency, sum(e.amount) AS amount FROM customer_balance_entry e JOIN invoice i ON i.tenant_id = e.tenant_id AND i.id = e.invoice_id
       WHERE e.tenant_id = $1 AND e.customer_id = $2 AND ($3::int IS NULL OR ${NUMBER} < $3::int) GROUP BY e.currency`,
      [tx.tenantId, customerId, before],
    );
    return new Map(rows.map(({ currency, amount }) => [currency, Decimal.max(Decimal.ZERO, Decimal.parse(amount))]));
  }

  async addToBalance(
    tx: TenantTransaction,
    entry: { customerId: string; currency: string; amount: Decimal; invoiceId: string },
  ): Promise<void> {
    if (entry.amount.isZero()) return;
    await tx.query(
      'INSERT INTO customer_balance_entry (tenant_id, id, customer_id, currency, amount, invoice_id) VALUES ($1, $2, $3, $4, $5, $6)',
      [tx.tenantId, randomUUID(), entry.customerId, entry.currency, entry.amount.toString(), entry.invoiceId],
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
    const [row] = await tx.query<{ id: string; is_new: boolean }>(
      `INSERT INTO invoice AS i (tenant_id, id, kind, adjusts, customer_id, subscription_id, billing_at, sequence, status, currency, period_start, period_end,
         subtotal, discounts, credits_applied, tax, total, seen_seq, drafted_at, finalize_at, detail)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'DRAFT', $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
       ON CONFLICT (tenant_id, subscription_id, billing_at, kind, sequence) DO UPDATE SET currency = excluded.currency, period_start = excluded.period_start,
         period_end = excluded.period_end, subtotal = excluded.subtotal, discounts = excluded.discounts, credits_applied = excluded.credits_applied,
         tax = excluded.tax, total = excluded.total, seen_seq = excluded.seen_seq, detail = excluded.detail, adjusts = excluded.adjusts
       RETURNING id, (xmax = 0) AS is_new`,
      [
        tx.tenantId,
        randomUUID(),
        invoice.kind,
        invoice.adjusts,
        invoice.customerId,
        invoice.subscriptionId,
        sqlInstant(invoice.billingAt),
        invoice.sequence,
        assembled.currency,
        sqlInstant(invoice.periodStart),
        sqlInstant(invoice.periodEnd),
        assembled.subtotal.toString(),
        assembled.discounts.toString(),
        assembled.creditsApplied.toString(),
        assembled.tax.toString(),
        assembled.total.toString(),
        seenSeq,
        sqlInstant(invoice.draftedAt),
        sqlInstant(invoice.finalizeAt),
        JSON.stringify(invoiceDetailOf(assembled)),
      ],
    );
    if (!row) throw new Error('an invoice was written and did not come back');
    if (!row.is_new) await this.removeLines(tx, row.id);
    await this.insertLines(tx, row.id, assembled);
    return { id: row.id, isNew: row.is_new };
  }

  /** A draft that turned out to have nothing on it. */
  async removeDraft(tx: TenantTransaction, id: string): Promise<void> {
    await this.removeLines(tx, id);
    await tx.query(`DELETE FROM invoice WHERE tenant_id = $1 AND id = $2 AND status = 'DRAFT'`, [tx.tenantId, id]);
  }

  /** Drafts of customers whose instant is over: once everything due is final, those whose instant a change or a cancellation took away. */
  async overdueDrafts(
    tx: TenantTransaction,
    customerIds: readonly string[],
    billedUntil: Instant,
  ): Promise<{ id: string; customerId: string }[]> {
    const rows = await tx.query<{ id: string; customer_id: string }>(
      `SELECT id, customer_id FROM invoice WHERE tenant_id = $1 AND status = 'DRAFT' AND customer_id = ANY ($2::uuid[]) AND billing_at <= $3`,
      [tx.tenantId, customerIds, sqlInstant(billedUntil)],
    );
    return rows.map((row) => ({ id: row.id, customerId: row.customer_id }));
  }

  /** The next number of the tenant's series, gapless: its row is held until the transaction ends. */
  async nextNumber(tx: TenantTransaction): Promise<string> {
    const [row] = await tx.query<{ taken: number }>(
      `INSERT INTO invoice_series AS s (tenant_id, series, next) VALUES ($1, $2, 2)
       ON CONFLICT (tenant_id, series) DO UPDATE SET next = s.next + 1 RETURNING next - 1 AS taken`,
      [tx.tenantId, SERIES],
    );
    return `${SERIES}-${String(row?.taken ?? 0).padStart(NUMBER_DIGITS, '0')}`;
  }

  async finalize(
    tx: TenantTransaction,
    id: string,
    { number, finalizedAt }: { number: string | null; finalizedAt: Instant },
  ): Promise<void> {
    await tx.query(
      `UPDATE invoice SET status = 'FINALIZED', number = $3, finalized_at = $4 WHERE tenant_id = $1 AND id = $2 AND status = 'DRAFT'`,
      [tx.tenantId, id, number, sqlInstant(finalizedAt)],
    );
  }

  async markVoid(tx: TenantTransaction, id: string, at: Instant): Promise<void> {
    await tx.query(`UPDATE invoice SET status = 'VOID', voided_at = $3 WHERE tenant_id = $1 AND id = $2`, [
      tx.tenantId,
      id,
      sqlInstant(at),
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
  async announce(tx: TenantTransaction, invoiceId: string, kind: 'FINALIZED' | 'VOIDED'): Promise<void> {
    await tx.query('INSERT INTO invoice_outbox (tenant_id, id, invoice_id, kind) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING', [
      tx.tenantId,
      randomUUID(),
      invoiceId,
      kind,
    ]);
  }

  private async removeLines(tx: TenantTransaction, invoiceId: string): Promise<void> {
    await tx.query('DELETE FROM invoice_line WHERE tenant_id = $1 AND invoice_id = $2', [tx.tenantId, invoiceId]);
  }

  private async insertLines(tx: TenantTransaction, invoiceId: string, { lines }: AssembledInvoice): Promise<void> {
    const column = <Value>(read: (line: AssembledInvoice['lines'][number], position: number) => Value): Value[] => lines.map(read);
    await tx.query(
      `INSERT INTO invoice_line (tenant_id, id, invoice_id, position, scope_key, kind, description, price_key, plan_version_id, segment_id, quantity, exact_amount,
         amount, discount, period_start, period_end, adjusts, detail, price_group)
       SELECT $1, gen_random_uuid(), $2, *
       FROM unnest($3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::uuid[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[],
         $14::timestamptz[], $15::timestamptz[], $16::uuid[], $17::jsonb[], $18::text[])`,
      [
        tx.tenantId,
        invoiceId,
        column((_, position) => position),
        column(({ scopeKey }) => scopeKey),
        column(({ kind }) => kind),
        column(({ description }) => description),
        column(({ priceKey }) => priceKey),
        column(({ planVersionId }) => planVersionId),
        column(({ segmentId }) => segmentId),
        column(({ quantity }) => quantity.toString()),
        column(({ exactAmount }) => exactAmount.toString()),
        column(({ amount }) => amount.toString()),
        column(({ discount }) => discount.toString()),
        column(({ period }) => sqlInstant(period.start)),
        column(({ period }) => sqlInstant(period.end)),
        column(({ adjusts }) => adjusts),
        column(lineDetailOf),
        column(({ group }) => group),
      ],
    );
  }
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
    draftedAt: row.drafted_at,
    finalizeAt: row.finalize_at,
    finalizedAt: row.finalized_at,
    paidAt: row.paid_at,
    voidedAt: row.voided_at,
    createdAt: row.created_at,
    detail: readInvoiceDetail(row.detail),
  };
}

function lineOfRow(row: LineRow): InvoiceLine {
  return {
    ...readLineDetail(row.detail),
    id: row.id,
    invoiceId: row.invoice_id,
    position: row.position,
    scopeKey: row.scope_key,
    kind: row.kind,
    description: row.description,
    priceKey: row.price_key,
    group: row.price_group,
    planVersionId: row.plan_version_id,
    segmentId: row.segment_id,
    quantity: Decimal.parse(row.quantity),
    exactAmount: Decimal.parse(row.exact_amount),
    amount: Decimal.parse(row.amount),
    discount: Decimal.parse(row.discount),
    period: { start: row.period_start, end: row.period_end },
    adjusts: row.adjusts,
  };
}

export type { InvoiceDetail };

import { Injectable } from '@nestjs/common';
import { keysetOf, pageOf, type Page, type PageRequest } from '@tare/catalog';
import { Decimal } from '@tare/core';
import type { AssembledCreditNote, Instant } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import { scopeKeySql } from '../invoices/line-columns.ts';
import type { CreditNote, CreditNoteLine, CreditNoteSettlement, Credited } from './credit-note.ts';

export interface NewCreditNote {
  readonly number: string;
  readonly key: string | null;
  readonly invoiceId: string;
  readonly customerId: string;
  readonly currency: string;
  readonly reason: string;
  readonly settlement: CreditNoteSettlement;
  readonly place: number;
  readonly finalizedAt: Instant;
  /** What was asked for, to know it again under its key. */
  readonly request: string;
  readonly assembled: AssembledCreditNote;
}

export interface CreditNoteFilter {
  readonly customerId: string | null;
  readonly invoiceId: string | null;
}

/** What credit notes and corrections took of one line of an invoice. */
export interface LineCredited {
  readonly amount: Decimal;
  readonly quantity: Decimal;
}

interface NoteRow {
  readonly id: string;
  readonly number: string;
  readonly key: string | null;
  readonly invoice_id: string;
  readonly customer_id: string;
  readonly currency: string;
  readonly reason: string;
  readonly settlement: CreditNoteSettlement;
  readonly subtotal: string;
  readonly tax: string;
  readonly total: string;
  readonly off_invoice: string;
  readonly settled: string;
  readonly finalized_at: Instant;
  readonly created_at: Instant;
  readonly detail: { readonly taxes: readonly { readonly name: string; readonly amount: string }[]; readonly request: string };
}

interface NoteLineRow {
  readonly id: string;
  readonly credit_note_id: string;
  readonly invoice_line_id: string;
  readonly description: string;
  readonly quantity: string | null;
  readonly amount: string;
}

const COLUMNS = `n.id, n.number, n.key, n.invoice_id, n.customer_id, n.currency, n.reason, n.settlement, n.subtotal, n.tax, n.total, n.off_invoice, n.settled,
  n.finalized_at, n.created_at, n.detail`;

/** SQL of credit notes. Rows are only ever added. */
@Injectable()
export class CreditNoteStore {
  async byIds(tx: TenantTransaction, ids: readonly string[]): Promise<CreditNote[]> {
    return this.noted(
      tx,
      await tx.query<NoteRow>(`SELECT ${COLUMNS} FROM credit_note n WHERE n.tenant_id = $1 AND n.id = ANY ($2::uuid[])`, [
        tx.tenantId,
        ids,
      ]),
    );
  }

  /** With what was asked for. */
  async byKey(tx: TenantTransaction, key: string): Promise<{ note: CreditNote; request: string } | null> {
    const rows = await tx.query<NoteRow>(`SELECT ${COLUMNS} FROM credit_note n WHERE n.tenant_id = $1 AND n.key = $2`, [tx.tenantId, key]);
    const [note] = await this.noted(tx, rows);
    return note && rows[0] ? { note, request: rows[0].detail.request } : null;
  }

  /** In the order in which they were made. */
  async page(tx: TenantTransaction, { customerId, invoiceId }: CreditNoteFilter, request: PageRequest): Promise<Page<CreditNote>> {
    const { afterTime, afterId, limit } = keysetOf(request);
    const rows = await tx.query<NoteRow>(
      `SELECT ${COLUMNS} FROM credit_note n
       WHERE n.tenant_id = $1 AND ($2::uuid IS NULL OR n.customer_id = $2::uuid) AND ($3::uuid IS NULL OR n.invoice_id = $3::uuid)
         AND ($4::timestamptz IS NULL OR (n.created_at, n.id) > ($4::timestamptz, $5::uuid))
       ORDER BY n.created_at, n.id LIMIT $6`,
      [tx.tenantId, customerId, invoiceId, afterTime, afterId, limit],
    );
    return pageOf(await this.noted(tx, rows), limit);
  }

  /** Credit notes of invoices, in their order. */
  async ofInvoices(tx: TenantTransaction, invoiceIds: readonly string[]): Promise<CreditNote[]> {
    const rows = await tx.query<NoteRow>(
      `SELECT ${COLUMNS} FROM credit_note n WHERE n.tenant_id = $1 AND n.invoice_id = ANY ($2::uuid[]) ORDER BY n.created_at, n.id`,
      [tx.tenantId, invoiceIds],
    );
    return this.noted(tx, rows);
  }

  /** By invoice; one without credit notes is not there. */
  async credited(tx: TenantTransaction, invoiceIds: readonly string[]): Promise<Map<string, Credited>> {
    const rows = await tx.query<{ invoice_id: string; total: string; off_invoice: string }>(
      `SELECT invoice_id, sum(total) AS total, sum(off_invoice) AS off_invoice FROM credit_note
       WHERE tenant_id = $1 AND invoice_id = ANY ($2::uuid[]) GROUP BY invoice_id`,
      [tx.tenantId, invoiceIds],
    );
    return new Map(rows.map((row) => [row.invoice_id, { total: Decimal.parse(row.total), offInvoice: Decimal.parse(row.off_invoice) }]));
  }

  /**
   * What was taken back of each line of an invoice: by credit notes, and by corrections on later invoices that stand (SEMANTICS 8.3); those were taxed there,
   * so they are no part of what credit notes took of taxes.
   */
  async ofLines(tx: TenantTransaction, invoiceId: string): Promise<{ noted: Map<string, LineCredited>; corrected: Map<string, Decimal> }> {
    const rows = await tx.query<{ id: string; noted: string; quantity: string; corrected: string }>(
      `SELECT l.id,
         coalesce((SELECT sum(c.amount) FROM credit_note_line c WHERE c.tenant_id = l.tenant_id AND c.invoice_line_id = l.id), 0) AS noted,
         coalesce((SELECT sum(c.quantity) FROM credit_note_line c WHERE c.tenant_id = l.tenant_id AND c.invoice_line_id = l.id), 0) AS quantity,
         coalesce((SELECT least(sum(d.amount), 0) FROM invoice_line d JOIN invoice i ON i.tenant_id = d.tenant_id AND i.id = d.invoice_id
           WHERE d.tenant_id = l.tenant_id AND d.segment_id = l.segment_id AND d.period_start = l.period_start AND d.kind = 'DELTA' AND d.adjusts = l.invoice_id
             AND d.scope_key = ${scopeKeySql('l')} AND i.status IN ('FINALIZED', 'PAID', 'UNCOLLECTIBLE')), 0) AS corrected
       FROM invoice_line l WHERE l.tenant_id = $1 AND l.invoice_id = $2`,
      [tx.tenantId, invoiceId],
    );
    return {
      noted: new Map(rows.map((row) => [row.id, { amount: Decimal.parse(row.noted), quantity: Decimal.parse(row.quantity) }])),
      corrected: new Map(rows.map((row) => [row.id, Decimal.parse(row.corrected).negated()])),
    };
  }

  /** What credit notes took of lines of invoices, by line; `before`: as the invoice at this place found it. Lines without any are left out. */
  async creditedOfLines(tx: TenantTransaction, lineIds: readonly string[], before: number | null): Promise<Map<string, Decimal>> {
    if (lineIds.length === 0) return new Map();
    const rows = await tx.query<{ id: string; amount: string }>(
      `SELECT c.invoice_line_id AS id, sum(c.amount) AS amount FROM credit_note_line c
       JOIN credit_note n ON n.tenant_id = c.tenant_id AND n.id = c.credit_note_id
       WHERE c.tenant_id = $1 AND c.invoice_line_id = ANY ($2::uuid[]) AND ($3::int IS NULL OR n.place <= $3::int) GROUP BY c.invoice_line_id`,
      [tx.tenantId, lineIds, before],
    );
    return new Map(rows.map(({ id, amount }) => [id, Decimal.parse(amount)]));
  }

  /** Writes it and announces it for the sync, in one transaction with everything that it changes. */
  async insert(tx: TenantTransaction, { assembled, request, ...note }: NewCreditNote): Promise<string> {
    const id = randomUUID();
    const { subtotal, tax, taxes, total, offInvoice, settled, lines } = assembled;
    await tx.query(
      `INSERT INTO credit_note (tenant_id, id, number, key, invoice_id, customer_id, currency, reason, settlement, place, finalized_at, subtotal, tax, total,
         off_invoice, settled, detail)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
      [
        ...[tx.tenantId, id, note.number, note.key, note.invoiceId, note.customerId, note.currency, note.reason, note.settlement],
        ...[note.place, sqlInstant(note.finalizedAt), subtotal.toString(), tax.toString(), total.toString()],
        ...[offInvoice.toString(), settled.toString(), JSON.stringify({ taxes, request })],
      ],
    );
    await tx.query(
      `INSERT INTO credit_note_line (tenant_id, id, credit_note_id, position, invoice_line_id, description, quantity, amount)
       SELECT $1, gen_random_uuid(), $2, * FROM unnest($3::int[], $4::uuid[], $5::text[], $6::numeric[], $7::numeric[])`,
      [
        tx.tenantId,
        id,
        lines.map((_, position) => position),
        lines.map(({ lineId }) => lineId),
        lines.map(({ description }) => description),
        lines.map(({ quantity }) => quantity?.toString() ?? null),
        lines.map(({ amount }) => amount.toString()),
      ],
    );
    await tx.query('INSERT INTO credit_note_outbox (tenant_id, credit_note_id) VALUES ($1, $2)', [tx.tenantId, id]);
    return id;
  }

  private async noted(tx: TenantTransaction, rows: readonly NoteRow[]): Promise<CreditNote[]> {
    if (rows.length === 0) return [];
    const lines = await tx.query<NoteLineRow>(
      `SELECT id, credit_note_id, invoice_line_id, description, quantity, amount FROM credit_note_line
       WHERE tenant_id = $1 AND credit_note_id = ANY ($2::uuid[]) ORDER BY credit_note_id, position`,
      [tx.tenantId, rows.map(({ id }) => id)],
    );
    return rows.map((row) => noteOfRow(row, lines.filter((line) => line.credit_note_id === row.id).map(lineOfRow)));
  }
}

function noteOfRow(row: NoteRow, lines: readonly CreditNoteLine[]): CreditNote {
  return {
    id: row.id,
    number: row.number,
    key: row.key,
    invoiceId: row.invoice_id,
    customerId: row.customer_id,
    currency: row.currency,
    reason: row.reason,
    settlement: row.settlement,
    lines,
    subtotal: Decimal.parse(row.subtotal),
    taxes: row.detail.taxes.map(({ name, amount }) => ({ name, amount: Decimal.parse(amount) })),
    tax: Decimal.parse(row.tax),
    total: Decimal.parse(row.total),
    offInvoice: Decimal.parse(row.off_invoice),
    settled: Decimal.parse(row.settled),
    finalizedAt: row.finalized_at,
    createdAt: row.created_at,
  };
}

function lineOfRow(row: NoteLineRow): CreditNoteLine {
  return {
    id: row.id,
    creditNoteId: row.credit_note_id,
    invoiceLineId: row.invoice_line_id,
    description: row.description,
    quantity: row.quantity === null ? null : Decimal.parse(row.quantity),
    amount: Decimal.parse(row.amount),
  };
}

import type { Instant } from '@tare/core';
import { BinaryArray } from '@tare/database';
import type { DraftToSave } from './draft-to-save.ts';
import { invoiceDetailText } from './invoice.ts';

/** $1 the tenant, then the arrays of `InvoiceColumns` in its order. What was a draft is replaced. */
export const SAVE_INVOICES = `
INSERT INTO invoice AS i (tenant_id, status, number, finalized_at, id, kind, adjusts, customer_id, subscription_id, billing_at, sequence, currency,
  period_start, period_end, subtotal, discounts, credits_applied, tax, total, seen_seq, drafted_at, finalize_at, detail, replaces, seen_rates)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::uuid[], $6::text[], $7::uuid[], $8::uuid[], $9::uuid[], $10::timestamptz[],
  $11::int4[], $12::text[], $13::timestamptz[], $14::timestamptz[], $15::numeric[], $16::numeric[], $17::numeric[], $18::numeric[], $19::numeric[],
  $20::int8[], $21::timestamptz[], $22::timestamptz[], $23::jsonb[], $24::uuid[], $25::int4[])
ON CONFLICT (tenant_id, id) DO UPDATE SET status = excluded.status, number = excluded.number, finalized_at = excluded.finalized_at,
  currency = excluded.currency, period_start = excluded.period_start, period_end = excluded.period_end, subtotal = excluded.subtotal,
  discounts = excluded.discounts, credits_applied = excluded.credits_applied, tax = excluded.tax, total = excluded.total, seen_seq = excluded.seen_seq,
  detail = excluded.detail, adjusts = excluded.adjusts, replaces = excluded.replaces, seen_rates = excluded.seen_rates`;

const TYPES = {
  status: 'text',
  number: 'text',
  finalizedAt: 'timestamptz',
  id: 'uuid',
  kind: 'text',
  adjusts: 'uuid',
  customerId: 'uuid',
  subscriptionId: 'uuid',
  billingAt: 'timestamptz',
  sequence: 'int4',
  currency: 'text',
  periodStart: 'timestamptz',
  periodEnd: 'timestamptz',
  subtotal: 'numeric',
  discounts: 'numeric',
  creditsApplied: 'numeric',
  tax: 'numeric',
  total: 'numeric',
  seenSeq: 'int8',
  draftedAt: 'timestamptz',
  finalizeAt: 'timestamptz',
  detail: 'jsonb',
  replaces: 'uuid',
  seenRates: 'int4',
} as const;

/** The invoices of a page as columns in binary, written one after the other. */
export class InvoiceColumns {
  private readonly columns: Readonly<Record<keyof typeof TYPES, BinaryArray>>;

  constructor(invoices: number) {
    const columns = Object.entries(TYPES).map(([name, type]) => [name, new BinaryArray(type, invoices)]);
    this.columns = Object.fromEntries(columns) as Record<keyof typeof TYPES, BinaryArray>;
  }

  /** `finalizedAt`: null of a draft. `number`: null of a draft, and in a preview, which is rolled back. */
  add(invoice: DraftToSave, { number, finalizedAt }: { readonly number: string | null; readonly finalizedAt: Instant | null }): void {
    const { columns } = this;
    const { assembled } = invoice;
    columns.status.text(finalizedAt === null ? 'DRAFT' : 'FINALIZED');
    if (number === null) columns.number.null();
    else columns.number.text(number);
    if (finalizedAt === null) columns.finalizedAt.null();
    else columns.finalizedAt.timestamptz(finalizedAt);
    columns.id.uuid(invoice.id);
    columns.kind.text(invoice.kind);
    writeUuid(columns.adjusts, invoice.adjusts);
    columns.customerId.uuid(invoice.customerId);
    writeUuid(columns.subscriptionId, invoice.subscriptionId);
    columns.billingAt.timestamptz(invoice.billingAt);
    columns.sequence.int4(invoice.sequence);
    columns.currency.text(assembled.currency);
    columns.periodStart.timestamptz(invoice.periodStart);
    columns.periodEnd.timestamptz(invoice.periodEnd);
    columns.subtotal.numeric(assembled.subtotal);
    columns.discounts.numeric(assembled.discounts);
    columns.creditsApplied.numeric(assembled.creditsApplied);
    columns.tax.numeric(assembled.tax);
    columns.total.numeric(assembled.total);
    if (invoice.seenSeq === null) columns.seenSeq.null();
    else columns.seenSeq.int8(invoice.seenSeq);
    columns.draftedAt.timestamptz(invoice.draftedAt);
    columns.finalizeAt.timestamptz(invoice.finalizeAt);
    columns.detail.jsonb(invoiceDetailText(assembled));
    writeUuid(columns.replaces, invoice.again ?? null);
    if (invoice.seenRates === null) columns.seenRates.null();
    else columns.seenRates.int4(invoice.seenRates);
  }

  /** In the order of SAVE_INVOICES. */
  arrays(): Buffer[] {
    return Object.values(this.columns).map((column) => column.finish());
  }
}

function writeUuid(column: BinaryArray, id: string | null): void {
  if (id === null) column.null();
  else column.uuid(id);
}

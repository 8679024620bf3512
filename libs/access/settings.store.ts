import { Injectable } from '@nestjs/common';
import { Decimal } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { SELLER_COLUMNS, sellerOfRow, type Seller, type SellerRow } from './seller.ts';

/** What a tenant has chosen for itself. */
export interface TenantSettings {
  /** How far back an event's time may lie (SEMANTICS 2.4). Test tenants have no such limit. */
  readonly backdatingDays: number;
  /** How long events are kept; null: for ever. */
  readonly retentionDays: number | null;
  /** From the end of a period until its invoice is final (SEMANTICS 8.2). */
  readonly graceSeconds: number;
  /** ISO 4217. */
  readonly reportingCurrency: string;
  /** The margin rate below which a plan or customer is worth an alert; null: none. */
  readonly marginFloor: Decimal | null;
  /** Events and requests that are taken in a second, in each process; null: as many as the operator lets in. */
  readonly ingestEventsPerSecond: number | null;
  readonly requestsPerSecond: number | null;
  /** What invoices say of the tenant. */
  readonly seller: Seller;
  /** What numbers of invoices and credit notes begin with: TARE-000001. */
  readonly invoiceNumberPrefix: string;
  readonly creditNoteNumberPrefix: string;
}

interface SettingsRow extends SellerRow {
  readonly backdating_days: number;
  readonly retention_days: number | null;
  readonly grace_seconds: number;
  readonly reporting_currency: string;
  readonly margin_floor: string | null;
  readonly ingest_events_per_second: number | null;
  readonly requests_per_second: number | null;
  readonly invoice_prefix: string;
  readonly credit_note_prefix: string;
}

const COLUMNS = `backdating_days, retention_days, grace_seconds, reporting_currency, margin_floor, ingest_events_per_second, requests_per_second,
  invoice_prefix, credit_note_prefix, ${SELLER_COLUMNS}`;

/** SQL of a tenant's settings. */
@Injectable()
export class SettingsStore {
  /** Null when there is no such tenant. */
  async load(tx: TenantTransaction): Promise<TenantSettings | null> {
    const [row] = await tx.query<SettingsRow>(`SELECT ${COLUMNS} FROM tenant_settings WHERE tenant_id = $1`, [tx.tenantId]);
    return row ? settingsOfRow(row) : null;
  }

  /** The same, held until the transaction ends, so that two updates do not undo each other. */
  async loadForUpdate(tx: TenantTransaction): Promise<TenantSettings | null> {
    const [row] = await tx.query<SettingsRow>(`SELECT ${COLUMNS} FROM tenant_settings WHERE tenant_id = $1 FOR UPDATE`, [tx.tenantId]);
    return row ? settingsOfRow(row) : null;
  }

  async save(tx: TenantTransaction, settings: TenantSettings): Promise<void> {
    await tx.query(
      `UPDATE tenant_settings SET backdating_days = $2, retention_days = $3, grace_seconds = $4, reporting_currency = $5, margin_floor = $6,
         ingest_events_per_second = $7, requests_per_second = $8,
         seller_name = $9, seller_address = $10, seller_tax_id = $11, seller_email = $12, seller_note = $13, invoice_prefix = $14, credit_note_prefix = $15
       WHERE tenant_id = $1`,
      [
        tx.tenantId,
        settings.backdatingDays,
        settings.retentionDays,
        settings.graceSeconds,
        settings.reportingCurrency,
        settings.marginFloor?.toString() ?? null,
        settings.ingestEventsPerSecond,
        settings.requestsPerSecond,
        settings.seller.name,
        settings.seller.address,
        settings.seller.taxId,
        settings.seller.email,
        settings.seller.note,
        settings.invoiceNumberPrefix,
        settings.creditNoteNumberPrefix,
      ],
    );
  }
}

function settingsOfRow(row: SettingsRow): TenantSettings {
  return {
    backdatingDays: row.backdating_days,
    retentionDays: row.retention_days,
    graceSeconds: row.grace_seconds,
    reportingCurrency: row.reporting_currency,
    marginFloor: row.margin_floor === null ? null : Decimal.parse(row.margin_floor),
    ingestEventsPerSecond: row.ingest_events_per_second,
    requestsPerSecond: row.requests_per_second,
    invoiceNumberPrefix: row.invoice_prefix,
    creditNoteNumberPrefix: row.credit_note_prefix,
    seller: sellerOfRow(row),
  };
}

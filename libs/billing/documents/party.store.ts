import { Injectable } from '@nestjs/common';
import type { Seller } from '@tare/access';
import { sqlInstant, type TenantTransaction } from '@tare/database';
import type { Invoice } from '../invoices/invoice.ts';

/** Who an invoice or a credit note is from and who it is for, as both were when it was finalized; of a draft as they are. */
export interface Parties {
  readonly seller: Seller & { readonly name: string };
  readonly buyer: Buyer;
}

export interface Buyer {
  readonly name: string;
  readonly address: string | null;
  readonly taxId: string | null;
  readonly email: string | null;
  /** IANA zone that days are written in. */
  readonly timeZone: string;
}

interface PartyRow {
  readonly tenant_name: string;
  readonly settings: Readonly<Record<string, string | null>>;
  readonly customer: Readonly<Record<string, string | null>>;
  readonly tax_id: string | null;
}

/**
 * $2 customer, $3 invoice or credit note, $4 the instant whose tax number counts. What was changed after it was finalized (by the clock: the moment of its announcement) is read from
 * the history, which has a row as it was until each change.
 */
const PARTIES = `
WITH moment AS (
  SELECT coalesce((SELECT o.created_at FROM invoice_outbox o WHERE o.tenant_id = $1 AND o.invoice_id = $3 AND o.kind = 'FINALIZED'),
    (SELECT o.created_at FROM credit_note_outbox o WHERE o.tenant_id = $1 AND o.credit_note_id = $3), 'infinity') AS at
)
SELECT t.name AS tenant_name,
  coalesce((SELECT h.details FROM party_history h WHERE h.tenant_id = $1 AND h.party_id = $1 AND h.until > moment.at ORDER BY h.until LIMIT 1), to_jsonb(s)) AS settings,
  coalesce((SELECT h.details FROM party_history h WHERE h.tenant_id = $1 AND h.party_id = c.id AND h.until > moment.at ORDER BY h.until LIMIT 1), to_jsonb(c)) AS customer,
  (SELECT x.tax_id FROM customer_tax x WHERE x.tenant_id = $1 AND x.customer_id = $2 AND x.valid_from <= $4::timestamptz AND x.recorded_at <= moment.at
    ORDER BY x.valid_from DESC, x.recorded_at DESC LIMIT 1) AS tax_id
FROM moment CROSS JOIN tenant t JOIN tenant_settings s ON s.tenant_id = t.id JOIN customer c ON c.tenant_id = t.id AND c.id = $2
WHERE t.id = $1`;

/** Reads the parties of an invoice or a credit note. */
@Injectable()
export class PartyStore {
  async partiesOf(
    tx: TenantTransaction,
    { id, customerId, billingAt }: Pick<Invoice, 'id' | 'customerId' | 'billingAt'>,
  ): Promise<Parties> {
    const [row] = await tx.query<PartyRow>(PARTIES, [tx.tenantId, customerId, id, sqlInstant(billingAt)]);
    if (row === undefined) throw new Error(`customer ${customerId} of a document is not there`);
    return { seller: sellerOf(row), buyer: buyerOf(row) };
  }
}

function sellerOf({ settings, tenant_name: tenantName }: PartyRow): Parties['seller'] {
  return {
    name: settings.seller_name ?? tenantName,
    address: settings.seller_address ?? null,
    taxId: settings.seller_tax_id ?? null,
    email: settings.seller_email ?? null,
    note: settings.seller_note ?? null,
  };
}

function buyerOf({ customer, tax_id: taxId }: PartyRow): Buyer {
  return {
    name: customer.name ?? '',
    address: customer.address ?? null,
    taxId,
    email: customer.email ?? null,
    timeZone: customer.time_zone ?? 'UTC',
  };
}

import { Injectable } from '@nestjs/common';
import type { Decimal } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';

/** An entry that is not made with the finalization of its invoice. */
export interface BalanceEntry {
  readonly customerId: string;
  /** ISO 4217. */
  readonly currency: string;
  /** Above zero: to the customer's credit. */
  readonly amount: Decimal;
  readonly invoiceId: string;
  /** `NumberSeries.nextPlace`: invoices from there on find it, those before do not. */
  readonly place: number;
  readonly creditNoteId: string | null;
}

/** SQL of what we owe to customers, as far as it is not made with an invoice. Rows are only ever added. */
@Injectable()
export class CustomerBalances {
  async add(tx: TenantTransaction, { customerId, currency, amount, invoiceId, place, creditNoteId }: BalanceEntry): Promise<void> {
    if (amount.isZero()) return;
    await tx.query(
      `INSERT INTO customer_balance_entry (tenant_id, id, customer_id, currency, amount, invoice_id, place, credit_note_id)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [tx.tenantId, randomUUID(), customerId, currency, amount.toString(), invoiceId, place, creditNoteId],
    );
  }
}

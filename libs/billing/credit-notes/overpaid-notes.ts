import { Injectable } from '@nestjs/common';
import { AuditLog } from '@tare/access';
import type { Decimal } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { InvoicesService } from '../invoices/invoices.service.ts';
import { NumberSeries } from '../invoices/number-series.store.ts';
import { CustomerBalances } from './customer-balance.store.ts';
import type { CreditNote } from './credit-note.ts';

/** Customers who paid what a credit note had taken off their invoice, because the payment provider had not heard of it yet. */
@Injectable()
export class OverpaidNotes {
  constructor(
    private readonly invoices: InvoicesService,
    private readonly numbers: NumberSeries,
    private readonly balances: CustomerBalances,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Settles the amount as the credit note says: to the customer's balance, where it lowers the next invoice; a refund or a settlement outside moves no balance.
   * Exactly once is its caller's business, in whose transaction it runs. Holds the customer until that ends.
   */
  async keep(tx: TenantTransaction, note: CreditNote, amount: Decimal, actor = 'tare'): Promise<void> {
    const { id: creditNoteId, invoiceId, currency, settlement } = note;
    const { customerId } = await this.invoices.lockedIn(tx, invoiceId);
    const place = await this.numbers.nextPlace(tx);
    if (settlement === 'CUSTOMER_BALANCE') await this.balances.add(tx, { customerId, currency, amount, invoiceId, place, creditNoteId });
    await this.audit.record(tx, {
      actor,
      action: 'credit_note.overpaid',
      subject: creditNoteId,
      detail: { invoiceId, number: note.number, amount, settlement },
    });
  }
}

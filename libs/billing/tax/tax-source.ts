import type { Instant, InvoiceTax } from '@tare/core';
import type { TenantTransaction } from '@tare/database';

/** Who is taxed when: at the billing instant of an invoice. */
export interface TaxQuestion {
  readonly customerId: string;
  readonly at: Instant;
}

/**
 * Where the tax of invoices comes from. Asked in the transaction that assembles them, for many at once; so an implementation reads what is stored and calls
 * nobody. `OwnTaxRates` answers with the rates that were set for the customer. One that has a tax service work them out fetches the amounts for the draft,
 * stores them, and answers `{ kind: 'AMOUNTS' }` with what it stored: the core takes those as they are.
 */
export abstract class TaxSource {
  /** In the order of the questions. */
  abstract taxesOf(tx: TenantTransaction, questions: readonly TaxQuestion[]): Promise<InvoiceTax[]>;
}

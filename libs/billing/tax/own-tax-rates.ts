import { Injectable } from '@nestjs/common';
import { NO_TAX } from '@tare/core';
import type { InvoiceTax } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { CustomerTaxStore, type CustomerTax } from './customer-tax.store.ts';
import { TaxSource, type TaxQuestion } from './tax-source.ts';

/** Rates that were set for the customer, as they hold at the billing instant. */
@Injectable()
export class OwnTaxRates extends TaxSource {
  constructor(private readonly taxes: CustomerTaxStore) {
    super();
  }

  async taxesOf(tx: TenantTransaction, questions: readonly TaxQuestion[]): Promise<InvoiceTax[]> {
    return (await this.taxes.current(tx, questions)).map(taxOf);
  }
}

function taxOf(tax: CustomerTax | null): InvoiceTax {
  if (tax === null) return NO_TAX;
  return { kind: 'RATES', rates: tax.exempt ? [] : tax.rates, creditsTaxed: tax.creditsTaxed };
}

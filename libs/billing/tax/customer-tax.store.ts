import { Injectable } from '@nestjs/common';
import { Decimal } from '@tare/core';
import type { CreditsTaxed, Instant, TaxRate } from '@tare/core';
import { plainArray, sqlInstant, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import type { TaxQuestion } from './tax-source.ts';

/** How a customer is taxed from a time on. */
export interface CustomerTax {
  readonly customerId: string;
  readonly validFrom: Instant;
  readonly rates: readonly TaxRate[];
  /** No tax whatever the rates: they are kept for when it ends. */
  readonly exempt: boolean;
  /** VAT or GST number of the customer; stands on its invoices. */
  readonly taxId: string | null;
  readonly creditsTaxed: CreditsTaxed;
}

interface TaxRow {
  readonly no: string;
  readonly customer_id: string;
  readonly valid_from: Instant;
  readonly rates: readonly { readonly name: string; readonly percent: string }[];
  readonly exempt: boolean;
  readonly tax_id: string | null;
  readonly credits_taxed: CreditsTaxed;
}

/** SQL of customers' taxes. Rows are only ever added. */
@Injectable()
export class CustomerTaxStore {
  /** What holds for each question, in their order; null where nothing was set. One query for all of them. */
  async current(tx: TenantTransaction, questions: readonly TaxQuestion[]): Promise<(CustomerTax | null)[]> {
    const rows = await tx.query<TaxRow>(
      `SELECT q.no::text AS no, t.customer_id, t.valid_from, t.rates, t.exempt, t.tax_id, t.credits_taxed
       FROM unnest($2::uuid[], $3::timestamptz[]) WITH ORDINALITY AS q (customer_id, at, no)
       CROSS JOIN LATERAL (SELECT * FROM customer_tax c WHERE c.tenant_id = $1 AND c.customer_id = q.customer_id AND c.valid_from <= q.at
         ORDER BY c.valid_from DESC, c.recorded_at DESC LIMIT 1) t`,
      [tx.tenantId, plainArray(questions.map(({ customerId }) => customerId)), plainArray(questions.map(({ at }) => sqlInstant(at)))],
    );
    const answers = new Map(rows.map((row) => [Number(row.no), taxOfRow(row)]));
    return questions.map((_, index) => answers.get(index + 1) ?? null);
  }

  /** Whether anything was ever set for the customer. */
  async isSet(tx: TenantTransaction, customerId: string): Promise<boolean> {
    const rows = await tx.query('SELECT 1 FROM customer_tax WHERE tenant_id = $1 AND customer_id = $2 LIMIT 1', [tx.tenantId, customerId]);
    return rows.length > 0;
  }

  async add(tx: TenantTransaction, tax: CustomerTax): Promise<void> {
    await tx.query(
      `INSERT INTO customer_tax (tenant_id, id, customer_id, valid_from, rates, exempt, tax_id, credits_taxed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        tx.tenantId,
        randomUUID(),
        tax.customerId,
        sqlInstant(tax.validFrom),
        JSON.stringify(tax.rates),
        tax.exempt,
        tax.taxId,
        tax.creditsTaxed,
      ],
    );
  }
}

function taxOfRow(row: TaxRow): CustomerTax {
  return {
    customerId: row.customer_id,
    validFrom: row.valid_from,
    rates: row.rates.map(({ name, percent }) => ({ name, percent: Decimal.parse(percent) })),
    exempt: row.exempt,
    taxId: row.tax_id,
    creditsTaxed: row.credits_taxed,
  };
}

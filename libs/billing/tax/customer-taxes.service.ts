import { Injectable } from '@nestjs/common';
import { AuditLog } from '@tare/access';
import { CodedError, optionalText, requiredText, requireTaxRates } from '@tare/core';
import type { CreditsTaxed, Instant, TaxRate } from '@tare/core';
import { CustomerStore, type Customer } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { CustomerTaxStore, type CustomerTax } from './customer-tax.store.ts';

/** What is left out is none; of `from`, see `set`. */
export interface CustomerTaxInput {
  readonly rates?: readonly TaxRate[] | null | undefined;
  readonly exempt?: boolean | null | undefined;
  readonly taxId?: string | null | undefined;
  readonly creditsTaxed?: CreditsTaxed | null | undefined;
  readonly from?: Instant | null | undefined;
}

const LONGEST_TAX_ID = 50;
const BEGINNING: Instant = 0;

/** How customers are taxed. */
@Injectable()
export class CustomerTaxesService {
  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
    private readonly taxes: CustomerTaxStore,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Sets all of it, for invoices whose billing instant is at `from` or later and that are not finalized; none: from now on, and what is set first for a
   * customer from the beginning. Finalized invoices keep the tax that they have. Setting the same again changes nothing.
   * @throws CodedError NOT_FOUND | FIELD_MISSING | FIELD_TOO_LONG | TOO_MANY_TAX_RATES | DUPLICATE_TAX_RATE | OUT_OF_RANGE | TOO_PRECISE
   */
  set(
    tenantId: string,
    customerKey: string,
    input: CustomerTaxInput,
    actor: string,
    now: Instant = Date.now() * 1_000,
  ): Promise<CustomerTax> {
    return this.database.withTenant(tenantId, async (tx) => {
      const customer = await this.customer(tx, customerKey);
      await this.customers.lock(tx, customer.id);
      const isFirst = !(await this.taxes.isSet(tx, customer.id));
      const tax = taxOfInput(customer, input, input.from ?? (isFirst ? BEGINNING : now));
      const [before = null] = await this.taxes.current(tx, [{ customerId: customer.id, at: tax.validFrom }]);
      if (before !== null && isSame(before, tax)) return before;
      await this.taxes.add(tx, tax);
      await this.audit.record(tx, { actor, action: 'customer_tax.set', subject: customer.id, detail: { before, after: tax } });
      return tax;
    });
  }

  /** What holds at `at`, now unless said; null where nothing was set. @throws CodedError NOT_FOUND */
  current(tenantId: string, customerKey: string, at: Instant = Date.now() * 1_000): Promise<CustomerTax | null> {
    return this.database.withTenant(tenantId, async (tx) => {
      const { id: customerId } = await this.customer(tx, customerKey);
      const [tax = null] = await this.taxes.current(tx, [{ customerId, at }]);
      return tax;
    });
  }

  private async customer(tx: TenantTransaction, key: string): Promise<Customer> {
    const customer = await this.customers.byKey(tx, key);
    if (customer === null) throw new CodedError('NOT_FOUND', `There is no customer with key "${key}".`, 'customer');
    return customer;
  }
}

function taxOfInput({ id }: Customer, input: CustomerTaxInput, validFrom: Instant): CustomerTax {
  const rates = (input.rates ?? []).map(({ name, percent }, index) => ({ name: requiredText(name, `rates.${index}.name`), percent }));
  const taxId = optionalText(input.taxId, 'taxId');
  if (taxId !== null && taxId.length > LONGEST_TAX_ID)
    throw new CodedError('FIELD_TOO_LONG', `A tax number has at most ${LONGEST_TAX_ID} characters.`, 'taxId');
  return {
    customerId: id,
    validFrom,
    rates: requireTaxRates(rates, 'rates'),
    exempt: input.exempt ?? false,
    taxId,
    creditsTaxed: input.creditsTaxed ?? 'AT_PURCHASE',
  };
}

/** From when apart: what holds then already need not be set. */
function isSame(a: CustomerTax, b: CustomerTax): boolean {
  const textOf = ({ rates, exempt, taxId, creditsTaxed }: CustomerTax): string => JSON.stringify([rates, exempt, taxId, creditsTaxed]);
  return textOf(a) === textOf(b);
}

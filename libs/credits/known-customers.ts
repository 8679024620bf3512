import { CodedError } from '@tare/core';
import { CustomerStore, type Customer } from '@tare/customers';
import type { TenantTransaction } from '@tare/database';

/** @throws CodedError NOT_FOUND */
export async function customerOf(tx: TenantTransaction, customers: CustomerStore, key: string): Promise<Customer> {
  const customer = await customers.byKey(tx, key);
  if (customer === null) throw new CodedError('NOT_FOUND', `There is no customer with key "${key}".`, 'customer');
  return customer;
}

const LONGEST_KEY = 255;

/** An idempotency key. @throws CodedError KEY_MISSING | KEY_TOO_LONG */
export function requireKey(key: string): void {
  if (key.length === 0) throw new CodedError('KEY_MISSING', 'A key is needed, so that it is done once.', 'key');
  if (key.length > LONGEST_KEY) throw new CodedError('KEY_TOO_LONG', `A key has at most ${LONGEST_KEY} characters.`, 'key');
}

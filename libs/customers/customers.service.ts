import { Injectable } from '@nestjs/common';
import { CodedError, currencyOf, optionalText, requireTimeZone, requiredText } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import type { Page, PageRequest } from '@tare/catalog';
import { CustomerStore, type Customer, type NewCustomer } from './customer.store.ts';

/** CustomerInput of the contract. */
export interface CustomerInput {
  readonly key: string;
  readonly name: string;
  readonly email?: string | null | undefined;
  readonly currency?: string | null | undefined;
  readonly timeZone?: string | null | undefined;
}

/** Hears of a new customer, in the transaction that makes it. `actor` as in the audit log. */
export type NewCustomerListener = (tx: TenantTransaction, customer: Customer, actor: string) => Promise<void>;

const EMAIL = /^[^\s@]+@[^\s@]+$/;
const DEFAULT_TIME_ZONE = 'UTC';

/** The tenant's customers. */
@Injectable()
export class CustomersService {
  private readonly listeners: NewCustomerListener[] = [];

  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
  ) {}

  /** For what stands to the right and has something under the key already: usage, for one. */
  onCreated(listener: NewCustomerListener): void {
    this.listeners.push(listener);
  }

  /**
   * Makes a customer; the same one again answers the one that is there. Usage that came before under its key is its own (SEMANTICS 3.7).
   * @param actor id of the API key, or the name of the process
   * @throws CodedError ALREADY_EXISTS | UNKNOWN_CURRENCY | UNKNOWN_TIME_ZONE | INVALID_EMAIL | KEY_MISSING | KEY_TOO_LONG | FIELD_MISSING | FIELD_TOO_LONG
   */
  async create(tenantId: string, input: CustomerInput, actor = 'tare'): Promise<Customer> {
    const customer = customerOfInput(input);
    return this.database.withTenant(tenantId, async (tx) => {
      const created = await this.customers.insert(tx, customer);
      if (created === null) return this.requireSame(tx, customer);
      for (const listener of this.listeners) await listener(tx, created, actor);
      return created;
    });
  }

  /** Null when no customer has the key. */
  byKey(tenantId: string, key: string): Promise<Customer | null> {
    return this.database.withTenant(tenantId, (tx) => this.customers.byKey(tx, key));
  }

  /** By id; ids of nothing, or of another tenant, are left out. */
  byIds(tx: TenantTransaction, ids: Iterable<string>): Promise<Map<string, Customer>> {
    return this.customers.byIds(tx, ids);
  }

  page(tenantId: string, request: PageRequest): Promise<Page<Customer>> {
    return this.database.withTenant(tenantId, (tx) => this.customers.page(tx, request));
  }

  private async requireSame(tx: TenantTransaction, customer: NewCustomer): Promise<Customer> {
    const existing = await this.customers.byKey(tx, customer.key);
    const changed = (['name', 'email', 'currency', 'timeZone'] as const).find((field) => existing?.[field] !== customer[field]);
    if (existing !== null && changed === undefined) return existing;
    throw new CodedError(
      'ALREADY_EXISTS',
      `There is a customer with the key "${customer.key}", and it differs in ${changed ?? 'key'}.`,
      'key',
    );
  }
}

function customerOfInput(input: CustomerInput): NewCustomer {
  return {
    // As on events, so that every key that usage may carry can be a customer's.
    key: requiredText(input.key, 'key', 'KEY_MISSING', 'KEY_TOO_LONG'),
    name: requiredText(input.name, 'name'),
    email: emailOf(optionalText(input.email, 'email')),
    currency: given(input.currency, (code) => currencyOf(code, 'currency').code) ?? null,
    timeZone: given(input.timeZone, (zone) => requireTimeZone(zone, 'timeZone')) ?? DEFAULT_TIME_ZONE,
  };
}

function given(text: string | null | undefined, read: (text: string) => string): string | null {
  return text === null || text === undefined ? null : read(text);
}

function emailOf(email: string | null): string | null {
  if (email === null || EMAIL.test(email)) return email;
  throw new CodedError('INVALID_EMAIL', 'An address is written like billing@example.com.', 'email');
}

import { Injectable } from '@nestjs/common';
import { AuditLog } from '@tare/access';
import { CodedError, currencyOf, optionalText, requireTimeZone, requiredText } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import type { Page, PageRequest } from '@tare/catalog';
import { CustomerStore, type Customer, type CustomerDetails, type NewCustomer } from './customer.store.ts';

/** CustomerInput of the contract. */
export interface CustomerInput {
  readonly key: string;
  readonly name: string;
  readonly email?: string | null | undefined;
  readonly address?: string | null | undefined;
  readonly currency?: string | null | undefined;
  readonly timeZone?: string | null | undefined;
}

/** What is absent stays; null or an empty text takes email or address away. */
export interface CustomerChange {
  readonly name?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly address?: string | null | undefined;
}

/** Hears of a new customer, in the transaction that makes it. `actor` as in the audit log. */
export type NewCustomerListener = (tx: TenantTransaction, customer: Customer, actor: string) => Promise<void>;

const EMAIL = /^[^\s@]+@[^\s@]+$/;
const DEFAULT_TIME_ZONE = 'UTC';
const DETAILS = ['name', 'email', 'address'] as const satisfies readonly (keyof CustomerDetails)[];

/** The tenant's customers. */
@Injectable()
export class CustomersService {
  private readonly listeners: NewCustomerListener[] = [];

  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
    private readonly audit: AuditLog,
  ) {}

  /** For what stands to the right and has something under the key already: usage, for one. */
  onCreated(listener: NewCustomerListener): void {
    this.listeners.push(listener);
  }

  /**
   * Makes a customer; the same one again answers the one that is there. Usage that came before under its key is its own (SEMANTICS 3.7).
   * @param actor id of the API key, or the name of the process
   * @throws CodedError ALREADY_EXISTS | UNKNOWN_CURRENCY | UNKNOWN_TIME_ZONE | INVALID_EMAIL | INVALID_CHARACTER | KEY_MISSING | KEY_TOO_LONG | FIELD_MISSING | FIELD_TOO_LONG
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

  /**
   * Changes how a customer stands on documents from now on; those of invoices that are final stay as they are. A second call changes nothing.
   * @throws CodedError NOT_FOUND | INVALID_EMAIL | INVALID_CHARACTER | FIELD_MISSING | FIELD_TOO_LONG
   */
  async update(tenantId: string, key: string, change: CustomerChange, actor = 'tare'): Promise<Customer> {
    return this.database.withTenant(tenantId, async (tx) => {
      const known = await this.customers.byKey(tx, key);
      if (known === null) throw new CodedError('NOT_FOUND', `There is no customer with key "${key}".`, 'customer');
      const [before = known] = await this.customers.lockMany(tx, [known.id]);
      const details = changedDetails(before, change);
      if (DETAILS.every((field) => details[field] === before[field])) return before;
      await this.customers.update(tx, before.id, details);
      await this.audit.record(tx, { actor, action: 'customer.update', subject: before.id, detail: { ...details } });
      return { ...before, ...details };
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
    const changed = (['name', 'email', 'address', 'currency', 'timeZone'] as const).find(
      (field) => (existing?.[field] ?? null) !== (customer[field] ?? null),
    );
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
    address: addressOf(input.address ?? null),
    currency: given(input.currency, (code) => currencyOf(code, 'currency').code) ?? null,
    timeZone: given(input.timeZone, (zone) => requireTimeZone(zone, 'timeZone')) ?? DEFAULT_TIME_ZONE,
  };
}

function changedDetails(before: Customer, { name, email, address }: CustomerChange): CustomerDetails {
  return {
    name: name == null ? before.name : requiredText(name, 'name'),
    email: email === undefined ? before.email : emailOf(optionalText(email === '' ? null : email, 'email')),
    address: address === undefined ? before.address : addressOf(address),
  };
}

const ADDRESS_ROOM = { lines: 8, characters: 200 };
/** Control characters, and the two code points that are no characters: no page shows them. */
const UNSHOWN = /[\p{Cc}\p{Cs}\uFFFE\uFFFF]/u;

/** Its lines without the space around them, as many as the head of a page has room for; null where nothing is left. */
function addressOf(text: string | null): string | null {
  const lines = (text ?? '').split(/\r\n|\r|\n/).map((line) => line.trim());
  const trimmed = lines.join('\n').trim();
  const kept = trimmed.split('\n');
  const { lines: most, characters } = ADDRESS_ROOM;
  if (kept.length > most || kept.some((line) => line.length > characters))
    throw new CodedError('FIELD_TOO_LONG', `At most ${most} lines of ${characters} characters are expected here.`, 'address');
  if (kept.some((line) => UNSHOWN.test(line)))
    throw new CodedError('INVALID_CHARACTER', 'The text has characters that no page shows.', 'address');
  return trimmed === '' ? null : trimmed;
}

function given(text: string | null | undefined, read: (text: string) => string): string | null {
  return text === null || text === undefined ? null : read(text);
}

function emailOf(email: string | null): string | null {
  if (email === null || EMAIL.test(email)) return email;
  throw new CodedError('INVALID_EMAIL', 'An address is written like billing@example.com.', 'email');
}

import { Injectable } from '@nestjs/common';
import { keysetOf, pageOf, type Page, type PageRequest } from '@tare/catalog';
import type { Instant } from '@tare/core';
import { plainArray, type TenantTransaction, type Transaction } from '@tare/database';
import { randomUUID } from 'node:crypto';

export interface Customer {
  readonly id: string;
  /** The integer that stands for the key wherever usage is kept. */
  readonly no: number;
  /** The tenant's own key. */
  readonly key: string;
  readonly name: string;
  readonly email: string | null;
  /** As it stands on invoices, lines divided by a line feed. */
  readonly address: string | null;
  /** ISO 4217; null: that of whatever plan it subscribes to. */
  readonly currency: string | null;
  /** IANA zone in which its periods and days are counted (SEMANTICS 2.1). */
  readonly timeZone: string;
  readonly createdAt: Instant;
}

export type NewCustomer = Omit<Customer, 'id' | 'no' | 'createdAt' | 'address'> & { readonly address?: string | null };

/** What of a customer may change. */
export type CustomerDetails = Pick<Customer, 'name' | 'email' | 'address'>;

interface CustomerRow {
  readonly id: string;
  readonly no: number;
  readonly key: string;
  readonly name: string;
  readonly email: string | null;
  readonly address: string | null;
  readonly currency: string | null;
  readonly time_zone: string;
  readonly created_at: Instant;
}

const SELECT = `SELECT c.id, c.no, k.key, c.name, c.email, c.address, c.currency, c.time_zone, c.created_at
  FROM customer c JOIN customer_key k ON k.tenant_id = c.tenant_id AND k.no = c.no`;

/** Each looked up by its key (OFFSET 0): many are asked for at once while tables grow, and Postgres does not know their numbers yet. */
const BY_KEYS = `SELECT c.id, c.no, k.key, c.name, c.email, c.address, c.currency, c.time_zone, c.created_at
  FROM unnest($2::text[]) AS wanted (key)
  CROSS JOIN LATERAL (SELECT no, key FROM customer_key WHERE tenant_id = $1 AND key = wanted.key OFFSET 0) AS k
  CROSS JOIN LATERAL (SELECT * FROM customer WHERE tenant_id = $1 AND no = k.no OFFSET 0) AS c`;

/** SQL of customers and of the integers that stand for their keys. */
@Injectable()
export class CustomerStore {
  async all(tx: TenantTransaction): Promise<Customer[]> {
    return customersOf(await tx.query<CustomerRow>(`${SELECT} WHERE c.tenant_id = $1 ORDER BY c.created_at, c.id`, [tx.tenantId]));
  }

  async byKey(tx: TenantTransaction, key: string): Promise<Customer | null> {
    const rows = await tx.query<CustomerRow>(`${SELECT} WHERE c.tenant_id = $1 AND k.key = $2`, [tx.tenantId, key]);
    return customersOf(rows)[0] ?? null;
  }

  /** By key; keys without a customer are left out. */
  async byKeys(tx: TenantTransaction, keys: readonly string[]): Promise<Map<string, Customer>> {
    const rows = await tx.query<CustomerRow>(BY_KEYS, [tx.tenantId, keys]);
    return new Map(customersOf(rows).map((customer) => [customer.key, customer]));
  }

  /** By id; ids of nothing, or of another tenant, are left out. */
  async byIds(tx: TenantTransaction, ids: Iterable<string>): Promise<Map<string, Customer>> {
    const rows = await tx.query<CustomerRow>(`${SELECT} WHERE c.tenant_id = $1 AND c.id = ANY ($2::uuid[])`, [
      tx.tenantId,
      [...new Set(ids)],
    ]);
    return new Map(customersOf(rows).map((customer) => [customer.id, customer]));
  }

  /** By the number of their key; keys without a customer are left out (SEMANTICS 3.7). */
  async byNumbers(tx: TenantTransaction, numbers: Iterable<number>): Promise<Map<number, Customer>> {
    const rows = await tx.query<CustomerRow>(`${SELECT} WHERE c.tenant_id = $1 AND c.no = ANY ($2::int[])`, [
      tx.tenantId,
      [...new Set(numbers)],
    ]);
    return new Map(customersOf(rows).map((customer) => [customer.no, customer]));
  }

  async page(tx: TenantTransaction, request: PageRequest): Promise<Page<Customer>> {
    const { afterTime, afterId, limit } = keysetOf(request);
    const rows = await tx.query<CustomerRow>(
      `${SELECT} WHERE c.tenant_id = $1 AND ($2::timestamptz IS NULL OR (c.created_at, c.id) > ($2::timestamptz, $3::uuid))
       ORDER BY c.created_at, c.id LIMIT $4`,
      [tx.tenantId, afterTime, afterId, limit],
    );
    return pageOf(customersOf(rows), limit);
  }

  /** Holds the customer's row until the transaction ends: what is decided from all of its subscriptions is decided one after the other. */
  async lock(tx: TenantTransaction, id: string): Promise<void> {
    await tx.query('SELECT 1 FROM customer WHERE tenant_id = $1 AND id = $2 FOR UPDATE', [tx.tenantId, id]);
  }

  /** The same for many, always in one order, and the customers as they are then; ids of nothing are left out. */
  async lockMany(tx: TenantTransaction, ids: readonly string[]): Promise<Customer[]> {
    return customersOf(
      await tx.query<CustomerRow>(`${SELECT} WHERE c.tenant_id = $1 AND c.id = ANY ($2::uuid[]) ORDER BY c.no FOR UPDATE OF c`, [
        tx.tenantId,
        plainArray(ids),
      ]),
    );
  }

  /** Null when there is a customer with the key. Usage that came before it is its own from now on: it has the same number (SEMANTICS 3.7). */
  async insert(tx: TenantTransaction, customer: NewCustomer): Promise<Customer | null> {
    const no = (await this.numbersOf(tx, [customer.key])).get(customer.key);
    const [inserted] = await tx.query<{ id: string }>(
      `INSERT INTO customer (tenant_id, id, no, name, email, currency, time_zone, address)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant_id, no) DO NOTHING RETURNING id`,
      [tx.tenantId, randomUUID(), no, customer.name, customer.email, customer.currency, customer.timeZone, customer.address ?? null],
    );
    return inserted ? this.byKey(tx, customer.key) : null;
  }

  /** The database keeps what it was, for documents of before. */
  async update(tx: TenantTransaction, id: string, { name, email, address }: CustomerDetails): Promise<void> {
    await tx.query('UPDATE customer SET name = $3, email = $4, address = $5 WHERE tenant_id = $1 AND id = $2', [
      ...[tx.tenantId, id, name, email, address],
    ]);
  }

  /** The integers that stand for customer keys; keys that were never seen get theirs now. */
  numbersOf(tx: TenantTransaction, keys: Iterable<string>): Promise<Map<string, number>> {
    return this.numbersOfTenant(tx, tx.tenantId, keys);
  }

  /**
   * The same in a transaction of several tenants: take them in the order of their ids, since minting holds a lock of the tenant until the transaction ends.
   */
  async numbersOfTenant(tx: Transaction, tenantId: string, keys: Iterable<string>): Promise<Map<string, number>> {
    const wanted = [...new Set(keys)];
    const known = await knownNumbers(tx, tenantId, wanted);
    const unknown = wanted.filter((key) => !known.has(key));
    if (unknown.length === 0) return known;
    for (const [key, no] of await mint(tx, tenantId, unknown)) known.set(key, no);
    return known;
  }
}

async function knownNumbers(tx: Transaction, tenantId: string, keys: readonly string[]): Promise<Map<string, number>> {
  const rows = await tx.query<{ key: string; no: number }>(
    'SELECT key, no FROM customer_key WHERE tenant_id = $1 AND key = ANY ($2::text[])',
    [tenantId, keys],
  );
  return new Map(rows.map(({ key, no }) => [key, no]));
}

/** One at a time per tenant, so that no two keys get one number and no number is wasted; the second look sees what others minted meanwhile. */
async function mint(tx: Transaction, tenantId: string, keys: readonly string[]): Promise<Map<string, number>> {
  await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('customer_key ' || $1::text, 0))`, [tenantId]);
  const minted = await knownNumbers(tx, tenantId, keys);
  const rows = await tx.query<{ key: string; no: number }>(
    `INSERT INTO customer_key (tenant_id, no, key)
     SELECT $1, (SELECT coalesce(max(no), 0) FROM customer_key WHERE tenant_id = $1) + position, key
     FROM unnest($2::text[]) WITH ORDINALITY AS keys (key, position) RETURNING key, no`,
    [tenantId, keys.filter((key) => !minted.has(key))],
  );
  for (const { key, no } of rows) minted.set(key, no);
  return minted;
}

function customersOf(rows: readonly CustomerRow[]): Customer[] {
  return rows.map(({ time_zone: timeZone, created_at: createdAt, ...row }) => ({ ...row, timeZone, createdAt }));
}

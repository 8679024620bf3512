import { Injectable } from '@nestjs/common';
import { CustomerStore, SubscriptionStore, type Customer } from '@tare/customers';
import type { Segment } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { UsageReader } from '@tare/usage';
import type { MarginSpan } from './margin-request.ts';
import { RevenueStore } from './revenue.store.ts';

/** Somebody with a row of its own: a customer, or a key that usage came for before there was one (SEMANTICS 3.7). */
export interface Person {
  readonly no: number;
  readonly key: string;
  readonly name: string;
  /** IANA zone of its days; UTC for a key without a customer. */
  readonly timeZone: string;
  /** Null: unattributed usage. */
  readonly customer: Customer | null;
  /** Of all its subscriptions, oldest first. */
  readonly segments: readonly Segment[];
}

/** Finds whom a report is about. */
@Injectable()
export class People {
  constructor(
    private readonly customers: CustomerStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly usage: UsageReader,
    private readonly store: RevenueStore,
  ) {}

  /** Every customer, and every other key with usage in the span. `keys`: only these customers; null: all. */
  async inSpan(tx: TenantTransaction, span: MarginSpan, keys: readonly string[] | null): Promise<Person[]> {
    const wanted = keys === null ? null : new Set(keys);
    const customers = (await this.customers.all(tx)).filter(({ key }) => wanted === null || wanted.has(key));
    const segments = new Map<string, Segment[]>();
    const owners = new Map(
      (await this.subscriptions.subscriptions(tx, idsOf(customers, wanted))).map(({ id, customerId }) => [id, customerId]),
    );
    for (const segment of await this.subscriptions.segments(tx, idsOf(customers, wanted))) {
      const owner = owners.get(segment.subscriptionId) ?? '';
      segments.set(owner, [...(segments.get(owner) ?? []), segment]);
    }
    const known = customers.map((customer) => ({ ...personOf(customer), segments: segments.get(customer.id) ?? [] }));
    return wanted === null ? [...known, ...(await this.strangers(tx, span, customers))] : known;
  }

  private async strangers(tx: TenantTransaction, span: MarginSpan, customers: readonly Customer[]): Promise<Person[]> {
    const known = new Set(customers.map(({ no }) => no));
    const unknown = (await this.usage.customersWithUsage(tx, span)).filter((no) => !known.has(no));
    const keys = unknown.length === 0 ? new Map<number, string>() : await this.store.customerKeys(tx, unknown);
    return [...keys].map(([no, key]) => ({
      no,
      key,
      name: `${key} (no such customer yet)`,
      timeZone: 'UTC',
      customer: null,
      segments: [],
    }));
  }
}

function personOf(customer: Customer): Omit<Person, 'segments'> {
  const { no, key, name, timeZone } = customer;
  return { no, key, name, timeZone, customer };
}

function idsOf(customers: readonly Customer[], wanted: ReadonlySet<string> | null): { customerIds?: string[] } {
  return wanted === null ? {} : { customerIds: customers.map(({ id }) => id) };
}

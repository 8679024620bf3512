import { Injectable } from '@nestjs/common';
import { AuditLog } from '@tare/access';
import { MeterStore } from '@tare/catalog';
import { CodedError, segmentEnd, type Instant, type Segment } from '@tare/core';
import { CustomerStore, SubscriptionStore, type Customer } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { parseCap, type Cap, type CapInput } from './cap.ts';
import { CapStore } from './cap.store.ts';
import { runningAt } from './customer-facts.ts';
import { requireSeparable } from './part-of-spend.ts';
import { UsageSumsStore } from './usage-sums.store.ts';

/** Caps of one customer, so many at most. */
const MOST_CAPS = 50;

/** The most that customers may use or spend. */
@Injectable()
export class CapsService {
  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly meters: MeterStore,
    private readonly store: CapStore,
    private readonly sums: UsageSumsStore,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Sets a cap; one with the same key is replaced. It counts what was used in its period already. `actor`: as in the audit log.
   * @throws CodedError NOT_FOUND | TOO_MANY | CURRENCY_MISMATCH | NOT_SEPARABLE, and those of parseCap
   */
  async set(tenantId: string, customerKey: string, input: CapInput, actor: string, now: Instant = Date.now() * 1_000): Promise<Cap> {
    return this.database.withTenant(tenantId, async (tx) => {
      const customer = await this.customer(tx, customerKey);
      await this.customers.lock(tx, customer.id);
      const meters = await this.meters.byKeys(tx);
      const cap = parseCap(input, meters, customer.currency ?? (await this.currencyOfPlan(tx, customer, now)));
      requirePaidIn(cap, customer);
      if (cap.kind === 'SPEND') requireSeparable(cap, await this.segmentsFrom(tx, customer, now), meters);
      const others = (await this.store.ofCustomers(tx, [customer.id])).get(customer.id)?.filter(({ key }) => key !== cap.key) ?? [];
      if (others.length >= MOST_CAPS) throw new CodedError('TOO_MANY', `A customer has at most ${MOST_CAPS} caps.`, 'key');
      await this.store.set(tx, customer.id, cap);
      await this.sums.lookAgain(tx, customer.no);
      await this.audit.record(tx, { actor, action: 'cap.set', subject: customer.id, detail: { ...cap, limit: cap.limit.toString() } });
      return cap;
    });
  }

  /** Answers the cap that is gone. @throws CodedError NOT_FOUND */
  async remove(tenantId: string, customerKey: string, key: string, actor: string): Promise<Cap> {
    return this.database.withTenant(tenantId, async (tx) => {
      const customer = await this.customer(tx, customerKey);
      const cap = (await this.store.ofCustomers(tx, [customer.id])).get(customer.id)?.find((one) => one.key === key);
      if (cap === undefined || !(await this.store.remove(tx, customer.id, key))) {
        throw new CodedError('NOT_FOUND', `The customer has no cap with key "${key}".`, 'key');
      }
      await this.audit.record(tx, { actor, action: 'cap.remove', subject: customer.id, detail: { key } });
      return cap;
    });
  }

  /** In the order of their keys. @throws CodedError NOT_FOUND */
  async list(tenantId: string, customerKey: string): Promise<Cap[]> {
    return this.database.withTenant(tenantId, async (tx) => {
      const { id } = await this.customer(tx, customerKey);
      return (await this.store.ofCustomers(tx, [id])).get(id) ?? [];
    });
  }

  private async currencyOfPlan(tx: TenantTransaction, { id }: Customer, now: Instant): Promise<string | null> {
    const segments = await this.subscriptions.segments(tx, { customerIds: [id] });
    return (runningAt(segments, now)[0]?.segment ?? segments[0])?.terms.currency ?? null;
  }

  /** Those that run, and those to come. */
  private async segmentsFrom(tx: TenantTransaction, { id }: Customer, now: Instant): Promise<Segment[]> {
    const segments = await this.subscriptions.segments(tx, { customerIds: [id] });
    return segments.filter((segment) => (segmentEnd(segment) ?? Infinity) > now);
  }

  private async customer(tx: TenantTransaction, key: string): Promise<Customer> {
    const customer = await this.customers.byKey(tx, key);
    if (customer === null) throw new CodedError('NOT_FOUND', `There is no customer with key "${key}".`, 'customer');
    return customer;
  }
}

/** Spend in another currency than the one that the customer pays in is never there, so such a cap would stop nothing. */
function requirePaidIn({ currency }: Cap, customer: Customer): void {
  if (currency === null || customer.currency === null || currency === customer.currency) return;
  throw new CodedError('CURRENCY_MISMATCH', `The customer pays in ${customer.currency}, so what it spends is counted in that.`, 'currency');
}

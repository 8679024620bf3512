import { Injectable } from '@nestjs/common';
import { AllowanceStore } from '@tare/billing';
import { ExchangeRates, MeterStore } from '@tare/catalog';
import type { AllowanceRecord, ExchangeRate, Instant, Meter, Segment, UsageRecord } from '@tare/core';
import { CustomerStore, SubscriptionStore, type Customer } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { UsageReader } from '@tare/usage';
import { CapStore } from './cap.store.ts';
import { CreditStandings } from './credit-standings.ts';
import { rollsOver, type CustomerFacts } from './customer-facts.ts';
import { windowOfCap } from './limits.ts';
import { billsOverage } from './spend.ts';
import { UsageSums } from './usage-sums.ts';
import type { CustomerSums } from './known-sums.ts';
import { UsageSumsStore, type SumsPlan } from './usage-sums.store.ts';
import { neededCuts, plannedCuts, readsEvents, type LimitedCustomer } from './usage-needs.ts';

/** Which customers: by the tenant's own keys, or by their numbers. */
export type CustomerSelection = { readonly keys: readonly string[] } | { readonly numbers: readonly number[] };

export interface LoadedFacts extends CustomerFacts {
  /** Its usage is read from single events: not cheap. */
  readonly fromEvents: boolean;
}

/** Everything but usage and credits. */
interface Terms {
  readonly customers: readonly Customer[];
  readonly segments: ReadonlyMap<string, readonly Segment[]>;
  readonly caps: ReadonlyMap<string, CustomerFacts['caps']>;
  readonly meters: ReadonlyMap<string, Meter>;
  readonly exchangeRates: readonly ExchangeRate[];
  readonly allowances: CustomerFacts['allowances'];
}

interface Usage {
  readonly records: readonly UsageRecord[];
  readonly fromEvents: boolean;
}

/** A customer whose usage is read. */
interface UsageNeed {
  readonly limited: LimitedCustomer;
  readonly no: number;
  readonly cuts: readonly Instant[];
  readonly fromEvents: boolean;
}

const NO_USAGE: Usage = { records: [], fromEvents: false };

/** Loads what decides about many customers in a number of queries that does not depend on how many they are, nor on how much usage is stored. */
@Injectable()
export class FactsLoader {
  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly meters: MeterStore,
    private readonly rates: ExchangeRates,
    private readonly caps: CapStore,
    private readonly sums: UsageSums,
    private readonly store: UsageSumsStore,
    private readonly reader: UsageReader,
    private readonly credits: CreditStandings,
    private readonly allowances: AllowanceStore,
  ) {}

  /** By the key of the customer; those that do not exist are left out. Holds all usage that was committed before the call. */
  async load(tenantId: string, selection: CustomerSelection, at: Instant): Promise<Map<string, LoadedFacts>> {
    return this.withUsage(tenantId, await this.database.withTenant(tenantId, (tx) => this.terms(tx, selection, at)), at);
  }

  /** The same where only usage and credits are looked at again: all else is as it was loaded before, the last first. */
  async reload(tenantId: string, known: readonly CustomerFacts[], at: Instant): Promise<Map<string, LoadedFacts>> {
    return this.withUsage(tenantId, termsOf(known), at);
  }

  private async withUsage(tenantId: string, terms: Terms, at: Instant): Promise<Map<string, LoadedFacts>> {
    if (terms.customers.length === 0) return new Map();
    const needs = needsOf(terms, at);
    const burners = this.credits.burners(
      terms.customers.map((customer) => ({ customer, segments: segmentsOf(terms, customer) })),
      at,
    );
    if (needs.length > 0 || burners.length > 0) await this.sums.advance(tenantId);
    const credits = await this.credits.load(tenantId, burners, at);
    const uncovered = await this.credits.uncovered(
      tenantId,
      terms.customers.flatMap((customer) => overageNeed(terms, customer, at)),
    );
    const usage = needs.length === 0 ? new Map<number, Usage>() : await this.usage(tenantId, needs, at);
    return new Map(
      terms.customers.map((customer) => [
        customer.key,
        {
          customer,
          segments: segmentsOf(terms, customer),
          caps: capsOf(terms, customer),
          meters: terms.meters,
          exchangeRates: terms.exchangeRates,
          allowances: terms.allowances,
          uncovered: uncovered.get(customer.id) ?? [],
          credits: credits.get(customer.id) ?? null,
          ...(usage.get(customer.no) ?? NO_USAGE),
        },
      ]),
    );
  }

  private async terms(tx: TenantTransaction, selection: CustomerSelection, at: Instant): Promise<Terms> {
    const customers =
      'keys' in selection
        ? [...(await this.customers.byKeys(tx, selection.keys)).values()]
        : [...(await this.customers.byNumbers(tx, selection.numbers)).values()];
    const customerIds = customers.map(({ id }) => id);
    if (customerIds.length === 0)
      return { customers, segments: new Map(), caps: new Map(), meters: new Map(), exchangeRates: [], allowances: new Map() };
    const [subscriptions, segments, caps, meters] = await Promise.all([
      this.subscriptions.subscriptions(tx, { customerIds }),
      this.subscriptions.segments(tx, { customerIds }),
      this.caps.ofCustomers(tx, customerIds),
      this.meters.byKeys(tx),
    ]);
    const customerOf = new Map(subscriptions.map(({ id, customerId }) => [id, customerId]));
    const onCost = segments.some(({ terms }) => terms.prices.some(({ model }) => model === 'COST_PLUS'));
    const exchangeRates = onCost ? (await this.rates.load(tx)).rates : [];
    const rolling = [...new Set(segments.filter(rollsOver).map(({ subscriptionId }) => subscriptionId))];
    return {
      customers,
      segments: grouped(segments, ({ subscriptionId }) => customerOf.get(subscriptionId) ?? ''),
      caps,
      meters,
      exchangeRates,
      allowances: await this.allowances.latest(
        tx,
        rolling.map((subscriptionId) => ({ subscriptionId, beginsBefore: at })),
      ),
    };
  }

  private async usage(tenantId: string, needs: readonly UsageNeed[], at: Instant): Promise<Map<number, Usage>> {
    return this.database.withTenant(tenantId, async (tx) => {
      const numbers = needs.map(({ no }) => no);
      let sums = await this.store.read(tx, numbers);
      const plans = needs.flatMap(({ limited, no, cuts, fromEvents }): SumsPlan[] => {
        const isCovered = fromEvents || covers(sums.get(no), cuts);
        return isCovered ? [] : [{ customerNo: no, cuts: plannedCuts(limited, at) }];
      });
      if (plans.length > 0) {
        await this.sums.plan(tx, plans);
        sums = await this.store.read(tx, numbers);
      }
      const usage = new Map<number, Usage>();
      for (const { no, cuts, fromEvents } of needs) {
        const records = fromEvents ? await this.reader.readEventsWhereKept(tx, { customerNo: no, cuts }) : (sums.get(no)?.records ?? []);
        usage.set(no, { records, fromEvents });
      }
      return usage;
    });
  }
}

/** What is carried on of the customer's own subscriptions: facts that were loaded together share one map. */
function ownAllowances({ segments, allowances }: CustomerFacts): [string, readonly AllowanceRecord[]][] {
  return segments.flatMap(({ subscriptionId }): [string, readonly AllowanceRecord[]][] => {
    const own = allowances.get(subscriptionId);
    return own === undefined ? [] : [[subscriptionId, own]];
  });
}

/** `known`: those that were loaded last come first. What all customers share is taken from them. */
function termsOf(known: readonly CustomerFacts[]): Terms {
  return {
    customers: known.map(({ customer }) => customer),
    segments: new Map(known.map(({ customer, segments }) => [customer.id, segments])),
    caps: new Map(known.map(({ customer, caps }) => [customer.id, caps])),
    meters: known[0]?.meters ?? new Map<string, Meter>(),
    exchangeRates: known.find(({ exchangeRates }) => exchangeRates.length > 0)?.exchangeRates ?? [],
    allowances: new Map(known.flatMap(ownAllowances)),
  };
}

function needsOf(terms: Terms, at: Instant): UsageNeed[] {
  return terms.customers.flatMap((customer) => {
    const limited = { customer, segments: segmentsOf(terms, customer), caps: capsOf(terms, customer) };
    const cuts = neededCuts(limited, at);
    return cuts.length === 0 ? [] : [{ limited, no: customer.no, cuts, fromEvents: readsEvents(limited, terms.meters) }];
  });
}

/** From when on credits above the balance count for a cap; none: for no cap. */
function overageNeed(terms: Terms, customer: Customer, at: Instant): { customerId: string; since: Instant }[] {
  const segments = segmentsOf(terms, customer);
  const spend = capsOf(terms, customer).filter(({ kind, meter, match }) => kind === 'SPEND' && meter === null && match.length === 0);
  if (spend.length === 0 || !segments.some(billsOverage)) return [];
  return [{ customerId: customer.id, since: Math.min(...spend.map((cap) => windowOfCap({ customer, segments }, cap, at).start)) }];
}

/** Whether usage is summed between these instants. */
function covers(sums: CustomerSums | undefined, cuts: readonly Instant[]): boolean {
  const known = new Set(sums?.cuts);
  return cuts.every((cut) => known.has(cut));
}

const segmentsOf = ({ segments }: Terms, { id }: Customer): readonly Segment[] => segments.get(id) ?? [];
const capsOf = ({ caps }: Terms, { id }: Customer): CustomerFacts['caps'] => caps.get(id) ?? [];

function grouped<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const own = groups.get(keyOf(row));
    if (own === undefined) groups.set(keyOf(row), [row]);
    else own.push(row);
  }
  return groups;
}

import { Injectable } from '@nestjs/common';
import { MeterStore, PlanStore, planViewOf, type PlanVersion, type PlanView } from '@tare/catalog';
import { CodedError, SLOT, addIntervals, billingInstants, findCompetingSubscription, positiveModulo } from '@tare/core';
import type { Instant, Period, Segment } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { CustomerStore, type Customer } from './customer.store.ts';
import { parseDiscounts, type DiscountInput } from './parse-discounts.ts';
import { periodEndAt, planChange } from './plan-change.ts';
import { runningSegmentAt, subscriptionStateAt, type SubscriptionState } from './subscription-state.ts';
import { SubscriptionStore, type NewSegment, type Subscription, type SubscriptionFilter } from './subscription.store.ts';

/** SubscriptionInput of the contract. */
export interface SubscriptionInput {
  /** The tenant's key of the customer. */
  readonly customer: string;
  /** Key of the plan; its newest version is taken. */
  readonly plan: string;
  readonly startsAt: Instant;
  readonly seats?: number | null | undefined;
  readonly overlap?: boolean | null | undefined;
  readonly discounts?: readonly DiscountInput[] | null | undefined;
}

/** ChangeSubscriptionInput of the contract. */
export interface ChangeSubscriptionInput {
  readonly subscription: string;
  readonly plan: string;
  /** When it is asked for; none: now. */
  readonly at?: Instant | null | undefined;
  readonly immediately?: boolean | null | undefined;
}

/** Arguments of cancelSubscription in the contract. */
export interface CancelSubscriptionInput {
  readonly subscription: string;
  readonly at?: Instant | null | undefined;
  readonly immediately?: boolean | null | undefined;
}

/** A subscription with where it stands now. */
export interface SubscriptionView extends Subscription, SubscriptionState {
  readonly customer: Customer;
  /** As the segment's version says. */
  readonly plan: PlanView;
}

/** Says no, by throwing, to a subscription's time being cut at `at`; it runs in the transaction of the change, with the customer held. */
export type CutGuard = (tx: TenantTransaction, cut: { readonly subscriptionId: string; readonly at: Instant }) => Promise<void>;

interface Loaded {
  readonly subscription: Subscription;
  readonly customer: Customer;
  readonly segments: readonly Segment[];
}

const MOST_SEATS = 1_000_000;

/**
 * Subscriptions and their changes (SEMANTICS 6). Only what holds from when is recorded here; what a change costs is billed when billing runs.
 */
@Injectable()
export class SubscriptionsService {
  private readonly guards: CutGuard[] = [];

  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly plans: PlanStore,
    private readonly meters: MeterStore,
  ) {}

  /** For what stands to the right and knows from when on a subscription cannot be cut any more: billing, for one. */
  guardCuts(guard: CutGuard): void {
    this.guards.push(guard);
  }

  /**
   * Subscribes a customer to the newest version of a plan. A plan's trial delays charging: billing periods are counted from its end (SEMANTICS 6.4).
   * @throws CodedError NOT_FOUND | UNKNOWN_PLAN | CURRENCY_MISMATCH | AMBIGUOUS_METER | INVALID_COUNT, and those of parseDiscounts
   */
  create(tenantId: string, input: SubscriptionInput): Promise<SubscriptionView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const customer = await this.requireCustomer(tx, input.customer);
      const plan = await this.requirePlan(tx, input.plan);
      requireCurrency(customer, plan);
      const seats = requireSeats(input.seats ?? 1);
      const discounts = parseDiscounts(input.discounts ?? [], plan.terms);
      const overlap = input.overlap ?? false;
      const subscription = await this.subscriptions.insert(tx, { customerId: customer.id, startsAt: input.startsAt, overlap, discounts });
      await this.addSegment(tx, { subscription, customer, segments: [] }, firstSegment(subscription, customer, plan, seats), plan);
      return this.viewOf(tx, subscription.id);
    });
  }

  /**
   * Goes over to the newest version of a plan: an upgrade at `at`, everything else at the end of the period that `at` lies in (SEMANTICS 6.2). What was planned
   * before takes its place; a change to the version that runs takes back what was planned.
   * @throws CodedError NOT_FOUND | UNKNOWN_PLAN | SUBSCRIPTION_CANCELED | SUBSCRIPTION_ENDED | CURRENCY_MISMATCH | AMBIGUOUS_METER | NOT_AVAILABLE, and
   *   those of the guards
   */
  change(tenantId: string, input: ChangeSubscriptionInput): Promise<SubscriptionView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const loaded = await this.lock(tx, input.subscription);
      const plan = await this.requirePlan(tx, input.plan);
      if (loaded.subscription.canceledAt !== null) throw canceled();
      const current = requireRunning(loaded, input.at ?? presentInstant());
      if (current.planVersionId === plan.versionId) await this.takeBackChanges(tx, loaded, current);
      else await this.recordChange(tx, loaded, current, plan, input);
      return this.viewOf(tx, loaded.subscription.id);
    });
  }

  /**
   * Ends a subscription at the end of the period that `at` lies in or, when asked, at `at` itself (SEMANTICS 6.3). Cancelling again never lengthens it.
   * @throws CodedError NOT_FOUND | SUBSCRIPTION_ENDED, and those of the guards
   */
  cancel(tenantId: string, input: CancelSubscriptionInput): Promise<SubscriptionView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const loaded = await this.lock(tx, input.subscription);
      const { subscription } = loaded;
      const at = input.at ?? presentInstant();
      const isOver = subscription.endsAt !== null && subscription.endsAt <= at;
      if (isOver) return this.viewOf(tx, subscription.id);
      const endsAt = Math.min(subscription.endsAt ?? Infinity, endOf(loaded, at, input.immediately ?? false));
      if (endsAt !== subscription.endsAt) await this.requireCuttable(tx, subscription.id, endsAt);
      await this.subscriptions.endSegments(tx, subscription.id, endsAt);
      await this.subscriptions.markCanceled(tx, subscription.id, { endsAt, canceledAt: at });
      return this.viewOf(tx, subscription.id);
    });
  }

  /** Subscriptions of customers (by their ids), oldest first. */
  ofCustomers(tenantId: string, customerIds: readonly string[]): Promise<SubscriptionView[]> {
    return this.database.withTenant(tenantId, (tx) => this.views(tx, { customerIds }));
  }

  /** Null for an id of nothing, or of another tenant. */
  byId(tenantId: string, id: string): Promise<SubscriptionView | null> {
    return this.database.withTenant(tenantId, async (tx) => {
      const subscription = await this.subscriptions.byId(tx, id);
      return subscription && this.viewOf(tx, subscription.id);
    });
  }

  /**
   * Where a subscription's time is cut off the grid of pre-aggregated usage: the ends of its segments and trials, and its billing instants in the span.
   * Usage registers them, so that its cells are cut there (SEMANTICS 12).
   */
  async offGridBoundaries(tx: TenantTransaction, subscriptionId: string, span: Period): Promise<Instant[]> {
    const segments = await this.subscriptions.segments(tx, { subscriptionIds: [subscriptionId] });
    const instants = segments.flatMap((segment) => [
      ...billingInstants(segment, span.start, span.end),
      segment.start,
      ...[segment.end, segment.trialEnd].filter((at) => at !== null),
    ]);
    return [...new Set(instants)].filter((at) => positiveModulo(at, SLOT) !== 0).sort((a, b) => a - b);
  }

  private async recordChange(
    tx: TenantTransaction,
    loaded: Loaded,
    current: Segment,
    plan: PlanVersion,
    { at, immediately }: ChangeSubscriptionInput,
  ): Promise<void> {
    const { subscription, customer } = loaded;
    requireCurrency(customer, plan);
    requireDiscountCurrency(subscription, plan);
    const { timing, effectiveAt, anchor, trialEnd } = planChange(current, plan.terms, at ?? presentInstant(), subscription.startsAt);
    if (immediately === true && timing === 'AT_PERIOD_END') throw notAtOnce();
    await this.requireCuttable(tx, subscription.id, effectiveAt);
    await this.subscriptions.endSegments(tx, subscription.id, effectiveAt);
    const segment = { ...current, planVersionId: plan.versionId, start: effectiveAt, end: null, anchor, trialEnd };
    await this.addSegment(tx, loaded, segment, plan);
  }

  /** What was planned for later covers no time, and the running segment has no end again. */
  private async takeBackChanges(tx: TenantTransaction, { customer }: Loaded, current: Segment): Promise<void> {
    if (current.end === null) return;
    await this.requireCuttable(tx, current.subscriptionId, current.end);
    await this.subscriptions.endSegments(tx, current.subscriptionId, current.end);
    await this.requireUnambiguous(tx, customer, { ...current, end: null });
    await this.subscriptions.reopenSegment(tx, current.id);
  }

  private async requireCuttable(tx: TenantTransaction, subscriptionId: string, at: Instant): Promise<void> {
    for (const guard of this.guards) await guard(tx, { subscriptionId, at });
  }

  private async addSegment(
    tx: TenantTransaction,
    { subscription, customer }: Loaded,
    segment: NewSegment,
    plan: PlanVersion,
  ): Promise<void> {
    const { planKey, planName, terms } = plan;
    const { overlap, createdAt } = subscription;
    await this.requireUnambiguous(tx, customer, { ...segment, id: '', planKey, planName, terms, overlap, createdAt });
    await this.subscriptions.insertSegment(tx, segment);
  }

  /** @throws CodedError AMBIGUOUS_METER when another subscription of the customer could rate the same usage (SEMANTICS 3.6) */
  private async requireUnambiguous(tx: TenantTransaction, customer: Customer, candidate: Segment): Promise<void> {
    const existing = await this.subscriptions.segments(tx, { customerIds: [customer.id] });
    const rival = findCompetingSubscription(existing, candidate, await this.meters.byKeys(tx));
    if (rival !== null) throw ambiguous(rival);
  }

  /** The subscription with its customer's row held, so that changes of one customer are decided one after the other. */
  private async lock(tx: TenantTransaction, id: string): Promise<Loaded> {
    const found = await this.subscriptions.byId(tx, id);
    if (found === null) throw new CodedError('NOT_FOUND', `no subscription with id "${id}"`, 'subscription');
    await this.customers.lock(tx, found.customerId);
    const subscription = await this.subscriptions.byId(tx, id);
    const customer = (await this.customers.byIds(tx, [found.customerId])).get(found.customerId);
    if (subscription === null || customer === undefined) throw new Error(`subscription ${id} lost its customer`);
    return { subscription, customer, segments: await this.subscriptions.segments(tx, { subscriptionIds: [id] }) };
  }

  private async requireCustomer(tx: TenantTransaction, key: string): Promise<Customer> {
    const customer = await this.customers.byKey(tx, key);
    if (customer === null) throw new CodedError('NOT_FOUND', `no customer with key "${key}"`, 'customer');
    await this.customers.lock(tx, customer.id);
    return customer;
  }

  private async requirePlan(tx: TenantTransaction, key: string): Promise<PlanVersion> {
    const plan = await this.plans.latestByKey(tx, key);
    if (plan === null) throw new CodedError('UNKNOWN_PLAN', `no plan with key "${key}"`, 'plan');
    return plan;
  }

  private async viewOf(tx: TenantTransaction, id: string): Promise<SubscriptionView> {
    const [view] = await this.views(tx, { subscriptionIds: [id] });
    if (view === undefined) throw new Error(`subscription ${id} is not there`);
    return view;
  }

  private async views(tx: TenantTransaction, filter: SubscriptionFilter): Promise<SubscriptionView[]> {
    const subscriptions = await this.subscriptions.subscriptions(tx, filter);
    const segments = await this.subscriptions.segments(tx, filter);
    const customers = await this.customers.byIds(
      tx,
      subscriptions.map(({ customerId }) => customerId),
    );
    const now = presentInstant();
    const standing = subscriptions.map((subscription) => {
      const own = segments.filter(({ subscriptionId }) => subscriptionId === subscription.id);
      return { ...subscription, ...subscriptionStateAt(subscription, own, now) };
    });
    const plans = await this.plans.versions(
      tx,
      standing.map(({ segment }) => segment.planVersionId),
    );
    return standing.map((subscription) => {
      const customer = customers.get(subscription.customerId);
      const plan = plans.get(subscription.segment.planVersionId);
      if (customer === undefined || plan === undefined) throw new Error(`subscription ${subscription.id} lost its customer or its plan`);
      return { ...subscription, customer, plan: planViewOf(plan) };
    });
  }
}

/** Test tenants have no clock of their own: everybody's present is the real one. */
const presentInstant = (): Instant => Date.now() * 1_000;

function firstSegment(subscription: Subscription, { timeZone }: Customer, { versionId, terms }: PlanVersion, seats: number): NewSegment {
  const start = subscription.startsAt;
  const trialEnd = terms.trialDays === 0 ? null : addIntervals(start, { interval: 'DAY', count: terms.trialDays }, timeZone);
  return {
    subscriptionId: subscription.id,
    planVersionId: versionId,
    seats,
    start,
    end: null,
    anchor: trialEnd ?? start,
    trialEnd,
    timeZone,
  };
}

/** The segment in force at `at`; before the start the first one. */
function requireRunning({ subscription, segments }: Loaded, at: Instant): Segment {
  const current = runningSegmentAt(segments, Math.max(at, subscription.startsAt));
  if (current === null) throw new CodedError('SUBSCRIPTION_ENDED', 'The subscription has ended by then.', 'at');
  return current;
}

/** Before its start a subscription ends where it would have started: it covers no time. */
function endOf(loaded: Loaded, at: Instant, immediately: boolean): Instant {
  const { startsAt } = loaded.subscription;
  if (at < startsAt) return startsAt;
  const current = requireRunning(loaded, at);
  return immediately ? at : periodEndAt(current, at);
}

function requireSeats(seats: number): number {
  if (Number.isInteger(seats) && seats >= 1 && seats <= MOST_SEATS) return seats;
  throw new CodedError('INVALID_COUNT', `It is a whole number from 1 to ${MOST_SEATS}.`, 'seats');
}

function requireCurrency(customer: Customer, { terms }: PlanVersion): void {
  if (customer.currency === null || customer.currency === terms.currency) return;
  throw new CodedError('CURRENCY_MISMATCH', `The customer pays in ${customer.currency}, the plan is in ${terms.currency}.`, 'plan');
}

function requireDiscountCurrency({ discounts }: Subscription, { terms }: PlanVersion): void {
  if (discounts.every(({ amountOff }) => amountOff === null || amountOff.currency === terms.currency)) return;
  throw new CodedError('CURRENCY_MISMATCH', `The subscription has a discount that is not in ${terms.currency}.`, 'plan');
}

const canceled = (): CodedError =>
  new CodedError('SUBSCRIPTION_CANCELED', 'A cancelled subscription is not changed: make a new one.', 'subscription');

const notAtOnce = (): CodedError =>
  new CodedError('NOT_AVAILABLE', 'Only an upgrade takes effect at once; this change waits for the end of the period.', 'immediately');

const ambiguous = (rival: Segment): CodedError =>
  new CodedError(
    'AMBIGUOUS_METER',
    `Subscription ${rival.subscriptionId} (plan "${rival.planKey}") would rate the same usage: match models or features apart, or set overlap.`,
    'plan',
  );

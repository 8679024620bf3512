import { AuditLog } from '@tare/access';
import { MeterStore, PlanStore, planViewOf, type PlanVersion, type PlanView } from '@tare/catalog';
import { CodedError, effectiveTerms, findCompetingSubscription, formatInstant, requireUnambiguousMeters, segmentEnd } from '@tare/core';
import type { Instant, PlanTerms, Segment } from '@tare/core';
import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '@tare/database';
import { CustomerStore, type Customer } from './customer.store.ts';
import { subscriptionStateAt, type SubscriptionState } from './subscription-state.ts';
import { SubscriptionStore, addOnTerms, type Subscription, type SubscriptionFilter } from './subscription.store.ts';
import { timelineEdit, timelineOf, type Agreement, type Stretch } from './timeline.ts';

/** A subscription with where it stands now. */
export interface SubscriptionView extends Subscription, SubscriptionState {
  readonly customer: Customer;
  /** As the segment's version says. */
  readonly plan: PlanView;
  /** Everything that is agreed for it, in order of time, cut where it is cancelled. */
  readonly timeline: readonly AgreedStretch[];
}

/** A segment that covers time, with its plan. */
export interface AgreedStretch extends Segment {
  readonly plan: PlanView;
}

/** Says no, by throwing, to a subscription's time being cut at `at`; it runs in the transaction of the change, with the customer held. */
export type CutGuard = (tx: TenantTransaction, cut: { readonly subscriptionId: string; readonly at: Instant }) => Promise<void>;

/** A change of where a subscription begins or ends, or of what it covers. */
export interface RatersChange {
  readonly customerId: string;
  readonly subscriptionId: string;
  /** Before it nothing changes. */
  readonly from: Instant;
  /** Where its segments ended until then, by their ids; none of one that is new. */
  readonly endsBefore: ReadonlyMap<string, Instant | null>;
}

/** Hears that from `from` on another subscription of the customer may rate usage; in the transaction of the change, after it, with the customer held. */
export type RatersListener = (tx: TenantTransaction, change: RatersChange) => Promise<void>;

/** A subscription whose customer is held, and what is agreed for it, whether cancelled or not. */
export interface HeldSubscription {
  readonly subscription: Subscription;
  readonly customer: Customer;
  readonly segments: readonly Segment[];
}

/** Who does something, and what it is called in the audit log. */
export interface Deed {
  /** Id of the API key, or the name of the process. */
  readonly actor: string;
  /** A noun and a verb: `subscription.pause`. */
  readonly action: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/**
 * How subscriptions are changed, whatever the change: the customer's row is held, what is billed already stays as it was billed, no two subscriptions
 * compete for usage, and who did it is written down, all in the transaction of the change.
 */
@Injectable()
export class SubscriptionEditor {
  private readonly guards: CutGuard[] = [];
  private readonly listeners: RatersListener[] = [];

  constructor(
    private readonly customers: CustomerStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly plans: PlanStore,
    private readonly meters: MeterStore,
    private readonly audit: AuditLog,
  ) {}

  /** For what stands to the right and knows from when on a subscription cannot be cut any more: billing, for one. */
  guardCuts(guard: CutGuard): void {
    this.guards.push(guard);
  }

  /** For what stands to the right and has given usage to the customer's other subscriptions already: billing, for one. */
  onRatersChanged(listener: RatersListener): void {
    this.listeners.push(listener);
  }

  /** Whoever changes where a subscription begins or ends, or what it covers, says so (SEMANTICS 3.6). `before`: as it was held. */
  async ratersChanged(tx: TenantTransaction, before: Pick<HeldSubscription, 'subscription' | 'segments'>, from: Instant): Promise<void> {
    const { id: subscriptionId, customerId } = before.subscription;
    const change = { customerId, subscriptionId, from, endsBefore: endsOf(before) };
    for (const listener of this.listeners) await listener(tx, change);
  }

  /** The subscription with its customer's row held, so that changes of one customer are decided one after the other. @throws CodedError NOT_FOUND */
  async hold(tx: TenantTransaction, id: string): Promise<HeldSubscription> {
    const found = await this.subscriptions.byId(tx, id);
    if (found === null) throw new CodedError('NOT_FOUND', `no subscription with id "${id}"`, 'subscription');
    await this.customers.lock(tx, found.customerId);
    const subscription = await this.subscriptions.byId(tx, id);
    const customer = (await this.customers.byIds(tx, [found.customerId])).get(found.customerId);
    if (subscription === null || customer === undefined) throw new Error(`subscription ${id} lost its customer`);
    return { subscription, customer, segments: await this.subscriptions.agreedSegments(tx, id) };
  }

  /** @throws CodedError those of the guards, when something from `at` on is billed already */
  async requireCuttable(tx: TenantTransaction, subscriptionId: string, at: Instant): Promise<void> {
    for (const guard of this.guards) await guard(tx, { subscriptionId, at });
  }

  /**
   * Writes what differs between what is agreed and the timeline that was asked for at `askedAt`. Nothing is written where nothing differs.
   * @throws CodedError AMBIGUOUS_METER | OVERLAPPING_METERS, and those of the guards
   */
  async apply(tx: TenantTransaction, held: HeldSubscription, timeline: readonly Stretch[], askedAt: Instant): Promise<void> {
    const { subscription, customer, segments } = held;
    const { resized, added, from } = timelineEdit(segments, timeline);
    if (from === null) return;
    if (segments.length > 0) await this.requireCuttable(tx, subscription.id, from);
    const longer = resized.flatMap(({ id, end }) => {
      const known = segments.find((segment) => segment.id === id);
      return known !== undefined && (end ?? Infinity) > (known.end ?? Infinity) ? [{ ...known, end }] : [];
    });
    await this.requireUnambiguous(tx, subscription, customer, [...longer, ...added]);
    for (const { id, end } of resized) await this.subscriptions.endSegment(tx, id, end);
    for (const stretch of added) await this.subscriptions.insertSegment(tx, { ...stretch, subscriptionId: subscription.id });
    if (segments.length > 0) await this.subscriptions.markChanged(tx, subscription.id, askedAt);
    await this.ratersChanged(tx, held, from);
  }

  /** No other subscription of the customer could rate what these stretches rate, and none counts anything twice (SEMANTICS 3.6, 4.8). */
  async requireUnambiguous(
    tx: TenantTransaction,
    { id: subscriptionId, overlap, createdAt, endsAt }: Subscription,
    customer: Customer,
    stretches: readonly Stretch[],
  ): Promise<void> {
    const meters = await this.meters.byKeys(tx);
    const existing = await this.subscriptions.segments(tx, { customerIds: [customer.id] });
    for (const stretch of stretches) {
      const { planKey, planName, terms } = await this.termsOf(tx, stretch);
      if (stretch.addOns.length > 0) requireUnambiguousMeters(terms, meters);
      const end = endsAt === null ? stretch.end : Math.max(stretch.start, Math.min(stretch.end ?? Infinity, endsAt));
      const candidate = { ...stretch, id: stretch.id ?? '', subscriptionId, planKey, planName, terms, end, overlap, createdAt };
      const rival = findCompetingSubscription(existing, { ...candidate, creditsUnused: false }, meters);
      if (rival !== null) throw ambiguous(rival);
    }
  }

  /** What a stretch would be billed by. */
  async termsOf(
    tx: TenantTransaction,
    { planVersionId, addOns, overrides }: Pick<Agreement, 'planVersionId' | 'addOns' | 'overrides'>,
  ): Promise<{ planKey: string; planName: string; plan: PlanTerms; addOns: ReturnType<typeof addOnTerms>; terms: PlanTerms }> {
    const versions = await this.plans.versions(tx, [planVersionId, ...addOns.map((addOn) => addOn.planVersionId)]);
    const version = versions.get(planVersionId);
    if (version === undefined) throw new Error(`plan version ${planVersionId} is not there`);
    const attached = addOnTerms(addOns, versions, planVersionId);
    const terms = effectiveTerms(version.terms, attached, overrides);
    return { planKey: version.planKey, planName: version.planName, plan: version.terms, addOns: attached, terms };
  }

  /** The newest version of a plan. `archivedToo`: for whoever has the plan already. @throws CodedError UNKNOWN_PLAN | PLAN_ARCHIVED */
  async requirePlan(tx: TenantTransaction, key: string, path = 'plan', { archivedToo = false } = {}): Promise<PlanVersion> {
    const plan = await this.plans.latestByKey(tx, key);
    if (plan === null) throw new CodedError('UNKNOWN_PLAN', `no plan with key "${key}"`, path);
    if (plan.archivedAt !== null && !archivedToo) {
      throw new CodedError('PLAN_ARCHIVED', `Plan "${key}" is archived and takes no new subscriptions: choose another plan.`, path);
    }
    return plan;
  }

  /** The customer, its row held. @throws CodedError NOT_FOUND */
  async holdCustomer(tx: TenantTransaction, key: string): Promise<Customer> {
    const customer = await this.customers.byKey(tx, key);
    if (customer === null) throw new CodedError('NOT_FOUND', `no customer with key "${key}"`, 'customer');
    await this.customers.lock(tx, customer.id);
    return customer;
  }

  /** Writes down who did what, and answers the subscription as it stands now. */
  async done(tx: TenantTransaction, subscriptionId: string, { actor, action, detail }: Deed): Promise<SubscriptionView> {
    await this.audit.record(tx, { actor, action, subject: subscriptionId, detail });
    return this.viewOf(tx, subscriptionId);
  }

  async viewOf(tx: TenantTransaction, id: string): Promise<SubscriptionView> {
    const [view] = await this.views(tx, { subscriptionIds: [id] });
    if (view === undefined) throw new Error(`subscription ${id} is not there`);
    return view;
  }

  async views(tx: TenantTransaction, filter: SubscriptionFilter): Promise<SubscriptionView[]> {
    const subscriptions = await this.subscriptions.subscriptions(tx, filter);
    const segments = bySubscription(await this.subscriptions.segments(tx, filter));
    const customers = await this.customers.byIds(
      tx,
      subscriptions.map(({ customerId }) => customerId),
    );
    const now = presentInstant();
    const standing = subscriptions.map((subscription) => ({
      ...subscription,
      ...subscriptionStateAt(subscription, segments.get(subscription.id) ?? [], now),
    }));
    const all = [...segments.values()].flat();
    const plans = await this.plans.versions(
      tx,
      all.map(({ planVersionId }) => planVersionId),
    );
    const planOf = ({ id, planVersionId }: Segment): PlanView => {
      const plan = plans.get(planVersionId);
      if (plan === undefined) throw new Error(`segment ${id} lost its plan`);
      return planViewOf(plan);
    };
    return standing.map((subscription) => {
      const customer = customers.get(subscription.customerId);
      if (customer === undefined) throw new Error(`subscription ${subscription.id} lost its customer`);
      const own = (segments.get(subscription.id) ?? []).filter(({ start, end }) => end === null || end > start);
      const timeline = own.map((segment) => ({ ...segment, plan: planOf(segment) }));
      return { ...subscription, customer, plan: planOf(subscription.segment), timeline };
    });
  }
}

/** Test tenants have no clock of their own: everybody's present is the real one. */
export const presentInstant = (): Instant => Date.now() * 1_000;

/**
 * A change of plan takes the place of what is agreed for later. What was asked for after it is not planned any more by then but done: seats, plans and prices
 * that somebody set since are not taken away without a word.
 * @throws CodedError CHANGED_SINCE
 */
export function requireLatestChange({ subscription, segments }: HeldSubscription, { at, from }: { at: Instant; from: Instant }): void {
  const { changedAt } = subscription;
  if (changedAt === null || changedAt <= at || !timelineOf(segments).some(({ start }) => start > from)) return;
  const since = formatInstant(changedAt);
  throw new CodedError(
    'CHANGED_SINCE',
    `The subscription was changed at ${since}, and this change would undo that: ask for it at ${since} or later.`,
    'at',
  );
}

/** The stretch in force at `at`; before the start the first one. @throws CodedError SUBSCRIPTION_ENDED */
export function requireRunning({ subscription, segments }: HeldSubscription, at: Instant): Segment {
  const moment = Math.max(at, subscription.startsAt);
  const current = timelineOf(segments).find(({ start, end }) => start <= moment && moment < (end ?? Infinity));
  const segment = segments.find(({ id }) => id === current?.id);
  const isOver = segment === undefined || (subscription.endsAt !== null && subscription.endsAt <= moment);
  if (isOver || moment >= (segmentEnd(segment) ?? Infinity))
    throw new CodedError('SUBSCRIPTION_ENDED', 'The subscription has ended by then.', 'at');
  return segment;
}

/** Where segments end, cut where the subscription is cancelled: as `SubscriptionStore.segments` answers them. */
function endsOf({ subscription: { endsAt }, segments }: Pick<HeldSubscription, 'subscription' | 'segments'>): Map<string, Instant | null> {
  return new Map(
    segments.map(({ id, start, end }) => [id, endsAt === null ? end : Math.min(end ?? Infinity, Math.max(start, endsAt))] as const),
  );
}

function bySubscription(segments: readonly Segment[]): Map<string, Segment[]> {
  const groups = new Map<string, Segment[]>();
  for (const segment of segments) {
    const own = groups.get(segment.subscriptionId);
    if (own === undefined) groups.set(segment.subscriptionId, [segment]);
    else own.push(segment);
  }
  return groups;
}

const ambiguous = (rival: Segment): CodedError =>
  new CodedError(
    'AMBIGUOUS_METER',
    `Subscription ${rival.subscriptionId} (plan "${rival.planKey}") would rate the same usage: match models or features apart, or set overlap.`,
    'plan',
  );

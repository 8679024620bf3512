import { Injectable } from '@nestjs/common';
import { PlanStore, type PlanVersion } from '@tare/catalog';
import { CodedError, SLOT, addIntervals, billingInstants, positiveModulo, validityEdges } from '@tare/core';
import type { AttachedAddOn, Instant, Period, Segment } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { attachedAddOns, requireAttachable, type AddOnInput } from './add-ons.ts';
import { endOfCancellation, type CancelSubscriptionInput } from './cancellation.ts';
import type { Customer } from './customer.store.ts';
import { DiscountStore } from './discount.store.ts';
import { parseDiscounts, type DiscountInput } from './parse-discounts.ts';
import { planChange } from './plan-change.ts';
import { fittingOverrides, readOverrides, withOverrides, type DatedOverrideInput } from './price-overrides.ts';
import {
  SubscriptionEditor,
  presentInstant,
  requireLatestChange,
  requireRunning,
  type CutGuard,
  type RatersListener,
  type HeldSubscription,
  type SubscriptionView,
} from './subscription-editor.ts';
import { SubscriptionStore, type Subscription } from './subscription.store.ts';
import { agreesWith, revised, timelineOf, type Agreement, type Stretch } from './timeline.ts';

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
  readonly addOns?: readonly AddOnInput[] | null | undefined;
  readonly overrides?: readonly DatedOverrideInput[] | null | undefined;
}

/** ChangeSubscriptionInput of the contract. */
export interface ChangeSubscriptionInput {
  readonly subscription: string;
  /** None: the plan stays, and so does its version. */
  readonly plan?: string | null | undefined;
  readonly seats?: number | null | undefined;
  /** All add-ons from then on; none: they stay. */
  readonly addOns?: readonly AddOnInput[] | null | undefined;
  /** When it is asked for; none: now. */
  readonly at?: Instant | null | undefined;
  readonly immediately?: boolean | null | undefined;
}

const MOST_SEATS = 1_000_000;
const ANYBODY = 'tare';

/**
 * Subscriptions and their changes (SEMANTICS 6). Only what holds from when is recorded here; what a change costs is billed when billing runs.
 * `actor` everywhere: id of the API key, or the name of the process.
 */
@Injectable()
export class SubscriptionsService {
  constructor(
    private readonly database: Database,
    private readonly subscriptions: SubscriptionStore,
    private readonly plans: PlanStore,
    private readonly discounts: DiscountStore,
    private readonly editor: SubscriptionEditor,
  ) {}

  /** For what stands to the right and knows from when on a subscription cannot be cut any more: billing, for one. */
  guardCuts(guard: CutGuard): void {
    this.editor.guardCuts(guard);
  }

  /** For what stands to the right and has given usage to the customer's other subscriptions already: billing, for one. */
  onRatersChanged(listener: RatersListener): void {
    this.editor.onRatersChanged(listener);
  }

  /**
   * Subscribes a customer to the newest version of a plan. A plan's trial delays charging: billing periods are counted from its end (SEMANTICS 6.4).
   * @throws CodedError NOT_FOUND | UNKNOWN_PLAN | PLAN_IS_ADD_ON | CURRENCY_MISMATCH | AMBIGUOUS_METER | INVALID_COUNT, and those of parseDiscounts, of
   *   add-ons and of overrides
   */
  create(tenantId: string, input: SubscriptionInput, actor = ANYBODY): Promise<SubscriptionView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const customer = await this.editor.holdCustomer(tx, input.customer);
      const plan = await this.editor.requirePlan(tx, input.plan);
      requireSubscribable(customer, plan);
      const seats = requireSeats(input.seats ?? 1);
      const addOns = await this.requireAddOns(tx, input.addOns ?? [], plan, []);
      const agreement = { planVersionId: plan.versionId, addOns, overrides: [] };
      const terms = await this.editor.termsOf(tx, agreement);
      const discounts = parseDiscounts(input.discounts ?? [], terms.terms, await this.discounts.ofCustomer(tx, customer.id));
      const overrides = readOverrides(input.overrides ?? [], terms, input.startsAt);
      const overlap = input.overlap ?? false;
      const subscription = await this.subscriptions.insert(tx, { customerId: customer.id, startsAt: input.startsAt, overlap, discounts });
      const first = { ...firstStretch(subscription.startsAt, customer.timeZone, plan, seats), ...agreement };
      await this.editor.apply(tx, { subscription, customer, segments: [] }, withOverrides([first], overrides), subscription.startsAt);
      const detail = { customer: customer.key, plan: plan.planKey, version: plan.version, seats, addOns };
      return this.editor.done(tx, subscription.id, { actor, action: 'subscription.create', detail });
    });
  }

  /**
   * Goes over to the newest version of a plan, to other seats or other add-ons: an upgrade at `at`, everything else at the end of the period that `at` lies in
   * unless it is asked for immediately (SEMANTICS 6.1, 6.2). What was planned before takes its place; a change to the version that runs takes back what was
   * planned. Prices agreed for the plan end with it. Pauses stay.
   * @throws CodedError NOT_FOUND | UNKNOWN_PLAN | PLAN_IS_ADD_ON | SUBSCRIPTION_CANCELED | SUBSCRIPTION_ENDED | CHANGE_FIELD_MISSING | CURRENCY_MISMATCH |
   *   AMBIGUOUS_METER | NOT_AVAILABLE, and those of add-ons and of the guards
   */
  change(tenantId: string, input: ChangeSubscriptionInput, actor = ANYBODY): Promise<SubscriptionView> {
    requireSomething(input);
    return this.database.withTenant(tenantId, async (tx) => {
      const held = await this.editor.hold(tx, input.subscription);
      const at = input.at ?? presentInstant();
      if (held.subscription.canceledAt !== null && isGiven(input.plan)) throw canceled();
      const current = requireRunning(held, at);
      const effectiveAt = isGiven(input.plan)
        ? await this.changePlan(tx, held, current, { ...input, plan: input.plan, at })
        : await this.changeExtent(tx, held, current, { ...input, at });
      const { plan, seats, addOns } = input;
      return this.editor.done(tx, held.subscription.id, {
        actor,
        action: 'subscription.change',
        detail: { plan, seats, addOns, effectiveAt },
      });
    });
  }

  /**
   * Attaches an add-on at `at`, or makes an attached one count `quantity` times. Fewer of them wait for the end of the period (SEMANTICS 6.2).
   * @throws CodedError those of change
   */
  addAddOn(
    tenantId: string,
    input: { readonly subscription: string; readonly addOn: string; readonly quantity?: number | null; readonly at?: Instant | null },
    actor = ANYBODY,
  ): Promise<SubscriptionView> {
    return this.withAddOns(tenantId, input, actor, (attached) => {
      const quantity = input.quantity ?? 1;
      const before = attached.find(({ addOn }) => addOn === input.addOn);
      const others = attached.filter((other) => other !== before);
      return { addOns: [...others, { addOn: input.addOn, quantity }], isMore: quantity >= (before?.quantity ?? 0) };
    });
  }

  /** Detaches an add-on: at the end of the period that `at` lies in, or at once, with its unused fee credited. @throws CodedError NOT_FOUND, and those of change */
  removeAddOn(
    tenantId: string,
    input: { readonly subscription: string; readonly addOn: string; readonly at?: Instant | null; readonly immediately?: boolean | null },
    actor = ANYBODY,
  ): Promise<SubscriptionView> {
    return this.withAddOns(tenantId, input, actor, (attached) => {
      if (!attached.some(({ addOn }) => addOn === input.addOn))
        throw new CodedError('NOT_FOUND', `The subscription has no add-on "${input.addOn}".`, 'addOn');
      return { addOns: attached.filter(({ addOn }) => addOn !== input.addOn), isMore: input.immediately ?? false };
    });
  }

  /**
   * Ends a subscription: at the end of the period (of a license: of its term) that `at` lies in, at `at` itself, or at a date (SEMANTICS 6.3). Cancelling
   * again never lengthens it. What is agreed stays, so that it can be taken back.
   * @throws CodedError NOT_FOUND | SUBSCRIPTION_ENDED | FIELD_NOT_ALLOWED | INVALID_TIME, and those of the guards
   */
  cancel(tenantId: string, input: CancelSubscriptionInput, actor = ANYBODY): Promise<SubscriptionView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const held = await this.editor.hold(tx, input.subscription);
      const { subscription } = held;
      const at = input.at ?? presentInstant();
      const isOver = subscription.endsAt !== null && subscription.endsAt <= at;
      if (isOver) return this.editor.viewOf(tx, subscription.id);
      const endsAt = Math.min(subscription.endsAt ?? Infinity, endOfCancellation(held, at, input));
      if (endsAt !== subscription.endsAt) await this.editor.requireCuttable(tx, subscription.id, endsAt);
      const creditsUnused = input.creditUnused ?? subscription.creditsUnused;
      await this.subscriptions.markCanceled(tx, subscription.id, { endsAt, canceledAt: at, creditsUnused });
      if (endsAt !== subscription.endsAt) await this.editor.ratersChanged(tx, held, endsAt);
      return this.editor.done(tx, subscription.id, { actor, action: 'subscription.cancel', detail: { endsAt, creditsUnused } });
    });
  }

  /**
   * Takes a cancellation back before the subscription has ended by it: everything that was agreed, changes planned for later too, holds again.
   * @throws CodedError NOT_FOUND | NOT_CANCELED | SUBSCRIPTION_ENDED | AMBIGUOUS_METER, and those of the guards
   */
  uncancel(
    tenantId: string,
    { subscription: id, at }: { readonly subscription: string; readonly at?: Instant | null },
    actor = ANYBODY,
  ): Promise<SubscriptionView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const { subscription, customer, segments } = await this.editor.hold(tx, id);
      const { endsAt } = subscription;
      if (endsAt === null) throw new CodedError('NOT_CANCELED', 'The subscription is not cancelled.', 'subscription');
      if (endsAt <= (at ?? presentInstant()))
        throw new CodedError('SUBSCRIPTION_ENDED', 'The subscription has ended: make a new one.', 'subscription');
      // What ends with the cancellation must not be billed as ended yet.
      await this.editor.requireCuttable(tx, subscription.id, endsAt - 1);
      await this.editor.requireUnambiguous(tx, { ...subscription, endsAt: null }, customer, timelineOf(segments));
      await this.subscriptions.takeBackCancellation(tx, subscription.id);
      await this.editor.ratersChanged(tx, { subscription, segments }, endsAt);
      return this.editor.done(tx, subscription.id, { actor, action: 'subscription.uncancel', detail: { endsAt } });
    });
  }

  /** Subscriptions of customers (by their ids), oldest first. */
  ofCustomers(tenantId: string, customerIds: readonly string[]): Promise<SubscriptionView[]> {
    return this.database.withTenant(tenantId, (tx) => this.editor.views(tx, { customerIds }));
  }

  /** Null for an id of nothing, or of another tenant. */
  byId(tenantId: string, id: string): Promise<SubscriptionView | null> {
    return this.database.withTenant(tenantId, async (tx) => {
      const subscription = await this.subscriptions.byId(tx, id);
      return subscription && this.editor.viewOf(tx, subscription.id);
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
      ...validityEdges(segment.terms),
    ]);
    return [...new Set(instants)].filter((at) => positiveModulo(at, SLOT) !== 0).sort((a, b) => a - b);
  }

  /** Another plan, or another version of it. Answers when it takes effect. */
  private async changePlan(
    tx: TenantTransaction,
    held: HeldSubscription,
    current: Segment,
    { plan: key, at, seats, addOns, immediately }: ChangeSubscriptionInput & { readonly plan: string; readonly at: Instant },
  ): Promise<Instant> {
    const { subscription, customer, segments } = held;
    const plan = await this.editor.requirePlan(tx, key, 'plan', { archivedToo: key === current.planKey });
    requireSubscribable(customer, plan);
    requireDiscountCurrency(subscription, plan);
    const attached = addOns === null || addOns === undefined ? current.addOns : await this.requireAddOns(tx, addOns, plan, current.addOns);
    const next: Pick<Agreement, 'planVersionId' | 'seats' | 'addOns' | 'overrides'> = {
      planVersionId: plan.versionId,
      seats: requireSeats(seats ?? current.seats),
      addOns: attached,
      overrides: plan.planKey === current.planKey ? fittingOverrides(current.overrides, plan.terms) : [],
    };
    const isSame = agreesWith(current, { ...current, ...next });
    const { terms } = await this.editor.termsOf(tx, next);
    requireAttachable(await this.addOnVersions(tx, attached), plan);
    if (immediately === true && terms.currency !== current.terms.currency) throw notInAnotherCurrency();
    const asked = { terms, seats: next.seats, at, startsAt: subscription.startsAt, immediately: immediately ?? false };
    const change = planChange(current, asked);
    const from = isSame ? Math.max(at, current.start) : change.effectiveAt;
    requireLatestChange(held, { at, from });
    const moved = isSame
      ? { anchor: current.anchor, trialEnd: current.trialEnd, termStart: current.termStart }
      : { anchor: change.anchor, trialEnd: change.trialEnd, termStart: from };
    await this.editor.apply(
      tx,
      held,
      revised(timelineOf(segments), { from }, () => ({ ...next, ...moved })),
      at,
    );
    return from;
  }

  /** Other seats or add-ons, under whatever plan runs and is planned. Answers when it takes effect. */
  private async changeExtent(
    tx: TenantTransaction,
    held: HeldSubscription,
    current: Segment,
    { at, seats, addOns, immediately }: ChangeSubscriptionInput & { readonly at: Instant },
  ): Promise<Instant> {
    const plan = (await this.plans.versions(tx, [current.planVersionId])).get(current.planVersionId);
    if (plan === undefined) throw new Error(`plan version ${current.planVersionId} is not there`);
    const attached = addOns === null || addOns === undefined ? null : await this.requireAddOns(tx, addOns, plan, current.addOns);
    const next = { seats: requireSeats(seats ?? current.seats), addOns: attached ?? current.addOns };
    const terms = attached === null ? current.terms : (await this.editor.termsOf(tx, { ...current, ...next })).terms;
    const asked = { terms, seats: next.seats, at, startsAt: held.subscription.startsAt, immediately: immediately ?? false };
    const { effectiveAt } = planChange(current, asked);
    const given = { ...(isGiven(seats) ? { seats: next.seats } : {}), ...(attached === null ? {} : { addOns: attached }) };
    await this.editor.apply(
      tx,
      held,
      revised(timelineOf(held.segments), { from: effectiveAt }, () => given),
      at,
    );
    return effectiveAt;
  }

  private async withAddOns(
    tenantId: string,
    { subscription, at }: { readonly subscription: string; readonly at?: Instant | null },
    actor: string,
    decide: (attached: readonly AddOnInput[]) => { addOns: readonly AddOnInput[]; isMore: boolean },
  ): Promise<SubscriptionView> {
    const moment = at ?? presentInstant();
    const attached = await this.database.withTenant(tenantId, async (tx) => {
      const held = await this.editor.hold(tx, subscription);
      return requireRunning(held, moment).addOns.map(({ planKey, quantity }) => ({ addOn: planKey, quantity }));
    });
    const { addOns, isMore } = decide(attached);
    return this.change(tenantId, { subscription, addOns, at: moment, immediately: isMore }, actor);
  }

  /** Add-ons that are attached already keep their version. @throws CodedError UNKNOWN_PLAN | NOT_AN_ADD_ON | ADD_ON_MISMATCH | INVALID_COUNT | DUPLICATE_ADD_ON */
  private async requireAddOns(
    tx: TenantTransaction,
    inputs: readonly AddOnInput[],
    plan: PlanVersion,
    before: readonly AttachedAddOn[],
  ): Promise<AttachedAddOn[]> {
    const addOns = await attachedAddOns(inputs, before, (key, path) => this.editor.requirePlan(tx, key, path));
    requireAttachable(await this.addOnVersions(tx, addOns), plan);
    return addOns;
  }

  private async addOnVersions(tx: TenantTransaction, addOns: readonly AttachedAddOn[]): Promise<PlanVersion[]> {
    const versions = await this.plans.versions(
      tx,
      addOns.map(({ planVersionId }) => planVersionId),
    );
    return [...versions.values()];
  }
}

function firstStretch(start: Instant, timeZone: string, { versionId, terms }: PlanVersion, seats: number): Stretch {
  const trialEnd = terms.trialDays === 0 ? null : addIntervals(start, { interval: 'DAY', count: terms.trialDays }, timeZone);
  return {
    ...{ id: null, start, end: null, planVersionId: versionId, seats, addOns: [], overrides: [], paused: false },
    ...{ anchor: trialEnd ?? start, termStart: start, trialEnd, timeZone },
  };
}

function requireSeats(seats: number): number {
  if (Number.isInteger(seats) && seats >= 1 && seats <= MOST_SEATS) return seats;
  throw new CodedError('INVALID_COUNT', `It is a whole number from 1 to ${MOST_SEATS}.`, 'seats');
}

function requireSubscribable(customer: Customer, { planKey, terms }: PlanVersion): void {
  if (terms.addOn) {
    const why = `"${planKey}" is an add-on: attach it to a subscription of another plan with addAddOn.`;
    throw new CodedError('PLAN_IS_ADD_ON', why, 'plan');
  }
  if (customer.currency === null || customer.currency === terms.currency) return;
  throw new CodedError('CURRENCY_MISMATCH', `The customer pays in ${customer.currency}, the plan is in ${terms.currency}.`, 'plan');
}

function requireDiscountCurrency({ discounts }: Subscription, { terms }: PlanVersion): void {
  if (discounts.every(({ amountOff, ofCustomer }) => ofCustomer || amountOff === null || amountOff.currency === terms.currency)) return;
  throw new CodedError('CURRENCY_MISMATCH', `The subscription has a discount that is not in ${terms.currency}.`, 'plan');
}

function requireSomething({ plan, seats, addOns }: ChangeSubscriptionInput): void {
  if (isGiven(plan) || isGiven(seats) || isGiven(addOns)) return;
  throw new CodedError('CHANGE_FIELD_MISSING', 'A change says what becomes different: plan, seats or addOns.', 'plan');
}

function isGiven<Value>(value: Value | null | undefined): value is Value {
  return value !== null && value !== undefined;
}

const canceled = (): CodedError =>
  new CodedError(
    'SUBSCRIPTION_CANCELED',
    'A cancelled subscription does not change its plan: uncancel it first, or make a new one.',
    'subscription',
  );

const notInAnotherCurrency = (): CodedError =>
  new CodedError(
    'NOT_AVAILABLE',
    'A paid period is not settled in another currency: a change of currency waits for the end of the period.',
    'immediately',
  );

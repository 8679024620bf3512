import { Injectable } from '@nestjs/common';
import { AllowanceStore, BillingPeriodStore, InvoiceStore, withFeesHandedOver, type BillingHistory } from '@tare/billing';
import { assumedUsage, changesNothing, segmentEnd, servicePeriodAt, spanOfIntervals } from '@tare/core';
import type { Assumptions, Decimal, Instant, MarginCustomer, MarginQuery, Segment, UsageRecord } from '@tare/core';
import { CreditStore, type WalletState } from '@tare/credits';
import type { TenantTransaction } from '@tare/database';
import {
  allSteps,
  BillingReplay,
  bySubscription,
  inOrder,
  listCostOf,
  MarginUsage,
  replayedItems,
  RevenueStore,
  type Person,
  type ReplayStep,
} from '@tare/margins';
import { randomUUID } from 'node:crypto';
import { billedFor } from './billed-amount.ts';
import type { CandidatePlan } from './scenario.ts';

/** A customer in a world that never was. */
export interface CandidateOutcome {
  readonly billed: Decimal;
  readonly customer: MarginCustomer;
}

/** One subscription of a candidate world, with where its replay begins and ends. */
interface Course {
  readonly subscriptionId: string;
  readonly segments: readonly Segment[];
  readonly start: Instant;
  readonly until: Instant;
}

/** Bills customers on other plans or under other usage: with the production path, in memory (SEMANTICS 11.1). */
@Injectable()
export class CandidateWorld {
  constructor(
    private readonly replay: BillingReplay,
    private readonly usage: MarginUsage,
    private readonly store: RevenueStore,
    private readonly credits: CreditStore,
    private readonly invoices: InvoiceStore,
    private readonly periods: BillingPeriodStore,
    private readonly allowances: AllowanceStore,
  ) {}

  /**
   * `plan` null: the customer keeps its plans; then whole billing periods around the span are billed again from the state in which the first one began. On
   * another plan its wallet is that of the span's start, and periods run from there under that plan's calendar (SEMANTICS 11.2).
   */
  async outcome(
    tx: TenantTransaction,
    query: MarginQuery,
    person: Person,
    { plan, assumptions, real }: { plan: CandidatePlan | null; assumptions: Assumptions; real: MarginCustomer },
  ): Promise<CandidateOutcome> {
    const courses = plan === null ? await this.realCourses(tx, query, person) : candidateCourses(query, person, plan);
    // Also those that are not billed again decide whose usage is, by being there or being named (SEMANTICS 3.6).
    const segments = plan === null ? person.segments : courses.flatMap((course) => course.segments);
    const change = changesNothing(assumptions) ? null : changeOf(query, assumptions);
    const replayed = await this.replay.replay(tx, {
      segments,
      steps: inOrder(courses.flatMap(stepsOf)),
      histories: plan === null ? await this.histories(tx, courses) : new Map(),
      wallet: await this.openingWallet(tx, person, Math.min(query.from, ...courses.map(({ start }) => start))),
      balances: new Map(),
      upToSeq: null,
      change,
      until: query.to,
    });
    const revenue = replayedItems(segments, replayed);
    const { no, key, name, timeZone } = person;
    const records = await this.usage.read(tx, query, { customerNo: no, timeZone, segments, items: revenue, upToSeq: null });
    const sharedCosts = real.sharedCosts.map((cost) => ({ ...cost, amount: cost.amount.times(assumptions.costMultiplier) }));
    const changed = change === null ? records : change(records);
    return {
      billed: billedFor(replayed.lines, query),
      customer: { key, name, timeZone, segments, records: changed, revenue, sharedCosts },
    };
  }

  /** The plans that the customer has, over the whole billing periods that the span meets. */
  private async realCourses(tx: TenantTransaction, { from, to }: MarginQuery, { segments }: Person): Promise<Course[]> {
    const courses: Course[] = [];
    for (const [subscriptionId, own] of bySubscription(segments)) {
      if (!own.some((segment) => meets(segment, from, to) || segmentEnd(segment) === from)) continue;
      const closed = (await this.periods.ofSubscription(tx, subscriptionId)).filter(({ closedAt }) => closedAt !== null);
      // What ends at the span's start may be given back for time after it.
      const begun = own.flatMap((segment) => servicePeriodAt(segment, segmentEnd(segment) === from ? from - 1 : from) ?? []);
      const start = Math.min(from, ...begun.map(({ fullStart }) => fullStart));
      const end = Math.max(to, ...own.flatMap((segment) => billedUntil(segment, to - 1) ?? []));
      const isClosed = closed.some((period) => period.end === end);
      // Cut short by a cancellation or another interval, a period is closed before its calendar's end.
      const cut = Math.max(to, ...closed.filter((period) => period.start < end).map((period) => period.end));
      courses.push({ subscriptionId, segments: own, start, until: isClosed ? end : cut });
    }
    return courses;
  }

  private async histories(
    tx: TenantTransaction,
    courses: readonly Course[],
  ): Promise<Map<string, Pick<BillingHistory, 'lines' | 'discountUses' | 'allowances'>>> {
    const histories = new Map<string, Pick<BillingHistory, 'lines' | 'discountUses' | 'allowances'>>();
    for (const { subscriptionId, segments, start } of courses) {
      const lines = withFeesHandedOver(await this.invoices.billedLines(tx, subscriptionId, start, null), segments, start);
      const discountUses = await this.invoices.discountUses(tx, subscriptionId, null);
      histories.set(subscriptionId, {
        lines: lines.filter(({ period }) => period.start < start),
        discountUses: discountUses.filter(({ periodStart }) => periodStart < start),
        allowances: (await this.allowances.latest(tx, [{ subscriptionId, beginsBefore: start }])).get(subscriptionId) ?? [],
      });
    }
    return histories;
  }

  /** What the wallet held just before, and packs that the customer really bought since; credits of a plan are granted by the replay. */
  private async openingWallet(tx: TenantTransaction, { customer }: Person, at: Instant): Promise<WalletState> {
    if (customer === null) throw new Error('a key without a customer has no wallet');
    // With what was lost at that very instant: credits that do not roll over into the period that begins there.
    const grants = (await this.credits.grants(tx, customer.id, at, at)).flatMap((grant) => {
      if (grant.effectiveAt < at) return [grant];
      return grant.source === 'GRANT' ? [{ ...grant, remaining: grant.credits }] : [];
    });
    return { grants, debt: await this.store.debtBefore(tx, customer.id, at) };
  }
}

/** When everything is billed of the billing period that an instant lies in: a commitment over several periods is trued up with the last of them. */
function billedUntil(segment: Segment, at: Instant): Instant | null {
  const period = servicePeriodAt(segment, at);
  const { minimumCommitment, commitmentIntervals } = segment.terms;
  if (period === null || minimumCommitment === null || commitmentIntervals === 1) return period?.fullEnd ?? null;
  return spanOfIntervals(segment, period, commitmentIntervals).fullEnd;
}

/** Everything that the customer subscribes to in the span becomes one subscription to the plan: the oldest one, with its seats, trial and end. */
function candidateCourses({ from, to }: MarginQuery, person: Person, plan: CandidatePlan): Course[] {
  const active = person.segments.filter((segment) => meets(segment, from, to));
  const [first] = [...active].sort((a, b) => a.createdAt - b.createdAt || a.start - b.start);
  if (first === undefined) return [];
  const start = Math.max(from, Math.min(...active.map((segment) => segment.start)));
  const ends = active.map((segment) => segmentEnd(segment) ?? Infinity);
  const end = Math.max(...ends) >= to ? null : Math.max(...ends);
  const trialEnd = first.trialEnd !== null && first.trialEnd > start ? first.trialEnd : null;
  const segment: Segment = {
    ...{ id: randomUUID(), subscriptionId: first.subscriptionId, planVersionId: plan.versionId, planKey: plan.key, planName: plan.name },
    ...{ terms: plan.terms, seats: first.seats, start, end, anchor: trialEnd ?? start, trialEnd, overlap: false },
    ...{
      createdAt: first.createdAt,
      timeZone: person.timeZone,
      addOns: [],
      overrides: [],
      paused: false,
      creditsUnused: false,
      termStart: start,
    },
  };
  return [{ subscriptionId: first.subscriptionId, segments: [segment], start, until: to }];
}

function meets(segment: Segment, from: Instant, to: Instant): boolean {
  return segment.start < to && (segmentEnd(segment) ?? Infinity) > Math.max(from, segment.start);
}

function stepsOf({ subscriptionId, segments, start, until }: Course): ReplayStep[] {
  return allSteps(subscriptionId, segments, start, until);
}

function changeOf({ rateOf }: MarginQuery, assumptions: Assumptions): (records: readonly UsageRecord[]) => UsageRecord[] {
  const listCost = listCostOf(rateOf);
  return (records) => assumedUsage(records, assumptions, listCost);
}

import { Injectable } from '@nestjs/common';
import { AlertEvents, AlertsService, type Alert } from '@tare/alerts';
import { formatInstant, parseInstant, SLOT, type Instant } from '@tare/core';
import { SubscriptionStore } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { edgesOf, problemOfName, problemText, type NamedSubscription, type NameProblem } from './name-problem.ts';
import { NameWatchStore, type NamedUsage } from './name-watch.store.ts';

const KIND = 'SUBSCRIPTION_NOT_IN_FORCE';
const EVENT_TYPE = 'usage.subscription_not_in_force';

/** What an alert tells, as JSON. */
interface NameAlert {
  readonly customer: string;
  readonly customerId: string | null;
  readonly subscription: string;
  /** Of the latest of the events. */
  readonly problem: NameProblem;
  /** Events that named it in vain, and when the earliest of them happened. */
  readonly events: number;
  readonly since: string;
  /** The last quarter of an hour with such an event, its beginning. */
  readonly lastAt: string;
  /** When such an event was last heard of, by the clock. */
  readonly heardAt: string;
}

/** Of one customer and one name, what commits brought in vain. */
interface VainUsage {
  readonly usage: Omit<NamedUsage, 'slot' | 'events'>;
  readonly events: number;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  readonly problem: NameProblem;
}

/** Rows of usage that are looked through in one transaction, and transactions of one turn: then the next tenant has its own. */
const ROWS = 20_000;
const MOST_CHUNKS = 10;
/** A client that makes names up does not fill the list: further ones are told of when there are fewer. */
const MOST_OPEN = 200;
/** When nothing came for so long, it is over. In microseconds. */
const OVER_AFTER = 24 * 3_600 * 1_000_000;

/**
 * Tells of events that name a subscription which cannot rate them: one alert for each customer and name while it goes on, and one alert event where it begins. They are
 * rated like events that name none (SEMANTICS 3.6, docs/decisions/0026): somebody has to know. Follows usage by a cursor of its own, so that ingest does nothing for it:
 * run by a worker, by any number of them, cut short anywhere. Where nobody looked for an hour, compaction may have made the number of events too high.
 */
@Injectable()
export class NameAlerts {
  constructor(
    private readonly database: Database,
    private readonly store: NameWatchStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly alerts: AlertsService,
    private readonly events: AlertEvents,
  ) {}

  /** Looks through the usage that came since the last time. True: there is more to do. */
  async run(tenantId: string, now: Instant = Date.now() * 1_000): Promise<boolean> {
    let hasMore = true;
    for (let chunk = 0; hasMore && chunk < MOST_CHUNKS; chunk += 1)
      hasMore = await this.database.withTenant(tenantId, (tx) => this.advance(tx, now));
    await this.database.withTenant(tenantId, (tx) => this.resolve(tx, now));
    return hasMore;
  }

  private async advance(tx: TenantTransaction, now: Instant): Promise<boolean> {
    const { usageSeq, seq: known } = await this.store.position(tx);
    if (known >= usageSeq) return false;
    const after = await this.store.lock(tx);
    if (after >= usageSeq) return false;
    const upTo = (await this.store.hasNames(tx)) ? await this.store.chunkEnd(tx, after, usageSeq, ROWS) : usageSeq;
    const named = upTo > after ? await this.store.named(tx, after, upTo) : [];
    if (named.length > 0) await this.tell(tx, named, { after, upTo }, now);
    await this.store.move(tx, upTo);
    return upTo < usageSeq;
  }

  private async tell(
    tx: TenantTransaction,
    named: readonly NamedUsage[],
    commits: { readonly after: number; readonly upTo: number },
    now: Instant,
  ): Promise<void> {
    const subscriptions = await this.named(tx, [...new Set(named.map(({ subscriptionId }) => subscriptionId))]);
    const open = new Map((await this.alerts.openOf(tx, KIND)).map((alert) => [alert.subject, alert]));
    for (const usage of byName(named)) {
      const [first] = usage;
      if (first === undefined) continue;
      const subject = subjectOf(first.customerKey, first.subscriptionId);
      const before = open.get(subject);
      if (before === undefined && open.size >= MOST_OPEN) continue;
      const since = before === undefined ? Infinity : parseInstant(detailOf(before).since);
      const vain = await this.vainOf(tx, { usage, named: subscriptions.get(first.subscriptionId), since }, commits);
      if (vain === null) continue;
      const told = before === undefined ? await this.begin(tx, vain, commits.upTo, now) : withMore(detailOf(before), vain, now);
      if (told === null) continue;
      if (told.events <= 0) await this.alerts.resolve(tx, KIND, subject);
      else await this.alerts.raise(tx, { kind: KIND, subject, message: messageOf(told, subscriptions), detail: { ...told } });
      if (before === undefined) open.set(subject, { id: '', kind: KIND, subject, message: '', detail: { ...told }, raisedAt: now });
    }
  }

  /**
   * What of the usage was named in vain; null: nothing. Single events are looked at in a slot in which the subscription begins or ends, and for the earliest one where
   * that is not known to be before (`since`).
   */
  private async vainOf(
    tx: TenantTransaction,
    {
      usage,
      named,
      since,
    }: { readonly usage: readonly NamedUsage[]; readonly named: NamedSubscription | undefined; readonly since: Instant },
    commits: { readonly after: number; readonly upTo: number },
  ): Promise<VainUsage | null> {
    const found: { events: number; firstAt: Instant; lastAt: Instant; problem: NameProblem }[] = [];
    for (const { slot, events, ...rest } of usage) {
      for (const { from, to, problem } of piecesOf(slot, rest, named)) {
        const isWhole = from === slot && to === slot + SLOT;
        const isEarliest = found.length === 0 && from < since;
        const seen = isWhole && !isEarliest ? null : await this.store.events(tx, { ...rest, from, to }, commits);
        const count = isWhole ? events : (seen?.events ?? 0);
        if (count !== 0) found.push({ events: count, firstAt: seen?.firstAt ?? from, lastAt: from, problem });
      }
    }
    const [first] = found;
    const last = found.at(-1);
    if (first === undefined || last === undefined || usage[0] === undefined) return null;
    const events = found.reduce((sum, part) => sum + part.events, 0);
    return { usage: usage[0], events, firstAt: first.firstAt, lastAt: last.lastAt, problem: last.problem };
  }

  /** Null: more was taken back than came, of what nobody was told of. */
  private async begin(tx: TenantTransaction, vain: VainUsage, seq: number, now: Instant): Promise<NameAlert | null> {
    if (vain.events <= 0) return null;
    const { customerKey: customer, customerId, subscriptionId: subscription } = vain.usage;
    const since = formatInstant(vain.firstAt);
    await this.events.record(tx, {
      type: EVENT_TYPE,
      subject: customer,
      dedupeKey: `${EVENT_TYPE}/${customer}/${subscription}/${seq}`,
      payload: { customer, subscription, problem: vain.problem, since },
    });
    const { events, problem, lastAt } = vain;
    return { customer, customerId, subscription, problem, events, since, lastAt: formatInstant(lastAt), heardAt: formatInstant(now) };
  }

  /** What has stopped, or whose name means something by now: a subscription was made, or changed, with effect from an earlier time. */
  private async resolve(tx: TenantTransaction, now: Instant): Promise<void> {
    const open = (await this.alerts.openOf(tx, KIND)).map((alert) => ({ subject: alert.subject, detail: detailOf(alert) }));
    if (open.length === 0) return;
    const subscriptions = await this.named(
      tx,
      open.map(({ detail }) => detail.subscription),
    );
    for (const { subject, detail } of open) {
      const named = subscriptions.get(detail.subscription);
      const isOver = now - parseInstant(detail.heardAt) > OVER_AFTER;
      const isMended = [detail.since, detail.lastAt].every((at) => problemOfName(named, detail.customerId, parseInstant(at)) === null);
      if (isOver || isMended) await this.alerts.resolve(tx, KIND, subject);
    }
  }

  /** By id; those that are not there are left out. */
  private async named(tx: TenantTransaction, ids: readonly string[]): Promise<Map<string, NamedSubscription>> {
    const filter = { subscriptionIds: ids };
    const found = await this.subscriptions.subscriptions(tx, filter);
    const segments = await this.subscriptions.segments(tx, filter);
    return new Map(
      found.map(({ id, customerId }) => [id, { id, customerId, segments: segments.filter(({ subscriptionId }) => subscriptionId === id) }]),
    );
  }
}

const subjectOf = (customer: string, subscription: string): string => `${customer}/${subscription}`;

/** As this class wrote it. */
const detailOf = ({ detail }: Alert): NameAlert => detail as unknown as NameAlert;

function withMore(before: NameAlert, { usage, events, firstAt, lastAt, problem }: VainUsage, now: Instant): NameAlert {
  const since = Math.min(parseInstant(before.since), firstAt);
  const last = Math.max(parseInstant(before.lastAt), lastAt);
  return {
    ...before,
    customerId: usage.customerId,
    problem,
    events: before.events + events,
    since: formatInstant(since),
    lastAt: formatInstant(last),
    heardAt: formatInstant(now),
  };
}

function messageOf(
  { customer, subscription, problem, events, since }: NameAlert,
  subscriptions: ReadonlyMap<string, NamedSubscription>,
): string {
  const what = problemText(problem, subscriptions.get(subscription));
  const number = events === 1 ? '1 event' : `${events} events`;
  return `${number} of "${customer}" since ${since} named subscription ${subscription}, ${what}. They were rated as if they named none.`;
}

/** Usage by customer and name; rows come in that order. */
function byName(named: readonly NamedUsage[]): NamedUsage[][] {
  const groups: NamedUsage[][] = [];
  for (const usage of named) {
    const last = groups.at(-1);
    const isSame = last?.[0]?.customerNo === usage.customerNo && last[0].subscriptionId === usage.subscriptionId;
    if (isSame) last.push(usage);
    else groups.push([usage]);
  }
  return groups;
}

/** The parts of a slot, cut where the name begins or stops to mean something, in which it means nothing. */
function piecesOf(
  slot: Instant,
  { customerId }: Pick<NamedUsage, 'customerId'>,
  named: NamedSubscription | undefined,
): { from: Instant; to: Instant; problem: NameProblem }[] {
  const end = slot + SLOT;
  const inside = named === undefined || named.customerId !== customerId ? [] : edgesOf(named).filter((at) => slot < at && at < end);
  const cuts = [...new Set([slot, ...inside, end])].sort((a, b) => a - b);
  return cuts.slice(1).flatMap((to, index) => {
    const from = cuts[index] ?? slot;
    const problem = problemOfName(named, customerId, from);
    return problem === null ? [] : [{ from, to, problem }];
  });
}

import { Injectable } from '@nestjs/common';
import { AuditLog } from '@tare/access';
import type { Instant } from '@tare/core';
import { Database, type Transaction } from '@tare/database';
import { cellStart, sumBucketRows, type BucketRow } from '../buckets/bucket-cells.ts';
import { CorrectionStore, kindOf, type NumberedStep, type TakenSums } from './correction.store.ts';
import { CustomerNumbers } from '../ingest/customer-numbers.ts';
import { rowIdentity } from './event-revision.ts';
import { FlushPreparation, type PreparedEvents } from '../ingest/flush-preparation.ts';
import type { CorrectionOutcome, IncomingCorrection } from './incoming-correction.ts';
import { keyOf, planCorrections, type CorrectionPlan } from './plan-corrections.ts';
import { retentionHorizons } from '../retention/retention-horizon.ts';
import { heldTo } from '../tenant-of-several.ts';
import { UsageAnnouncements } from '../ingest/usage-announcements.ts';
import { UsageBoundaries } from '../buckets/usage-boundaries.ts';
import type { EventToStore, KeyToTake } from '../ingest/event-to-store.ts';
import { UsageEventStore, type ClockTick } from '../ingest/usage-event.store.ts';
import { UsageMonths } from '../ingest/usage-months.ts';

const ATTEMPTS = 16;
/** serialization_failure and deadlock_detected. */
const LOST_RACES: ReadonlySet<unknown> = new Set(['40001', '40P01']);
const NO_BOUNDARIES: readonly Instant[] = [];

/** By tenant, then by customer key. */
type Numbers = ReadonlyMap<string, ReadonlyMap<string, number>>;
type Ticks = ReadonlyMap<string, ClockTick>;

interface Written {
  readonly outcomes: readonly CorrectionOutcome[];
  readonly steps: readonly NumberedStep[];
  readonly prepared: readonly PreparedEvents[];
}

/** Events of keys are not there: retention took them. The transaction is given up, and the next one knows. */
class EventsGone extends Error {
  constructor(readonly keys: readonly string[]) {
    super('events that were to be corrected are not kept any more');
  }
}

/**
 * Cancels events and puts others in their place (SEMANTICS 3.5). One transaction and one commit number: what events added is taken back by bucket rows of
 * that number, what replaces them is prepared as by ingest, and readers as of an earlier commit see all of it as it stood.
 */
@Injectable()
export class CorrectionWriter {
  constructor(
    private readonly database: Database,
    private readonly months: UsageMonths,
    private readonly customers: CustomerNumbers,
    private readonly preparation: FlushPreparation,
    private readonly events: UsageEventStore,
    private readonly corrections: CorrectionStore,
    private readonly boundaries: UsageBoundaries,
    private readonly announcements: UsageAnnouncements,
    private readonly audit: AuditLog,
  ) {}

  /** Applies the corrections one after the other and answers what became of each. All or nothing: when it throws, nothing is changed. */
  async write(corrections: readonly IncomingCorrection[]): Promise<readonly CorrectionOutcome[]> {
    await this.months.ensure(corrections.flatMap(({ replacement }) => replacement?.event.at ?? []));
    const numbers = await this.customerNumbers(corrections);
    const { outcomes, steps, prepared } = await this.commit(corrections, numbers);
    for (const part of prepared) this.preparation.remember(part);
    for (const [tenantId, own] of groupByTenant(steps, ({ correction }) => correction.tenantId)) {
      const moved = own.flatMap(({ cancelled, replacement }) => [cancelled, replacement ?? cancelled]);
      this.announcements.announce(tenantId, [...new Set(moved.map(({ customerNo }) => customerNo))]);
    }
    return outcomes;
  }

  /** A deadlock or a lost race rolls everything back and is done again, and so is what met events that are gone. */
  private async commit(corrections: readonly IncomingCorrection[], numbers: Numbers): Promise<Written> {
    const tenantIds = [...new Set(corrections.map(({ tenantId }) => tenantId))];
    const gone = new Set<string>();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.database.withTenants(tenantIds, (tx) => this.writeIn(tx, corrections, numbers, gone));
      } catch (error) {
        if (error instanceof EventsGone) for (const key of error.keys) gone.add(key);
        else if (!LOST_RACES.has((error as { code?: unknown }).code)) throw error;
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  private async writeIn(
    tx: Transaction,
    corrections: readonly IncomingCorrection[],
    numbers: Numbers,
    gone: ReadonlySet<string>,
  ): Promise<Written> {
    const { outcomes, steps: planned } = await this.plan(tx, corrections, numbers, gone);
    if (planned.length === 0) return { outcomes, steps: [], prepared: [] };
    const ticks = await this.events.advanceClocks(tx, [...new Set(planned.map(({ correction }) => correction.tenantId))]);
    const steps = planned.map((step) => ({ ...step, seq: tickOf(ticks, step.correction.tenantId).seq }));
    await requireKept(tx, steps);
    const prepared = await this.prepare(tx, steps, ticks);
    await this.events.insertEvents(tx, rowsOf(prepared));
    // After the insert: what one request both brings and replaces is cancelled by the same commit.
    const { taken, missing } = await this.corrections.cancelEvents(tx, steps);
    if (missing.length > 0) throw new EventsGone(missing.map(({ correction }) => keyOf(correction)));
    await this.corrections.record(tx, steps);
    // Rows of zeros stay: meters that look at single events change too, and a closed period finds its late corrections by the numbers of rows.
    await this.events.insertBuckets(
      tx,
      sumBucketRows([...prepared.flatMap(({ buckets }) => buckets), ...(await this.takenRows(tx, taken, ticks))]),
    );
    await this.recordAudit(tx, steps);
    return { outcomes, steps, prepared };
  }

  private async plan(
    tx: Transaction,
    corrections: readonly IncomingCorrection[],
    numbers: Numbers,
    gone: ReadonlySet<string>,
  ): Promise<CorrectionPlan> {
    const kept = await this.corrections.lockKeys(tx, [...new Map(corrections.map((one) => [keyOf(one), one])).values()]);
    const news = corrections.filter((one) => one.replacement !== null && kept.has(keyOf(one)));
    const isEarlier = await this.corrections.earlierContents(
      tx,
      news.flatMap(({ replacement }) => replacement ?? []),
    );
    const earlier = new Set(news.filter((_, position) => isEarlier[position]));
    return planCorrections(corrections, {
      kept,
      gone,
      isEarlier: (correction) => earlier.has(correction),
      customerNoOf: ({ tenantId, replacement }) => numbers.get(tenantId)?.get(replacement?.event.customer ?? '') as number,
    });
  }

  /** New events as ingest would bring them, each in a row of its own. */
  private async prepare(tx: Transaction, steps: readonly NumberedStep[], ticks: Ticks): Promise<PreparedEvents[]> {
    const prepared: PreparedEvents[] = [];
    for (const [tenantId, own] of groupByTenant(steps, ({ correction }) => correction.tenantId)) {
      const keys = own.flatMap(newKey);
      if (keys.length > 0) prepared.push(await this.preparation.prepare(heldTo(tx, tenantId), keys, tickOf(ticks, tenantId)));
    }
    return prepared;
  }

  private async takenRows(tx: Transaction, taken: readonly TakenSums[], ticks: Ticks): Promise<BucketRow[]> {
    const rows: BucketRow[] = [];
    for (const [tenantId, own] of groupByTenant(taken, (sums) => sums.tenantId)) {
      const customers = new Set(own.map(({ customerNo }) => customerNo));
      const boundaries = await this.boundaries.atVersion(tx, tenantId, tickOf(ticks, tenantId).boundaryVersion, customers);
      for (const { at, ...sums } of own) rows.push({ ...sums, from: cellStart(at, boundaries.get(sums.customerNo) ?? NO_BOUNDARIES) });
    }
    return rows;
  }

  /** One entry for what one author did in this commit; the trail of each event is kept beside it. */
  private async recordAudit(tx: Transaction, steps: readonly NumberedStep[]): Promise<void> {
    const acts = new Map<string, NumberedStep[]>();
    for (const step of steps) {
      const { tenantId, author } = step.correction;
      const act = JSON.stringify([tenantId, kindOf(step), author.actor, author.reason]);
      acts.set(act, [...(acts.get(act) ?? []), step]);
    }
    for (const own of acts.values()) {
      const [first] = own as [NumberedStep];
      const { tenantId, author } = first.correction;
      const action = kindOf(first) === 'VOID' ? 'usage.void' : 'usage.amend';
      const detail = { events: own.length, seq: first.seq, reason: author.reason };
      await this.audit.record(heldTo(tx, tenantId), { actor: author.actor, action, subject: tenantId, detail });
    }
  }

  /** Tenant by tenant in the order of their ids. */
  private async customerNumbers(corrections: readonly IncomingCorrection[]): Promise<Numbers> {
    const events = corrections.flatMap(({ replacement }) => replacement ?? []);
    const numbers = new Map<string, ReadonlyMap<string, number>>();
    for (const [tenantId, own] of [...groupByTenant(events, (event) => event.tenantId)].sort(([a], [b]) => (a < b ? -1 : 1))) {
      numbers.set(tenantId, await this.customers.of(tenantId, new Set(own.map(({ event }) => event.customer))));
    }
    return numbers;
  }
}

/** What retention counts as gone is gone, also while its rows are still there. @throws EventsGone */
async function requireKept(tx: Transaction, steps: readonly NumberedStep[]): Promise<void> {
  const gone: string[] = [];
  for (const [tenantId, own] of groupByTenant(steps, ({ correction }) => correction.tenantId)) {
    const { dropped } = await retentionHorizons(heldTo(tx, tenantId));
    for (const { correction, cancelled } of own) if (dropped !== null && cancelled.at < dropped) gone.push(keyOf(correction));
  }
  if (gone.length > 0) throw new EventsGone(gone);
}

function newKey({ correction, replacement }: NumberedStep): KeyToTake[] {
  if (correction.replacement === null || replacement === null) return [];
  const identity = rowIdentity(correction.identity, replacement.revision);
  return [{ event: { ...correction.replacement, identity }, customerNo: replacement.customerNo }];
}

function tickOf(ticks: Ticks, tenantId: string): ClockTick {
  const tick = ticks.get(tenantId);
  if (tick === undefined) throw new Error(`the clock of tenant ${tenantId} was not taken`);
  return tick;
}

const rowsOf = (prepared: readonly PreparedEvents[]): EventToStore[] => prepared.flatMap(({ events }) => events);

function groupByTenant<Item>(items: readonly Item[], tenantOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(tenantOf(item));
    if (group) group.push(item);
    else groups.set(tenantOf(item), [item]);
  }
  return groups;
}

import { Injectable } from '@nestjs/common';
import { Database, type TenantTransaction } from '@tare/database';
import {
  AlertEventStore,
  type AlertEvent,
  type AlertEventFilter,
  type AlertEventPosition,
  type NewAlertEvent,
} from './alert-event.store.ts';

const TYPE = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/;

/**
 * What happened once and is told to whoever wants to know: a share of a cap, an allowance or a wallet was reached. Recorded in the transaction that knows
 * it, so that it is there exactly when that is; nothing is sent from here.
 */
@Injectable()
export class AlertEvents {
  constructor(
    private readonly database: Database,
    private readonly store: AlertEventStore,
  ) {}

  /** Once per `dedupeKey`: false when it was recorded before. */
  async record(tx: TenantTransaction, event: NewAlertEvent): Promise<boolean> {
    return (await this.recordAll(tx, [event])).length > 0;
  }

  /** The same for many, in one statement. Answers those that are new. Sorted by key, so that two that record the same ones don't wait for each other in a circle. */
  async recordAll(tx: TenantTransaction, events: readonly NewAlertEvent[]): Promise<NewAlertEvent[]> {
    for (const { type } of events) if (!TYPE.test(type)) throw new RangeError(`not the type of an alert event: "${type}"`);
    const byKey = new Map(events.map((event) => [event.dedupeKey, event]));
    if (byKey.size === 0) return [];
    const recorded = new Set(await this.store.insert(tx, [...byKey.values()].sort(inOrderOfKeys)));
    return [...byKey.values()].filter(({ dedupeKey }) => recorded.has(dedupeKey));
  }

  /** Newest first; `position.limit` rows at most. */
  page(tenantId: string, filter: AlertEventFilter, position: AlertEventPosition): Promise<AlertEvent[]> {
    return this.database.withTenant(tenantId, (tx) => this.store.page(tx, filter, position));
  }
}

function inOrderOfKeys({ dedupeKey: a }: NewAlertEvent, { dedupeKey: b }: NewAlertEvent): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

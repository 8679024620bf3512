import { Injectable } from '@nestjs/common';
import type { Instant, Segment } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { CreditStore } from './credit.store.ts';
import { pendingAt, pendingKeysAt, type PendingGrant } from './pending-grants.ts';

/** Reads which grants of plans are still to come: two queries for any number of customers, none where no plan grants credits. */
@Injectable()
export class CreditsAhead {
  constructor(private readonly store: CreditStore) {}

  /** By the id of the customer, for the periods that one of the times lies in; `segments`: all of the customer's. Customers without any are left out. */
  async load(
    tx: TenantTransaction,
    segmentsOf: ReadonlyMap<string, readonly Segment[]>,
    ...times: readonly Instant[]
  ): Promise<Map<string, PendingGrant[]>> {
    const keys = new Map([...segmentsOf].map(([id, segments]) => [id, times.flatMap((at) => pendingKeysAt(segments, at))]));
    const customerIds = [...keys].filter(([, own]) => own.length > 0).map(([id]) => id);
    if (customerIds.length === 0) return new Map();
    const there = await this.store.grantKeys(tx, customerIds, [...keys.values()].flat());
    const progress = new Map((await this.store.cursors(tx, ...customerIds)).map((cursor) => [cursor.subscriptionId, cursor]));
    const has = (key: string): boolean => there.has(key);
    const pending = customerIds.map((id): [string, PendingGrant[]] => {
      const segments = segmentsOf.get(id) ?? [];
      const own = times.flatMap((at) => pendingAt({ segments, progress, has }, at));
      return [id, [...new Map(own.map((grant) => [grant.key, grant])).values()]];
    });
    return new Map(pending.filter(([, own]) => own.length > 0));
  }
}

import { Injectable } from '@nestjs/common';
import { creditCarriesUntil, lapsesOf } from '@tare/core';
import type { CarriedGrant, CreditCarry, CreditLapse, Decimal, Grant, Instant, Segment } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { CreditStore } from './credit.store.ts';

/**
 * Reads what periods that are over and not closed yet do not carry on (docs/decisions/0024): from their end on it is gone, although it becomes breakage only when their
 * invoice is final, since late usage of theirs may still burn it. No query where no plan limits what rolls over, one where none of its periods waits.
 */
@Injectable()
export class CreditLapses {
  constructor(private readonly store: CreditStore) {}

  /** By the id of the customer; `segments`: all of the customer's. Customers without any are left out. `until`: of periods that end by then. */
  async load(
    tx: TenantTransaction,
    segmentsOf: ReadonlyMap<string, readonly Segment[]>,
    until: Instant,
  ): Promise<Map<string, CreditLapse[]>> {
    const limited = [...segmentsOf].filter(([, segments]) => segments.some(({ terms }) => terms.creditRollover));
    const found = new Map<string, CreditLapse[]>();
    if (limited.length === 0) return found;
    const cursors = await this.store.cursors(tx, ...limited.map(([id]) => id));
    const settledUntil = new Map(cursors.map((cursor) => [cursor.subscriptionId, cursor.settledUntil]));
    for (const [customerId, segments] of limited) {
      const carries = waitingCarries(segments, settledUntil, until);
      if (carries.length > 0) found.set(customerId, await this.lapses(tx, customerId, carries));
    }
    return found;
  }

  /** The same of one customer. */
  async of(tx: TenantTransaction, customerId: string, segments: readonly Segment[], until: Instant): Promise<readonly CreditLapse[]> {
    return (await this.load(tx, new Map([[customerId, segments]]), until)).get(customerId) ?? [];
  }

  private async lapses(tx: TenantTransaction, customerId: string, carries: readonly CreditCarry[]): Promise<CreditLapse[]> {
    const grants = await this.store.grants(tx, customerId);
    const burnt = await this.store.burntSince(tx, customerId, ...carries.map(({ at }) => at));
    const waiting = carries.map((carry) => ({ carry, grants: withBurntSince(grants, burnt.get(carry.at)) }));
    return [...new Set(carries.map(({ subscriptionId }) => subscriptionId))].flatMap((id) =>
      lapsesOf(waiting.filter(({ carry }) => carry.subscriptionId === id)),
    );
  }
}

/** Grants with what was burnt of them at a carry's instant or later. */
export function withBurntSince(grants: readonly Grant[], burnt: ReadonlyMap<string, Decimal> | undefined): CarriedGrant[] {
  return grants.map((grant) => {
    const burntSince = burnt?.get(grant.id);
    return burntSince === undefined ? grant : { ...grant, burntSince };
  });
}

/** Of periods that are over and not closed: limits on what goes on, each subscription's in order of time. */
function waitingCarries(segments: readonly Segment[], settledUntil: ReadonlyMap<string, Instant>, until: Instant): CreditCarry[] {
  const ids = [...new Set(segments.map(({ subscriptionId }) => subscriptionId))];
  return ids.flatMap((id) => {
    const own = segments.filter(({ subscriptionId }) => subscriptionId === id);
    const begin = Math.min(...own.map(({ start }) => start));
    return creditCarriesUntil(own, settledUntil.get(id) ?? begin, until);
  });
}

import { Injectable } from '@nestjs/common';
import { slotStart, type Instant } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { UsageBoundaries } from '@tare/usage';
import { UsageSumsStore, type SumsPlan } from './usage-sums.store.ts';

/** Commits that one transaction takes in: each brought a few thousand rows at most. */
const CHUNK_COMMITS = 200;

/**
 * Running sums of usage, pulled: a cursor for each tenant follows the commits of usage, and what is added commits with the cursor. May be run by any number
 * of processes at once and cut short anywhere.
 */
@Injectable()
export class UsageSums {
  constructor(
    private readonly database: Database,
    private readonly store: UsageSumsStore,
    private readonly boundaries: UsageBoundaries,
  ) {}

  /** Brings the sums of a tenant up to the last commit that there is now. */
  async advance(tenantId: string): Promise<void> {
    let hasMore = true;
    while (hasMore) hasMore = await this.database.withTenant(tenantId, (tx) => this.advanceBy(tx));
  }

  /**
   * Sums the usage of customers between new cuts from here on, and counts what there is already. Cuts off the grid become boundaries of usage, so that its
   * cells lie wholly inside a piece.
   */
  async plan(tx: TenantTransaction, plans: readonly SumsPlan[]): Promise<void> {
    for (const { customerNo, cuts } of plans) await this.boundaries.register(tx, customerNo, cuts.filter(isOffGrid));
    await this.store.count(tx, plans, await this.store.share(tx));
  }

  /** True: there is more. */
  private async advanceBy(tx: TenantTransaction): Promise<boolean> {
    const before = await this.store.position(tx);
    if (before.seq === before.usageSeq) return false;
    if (before.seq === null) await this.store.begin(tx, before.usageSeq);
    const seq = await this.store.lock(tx);
    const target = Math.min(before.usageSeq, seq + CHUNK_COMMITS);
    if (target <= seq) return false;
    if (seq < before.floorSeq) return this.beginAgain(tx, seq, before.usageSeq);
    await this.store.addCommits(tx, seq, target);
    // Looked at after what was read: had any of it been merged with what came before, the floor would have been raised already.
    if (seq < (await this.store.position(tx)).floorSeq)
      throw new Error('usage was merged while it was added: it is counted anew next time');
    await this.store.move(tx, target);
    return target < before.usageSeq;
  }

  private async beginAgain(tx: TenantTransaction, seq: number, usageSeq: number): Promise<boolean> {
    await this.store.forget(tx, seq, usageSeq);
    await this.store.move(tx, usageSeq);
    return true;
  }
}

const isOffGrid = (cut: Instant): boolean => slotStart(cut) !== cut;

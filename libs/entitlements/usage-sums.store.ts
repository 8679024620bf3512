import { Injectable } from '@nestjs/common';
import { Decimal, parseInstant, type Instant, type UsageRecord } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';
import { dimensionsOfRow, tokensOfRow, type DimensionRow, type TokenRow } from '@tare/usage';
import { KnownSums, type CustomerSums } from './known-sums.ts';
import {
  ADD_COMMITS,
  BEGIN,
  COUNT_ANEW,
  FORGET_CUTS,
  FORGET_SUMS,
  FORGET_SUMS_OF,
  LOCK,
  LOOK_AGAIN,
  LOOKED_AT,
  MARK_MOVED,
  MOVE,
  POSITION,
  READ_SUMS,
  SET_CUTS,
  SHARE,
  STAMPS,
  WAITING,
} from './usage-sums.sql.ts';

/** Where the running sums stand. */
export interface SumsPosition {
  /** They hold what commits up to this one brought; null: nobody has begun. */
  readonly seq: number | null;
  /** The last commit of usage. */
  readonly usageSeq: number;
  /** Rows of commits up to this one may have been merged: from below it, nothing can be added. */
  readonly floorSeq: number;
}

/** Between which instants a customer's usage is to be summed: ascending, at least two. */
export interface SumsPlan {
  readonly customerNo: number;
  readonly cuts: readonly Instant[];
}

/** A customer whose limits are to be looked at, because of usage up to a commit. */
export interface WaitingCustomer {
  readonly customerNo: number;
  readonly changedSeq: number;
}

interface SumRow extends DimensionRow, TokenRow {
  readonly customer_no: number;
  readonly stamp: string;
  readonly cuts: string;
  /** Null: the customer has no sums. */
  readonly from_at: Instant | null;
  readonly events: string;
  readonly quantity: string;
  readonly gpu_seconds: string;
  readonly cost: string;
  readonly restated_cost: string;
}

/** SQL of running sums. */
@Injectable()
export class UsageSumsStore {
  private readonly known = new KnownSums();

  async position(tx: TenantTransaction): Promise<SumsPosition> {
    const [row] = await tx.query<{ seq: number | null; usage_seq: number; floor_seq: number }>(POSITION, [tx.tenantId]);
    return { seq: row?.seq ?? null, usageSeq: row?.usage_seq ?? 0, floorSeq: row?.floor_seq ?? 0 };
  }

  async begin(tx: TenantTransaction, seq: number): Promise<void> {
    await tx.query(BEGIN, [tx.tenantId, seq]);
  }

  /** Holds the cursor until the transaction ends and answers where it stands. */
  async lock(tx: TenantTransaction): Promise<number> {
    const [row] = await tx.query<{ seq: number }>(LOCK, [tx.tenantId]);
    return row?.seq ?? 0;
  }

  /** Keeps others from advancing until the transaction ends. */
  async share(tx: TenantTransaction): Promise<number> {
    const [row] = await tx.query<{ seq: number }>(SHARE, [tx.tenantId]);
    return row?.seq ?? 0;
  }

  async addCommits(tx: TenantTransaction, after: number, upTo: number): Promise<void> {
    await tx.query(ADD_COMMITS, [tx.tenantId, after, upTo]);
  }

  async move(tx: TenantTransaction, seq: number): Promise<void> {
    await tx.query(MOVE, [tx.tenantId, seq]);
  }

  async forget(tx: TenantTransaction, after: number, upTo: number): Promise<void> {
    await tx.query(FORGET_SUMS, [tx.tenantId]);
    await tx.query(FORGET_CUTS, [tx.tenantId]);
    await tx.query(MARK_MOVED, [tx.tenantId, after, upTo]);
  }

  /** Counts customers anew, as usage stood after commit `seq`. */
  async count(tx: TenantTransaction, plans: readonly SumsPlan[], seq: number): Promise<void> {
    const numbers = plans.map(({ customerNo }) => customerNo);
    const cuts = plans.map((plan) => `{${plan.cuts.map(sqlInstant).join(',')}}`);
    await tx.query(SET_CUTS, [tx.tenantId, numbers, cuts]);
    await tx.query(FORGET_SUMS_OF, [tx.tenantId, numbers]);
    await tx.query(COUNT_ANEW, [tx.tenantId, numbers, cuts, seq]);
  }

  /** Customers that nobody has met are left out. What has not changed since it was last read is not read again. */
  async read(tx: TenantTransaction, customerNos: readonly number[]): Promise<Map<number, CustomerSums>> {
    const stamps = await tx.query<{ customer_no: number; stamp: string }>(STAMPS, [tx.tenantId, customerNos]);
    const sums = new Map<number, CustomerSums>();
    const changed: number[] = [];
    for (const { customer_no: no, stamp } of stamps) {
      const known = this.known.get(tx.tenantId, no, stamp);
      if (known === null) changed.push(no);
      else sums.set(no, known);
    }
    if (changed.length > 0) for (const own of await this.readAll(tx, changed)) sums.set(own.customerNo, own);
    return sums;
  }

  private async readAll(tx: TenantTransaction, customerNos: readonly number[]): Promise<Iterable<CustomerSums>> {
    const rows = await tx.query<SumRow>(READ_SUMS, [tx.tenantId, customerNos]);
    const byCustomer = new Map<number, CustomerSums & { records: UsageRecord[]; stamp: string }>();
    for (const row of rows) {
      let own = byCustomer.get(row.customer_no);
      if (own === undefined) {
        const cuts = (JSON.parse(row.cuts) as string[]).map((text) => parseInstant(text));
        own = { customerNo: row.customer_no, cuts, records: [], stamp: row.stamp };
        byCustomer.set(row.customer_no, own);
      }
      if (row.from_at !== null) own.records.push(recordOf(row, row.from_at));
    }
    for (const { stamp, ...own } of byCustomer.values()) this.known.set(tx.tenantId, stamp, own);
    return byCustomer.values();
  }

  /** Those with numbers above `after` whose limits are to be looked at, in the order of their numbers. */
  async waiting(tx: TenantTransaction, after: number, limit: number): Promise<WaitingCustomer[]> {
    const rows = await tx.query<{ customer_no: number; changed_seq: number }>(WAITING, [tx.tenantId, after, limit]);
    return rows.map((row) => ({ customerNo: row.customer_no, changedSeq: row.changed_seq }));
  }

  async lookedAt(tx: TenantTransaction, seen: readonly WaitingCustomer[]): Promise<void> {
    const columns = [seen.map(({ customerNo }) => customerNo), seen.map(({ changedSeq }) => changedSeq)];
    await tx.query(LOOKED_AT, [tx.tenantId, ...columns]);
  }

  async lookAgain(tx: TenantTransaction, customerNo: number): Promise<void> {
    await tx.query(LOOK_AGAIN, [tx.tenantId, customerNo]);
  }
}

function recordOf(row: SumRow, from: Instant): UsageRecord {
  return {
    ...dimensionsOfRow(row),
    from,
    events: Decimal.parse(row.events),
    tokens: tokensOfRow(row),
    quantity: Decimal.parse(row.quantity),
    gpuSeconds: Decimal.parse(row.gpu_seconds),
    cost: Decimal.parse(row.cost),
    restatedCost: Decimal.parse(row.restated_cost),
  };
}

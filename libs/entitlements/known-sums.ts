import type { Instant, UsageRecord } from '@tare/core';

/** What is summed of a customer. */
export interface CustomerSums {
  readonly customerNo: number;
  /** Ascending; none: nothing is summed yet. */
  readonly cuts: readonly Instant[];
  /** By the start of the piece and dimensions. */
  readonly records: readonly UsageRecord[];
}

interface KnownEntry {
  /** Of the customer's row when its sums were read: nothing of them is different while it is the same. */
  readonly stamp: string;
  readonly sums: CustomerSums;
}

/** All tenants together: about 100 MB at the most. */
const MOST_RECORDS = 150_000;

/** Sums as they were last read, by customer, so that those of customers whom nothing moved are not read again. Those that were read first go first. */
export class KnownSums {
  private readonly entries = new Map<string, KnownEntry>();
  private records = 0;

  constructor(private readonly mostRecords = MOST_RECORDS) {}

  /** Null where they have changed since, or were not kept. */
  get(tenantId: string, customerNo: number, stamp: string): CustomerSums | null {
    const entry = this.entries.get(nameOf(tenantId, customerNo));
    return entry?.stamp === stamp ? entry.sums : null;
  }

  set(tenantId: string, stamp: string, sums: CustomerSums): void {
    const name = nameOf(tenantId, sums.customerNo);
    this.remove(name);
    this.entries.set(name, { stamp, sums });
    this.records += weightOf(sums);
    for (const oldest of this.entries.keys()) {
      if (this.records <= this.mostRecords) return;
      this.remove(oldest);
    }
  }

  private remove(name: string): void {
    const entry = this.entries.get(name);
    if (entry === undefined) return;
    this.entries.delete(name);
    this.records -= weightOf(entry.sums);
  }
}

const nameOf = (tenantId: string, customerNo: number): string => `${tenantId} ${customerNo}`;
/** One without usage takes room too. */
const weightOf = ({ records }: CustomerSums): number => records.length + 1;

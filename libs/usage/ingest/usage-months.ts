import { Injectable } from '@nestjs/common';
import { formatInstant, MICROS_PER_DAY, type Instant } from '@tare/core';
import { Database } from '@tare/database';

const REMEMBERED_MS = 60_000;

/** Makes the partitions that events need, each once a minute and process, before the transaction that writes them: DDL never waits inside a flush. */
@Injectable()
export class UsageMonths {
  private readonly ensured = new Set<string>();
  /** Days since 1970 whose months are there: nearly every event is of a day that was seen before. */
  private readonly days = new Set<number>();

  private forgetAt = 0;

  constructor(private readonly database: Database) {}

  async ensure(instants: Iterable<Instant>): Promise<void> {
    this.forgetNowAndThen();
    const days = new Set<number>();
    for (const at of instants) {
      const day = Math.floor(at / MICROS_PER_DAY);
      if (!this.days.has(day)) days.add(day);
    }
    if (days.size === 0) return;
    const months = [...days].map((day) => formatInstant(day * MICROS_PER_DAY).slice(0, 7));
    const missing = new Set(months.filter((month) => !this.ensured.has(month)));
    for (const month of [...missing].sort()) {
      await this.database.withoutTenant((tx) => tx.query('SELECT tare_ensure_usage_month($1)', [`${month}-01T00:00:00Z`]));
      this.ensured.add(month);
    }
    for (const day of days) this.days.add(day);
  }

  /** Retention drops months that nobody needs: an event that comes for one later makes it again. */
  private forgetNowAndThen(): void {
    const now = Date.now();
    if (now < this.forgetAt) return;
    this.forgetAt = now + REMEMBERED_MS;
    this.ensured.clear();
    this.days.clear();
  }
}

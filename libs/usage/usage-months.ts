import { Injectable } from '@nestjs/common';
import { formatInstant, type Instant } from '@tare/core';
import { Database } from '@tare/database';

/** Makes the partitions that events need, each once per process, before the transaction that writes them: DDL never waits inside a flush. */
@Injectable()
export class UsageMonths {
  private readonly ensured = new Set<string>();

  constructor(private readonly database: Database) {}

  async ensure(instants: Iterable<Instant>): Promise<void> {
    const missing = new Set<string>();
    for (const at of instants) {
      const month = formatInstant(at).slice(0, 7);
      if (!this.ensured.has(month)) missing.add(month);
    }
    for (const month of [...missing].sort()) {
      await this.database.withoutTenant((tx) => tx.query('SELECT tare_ensure_usage_month($1)', [`${month}-01T00:00:00Z`]));
      this.ensured.add(month);
    }
  }
}

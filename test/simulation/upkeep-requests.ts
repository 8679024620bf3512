import type { Database } from '@tare/database';
import { Queues } from '@tare/jobs';
import { setTimeout as sleep } from 'node:timers/promises';

/** How far the worker's upkeep has come, in commits of the tenant. */
export interface UpkeepProgress {
  readonly commits: number;
  /** Commits whose bucket deltas are merged. */
  readonly compacted: number;
  /** Commits that every meter has rolled up; 0 while history is being filled in. */
  readonly rolledUp: number;
}

/** Until the next time: a database that is down does not hold us up. */
const PATIENCE_MS = 5_000;
const NEVER: UpkeepProgress = { commits: 0, compacted: 0, rolledUp: 0 };

/** Asks the worker to roll meters up, to merge bucket deltas and to fill in costs, far more often than its schedule does. What it does, and when it dies, is its own affair. */
export class UpkeepRequests {
  private readonly queues: Queues;

  constructor(
    databaseUrl: string,
    private readonly database: Database,
    private readonly tenantId: string,
    private readonly meters: number,
  ) {
    this.queues = new Queues({ databaseUrl });
  }

  /** Compaction leaves alone what is younger than an hour: time is made to pass. Fails silently while the database is down. */
  async ask(): Promise<void> {
    const asked = this.database
      .withTenant(this.tenantId, (tx) =>
        tx.query(`UPDATE usage_compaction SET next_at = next_at - interval '2 hours' WHERE tenant_id = $1`, [this.tenantId]),
      )
      .then(() => this.queues.enqueue('meters.roll-up', {}))
      .then(() => this.queues.enqueue('usage.compact', {}))
      .then(() => this.queues.enqueue('costs.recost', { tenantId: this.tenantId }, { jobId: this.tenantId }));
    await Promise.race([asked.catch(() => undefined), sleep(PATIENCE_MS)]);
  }

  async progress(): Promise<UpkeepProgress> {
    const [row] = await this.database.withTenant(this.tenantId, (tx) =>
      tx.query<{ commits: number; compacted: number; rolled_up: number }>(
        `SELECT c.seq AS commits, coalesce(s.compacted_seq, 0) AS compacted,
           (SELECT CASE WHEN count(r.filled_at) = $2 THEN min(r.seq) ELSE 0 END FROM meter_rollup r WHERE r.tenant_id = $1) AS rolled_up
         FROM usage_clock c LEFT JOIN usage_compaction s ON s.tenant_id = c.tenant_id WHERE c.tenant_id = $1`,
        [this.tenantId, this.meters],
      ),
    );
    return row === undefined ? NEVER : { commits: row.commits, compacted: row.compacted, rolledUp: row.rolled_up };
  }

  close(): Promise<void> {
    return this.queues.close();
  }
}

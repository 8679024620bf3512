import type { Instant } from '@tare/core';
import type { TenantTransaction } from '@tare/database';

export interface RetentionHorizons {
  /** Events from before it are not taken any more. Never before `dropped`. */
  readonly refused: Instant | null;
  /** Nothing is counted from events before it any more, whether their rows are still there or not: the start of a UTC month. */
  readonly dropped: Instant | null;
}

const HORIZONS = 'SELECT refused_before AS refused, dropped_before AS dropped FROM usage_retention WHERE tenant_id = $1';

/** How far retention has come. Stands still for those who hold the tenant's clock. */
export async function retentionHorizons(tx: TenantTransaction): Promise<RetentionHorizons> {
  const [row] = await tx.query<{ refused: Instant | null; dropped: Instant | null }>(HORIZONS, [tx.tenantId]);
  return row ?? { refused: null, dropped: null };
}

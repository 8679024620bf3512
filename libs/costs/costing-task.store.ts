import { Injectable } from '@nestjs/common';
import type { Instant } from '@tare/core';
import type { TenantTransaction } from '@tare/database';

/** A change of the cost book whose events wait to be costed again. */
export interface CostingTask {
  readonly id: string;
  readonly provider: string | null;
  readonly model: string | null;
  readonly pool: string | null;
  readonly validFrom: Instant;
  readonly validTo: Instant | null;
}

/** SQL of costing tasks: written with the rate by catalog, taken away here when their events are done. */
@Injectable()
export class CostingTaskStore {
  all(tx: TenantTransaction): Promise<CostingTask[]> {
    return tx.query(
      `SELECT id, provider, model, pool, valid_from AS "validFrom", valid_to AS "validTo" FROM costing_task WHERE tenant_id = $1 ORDER BY created_at, id`,
      [tx.tenantId],
    );
  }

  async remove(tx: TenantTransaction, id: string): Promise<void> {
    await tx.query('DELETE FROM costing_task WHERE tenant_id = $1 AND id = $2', [tx.tenantId, id]);
  }
}

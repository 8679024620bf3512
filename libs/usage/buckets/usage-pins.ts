import { Injectable } from '@nestjs/common';
import { plainArray, type TenantTransaction } from '@tare/database';

/**
 * The floor is held until the transaction ends (FOR SHARE): compaction raises it only when nobody is about to pin below it. No row: nothing was ever
 * merged.
 */
const PIN = `
WITH compaction AS (SELECT floor_seq FROM usage_compaction WHERE tenant_id = $1 FOR SHARE)
INSERT INTO usage_pin (tenant_id, customer_no, seq)
SELECT $1, customer_no, $3 FROM unnest($2::int4[]) AS customer_no WHERE $3 >= coalesce((SELECT floor_seq FROM compaction), 0)
ON CONFLICT (tenant_id, customer_no, seq) DO NOTHING`;

const PINNED = 'SELECT count(*)::int4 AS pinned FROM usage_pin WHERE tenant_id = $1 AND customer_no = ANY ($2::int4[]) AND seq = $3';

const FLOOR = 'SELECT floor_seq FROM usage_compaction WHERE tenant_id = $1';

/**
 * Commits that stay readable as they were. Whoever stores a commit number to read a customer's usage as of it again (`UsageReader` with `upToSeq`) pins it in
 * the same transaction; without a pin the number is good for an hour only, then compaction may have merged what came before it with what came after.
 */
@Injectable()
export class UsagePins {
  /**
   * Idempotent.
   * @throws Error when compaction has gone past the commit: the transaction began more than an hour ago and has to be done again with a newer one
   */
  pin(tx: TenantTransaction, customerNo: number, seq: number): Promise<void> {
    return this.pinMany(tx, [customerNo], seq);
  }

  /** The same for many customers at one commit: as many queries as for one. */
  async pinMany(tx: TenantTransaction, customerNos: readonly number[], seq: number): Promise<void> {
    const wanted = [...new Set(customerNos)];
    if (wanted.length === 0) return;
    if ((await tx.execute('pin usage', PIN, [tx.tenantId, plainArray(wanted), seq])) === wanted.length) return;
    const [row] = await tx.query<{ pinned: number }>(PINNED, [tx.tenantId, wanted, seq]);
    if (row?.pinned !== wanted.length)
      throw new Error(`usage as of commit ${seq} cannot be kept any more: read it as of the current commit and try again`);
  }

  /** Reading as of this commit or a later one is exact without a pin. */
  async floor(tx: TenantTransaction): Promise<number> {
    const [row] = await tx.query<{ floor_seq: number }>(FLOOR, [tx.tenantId]);
    return row?.floor_seq ?? 0;
  }
}

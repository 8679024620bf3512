import { Injectable } from '@nestjs/common';
import type { Instant } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';

/** Which subscriptions a migration of versions is about. */
export interface MigrationCandidates {
  readonly planVersionId: string;
  /** They run on the version at this instant, or will later. */
  readonly at: Instant;
  /** Keys; null: all customers, and then subscriptions that are pinned are left out. */
  readonly customers: readonly string[] | null;
  /** Id of the last subscription of the page before. */
  readonly after: string | null;
  readonly limit: number;
}

/** By the version that their segments run on: the index of segments by version is what makes a page of it cheap. */
const CANDIDATES = `SELECT s.id FROM subscription s
JOIN customer c ON c.tenant_id = s.tenant_id AND c.id = s.customer_id
JOIN customer_key k ON k.tenant_id = c.tenant_id AND k.no = c.no
WHERE s.tenant_id = $1 AND ($4::text[] IS NULL AND s.pinned_at IS NULL OR k.key = ANY ($4::text[])) AND ($5::uuid IS NULL OR s.id > $5::uuid)
  AND s.id IN (SELECT g.subscription_id FROM subscription_segment g WHERE g.tenant_id = $1 AND g.plan_version_id = $2
    AND (g.end_at IS NULL OR g.end_at > greatest(g.start_at, $3::timestamptz)))
  AND (s.ends_at IS NULL OR s.ends_at > $3::timestamptz)
ORDER BY s.id LIMIT $6`;

/** SQL of migrations from one version of a plan to another. */
@Injectable()
export class MigrationStore {
  async candidates(tx: TenantTransaction, { planVersionId, at, customers, after, limit }: MigrationCandidates): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(CANDIDATES, [tx.tenantId, planVersionId, sqlInstant(at), customers, after, limit]);
    return rows.map(({ id }) => id);
  }

  /** Null when the plan has no published version of this number. */
  async versionId(tx: TenantTransaction, plan: string, version: number): Promise<string | null> {
    const [row] = await tx.query<{ id: string }>(
      `SELECT v.id FROM plan_version v JOIN plan p ON p.tenant_id = v.tenant_id AND p.id = v.plan_id
       WHERE v.tenant_id = $1 AND p.key = $2 AND v.version = $3`,
      [tx.tenantId, plan, version],
    );
    return row?.id ?? null;
  }

  /** Pinning again keeps the first time. */
  async pin(tx: TenantTransaction, subscriptionId: string): Promise<void> {
    await tx.query('UPDATE subscription SET pinned_at = coalesce(pinned_at, now()) WHERE tenant_id = $1 AND id = $2', [
      tx.tenantId,
      subscriptionId,
    ]);
  }

  async unpin(tx: TenantTransaction, subscriptionId: string): Promise<void> {
    await tx.query('UPDATE subscription SET pinned_at = NULL WHERE tenant_id = $1 AND id = $2 AND pinned_at IS NOT NULL', [
      tx.tenantId,
      subscriptionId,
    ]);
  }
}

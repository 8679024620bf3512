import { Injectable } from '@nestjs/common';
import { planTermsFromJson, planTermsToJson } from '@tare/core';
import type { Instant, PlanTerms } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import { keysetOf, pageOf, type Page, type PageRequest } from './keyset-page.ts';

/** One published version of a plan. It never changes (SEMANTICS 4.9). */
export interface PlanVersion {
  readonly planId: string;
  readonly planKey: string;
  /** The plan's name as this version gave it. */
  readonly planName: string;
  readonly versionId: string;
  /** 1, 2, 3, ... */
  readonly version: number;
  readonly terms: PlanTerms;
  readonly publishedAt: Instant;
  /** When the plan (not the version) was made. */
  readonly createdAt: Instant;
}

/** A plan's newest version, with what may still change of the plan. */
export interface LatestPlanVersion extends PlanVersion {
  /** From then on it takes no new subscriptions; null: it does. */
  readonly archivedAt: Instant | null;
}

interface VersionRow {
  readonly plan_id: string;
  readonly plan_key: string;
  readonly plan_name: string;
  readonly version_id: string;
  readonly version: number;
  readonly terms: unknown;
  readonly published_at: Instant;
  readonly created_at: Instant;
}
type LatestRow = VersionRow & { readonly archived_at: Instant | null };

const SELECT = `SELECT p.id AS plan_id, p.key AS plan_key, v.name AS plan_name, v.id AS version_id, v.version, v.terms, v.published_at, p.created_at,
    p.archived_at
  FROM plan_version v JOIN plan p ON p.tenant_id = v.tenant_id AND p.id = v.plan_id`;

/** Terms are read by every bill and never change: parsed once and kept, up to this many. */
const KEPT_VERSIONS = 5_000;

/** SQL of plans and their versions. */
@Injectable()
export class PlanStore {
  private readonly kept = new Map<string, PlanVersion>();

  /** The newest version of a plan; null when no plan has the key. */
  async latestByKey(tx: TenantTransaction, key: string): Promise<LatestPlanVersion | null> {
    const [row] = await tx.query<LatestRow>(`${SELECT} WHERE v.tenant_id = $1 AND p.key = $2 ORDER BY v.version DESC LIMIT 1`, [
      tx.tenantId,
      key,
    ]);
    return row ? { ...versionOfRow(row), archivedAt: row.archived_at } : null;
  }

  /** One version of a plan; null when there is none. */
  async byVersion(tx: TenantTransaction, key: string, version: number): Promise<LatestPlanVersion | null> {
    const [row] = await tx.query<LatestRow>(`${SELECT} WHERE v.tenant_id = $1 AND p.key = $2 AND v.version = $3`, [
      tx.tenantId,
      key,
      version,
    ]);
    return row ? { ...versionOfRow(row), archivedAt: row.archived_at } : null;
  }

  /** The versions of a plan in the order in which they were published. */
  async versionsPage(tx: TenantTransaction, key: string, request: PageRequest): Promise<Page<LatestPlanVersion>> {
    const { afterTime, afterId, limit } = keysetOf(request);
    const rows = await tx.query<LatestRow>(
      `${SELECT} WHERE v.tenant_id = $1 AND p.key = $2 AND ($3::timestamptz IS NULL OR (v.published_at, v.id) > ($3::timestamptz, $4::uuid))
       ORDER BY v.published_at, v.id LIMIT $5`,
      [tx.tenantId, key, afterTime, afterId, limit],
    );
    return pageOf(
      rows.map((row) => ({ ...versionOfRow(row), archivedAt: row.archived_at })),
      limit,
    );
  }

  /** When the plans were archived, by plan id; those that are not are left out. */
  async archivedAt(tx: TenantTransaction, planIds: readonly string[]): Promise<Map<string, Instant>> {
    const rows = await tx.query<{ id: string; archived_at: Instant }>(
      'SELECT id, archived_at FROM plan WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND archived_at IS NOT NULL',
      [tx.tenantId, planIds],
    );
    return new Map(rows.map((row) => [row.id, row.archived_at]));
  }

  async setArchived(tx: TenantTransaction, planId: string, archived: boolean): Promise<void> {
    await tx.query('UPDATE plan SET archived_at = CASE WHEN $3 THEN coalesce(archived_at, now()) END WHERE tenant_id = $1 AND id = $2', [
      tx.tenantId,
      planId,
      archived,
    ]);
  }

  /** Versions by their id; ids of nothing, or of another tenant, are left out. */
  async versions(tx: TenantTransaction, versionIds: Iterable<string>): Promise<Map<string, PlanVersion>> {
    const wanted = [...new Set(versionIds)];
    const missing = wanted.filter((id) => !this.kept.has(keptKey(tx, id)));
    if (missing.length > 0) {
      const rows = await tx.query<VersionRow>(`${SELECT} WHERE v.tenant_id = $1 AND v.id = ANY ($2::uuid[])`, [tx.tenantId, missing]);
      const loaded = new Map(rows.map((row) => [row.version_id, versionOfRow(row)]));
      for (const version of loaded.values()) this.keep(tx, version);
      return withKept(wanted, (id) => loaded.get(id) ?? this.kept.get(keptKey(tx, id)));
    }
    return withKept(wanted, (id) => this.kept.get(keptKey(tx, id)));
  }

  /** Makes sure that the plan is there and holds its row until the transaction ends: versions are numbered one after the other. */
  async lockPlan(tx: TenantTransaction, plan: { key: string; name: string; terms: PlanTerms }): Promise<{ id: string }> {
    // A plan of which there was only a draft goes with it: then the row that was there is gone once its lock is had.
    return (await this.makeAndLock(tx, plan)) ?? (await this.makeAndLock(tx, plan)) ?? notThere(plan.key);
  }

  private async makeAndLock(tx: TenantTransaction, plan: { key: string; name: string; terms: PlanTerms }): Promise<{ id: string } | null> {
    await tx.query(
      `INSERT INTO plan (tenant_id, id, key, name, kind, currency) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, key) DO NOTHING`,
      [tx.tenantId, randomUUID(), plan.key, plan.name, plan.terms.kind, plan.terms.currency],
    );
    const [row] = await tx.query<{ id: string }>('SELECT id FROM plan WHERE tenant_id = $1 AND key = $2 FOR UPDATE', [
      tx.tenantId,
      plan.key,
    ]);
    return row ?? null;
  }

  /** Holds the plan's row until the transaction ends. */
  async lock(tx: TenantTransaction, planId: string): Promise<void> {
    await tx.query('SELECT FROM plan WHERE tenant_id = $1 AND id = $2 FOR UPDATE', [tx.tenantId, planId]);
  }

  /** Publishes a version with its prices; the plan's own name, kind and currency are those of its newest version. */
  async insertVersion(
    tx: TenantTransaction,
    version: { planId: string; version: number; name: string; terms: PlanTerms },
  ): Promise<string> {
    const { planId, name, terms } = version;
    const id = randomUUID();
    await tx.query('INSERT INTO plan_version (tenant_id, id, plan_id, version, name, terms) VALUES ($1, $2, $3, $4, $5, $6)', [
      tx.tenantId,
      id,
      planId,
      version.version,
      name,
      JSON.stringify(planTermsToJson(terms)),
    ]);
    await tx.query(
      `INSERT INTO price (tenant_id, id, plan_version_id, key, model, position)
       SELECT $1, gen_random_uuid(), $2, key, model, position - 1 FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS prices (key, model, position)`,
      [tx.tenantId, id, terms.prices.map((price) => price.key), terms.prices.map((price) => price.model)],
    );
    await tx.query('UPDATE plan SET name = $3, kind = $4, currency = $5 WHERE tenant_id = $1 AND id = $2', [
      tx.tenantId,
      planId,
      name,
      terms.kind,
      terms.currency,
    ]);
    return id;
  }

  private keep(tx: TenantTransaction, version: PlanVersion): void {
    const [oldest] = this.kept.size >= KEPT_VERSIONS ? this.kept.keys() : [];
    if (oldest !== undefined) this.kept.delete(oldest);
    this.kept.set(keptKey(tx, version.versionId), version);
  }
}

const notThere = (key: string): never => {
  throw new Error(`plan ${key} is not there after it was made`);
};

/** The tenant is part of it: what one tenant loaded is not there for another. */
const keptKey = (tx: TenantTransaction, versionId: string): string => `${tx.tenantId} ${versionId}`;

function withKept(ids: readonly string[], find: (id: string) => PlanVersion | undefined): Map<string, PlanVersion> {
  return new Map(
    ids.flatMap((id) => {
      const version = find(id);
      return version === undefined ? [] : [[id, version] as const];
    }),
  );
}

function versionOfRow(row: VersionRow): PlanVersion {
  return {
    planId: row.plan_id,
    planKey: row.plan_key,
    planName: row.plan_name,
    versionId: row.version_id,
    version: row.version,
    terms: planTermsFromJson(row.terms),
    publishedAt: row.published_at,
    createdAt: row.created_at,
  };
}

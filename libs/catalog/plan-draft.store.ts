import { Injectable } from '@nestjs/common';
import { planTermsFromJson, planTermsToJson } from '@tare/core';
import type { Instant, PlanTerms } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { keysetOf, pageOf, type Page, type PageRequest } from './keyset-page.ts';

/** The terms of a plan's next version while they may still change. */
export interface PlanDraft {
  readonly planId: string;
  readonly planKey: string;
  readonly planName: string;
  readonly terms: PlanTerms;
  /** What its version would be if it were published now. */
  readonly version: number;
  readonly updatedAt: Instant;
  readonly archivedAt: Instant | null;
  /** When the plan was made. */
  readonly createdAt: Instant;
}

/** A plan in a list: what its newest version says or, where nothing is published yet, its draft. */
export type ListedPlan =
  | {
      readonly state: 'PUBLISHED';
      readonly id: string;
      readonly createdAt: Instant;
      readonly versionId: string;
      readonly archivedAt: Instant | null;
    }
  | { readonly state: 'DRAFT'; readonly id: string; readonly createdAt: Instant; readonly draft: PlanDraft };

/** Which plans a list shows: those that are not archived, those with a draft (as drafted), those that are archived. */
export type PlanListing = 'CURRENT' | 'DRAFT' | 'ARCHIVED';

interface DraftRow {
  readonly plan_id: string;
  readonly key: string;
  readonly name: string;
  readonly terms: unknown;
  readonly version: number;
  readonly updated_at: Instant;
  readonly archived_at: Instant | null;
  readonly created_at: Instant;
}
type ListedRow = Omit<DraftRow, 'name' | 'updated_at'> & {
  readonly name: string | null;
  readonly updated_at: Instant | null;
  readonly version_id: string | null;
};

/** The newest version of plan `p`. */
const LATEST = `LEFT JOIN LATERAL (SELECT v.id, v.version FROM plan_version v WHERE v.tenant_id = p.tenant_id AND v.plan_id = p.id ORDER BY v.version DESC LIMIT 1)
  AS latest ON true`;
const DRAFT_COLUMNS = `p.id AS plan_id, p.key, d.name, d.terms, coalesce(latest.version, 0) + 1 AS version, d.updated_at, p.archived_at, p.created_at`;
const LISTINGS: Readonly<Record<PlanListing, string>> = {
  CURRENT: 'p.archived_at IS NULL AND (latest.id IS NOT NULL OR d.plan_id IS NOT NULL)',
  DRAFT: 'd.plan_id IS NOT NULL',
  ARCHIVED: 'p.archived_at IS NOT NULL AND latest.id IS NOT NULL',
};

/** SQL of drafts, and of lists that show them beside what is published. */
@Injectable()
export class PlanDraftStore {
  async byKey(tx: TenantTransaction, key: string): Promise<PlanDraft | null> {
    const [row] = await tx.query<DraftRow>(
      `SELECT ${DRAFT_COLUMNS} FROM plan p JOIN plan_draft d ON d.tenant_id = p.tenant_id AND d.plan_id = p.id ${LATEST} WHERE p.tenant_id = $1 AND p.key = $2`,
      [tx.tenantId, key],
    );
    return row ? draftOfRow(row) : null;
  }

  /** Makes or replaces the draft. */
  async put(tx: TenantTransaction, planId: string, draft: { name: string; terms: PlanTerms }): Promise<void> {
    await tx.query(
      `INSERT INTO plan_draft (tenant_id, plan_id, name, terms) VALUES ($1, $2, $3, $4)
       ON CONFLICT (tenant_id, plan_id) DO UPDATE SET name = EXCLUDED.name, terms = EXCLUDED.terms, updated_at = now()`,
      [tx.tenantId, planId, draft.name, JSON.stringify(planTermsToJson(draft.terms))],
    );
  }

  /** Takes the draft away, and a plan of which nothing else was ever there. */
  async remove(tx: TenantTransaction, planId: string): Promise<void> {
    await tx.query('DELETE FROM plan_draft WHERE tenant_id = $1 AND plan_id = $2', [tx.tenantId, planId]);
    await tx.query(
      'DELETE FROM plan p WHERE p.tenant_id = $1 AND p.id = $2 AND NOT EXISTS (SELECT FROM plan_version v WHERE v.tenant_id = p.tenant_id AND v.plan_id = p.id)',
      [tx.tenantId, planId],
    );
  }

  /** In the order in which plans were made. */
  async page(tx: TenantTransaction, request: PageRequest, listing: PlanListing): Promise<Page<ListedPlan>> {
    const { afterTime, afterId, limit } = keysetOf(request);
    const rows = await tx.query<ListedRow>(
      `SELECT ${DRAFT_COLUMNS}, latest.id AS version_id
       FROM plan p LEFT JOIN plan_draft d ON d.tenant_id = p.tenant_id AND d.plan_id = p.id ${LATEST}
       WHERE p.tenant_id = $1 AND ${LISTINGS[listing]} AND ($2::timestamptz IS NULL OR (p.created_at, p.id) > ($2::timestamptz, $3::uuid))
       ORDER BY p.created_at, p.id LIMIT $4`,
      [tx.tenantId, afterTime, afterId, limit],
    );
    return pageOf(
      rows.map((row) => listedOfRow(row, listing)),
      limit,
    );
  }
}

function listedOfRow(row: ListedRow, listing: PlanListing): ListedPlan {
  const { plan_id: id, created_at: createdAt, version_id: versionId, name, updated_at: updatedAt } = row;
  if (versionId !== null && listing !== 'DRAFT') return { state: 'PUBLISHED', id, createdAt, versionId, archivedAt: row.archived_at };
  if (name === null || updatedAt === null) throw new Error(`plan ${row.key} is listed and has neither a version nor a draft`);
  return { state: 'DRAFT', id, createdAt, draft: draftOfRow({ ...row, name, updated_at: updatedAt }) };
}

function draftOfRow(row: DraftRow): PlanDraft {
  return {
    planId: row.plan_id,
    planKey: row.key,
    planName: row.name,
    terms: planTermsFromJson(row.terms),
    version: row.version,
    updatedAt: row.updated_at,
    archivedAt: row.archived_at,
    createdAt: row.created_at,
  };
}

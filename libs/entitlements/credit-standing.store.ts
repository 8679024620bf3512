import { Injectable } from '@nestjs/common';
import { Decimal, type Instant } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';
import type { UncoveredUse } from './customer-facts.ts';

/** How far a wallet has followed usage. */
export interface DrawnWallet {
  /** The last commit of usage that was drawn, and by which terms; null: nothing was. */
  readonly drawnSeq: number | null;
  readonly drawnTerms: string | null;
  /** The last commit known to have moved the customer's usage; null: not known. */
  readonly movedSeq: number | null;
}

/** Credits of a wallet that are left, and until when. */
export interface OpenGrant {
  /** Whose plan granted it. */
  readonly subscriptionId: string | null;
  readonly remaining: Decimal;
  readonly effectiveAt: Instant;
  readonly expiresAt: Instant | null;
}

export interface OpenWallet {
  /** With what reservations may still leave uncovered. */
  readonly debt: Decimal;
  /** Credits of usage that waits for a grant, by its key. */
  readonly waiting: ReadonlyMap<string, Decimal>;
  readonly hasGrants: boolean;
  readonly grants: readonly OpenGrant[];
}

interface GrantRow {
  readonly customer_id: string;
  readonly subscription_id: string | null;
  readonly remaining: string;
  readonly effective_at: Instant;
  readonly expires_at: Instant | null;
}

/** SQL over wallets of many customers at once: their cached sums, never their ledgers. */
@Injectable()
export class CreditStandingStore {
  /** By the id of the customer. */
  async drawn(tx: TenantTransaction, customerIds: readonly string[]): Promise<Map<string, DrawnWallet>> {
    const rows = await tx.query<{ id: string; drawn_seq: number | null; drawn_terms: string | null; moved_seq: number | null }>(
      `SELECT c.id, w.drawn_seq, w.drawn_terms, e.changed_seq AS moved_seq
       FROM customer c
       LEFT JOIN wallet w ON w.tenant_id = c.tenant_id AND w.customer_id = c.id
       LEFT JOIN entitlement_customer e ON e.tenant_id = c.tenant_id AND e.customer_no = c.no
       WHERE c.tenant_id = $1 AND c.id = ANY ($2::uuid[])`,
      [tx.tenantId, customerIds],
    );
    return new Map(rows.map((row) => [row.id, { drawnSeq: row.drawn_seq, drawnTerms: row.drawn_terms, movedSeq: row.moved_seq }]));
  }

  /** What nothing covered from some time on, by customer: of usage to its day, of debits to the quarter of an hour. */
  async uncovered(
    tx: TenantTransaction,
    wanted: readonly { readonly customerId: string; readonly since: Instant }[],
  ): Promise<Map<string, UncoveredUse[]>> {
    const found = new Map<string, UncoveredUse[]>();
    if (wanted.length === 0) return found;
    const rows = await tx.query<{ customer_id: string; segment_id: string; at: Instant; credits: string }>(
      `SELECT p.customer_id, p.segment_id, p.at, -sum(p.credits) AS credits
       FROM unnest($2::uuid[], $3::timestamptz[]) AS w (customer_id, since)
       JOIN credit_posting p ON p.tenant_id = $1 AND p.customer_id = w.customer_id AND p.account = 'UNCOVERED' AND p.at >= w.since
       WHERE p.segment_id IS NOT NULL GROUP BY 1, 2, 3`,
      [tx.tenantId, wanted.map(({ customerId }) => customerId), wanted.map(({ since }) => sqlInstant(since))],
    );
    for (const row of rows) {
      const own = found.get(row.customer_id) ?? [];
      own.push({ segmentId: row.segment_id, at: row.at, credits: Decimal.parse(row.credits) });
      found.set(row.customer_id, own);
    }
    return found;
  }

  /** By the id of the customer; grants that are used up or gone at `at` are left out. */
  async open(tx: TenantTransaction, customerIds: readonly string[], at: Instant): Promise<Map<string, OpenWallet>> {
    const values = [tx.tenantId, customerIds];
    const [wallets, grants] = await Promise.all([
      tx.query<{ id: string; debt: string; waiting: Readonly<Record<string, string>>; has_grants: boolean }>(
        `SELECT c.id, coalesce(w.waiting, '{}') AS waiting, coalesce(w.debt, 0) + (SELECT coalesce(sum(r.uncovered), 0) FROM credit_reservation r
             WHERE r.tenant_id = c.tenant_id AND r.customer_id = c.id AND r.status = 'OPEN') AS debt,
           EXISTS (SELECT 1 FROM credit_grant g WHERE g.tenant_id = c.tenant_id AND g.customer_id = c.id) AS has_grants
         FROM customer c LEFT JOIN wallet w ON w.tenant_id = c.tenant_id AND w.customer_id = c.id
         WHERE c.tenant_id = $1 AND c.id = ANY ($2::uuid[])`,
        values,
      ),
      tx.query<GrantRow>(
        `SELECT customer_id, subscription_id, remaining, effective_at, expires_at FROM credit_grant
         WHERE tenant_id = $1 AND customer_id = ANY ($2::uuid[]) AND remaining <> 0 AND (expires_at IS NULL OR expires_at > $3)`,
        [...values, sqlInstant(at)],
      ),
    ]);
    const open = new Map(
      wallets.map(({ id, debt, waiting, has_grants: hasGrants }) => [
        id,
        {
          debt: Decimal.parse(debt),
          waiting: new Map(Object.entries(waiting).map(([key, credits]) => [key, Decimal.parse(credits)])),
          hasGrants,
          grants: [] as OpenGrant[],
        },
      ]),
    );
    for (const row of grants) {
      const { subscription_id: subscriptionId, effective_at: effectiveAt, expires_at: expiresAt } = row;
      const grant = { subscriptionId, remaining: Decimal.parse(row.remaining), effectiveAt, expiresAt };
      open.get(row.customer_id)?.grants.push(grant);
    }
    return open;
  }
}

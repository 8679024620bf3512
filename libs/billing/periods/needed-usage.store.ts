import { Injectable } from '@nestjs/common';
import { MICROS_PER_DAY, type Instant } from '@tare/core';
import { Database, sqlInstant } from '@tare/database';

/** Invoices younger than this can be recomputed from their events; older ones from buckets (SEMANTICS 8.4): 18 months. */
export const RECOMPUTE_DAYS = 548;

/**
 * The earliest of: where each subscription that is not billed to its end stands (its open period, else the end of its last closed one, else its
 * beginning), and what is on invoices that were made since $2. A void invoice needs nothing.
 */
const NEEDED_FROM = `
SELECT least(
  (SELECT min(coalesce(billed.open_at, billed.closed_until, (SELECT min(g.start_at) FROM subscription_segment g WHERE g.tenant_id = $1 AND g.subscription_id = s.id), s.starts_at))
   FROM subscription s CROSS JOIN LATERAL (
     SELECT min(p.start_at) FILTER (WHERE p.closed_at IS NULL) AS open_at, max(p.end_at) FILTER (WHERE p.closed_at IS NOT NULL) AS closed_until
     FROM billing_period p WHERE p.tenant_id = $1 AND p.subscription_id = s.id
   ) AS billed
   WHERE s.tenant_id = $1 AND (s.ends_at IS NULL OR billed.open_at IS NOT NULL OR billed.closed_until IS NULL OR billed.closed_until < s.ends_at)),
  (SELECT min(least(i.period_start, (SELECT min(l.period_start) FROM invoice_line l WHERE l.tenant_id = $1 AND l.invoice_id = i.id)))
   FROM invoice i WHERE i.tenant_id = $1 AND i.created_at >= $2 AND i.status <> 'VOID')
) AS needed_from`;

/** Which usage billing still reads as single events: retention leaves it alone. */
@Injectable()
export class NeededUsage {
  constructor(private readonly database: Database) {}

  /** The earliest event time that is needed; null: none is. @param now the server's clock */
  from(tenantId: string, now: Instant): Promise<Instant | null> {
    return this.database.withTenant(tenantId, async (tx) => {
      const made = sqlInstant(now - RECOMPUTE_DAYS * MICROS_PER_DAY);
      const [row] = await tx.query<{ needed_from: Instant | null }>(NEEDED_FROM, [tenantId, made]);
      return row?.needed_from ?? null;
    });
  }
}

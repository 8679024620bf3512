import { Injectable } from '@nestjs/common';
import { Decimal, SLOT, slotStart, type Instant, type Period } from '@tare/core';
import { Database } from '@tare/database';

/** A model whose usage has no known cost. */
export interface UnpricedModel {
  readonly provider: string | null;
  readonly model: string | null;
  readonly events: Decimal;
  readonly tokens: Decimal;
  /** Time of its earliest event without a known cost. */
  readonly firstSeen: Instant;
}

/** A customer key that events came for and no customer has (SEMANTICS 3.7). */
export interface UnattributedCustomer {
  readonly key: string;
  readonly events: Decimal;
  /** Time of its earliest event. */
  readonly firstSeen: Instant;
}

interface VolumeRow {
  readonly events: string;
  readonly first_seen: Instant;
}

/** Sums come from buckets; only the earliest event is looked up, in the one cell that has it; of one that retention has dropped, the cell is what is known. */
const UNPRICED_MODELS = `
WITH cells AS (
  SELECT d.provider, d.model, b.from_at, sum(b.events) AS events,
    sum(b.uncached_input + b.cache_read + b.cache_write_5m + b.cache_write_1h + b.input_audio + b.plain_output + b.reasoning + b.output_audio) AS tokens
  FROM usage_bucket b JOIN usage_dimension d ON d.tenant_id = b.tenant_id AND d.no = b.dimension_no
  WHERE b.tenant_id = $1 AND d.cost_state IN ('UNPRICED', 'PENDING')
  GROUP BY d.provider, d.model, b.from_at HAVING sum(b.events) > 0
), models AS (
  SELECT provider, model, sum(events) AS events, sum(tokens) AS tokens, min(from_at) AS first_cell
  FROM cells GROUP BY provider, model ORDER BY tokens DESC, events DESC, provider, model LIMIT $2
)
SELECT provider, model, events::text, tokens::text, coalesce((
  SELECT min(e.at) FROM usage_event e JOIN usage_dimension d ON d.tenant_id = e.tenant_id AND d.no = e.dimension_no
  WHERE e.tenant_id = $1 AND e.at >= first_cell AND e.at < first_cell + interval '15 minutes'
    AND e.voided_seq IS NULL AND d.cost_state IN ('UNPRICED', 'PENDING') AND d.provider IS NOT DISTINCT FROM models.provider AND d.model IS NOT DISTINCT FROM models.model
), first_cell) AS first_seen
FROM models ORDER BY models.tokens DESC, models.events DESC, provider, model`;

const UNATTRIBUTED = `
WITH cells AS (
  SELECT k.no, k.key, b.from_at, sum(b.events) AS events
  FROM customer_key k JOIN usage_bucket b ON b.tenant_id = k.tenant_id AND b.customer_no = k.no
  WHERE k.tenant_id = $1 AND NOT EXISTS (SELECT 1 FROM customer c WHERE c.tenant_id = k.tenant_id AND c.no = k.no)
  GROUP BY k.no, k.key, b.from_at HAVING sum(b.events) > 0
), keys AS (
  SELECT no, key, sum(events) AS events, min(from_at) AS first_cell FROM cells GROUP BY no, key ORDER BY events DESC, key LIMIT $2
)
SELECT key, events::text, coalesce((
  SELECT min(e.at) FROM usage_event e
  WHERE e.tenant_id = $1 AND e.customer_no = keys.no AND e.at >= first_cell AND e.at < first_cell + interval '15 minutes' AND e.voided_seq IS NULL
), first_cell) AS first_seen
FROM keys ORDER BY keys.events DESC, key`;

/**
 * The ends of a customer's cells are found by the table's key: one look for each customer, however many events there are. Cells whose events were all
 * cancelled are passed over.
 */
const SPAN = `
SELECT min(earliest.from_at) AS first_at, max(latest.from_at) AS last_at FROM customer_key k
CROSS JOIN LATERAL (${cellAtEnd('ASC')}) AS earliest
CROSS JOIN LATERAL (${cellAtEnd('DESC')}) AS latest
WHERE k.tenant_id = $1`;

function cellAtEnd(order: 'ASC' | 'DESC'): string {
  return `SELECT b.from_at FROM usage_bucket b WHERE b.tenant_id = k.tenant_id AND b.customer_no = k.no
  GROUP BY b.from_at HAVING sum(b.events) > 0 ORDER BY b.from_at ${order} LIMIT 1`;
}

/** Worklists over usage: what somebody has to look at. */
@Injectable()
export class UsageLists {
  constructor(private readonly database: Database) {}

  /** Models whose usage has no known cost, waiting for a pool's hour or unpriced, largest volume (tokens, then events) first (SEMANTICS 9.1, 9.4). */
  unpricedModels(tenantId: string, first: number): Promise<UnpricedModel[]> {
    return this.database.withTenant(tenantId, async (tx) => {
      type Row = VolumeRow & { readonly provider: string | null; readonly model: string | null; readonly tokens: string };
      const rows = await tx.query<Row>(UNPRICED_MODELS, [tenantId, first]);
      return rows.map(({ provider, model, tokens, ...volume }) => ({
        provider,
        model,
        tokens: Decimal.parse(tokens),
        ...volumeOf(volume),
      }));
    });
  }

  /** The time that usage lies in, `[from, to)`, by cells of a quarter of an hour; null where there is none. */
  span(tenantId: string): Promise<Period | null> {
    return this.database.withTenant(tenantId, async (tx) => {
      const [row] = await tx.query<{ readonly first_at: Instant | null; readonly last_at: Instant | null }>(SPAN, [tenantId]);
      return row?.first_at == null || row.last_at === null ? null : { start: row.first_at, end: slotStart(row.last_at) + SLOT };
    });
  }

  /** Customer keys that are in use and belong to no customer, most events first (SEMANTICS 3.7). */
  unattributed(tenantId: string, first: number): Promise<UnattributedCustomer[]> {
    return this.database.withTenant(tenantId, async (tx) => {
      const rows = await tx.query<VolumeRow & { readonly key: string }>(UNATTRIBUTED, [tenantId, first]);
      return rows.map(({ key, ...volume }) => ({ key, ...volumeOf(volume) }));
    });
  }
}

function volumeOf(row: VolumeRow): { events: Decimal; firstSeen: Instant } {
  return { events: Decimal.parse(row.events), firstSeen: row.first_seen };
}

import { Injectable } from '@nestjs/common';
import { SLOT, slotStart, type Instant } from '@tare/core';
import { sqlInstant, type TenantTransaction, type Transaction } from '@tare/database';
import { TenantCache } from '../tenant-cache.ts';
import { SHARE_CELLS } from './compact-buckets.sql.ts';
import { eventParts } from './read-usage.sql.ts';
import { retentionHorizons } from '../retention/retention-horizon.ts';

const CACHED_CUSTOMERS = 500_000;

/** All boundaries of customers, ascending. */
export type Boundaries = ReadonlyMap<number, readonly Instant[]>;

const NONE: readonly Instant[] = [];

/**
 * Counts one slot of one customer again from its events. Each sum keeps the commit number of what it counts, so that a reader with `upToSeq` sees the
 * same as before (SEMANTICS 12). $4 are the starts of the slot's cells, ascending.
 */
const RECOUNT_SLOT = `
INSERT INTO usage_bucket (tenant_id, customer_no, from_at, dimension_no, seq, events,
  uncached_input, cache_read, cache_write_5m, cache_write_1h, input_audio, plain_output, reasoning, output_audio, quantity, gpu_seconds, cost, restated_cost)
SELECT $1, customer_no, ($4::timestamptz[])[width_bucket(at, $4::timestamptz[])], dimension_no, seq, sum(events),
  sum(uncached_input), sum(cache_read), sum(cache_write_5m), sum(cache_write_1h), sum(input_audio), sum(plain_output), sum(reasoning), sum(output_audio),
  sum(quantity), sum(gpu_seconds), sum(cost), sum(restated_cost)
FROM (${eventParts('e.customer_no = $2 AND e.at >= $3::timestamptz AND e.at < $5::timestamptz')}) AS part
GROUP BY 1, 2, 3, 4, 5`;

/** Billing instants that do not lie on the grid: where bucket cells are cut (SEMANTICS 12). */
@Injectable()
export class UsageBoundaries {
  /** By customer, with the version that they are of. */
  private readonly cache = new TenantCache<number, { readonly version: number; readonly list: readonly Instant[] }>(CACHED_CUSTOMERS);

  /**
   * Cuts a customer's cells at these instants from now on, and those that are there already are counted again from events. Instants on the grid need
   * no cut, known ones are passed over. Holds the tenant's clock until the transaction ends: call it late.
   *
   * Instants before the retention horizon are passed over too: the events that would tell the parts of such a slot are gone. Its cells stay whole, and count
   * where they begin (docs/retention.md).
   */
  register(tx: TenantTransaction, customerNo: number, instants: readonly Instant[]): Promise<void> {
    return this.registerMany(tx, new Map([[customerNo, instants]]));
  }

  /** The same for many customers: a fixed number of queries, and two more for each slot that holds usage already. */
  async registerMany(tx: TenantTransaction, instants: Boundaries): Promise<void> {
    const offGrid = [...instants].flatMap(([customerNo, own]) =>
      [...new Set(own)].filter((at) => slotStart(at) !== at).map((at) => ({ customerNo, at })),
    );
    if (offGrid.length === 0) return;
    const known = await this.read(tx, tx.tenantId, [...new Set(offGrid.map(({ customerNo }) => customerNo))]);
    const unknown = await keptOf(
      tx,
      offGrid.filter(({ customerNo, at }) => !(known.get(customerNo) ?? NONE).includes(at)),
    );
    if (unknown.length === 0) return;
    // Before the clock: who waits for a chunk of compaction here keeps nobody else waiting.
    await tx.query(SHARE_CELLS, [tx.tenantId]);
    await tx.query('UPDATE usage_clock SET boundary_version = boundary_version + 1 WHERE tenant_id = $1', [tx.tenantId]);
    const added = await tx.query<{ customer_no: number; at: Instant }>(
      `INSERT INTO usage_boundary (tenant_id, customer_no, at) SELECT $1, customer_no, at FROM unnest($2::int4[], $3::timestamptz[]) AS added (customer_no, at)
       ON CONFLICT DO NOTHING RETURNING customer_no, at`,
      [tx.tenantId, unknown.map(({ customerNo }) => customerNo), unknown.map(({ at }) => sqlInstant(at))],
    );
    const counted = await slotsWithUsage(tx, added);
    if (counted.length === 0) return;
    const boundaries = await this.read(tx, tx.tenantId, [...new Set(counted.map(({ customerNo }) => customerNo))]);
    for (const { customerNo, slot } of counted) await recount(tx, customerNo, slot, boundaries.get(customerNo) ?? NONE);
  }

  /** Boundaries of customers as the database has them. Customers without any are left out. */
  async read(tx: Transaction, tenantId: string, customerNos: readonly number[]): Promise<Boundaries> {
    const rows = await tx.query<{ customer_no: number; at: Instant }>(
      'SELECT customer_no, at FROM usage_boundary WHERE tenant_id = $1 AND customer_no = ANY ($2::int4[]) ORDER BY customer_no, at',
      [tenantId, customerNos],
    );
    const boundaries = new Map<number, Instant[]>();
    for (const { customer_no: no, at } of rows) {
      const list = boundaries.get(no);
      if (list) list.push(at);
      else boundaries.set(no, [at]);
    }
    return boundaries;
  }

  /**
   * The same through the process's memory, which is only as good as the version that the caller read with the tenant's clock row locked: at another
   * version nothing remembered is used.
   */
  async atVersion(tx: Transaction, tenantId: string, version: number, customerNos: Iterable<number>): Promise<Boundaries> {
    const boundaries = new Map<number, readonly Instant[]>();
    const unknown: number[] = [];
    const known = this.cache.of(tenantId);
    for (const no of customerNos) {
      const remembered = known.get(no);
      if (remembered?.version === version) boundaries.set(no, remembered.list);
      else unknown.push(no);
    }
    if (unknown.length === 0) return boundaries;
    const read = await this.read(tx, tenantId, unknown);
    for (const no of unknown) {
      const list = read.get(no) ?? NONE;
      boundaries.set(no, list);
      this.cache.set(tenantId, no, { version, list });
    }
    return boundaries;
  }
}

/** Those whose slots still have their events. */
async function keptOf<Cut extends { readonly at: Instant }>(tx: TenantTransaction, cuts: readonly Cut[]): Promise<readonly Cut[]> {
  if (cuts.length === 0) return cuts;
  const { dropped } = await retentionHorizons(tx);
  return dropped === null ? cuts : cuts.filter(({ at }) => at >= dropped);
}

/** The slots of the cuts that hold cells, each once; most bounds lie ahead, where nothing is yet. The clock is held: no usage comes in between. */
async function slotsWithUsage(
  tx: TenantTransaction,
  cuts: readonly { readonly customer_no: number; readonly at: Instant }[],
): Promise<{ customerNo: number; slot: Instant }[]> {
  const rows = await tx.query<{ customer_no: number; slot: Instant }>(
    `SELECT DISTINCT c.customer_no, c.slot FROM unnest($2::int4[], $3::timestamptz[]) AS c (customer_no, slot)
     WHERE coalesce((SELECT true FROM usage_bucket b WHERE b.tenant_id = $1 AND b.customer_no = c.customer_no AND b.from_at >= c.slot
       AND b.from_at < c.slot + interval '15 minutes' ORDER BY b.tenant_id, b.customer_no, b.from_at, b.dimension_no, b.seq LIMIT 1), false)
     ORDER BY c.customer_no, c.slot`,
    [tx.tenantId, cuts.map((cut) => cut.customer_no), cuts.map(({ at }) => sqlInstant(slotStart(at)))],
  );
  return rows.map((row) => ({ customerNo: row.customer_no, slot: row.slot }));
}

async function recount(tx: TenantTransaction, customerNo: number, slot: Instant, boundaries: readonly Instant[]): Promise<void> {
  const cells = [slot, ...boundaries.filter((boundary) => boundary > slot && boundary < slot + SLOT)];
  const end = sqlInstant(slot + SLOT);
  await tx.query('DELETE FROM usage_bucket WHERE tenant_id = $1 AND customer_no = $2 AND from_at >= $3 AND from_at < $4', [
    tx.tenantId,
    customerNo,
    sqlInstant(slot),
    end,
  ]);
  await tx.query(RECOUNT_SLOT, [tx.tenantId, customerNo, sqlInstant(slot), cells.map(sqlInstant), end]);
}

import { Database } from '@tare/database';
import pg from 'pg';
import type { CeilingRow } from './copy-events.ts';

/** What one writes first: each event with an INSERT of its own, prepared, each its own commit. */
export async function insertOneByOne(client: pg.Client, tenantId: string, rows: readonly CeilingRow[]): Promise<void> {
  for (const row of rows) {
    await client.query({
      name: 'insert_one',
      text: `INSERT INTO ceiling (tenant_id, key_hash, at, customer_no, dimension_no, seq, uncached_input, cache_read, plain_output, cost, cost_rate_id)
             VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $2)`,
      values: [tenantId, ...valuesOf(row)],
    });
  }
}

function valuesOf(row: CeilingRow): unknown[] {
  const { keyHash, atMs, customerNo, dimensionNo, uncachedInput, cacheRead, plainOutput, costUnits } = row;
  return [
    keyHash.toString('hex'),
    new Date(atMs),
    customerNo,
    dimensionNo,
    uncachedInput,
    cacheRead || null,
    plainOutput,
    `${costUnits}e-12`,
  ];
}

/** Prisma's way: createMany of the rows alone into the events' table, without keys, buckets or costs. */
export class PrismaRows {
  private readonly database: Database;

  constructor(databaseUrl: string) {
    this.database = new Database({ url: databaseUrl, connections: 1 });
  }

  async create(tenantId: string, rows: readonly CeilingRow[], perCommit: number): Promise<void> {
    for (let from = 0; from < rows.length; from += perCommit) {
      const data = rows.slice(from, from + perCommit).map((row) => dataOf(tenantId, row));
      await this.database.withTenant(tenantId, (tx) => tx.prisma.usageEvent.createMany({ data }));
    }
  }

  async close(): Promise<void> {
    await this.database.close();
  }
}

function dataOf(tenantId: string, row: CeilingRow) {
  return {
    tenantId,
    keyHash: uuidText(row.keyHash),
    at: new Date(row.atMs),
    customerNo: row.customerNo,
    dimensionNo: row.dimensionNo,
    seq: 1n,
    uncachedInput: row.uncachedInput,
    cacheRead: row.cacheRead === 0 ? null : row.cacheRead,
    plainOutput: row.plainOutput,
    cost: `${row.costUnits}e-12`,
    costRateId: uuidText(row.keyHash),
  };
}

const uuidText = (bytes: Buffer): string => bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

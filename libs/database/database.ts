import { formatInstant, parseInstant, type Instant } from '@tare/core';
import type { Socket } from 'node:net';
import pg from 'pg';
import type { PrismaClient } from './generated/client.ts';
import { prismaOn } from './prisma-on-connection.ts';
import { APP_ROLE, connectionOptions, requireHeldRole } from './roles.ts';

/** The reserved tenant that owns what all tenants share, such as the catalogue of prices. Every policy may read its rows. */
export const CATALOGUE_TENANT_ID = '00000000-0000-4000-8000-000000000001';

/** What a store works with: one connection, one transaction, held to the tenants it was opened for. */
export interface Transaction {
  /** Hand-written SQL. numeric -> string, timestamptz -> Instant (microseconds), int8 -> number (throws when it is not safe). */
  query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Like `query`, prepared under a name: for hot statements. */
  queryPrepared<Row extends pg.QueryResultRow>(name: string, text: string, values: readonly unknown[]): Promise<Row[]>;
  /** Like `queryPrepared`, for a statement that answers no rows: how many it wrote. */
  execute(name: string, text: string, values: readonly unknown[]): Promise<number>;
  /** Prisma on the same connection and in the same transaction. */
  readonly prisma: PrismaClient;
}

/** A transaction held to one tenant. */
export interface TenantTransaction extends Transaction {
  readonly tenantId: string;
}

export interface DatabaseOptions {
  readonly url: string;
  /** Connections of the pool. */
  readonly connections?: number;
}

const OID = { int8: 20, timestamptz: 1184 } as const;

/** An Instant as a parameter for timestamptz. */
export const sqlInstant = (instant: Instant): string => formatInstant(instant);
/** An Instant or null as a parameter for timestamptz. */
export const sqlInstantOrNull = (instant: Instant | null): string | null => (instant === null ? null : formatInstant(instant));

/** Postgres writes `2026-01-01 00:00:00.5+00`: a space where RFC 3339 has a T, and an offset of whole hours without its minutes. */
function parseTimestamp(text: string): Instant {
  const isWholeHours = text.endsWith('+00') || WHOLE_HOURS.test(text);
  return parseInstant(`${text.slice(0, DATE_LENGTH)}T${text.slice(DATE_LENGTH + 1)}${isWholeHours ? ':00' : ''}`);
}

const DATE_LENGTH = 10;
const WHOLE_HOURS = /[+-]\d\d$/;

function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 ${text} is beyond what a number holds exactly; select it as numeric`);
  return value;
}

const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format !== 'binary' && oid === OID.timestamptz) return parseTimestamp;
    if (format !== 'binary' && oid === OID.int8) return parseInt8;
    return pg.types.getTypeParser(oid, format) as (value: string) => unknown;
  },
};

/**
 * The only way to a connection. Every transaction says which tenants it is for; without that, row-level security shows nothing.
 */
export class Database {
  private readonly pool: pg.Pool;
  private checked = false;

  constructor(readonly options: DatabaseOptions) {
    this.pool = new pg.Pool({
      connectionString: options.url,
      max: options.connections ?? 10,
      options: connectionOptions(APP_ROLE),
      types,
      application_name: 'tare',
      // Statements that do not wait for each other's answers are sent together; Postgres still runs them one after the other.
      ...{ pipeline: true },
    });
    // An idle connection that breaks is replaced by the pool; unheard, the event would end the process.
    this.pool.on('error', () => undefined);
    // So may one that is held by a transaction, between two statements: the next one fails, which is heard of.
    this.pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** Runs the work in a transaction that sees and writes one tenant. Commits when it resolves, rolls back when it throws. */
  withTenant<Result>(tenantId: string, work: (tx: TenantTransaction) => Promise<Result>): Promise<Result> {
    return this.withTenants([tenantId], (tx) => work(Object.assign(tx, { tenantId })));
  }

  /** The same for several tenants at once: for flushes and sweeps. */
  withTenants<Result>(tenantIds: readonly string[], work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    return this.transaction(tenantIds, work);
  }

  /** For the global tables (tenant, api_key_lookup, due_work): sees no tenant's rows. */
  withoutTenant<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    return this.transaction([], work);
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  private async transaction<Result>(tenantIds: readonly string[], work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    const connection = await this.connect();
    let broken = false;
    try {
      // Sent together with the first statement of the work. Should it fail, that statement finds no tenant set and so no rows.
      const begun = sent(connection, () => connection.query(beginFor(tenantIds)));
      begun.catch(() => undefined);
      if (tenantIds.length === 0) await begun;
      const result = await work(transactionOn(connection));
      await begun;
      const { command } = await connection.query('COMMIT');
      // What the work did not hear of, as a statement that it did not wait for, has undone all of it.
      if (command !== 'COMMIT') throw new Error('the transaction was rolled back: one of its statements had failed');
      return result;
    } catch (error) {
      broken = !(await rolledBack(connection));
      throw error;
    } finally {
      connection.release(broken);
    }
  }

  private async connect(): Promise<pg.PoolClient> {
    const connection = await this.pool.connect();
    if (this.checked) return connection;
    try {
      await requireHeldRole(connection);
      this.checked = true;
      return connection;
    } catch (error) {
      connection.release(true);
      throw error;
    }
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** One round trip. The setting is transaction-local: it ends with the transaction, whatever happens to the connection. */
function beginFor(tenantIds: readonly string[]): string {
  const stranger = tenantIds.find((id) => !UUID.test(id));
  if (stranger !== undefined) throw new RangeError(`${JSON.stringify(stranger)} is not the id of a tenant`);
  return `BEGIN; SET LOCAL app.tenant_ids = '{${tenantIds.join(',')}}'`;
}

async function rolledBack(connection: pg.PoolClient): Promise<boolean> {
  try {
    await connection.query('ROLLBACK');
    return true;
  } catch {
    return false;
  }
}

/** Holds back what is written until the end of this turn of the event loop: statements that are sent in one turn cost one system call. */
function sent<Result>(connection: pg.PoolClient, send: () => Result): Result {
  const { stream } = (connection as unknown as { connection: { stream: Socket } }).connection;
  stream.cork();
  process.nextTick(() => stream.uncork());
  return send();
}

function transactionOn(connection: pg.PoolClient): Transaction {
  return {
    async query<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) {
      return (await sent(connection, () => connection.query<Row>(text, [...values]))).rows;
    },
    async queryPrepared<Row extends pg.QueryResultRow>(name: string, text: string, values: readonly unknown[]) {
      return (await sent(connection, () => connection.query<Row>({ name, text, values: [...values] }))).rows;
    },
    async execute(name: string, text: string, values: readonly unknown[]) {
      return (await sent(connection, () => connection.query({ name, text, values: [...values] }))).rowCount ?? 0;
    },
    get prisma() {
      return prismaOn(connection);
    },
  };
}

import { PrismaPg } from '@prisma/adapter-pg';
import type { IsolationLevel, SqlDriverAdapter, SqlDriverAdapterFactory, Transaction } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { PrismaClient } from './generated/client.ts';

/**
 * A Prisma client that lives inside the transaction of one pg connection. Prisma opens a transaction of its own for nested writes and
 * `$transaction`; on a shared connection its COMMIT would commit ours. So its transactions are savepoints here.
 * One client per connection, kept with it: Prisma batches look-ups of one tick, and a shared client would mix those of two tenants.
 */
const clients = new WeakMap<pg.PoolClient, PrismaClient>();

/** The Prisma client bound to this connection. */
export function prismaOn(connection: pg.PoolClient): PrismaClient {
  let client = clients.get(connection);
  if (!client) {
    client = new PrismaClient({ adapter: new ConnectionAdapterFactory(connection) });
    clients.set(connection, client);
  }
  return client;
}

/** adapter-pg takes pools only (anything else it reads as settings and connects by itself): a pool that is this one connection. */
function poolOfOne(connection: pg.PoolClient): pg.Pool {
  const pool = new pg.Pool({ max: 1 });
  const query: pg.Pool['query'] = connection.query.bind(connection);
  const connect = (() => Promise.reject(new Error('a tenant transaction has one connection'))) as pg.Pool['connect'];
  return Object.assign(pool, { query, connect });
}

class ConnectionAdapterFactory implements SqlDriverAdapterFactory {
  readonly provider = 'postgres' as const;
  readonly adapterName = 'tare-connection';

  constructor(private readonly connection: pg.PoolClient) {}

  async connect(): Promise<SqlDriverAdapter> {
    const adapter = await new PrismaPg(poolOfOne(this.connection), { disposeExternalPool: false }).connect();
    let depth = 0;
    const startTransaction = async (_isolation?: IsolationLevel): Promise<Transaction> => {
      const savepoint = `prisma_${++depth}`;
      await this.connection.query(`SAVEPOINT ${savepoint}`);
      return savepointTransaction(adapter, this.connection, savepoint, () => depth--);
    };
    return {
      provider: adapter.provider,
      adapterName: this.adapterName,
      queryRaw: (query) => adapter.queryRaw(query),
      executeRaw: (query) => adapter.executeRaw(query),
      executeScript: (script) => adapter.executeScript(script),
      getConnectionInfo: () => adapter.getConnectionInfo(),
      dispose: () => Promise.resolve(),
      startTransaction,
    };
  }
}

function savepointTransaction(adapter: SqlDriverAdapter, connection: pg.PoolClient, savepoint: string, ended: () => void): Transaction {
  let nested = 0;
  return {
    provider: adapter.provider,
    adapterName: 'tare-connection',
    // The engine leaves BEGIN and COMMIT to us.
    options: { usePhantomQuery: true },
    queryRaw: (query) => adapter.queryRaw(query),
    executeRaw: (query) => adapter.executeRaw(query),
    createSavepoint: async (name) => {
      nested++;
      await connection.query(`SAVEPOINT ${savepoint}_${nested}_${name}`);
    },
    releaseSavepoint: async (name) => {
      await connection.query(`RELEASE SAVEPOINT ${savepoint}_${nested}_${name}`);
      nested--;
    },
    rollbackToSavepoint: async (name) => {
      await connection.query(`ROLLBACK TO SAVEPOINT ${savepoint}_${nested}_${name}`);
    },
    commit: async () => {
      await connection.query(`RELEASE SAVEPOINT ${savepoint}`);
      ended();
    },
    rollback: async () => {
      await connection.query(`ROLLBACK TO SAVEPOINT ${savepoint}`);
      await connection.query(`RELEASE SAVEPOINT ${savepoint}`);
      ended();
    },
  };
}

import pg from 'pg';
import type { BenchEvent } from '../events.ts';

/**
 * The ceiling: binary COPY of the rows that Tare stores, into a table of the same shape with its unique index and no row-level security. One
 * connection, nothing else; the rows are encoded while the clock runs, as any writer has to.
 */
export const CEILING_TABLE = `
CREATE TABLE ceiling (LIKE usage_event INCLUDING DEFAULTS);
ALTER TABLE ceiling ADD PRIMARY KEY (tenant_id, key_hash)`;

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const COLUMNS = 'tenant_id, key_hash, at, customer_no, dimension_no, seq, uncached_input, cache_read, plain_output, cost, cost_rate_id';
const FIELDS = 11;
const POSTGRES_EPOCH_MS = 946_684_800_000;
const ROW_BYTES = 256;

/** A row with the values that its event has in usage_event. */
export interface CeilingRow {
  readonly keyHash: Buffer;
  readonly atMs: number;
  readonly customerNo: number;
  readonly dimensionNo: number;
  readonly uncachedInput: number;
  readonly cacheRead: number;
  readonly plainOutput: number;
  /** Of 10^-10 of the currency. */
  readonly costUnits: number;
}

export function ceilingRows(events: readonly BenchEvent[]): CeilingRow[] {
  return events.map(({ key, at, customer, model, tokens }) => ({
    keyHash: Buffer.from(key.replaceAll('-', '').padEnd(32, '0').slice(0, 32), 'hex'),
    atMs: Date.parse(at),
    customerNo: Number(customer.slice('customer-'.length)) + 1,
    dimensionNo: model.length,
    uncachedInput: tokens.input - tokens.cacheRead,
    cacheRead: tokens.cacheRead,
    plainOutput: tokens.output,
    costUnits: (tokens.input * 25_000 + tokens.output * 100_000) % 1_000_000_000,
  }));
}

/** Copies the rows in, so many a commit. */
export async function copyIn(client: pg.Client, tenantId: string, rows: readonly CeilingRow[], perCommit: number): Promise<void> {
  const tenant = Buffer.from(tenantId.replaceAll('-', ''), 'hex');
  for (let from = 0; from < rows.length; from += perCommit) await copy(client, encode(tenant, rows.slice(from, from + perCommit)));
}

function encode(tenant: Buffer, rows: readonly CeilingRow[]): Buffer {
  const buffer = Buffer.allocUnsafe(SIGNATURE.length + rows.length * ROW_BYTES + 2);
  let end = SIGNATURE.copy(buffer, 0);
  for (const row of rows) {
    end = buffer.writeInt16BE(FIELDS, end);
    end = writeBytes(buffer, end, tenant);
    end = writeBytes(buffer, end, row.keyHash);
    end = writeInt8(buffer, end, (row.atMs - POSTGRES_EPOCH_MS) * 1000);
    end = buffer.writeInt32BE(row.customerNo, buffer.writeInt32BE(4, end));
    end = buffer.writeInt32BE(row.dimensionNo, buffer.writeInt32BE(4, end));
    end = writeInt8(buffer, end, 1);
    end = writeNumeric(buffer, end, row.uncachedInput, 0);
    end = row.cacheRead === 0 ? buffer.writeInt32BE(-1, end) : writeNumeric(buffer, end, row.cacheRead, 0);
    end = writeNumeric(buffer, end, row.plainOutput, 0);
    end = writeNumeric(buffer, end, row.costUnits, 12);
    end = writeBytes(buffer, end, row.keyHash);
  }
  end = buffer.writeInt16BE(-1, end);
  return buffer.subarray(0, end);
}

function writeBytes(buffer: Buffer, at: number, bytes: Buffer): number {
  const start = buffer.writeInt32BE(bytes.length, at);
  return start + bytes.copy(buffer, start);
}

function writeInt8(buffer: Buffer, at: number, value: number): number {
  const high = Math.floor(value / 2 ** 32);
  return buffer.writeUInt32BE(value - high * 2 ** 32, buffer.writeInt32BE(high, buffer.writeInt32BE(8, at)));
}

/** A whole number of 10^-scale, the scale a multiple of 4, as Postgres' digits to the base of 10,000. */
function writeNumeric(buffer: Buffer, at: number, units: number, scale: number): number {
  const digits: number[] = [];
  for (let rest = units; rest > 0; rest = Math.floor(rest / 10_000)) digits.push(rest % 10_000);
  let end = buffer.writeInt32BE(8 + digits.length * 2, at);
  end = buffer.writeInt16BE(digits.length, end);
  end = buffer.writeInt16BE(digits.length - scale / 4 - 1, end);
  end = buffer.writeInt16BE(scale, buffer.writeInt16BE(0, end));
  for (const digit of digits.reverse()) end = buffer.writeInt16BE(digit, end);
  return end;
}

interface CopyProtocol {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** The driver offers COPY only to query objects of one's own. */
function copy(client: pg.Client, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | null = null;
    const query = {
      submit: (connection: CopyProtocol): void => connection.query(`COPY ceiling (${COLUMNS}) FROM STDIN (FORMAT binary)`),
      handleCopyInResponse: (connection: CopyProtocol): void => {
        connection.sendCopyFromChunk(data);
        connection.endCopyFrom();
      },
      handleCommandComplete: (): void => undefined,
      handleError: (error: Error): void => {
        failure = error;
        reject(error);
      },
      handleReadyForQuery: (): void => {
        if (failure === null) resolve();
      },
      callback: (): void => undefined,
    };
    (client as unknown as { query(query: unknown): void }).query(query);
  });
}

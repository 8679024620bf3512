import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { MODELS } from '../billing-company.ts';

/**
 * The ceiling: a cursor over the sums of the same buckets, arithmetic on BigInt, and COPY of the same rows (invoice, lines, the closed period and the next
 * one, outbox, pin) into tables of the same shape with the same indexes: no row-level security, no triggers, no checks, one transaction. Reading and
 * writing have a connection each.
 */
export interface Month {
  readonly tenantId: string;
  /** RFC 3339. */
  readonly from: string;
  readonly to: string;
  /** End of the period that begins. */
  readonly next: string;
}

/** Tables of the shape and with the indexes of the product's. */
export const CEILING_TABLES = [
  'CREATE SCHEMA bench',
  ...['invoice', 'invoice_line', 'billing_period', 'invoice_outbox', 'invoice_series', 'usage_pin'].map(
    (table) => `CREATE TABLE bench.${table} (LIKE public.${table} INCLUDING ALL)`,
  ),
  'CREATE TABLE bench.open_period (LIKE public.billing_period INCLUDING ALL)',
];

interface SumRow {
  readonly customer_no: number;
  readonly customer_id: string;
  readonly subscription_id: string;
  readonly segment_id: string;
  readonly version_id: string;
  readonly dimension_no: number;
  readonly quantity: string;
}

const FETCH = 10_000;
const CURSOR = `
DECLARE sums NO SCROLL CURSOR FOR
SELECT b.customer_no, c.id AS customer_id, s.id AS subscription_id, g.id AS segment_id, g.plan_version_id AS version_id, b.dimension_no, b.quantity::text
FROM (
  SELECT customer_no, dimension_no,
    sum(uncached_input + cache_read + cache_write_5m + cache_write_1h + input_audio + plain_output + reasoning + output_audio) AS quantity
  FROM usage_bucket WHERE tenant_id = $1 AND from_at >= $2 AND from_at < $3 AND customer_no <= $4 GROUP BY customer_no, dimension_no ORDER BY customer_no, dimension_no
) AS b JOIN customer c ON c.tenant_id = $1 AND c.no = b.customer_no
JOIN subscription s ON s.tenant_id = $1 AND s.customer_id = c.id
JOIN subscription_segment g ON g.tenant_id = $1 AND g.subscription_id = s.id AND g.start_at <= $2 ORDER BY b.customer_no, b.dimension_no`;

export async function copyInvoices(reader: pg.Client, writer: pg.Client, month: Month, customers: number): Promise<void> {
  await reader.query('BEGIN');
  await writer.query('BEGIN');
  await reader.query(CURSOR, [month.tenantId, month.from, month.to, customers]);
  const rest: SumRow[] = [];
  let number = 0;
  let ahead = reader.query<SumRow>(`FETCH ${FETCH} FROM sums`);
  for (let more = true; more;) {
    const { rows } = await ahead;
    more = rows.length > 0;
    if (more) ahead = reader.query<SumRow>(`FETCH ${FETCH} FROM sums`);
    rest.push(...rows);
    const complete = more ? rest.findLastIndex((row) => row.customer_no !== rest.at(-1)?.customer_no) + 1 : rest.length;
    const page = new CopyPage(month, number);
    for (let i = 0; i < complete;) {
      let end = i + 1;
      while (end < complete && rest[end]?.customer_no === rest[i]?.customer_no) end += 1;
      page.add(rest.slice(i, end));
      i = end;
    }
    rest.splice(0, complete);
    number = page.number;
    await page.copy(writer);
  }
  await reader.query('COMMIT');
  await writer.query('COMMIT');
}

class CopyPage {
  private invoices = '';
  private lines = '';
  private periods = '';
  private outbox = '';
  private pins = '';

  constructor(
    private readonly month: Month,
    public number: number,
  ) {}

  add(rows: readonly SumRow[]): void {
    const [first] = rows;
    if (first === undefined) return;
    const { tenantId, from, to, next } = this.month;
    const { subscription_id: subscriptionId, segment_id: segmentId, version_id: versionId } = first;
    const id = randomUUID();
    this.number += 1;
    let total = 0n;
    for (const [position, { dimension_no: no, quantity }] of rows.entries()) {
      const { model, unitPrice } = MODELS[no - 1] ?? MODELS[0];
      const amount = amountOf(quantity, unitPrice);
      const rounded = cents(amount);
      total += BigInt(rounded.replace('.', ''));
      const detail = detailOf(unitPrice);
      this.lines += `${tenantId}\t${randomUUID()}\t${id}\t${position}\tUSAGE\tTokens: ${model}\t${model}\t${versionId}\t${segmentId}\t${quantity}\t${amount}\t${rounded}\t${from}\t${to}\t${detail}\n`;
    }
    const sum = `${total / 100n}.${String(total % 100n).padStart(2, '0')}`;
    this.invoices += `${tenantId}\t${id}\tTARE-${String(this.number).padStart(6, '0')}\tREGULAR\t${first.customer_id}\t${subscriptionId}\t${to}\t0\tFINALIZED\tUSD\t${from}\t${to}\t${sum}\t${sum}\t1\t${to}\t${to}\t${to}\t{}\n`;
    this.periods += `${tenantId}\t${randomUUID()}\t${subscriptionId}\t${segmentId}\t0\t${from}\t${to}\t${to}\t1\t1\t${to}\t${id}\n`;
    this.periods += `${tenantId}\t${randomUUID()}\t${subscriptionId}\t${segmentId}\t1\t${to}\t${next}\t\\N\t\\N\t\\N\t\\N\t\\N\n`;
    this.outbox += `${tenantId}\t${id}\tFINALIZED\n`;
    this.pins += `${tenantId}\t${first.customer_no}\t1\n`;
  }

  async copy(client: pg.Client): Promise<void> {
    for (const [columns, rows] of [
      [INVOICES, this.invoices],
      [LINES, this.lines],
      [PERIODS, this.periods],
      [OUTBOX, this.outbox],
      [PINS, this.pins],
    ] as const) {
      if (rows !== '') await copyText(client, columns, rows);
    }
  }
}

const INVOICES =
  'bench.invoice (tenant_id, id, number, kind, customer_id, subscription_id, billing_at, sequence, status, currency, period_start, period_end, subtotal, total, seen_seq, drafted_at, finalize_at, finalized_at, detail)';
const LINES =
  'bench.invoice_line (tenant_id, id, invoice_id, position, kind, description, price_key, plan_version_id, segment_id, quantity, exact_amount, amount, period_start, period_end, detail)';
const PERIODS =
  'bench.billing_period (tenant_id, id, subscription_id, segment_id, index, start_at, end_at, closed_at, seen_seq, rated_seq, billed_at, invoice_id)';
const OUTBOX = 'bench.invoice_outbox (tenant_id, invoice_id, kind)';
const PINS = 'bench.usage_pin (tenant_id, customer_no, seq)';

/** A whole quantity at a decimal unit price, exact. */
export function amountOf(quantity: string, unitPrice: string): string {
  const fraction = unitPrice.slice(unitPrice.indexOf('.') + 1);
  const digits = (BigInt(quantity) * BigInt(fraction)).toString().padStart(fraction.length + 1, '0');
  return `${digits.slice(0, -fraction.length)}.${digits.slice(-fraction.length)}`;
}

/** Half away from zero, two decimals. */
export function cents(amount: string): string {
  const point = amount.indexOf('.');
  const units = BigInt(amount.slice(0, point) + amount.slice(point + 1, point + 3)) + ((amount[point + 3] ?? '0') >= '5' ? 1n : 0n);
  const digits = units.toString().padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** What the product keeps of a line of so many units at a price beside its columns. */
export function detailOf(unitPrice: string): string {
  return `{"units":"${unitPrice}"}`;
}

interface CopyProtocol {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** The driver offers COPY only to query objects of one's own. */
export function copyText(client: pg.Client, target: string, rows: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | null = null;
    const query = {
      submit: (connection: CopyProtocol): void => connection.query(`COPY ${target} FROM STDIN`),
      handleCopyInResponse: (connection: CopyProtocol): void => {
        connection.sendCopyFromChunk(Buffer.from(rows));
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

import type pg from 'pg';
import { MODELS } from '../billing-company.ts';
import { amountOf, cents, detailOf, type Month } from './copy-invoices.ts';

/**
 * What one writes first: for each customer a set of queries, prepared, in a transaction of its own. It holds the customer, reads all that its bill depends on
 * (subscription, prices, tax, balance, sums of usage), takes a number, and writes invoice, lines, periods, pin and outbox: the same rows, into tables of
 * the same shape, but without row-level security, foreign keys and triggers. It knows one price model and no late usage, so it is faster than a real one.
 */
export async function billOneByOne(client: pg.Client, month: Month, customers: readonly number[]): Promise<void> {
  for (const customerNo of customers) {
    await client.query('BEGIN');
    await billCustomer(client, month, customerNo);
    await client.query('COMMIT');
  }
}

async function billCustomer(client: pg.Client, { tenantId, from, to, next }: Month, customerNo: number): Promise<void> {
  const { rows: found } = await client.query(prepared('subscription', SUBSCRIPTION, [tenantId, customerNo, from]));
  const { customer_id: customerId, subscription_id: subscriptionId, segment_id: segmentId, version_id: versionId, index } = found[0];
  const { rows: versions } = await client.query(prepared('terms', TERMS, [tenantId, versionId]));
  await client.query(prepared('tax', TAX, [tenantId, customerId, to]));
  await client.query(prepared('balance', BALANCE, [tenantId, customerId]));
  const { rows: sums } = await client.query(prepared('sums', SUMS, [tenantId, customerNo, from, to]));
  const { rows: numbers } = await client.query(prepared('number', NUMBER, [tenantId]));
  const lines = sums.map(({ dimension_no: no, quantity }) => {
    const { model } = MODELS[no - 1] ?? MODELS[0];
    const { unitPrice } = (versions[0].terms as Terms).prices.find(({ key }) => key === model) ?? { unitPrice: '0.0' };
    const price = { model, unitPrice };
    const amount = amountOf(quantity, price.unitPrice);
    return { price, quantity, amount, rounded: cents(amount) };
  });
  const total = String(lines.reduce((sum, { rounded }) => sum + BigInt(rounded.replace('.', '')), 0n)).replace(/(\d\d)$/, '.$1');
  const { rows: invoices } = await client.query(
    prepared('invoice', INVOICE, [tenantId, `TARE-${numbers[0].taken}`, customerId, subscriptionId, to, from, total]),
  );
  await client.query(
    prepared('lines', LINES, [
      tenantId,
      invoices[0].id,
      lines.map((_, position) => position),
      lines.map(({ price }) => `Tokens: ${price.model}`),
      lines.map(({ price }) => price.model),
      versionId,
      segmentId,
      lines.map(({ quantity }) => quantity),
      lines.map(({ amount }) => amount),
      lines.map(({ rounded }) => rounded),
      from,
      to,
      lines.map(({ price: { unitPrice } }) => detailOf(unitPrice)),
    ]),
  );
  await client.query(prepared('close', CLOSE, [tenantId, segmentId, from, to, invoices[0].id]));
  await client.query(prepared('open', OPEN, [tenantId, subscriptionId, segmentId, index + 1, to, next]));
  await client.query(prepared('pin', PIN, [tenantId, customerNo]));
  await client.query(prepared('outbox', OUTBOX, [tenantId, invoices[0].id]));
}

interface Terms {
  readonly prices: readonly { readonly key: string; readonly unitPrice: string }[];
}

function prepared(name: string, text: string, values: unknown[]): pg.QueryConfig {
  return { name: `naive ${name}`, text, values };
}

/** Where the baseline goes on from: its series, and the open periods of the tenant ($1). */
export const NAIVE_STATE = [
  `INSERT INTO bench.invoice_series (tenant_id, series, next) VALUES ($1, 'NAIVE', 1)`,
  'INSERT INTO bench.open_period SELECT * FROM billing_period WHERE tenant_id = $1',
];

const SUBSCRIPTION = `
SELECT c.id AS customer_id, s.id AS subscription_id, g.id AS segment_id, g.plan_version_id AS version_id, 0 AS index
FROM customer c JOIN subscription s ON s.tenant_id = c.tenant_id AND s.customer_id = c.id
JOIN subscription_segment g ON g.tenant_id = s.tenant_id AND g.subscription_id = s.id AND g.start_at <= $3
WHERE c.tenant_id = $1 AND c.no = $2 FOR UPDATE OF c`;
const TERMS = 'SELECT terms FROM plan_version WHERE tenant_id = $1 AND id = $2';
const TAX =
  'SELECT rates, exempt FROM customer_tax WHERE tenant_id = $1 AND customer_id = $2 AND valid_from <= $3 ORDER BY valid_from DESC, recorded_at DESC LIMIT 1';
const BALANCE =
  'SELECT currency, sum(amount) AS amount FROM customer_balance_entry WHERE tenant_id = $1 AND customer_id = $2 GROUP BY currency';
const SUMS = `
SELECT dimension_no, sum(uncached_input + cache_read + cache_write_5m + cache_write_1h + input_audio + plain_output + reasoning + output_audio)::text AS quantity
FROM usage_bucket WHERE tenant_id = $1 AND customer_no = $2 AND from_at >= $3 AND from_at < $4 GROUP BY dimension_no ORDER BY dimension_no`;
const NUMBER = `UPDATE bench.invoice_series SET next = next + 1 WHERE tenant_id = $1 AND series = 'NAIVE' RETURNING next - 1 AS taken`;
const INVOICE = `
INSERT INTO bench.invoice (tenant_id, id, number, kind, customer_id, subscription_id, billing_at, sequence, status, currency, period_start, period_end,
  subtotal, total, seen_seq, drafted_at, finalize_at, finalized_at, detail)
VALUES ($1, gen_random_uuid(), $2, 'REGULAR', $3, $4, $5, 7, 'FINALIZED', 'USD', $6, $5, $7, $7, 1, $5, $5, $5, '{}') RETURNING id`;
const LINES = `
INSERT INTO bench.invoice_line (tenant_id, id, invoice_id, position, kind, description, price_key, plan_version_id, segment_id, quantity, exact_amount, amount,
  period_start, period_end, detail)
SELECT $1, gen_random_uuid(), $2, position, 'USAGE', description, price_key, $6, $7, quantity, exact_amount, amount, $11::timestamptz, $12::timestamptz, detail
FROM unnest($3::int[], $4::text[], $5::text[], $8::numeric[], $9::numeric[], $10::numeric[], $13::jsonb[])
  AS l (position, description, price_key, quantity, exact_amount, amount, detail)`;
const CLOSE = `
UPDATE bench.open_period SET closed_at = $4::timestamptz, billed_at = $4::timestamptz, seen_seq = 1, rated_seq = 1, invoice_id = $5
WHERE tenant_id = $1 AND segment_id = $2 AND start_at = $3`;
const OPEN = `
INSERT INTO bench.open_period (tenant_id, id, subscription_id, segment_id, index, start_at, end_at) VALUES ($1, gen_random_uuid(), $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING`;
const PIN = 'INSERT INTO bench.usage_pin (tenant_id, customer_no, seq) VALUES ($1, $2, 2) ON CONFLICT DO NOTHING';
const OUTBOX = `INSERT INTO bench.invoice_outbox (tenant_id, invoice_id, kind) VALUES ($1, $2, 'FINALIZED')`;

import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { MetersService, PlansService } from '@tare/catalog';
import { BillingModule } from '@tare/billing';
import { DatabaseModule } from '@tare/database';
import type pg from 'pg';

/** Models of the company's price list: a line of each invoice bills one. Unit prices are strings with as many decimals as a token's price has. */
export const MODELS = [
  { model: 'gpt-4o', unitPrice: '0.0000125' },
  { model: 'gpt-4o-mini', unitPrice: '0.00000075' },
  { model: 'claude-sonnet-4-5', unitPrice: '0.000018' },
  { model: 'gemini-2.5-flash', unitPrice: '0.0000031' },
  { model: 'o3', unitPrice: '0.0000104' },
] as const;

/** Service periods are the months from here on. */
export const FIRST_MONTH = '2026-01-01T00:00:00Z';
export const monthStart = (month: number): Date => new Date(Date.UTC(2026, month, 1));

/** Cells of 15 minutes in which each customer uses each model in a month. */
const CELLS = 4;

/** The services that a benchmark of billing asks, on a database of its own. */
export async function billingApp(url: string, connections = 6) {
  class BenchBillingModule {}
  Module({ imports: [DatabaseModule.register({ url, connections }), BillingModule] })(BenchBillingModule);
  return NestFactory.createApplicationContext(BenchBillingModule, { logger: ['error'] });
}

/** A meter of tokens and a plan that charges them by model: no fee, five usage lines. Answers the plan version's id. */
export async function makePriceList(url: string, tenantId: string, client: pg.Client): Promise<string> {
  const app = await billingApp(url);
  try {
    await app.get(MetersService, { strict: false }).create(tenantId, {
      key: 'tokens',
      name: 'Tokens',
      eventType: 'llm.completion',
      aggregation: 'SUM',
      valueProperty: 'tokens.total',
    });
    const prices = MODELS.map(({ model, unitPrice }) => ({
      key: model,
      model: 'PER_UNIT' as const,
      meter: 'tokens',
      unitPrice,
      match: [{ property: 'model', in: [model] }],
    }));
    await app
      .get(PlansService, { strict: false })
      .create(tenantId, { key: 'tokens', name: 'Tokens', kind: 'PER_QUERY', currency: 'USD', interval: 'MONTH', prices });
  } finally {
    await app.close();
  }
  const { rows } = await client.query<{ id: string }>('SELECT id FROM plan_version WHERE tenant_id = $1', [tenantId]);
  return rows[0]?.id ?? '';
}

/**
 * Customers with a subscription each, billed up to the first month, and buckets of so many months: what ingest would have left behind, written in bulk as
 * superuser. Customer n has number n.
 */
export async function fillCompany(
  client: pg.Client,
  tenantId: string,
  { versionId, customers, months }: { versionId: string; customers: number; months: number },
): Promise<void> {
  await client.query('SET synchronous_commit = off');
  const size = [tenantId, customers];
  await client.query(
    `INSERT INTO customer_key (tenant_id, no, key) SELECT $1, n, 'customer-' || n FROM generate_series(1, $2::int) AS n`,
    size,
  );
  await client.query(
    `INSERT INTO customer (tenant_id, id, no, name) SELECT $1, gen_random_uuid(), n, 'Customer ' || n FROM generate_series(1, $2::int) AS n`,
    size,
  );
  await client.query(
    `INSERT INTO subscription (tenant_id, id, customer_id, starts_at, discounts)
     SELECT tenant_id, gen_random_uuid(), id, $2::timestamptz, '[]' FROM customer WHERE tenant_id = $1 ORDER BY no`,
    [tenantId, FIRST_MONTH],
  );
  await client.query(
    `INSERT INTO subscription_segment (tenant_id, id, subscription_id, position, plan_version_id, start_at, anchor_at, time_zone)
     SELECT s.tenant_id, gen_random_uuid(), s.id, 0, $3, $2::timestamptz, $2::timestamptz, 'UTC'
     FROM subscription s JOIN customer c ON c.tenant_id = s.tenant_id AND c.id = s.customer_id WHERE s.tenant_id = $1 ORDER BY c.no`,
    [tenantId, FIRST_MONTH, versionId],
  );
  await client.query(
    `INSERT INTO billing_period (tenant_id, id, subscription_id, segment_id, index, start_at, end_at)
     SELECT g.tenant_id, gen_random_uuid(), g.subscription_id, g.id, 0, g.start_at, g.start_at + interval '1 month'
     FROM subscription_segment g JOIN subscription s ON s.tenant_id = g.tenant_id AND s.id = g.subscription_id
       JOIN customer c ON c.tenant_id = s.tenant_id AND c.id = s.customer_id WHERE g.tenant_id = $1 ORDER BY c.no`,
    [tenantId],
  );
  await client.query(
    `INSERT INTO usage_dimension (tenant_id, no, hash, type, provider, model, outcome, cost_state, cost_currency)
     SELECT $1, no, decode(md5(model), 'hex'), 'llm.completion', 'openai', model, 'SUCCEEDED', 'PRICED', 'USD'
     FROM unnest($2::text[]) WITH ORDINALITY AS models (model, no)`,
    [tenantId, MODELS.map(({ model }) => model)],
  );
  await client.query(
    `INSERT INTO usage_bucket (tenant_id, customer_no, from_at, dimension_no, seq, events, uncached_input, cache_read, plain_output, cost, restated_cost)
     SELECT $1, n, $3::timestamptz + month * interval '1 month' + (cell * 7 + n % 5) * interval '1 day' + model * interval '15 minutes', model, 1,
       3 + (n + cell) % 40, 1000 + (n * 37 + cell * 911 + model * 13) % 90000, (n * 7) % 2000, 100 + (n * 17 + model) % 9000, 0.0123, 0.0123
     FROM generate_series(1, $2::int) AS n, generate_series(0, $4::int - 1) AS month, generate_series(0, ${CELLS - 1}) AS cell,
       generate_series(1, ${MODELS.length}) AS model
     ORDER BY n, month, cell, model`,
    [tenantId, customers, FIRST_MONTH, months],
  );
  await client.query('INSERT INTO usage_clock (tenant_id, seq) VALUES ($1, 1) ON CONFLICT (tenant_id) DO UPDATE SET seq = 1', [tenantId]);
  await client.query('RESET synchronous_commit');
  await client.query('VACUUM ANALYZE');
  await client.query('CHECKPOINT');
}

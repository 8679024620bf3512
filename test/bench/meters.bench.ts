import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CatalogModule, MetersService, type MeterInput } from '@tare/catalog';
import { formatInstant, parseInstant } from '@tare/core';
import { Database, DatabaseModule } from '@tare/database';
import { IngestService, MeterRollups, MeterUsageModule, MeterUsageService, UsageModule } from '@tare/usage';
import { median, print, rounded } from './measure.ts';
import { startBenchPlatform } from './platform.ts';

/**
 * Usage over time with few and with ten times the events in the same cells: what one read of a day by the hour takes, rolled up, against counting the
 * events in SQL and against reading before the roll-up; and how fast history is filled in. Medians, one run, one PostgreSQL. Prints JSON lines.
 * TARE_BENCH_EVENTS (20000: the few) and TARE_BENCH_ROUNDS (9) make it shorter or longer.
 */
const FEW = Number(process.env['TARE_BENCH_EVENTS'] ?? 20_000);
const ROUNDS = Number(process.env['TARE_BENCH_ROUNDS'] ?? 9);
const CUSTOMERS = 20;
const USERS = 40;
const SLOTS = 96;
const BATCH = 10_000;
const ORIGIN = parseInstant('2026-10-05T00:00:00Z');
const DAY = 86_400_000_000;
const NOW = ORIGIN + 2 * DAY;

const METERS: readonly Pick<MeterInput, 'key' | 'aggregation' | 'valueProperty'>[] = [
  { key: 'quantity', aggregation: 'SUM', valueProperty: 'quantity' },
  { key: 'pages', aggregation: 'SUM', valueProperty: 'properties.pages' },
  { key: 'max', aggregation: 'MAX', valueProperty: 'properties.pages' },
  { key: 'latest', aggregation: 'LATEST', valueProperty: 'properties.pages' },
  { key: 'users', aggregation: 'UNIQUE_COUNT', valueProperty: 'user' },
];

/** Each what a hand-written statement over the events would be. */
const OVER_EVENTS: Readonly<Record<string, string>> = {
  quantity: 'sum(quantity)',
  pages: `sum((properties->>'pages')::numeric)`,
  max: `max((properties->>'pages')::numeric)`,
  latest: `(array_agg((properties->>'pages')::numeric ORDER BY at DESC))[1]`,
  users: 'count(DISTINCT "user")',
};

const modules = (url: string): unknown[] => [
  DatabaseModule.register({ url, connections: 6 }),
  CatalogModule,
  UsageModule,
  MeterUsageModule,
];

async function millisOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function medianMillis(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) times.push(await millisOf(work));
  return median(times);
}

function eventAt(i: number, prefix: string): Record<string, unknown> {
  const at = ORIGIN + (i % SLOTS) * (DAY / SLOTS) + (Math.floor(i / SLOTS) % 800_000) * 1_000;
  const who = Math.floor(i / SLOTS);
  const user = `user-${(who * 7 + i) % USERS}`;
  return {
    key: `${prefix}-${i}`,
    customer: `customer-${who % CUSTOMERS}`,
    type: 'doc',
    at: formatInstant(at),
    quantity: 1,
    user,
    properties: { pages: i % 97 },
  };
}

const platform = await startBenchPlatform();
class BenchModule {}
Module({ imports: modules(platform.databaseUrl) as never[] })(BenchModule);
const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error'] });
const database = app.get(Database, { strict: false });
const [ingest, usage, rollups] = [app.get(IngestService), app.get(MeterUsageService), app.get(MeterRollups)];
const { tenantId } = platform;

const read = (meter: string): Promise<unknown> =>
  usage.page(tenantId, { meter, from: ORIGIN, to: ORIGIN + DAY, window: 'HOUR', timeZone: 'UTC', first: 1_000 });
const readEvents = (meter: string): Promise<unknown> =>
  database.withTenant(tenantId, (tx) =>
    tx.query(
      `SELECT customer_no, date_trunc('hour', at), ${OVER_EVENTS[meter] ?? ''} FROM usage_event
       WHERE tenant_id = $1 AND at >= $2 AND at < $3 AND voided_seq IS NULL GROUP BY 1, 2`,
      [tenantId, formatInstant(ORIGIN), formatInstant(ORIGIN + DAY)],
    ),
  );

try {
  for (const meter of METERS) await app.get(MetersService).create(tenantId, { ...meter, name: meter.key, eventType: '*' });
  let sent = 0;
  const few: Record<string, number> = {};
  for (const events of [FEW, FEW * 10]) {
    for (; sent < events; sent += BATCH) {
      await ingest.ingest(
        tenantId,
        Array.from({ length: Math.min(BATCH, events - sent) }, (_, i) => eventAt(sent + i, 'bench')),
        NOW,
      );
    }
    const before: Record<string, number> = {};
    for (const { key } of METERS) before[key] = await millisOf(() => read(key));
    const filling = await millisOf(async () => {
      while (await rollups.run(tenantId));
    });
    print({
      bench: 'meters',
      what: 'roll up',
      events,
      meters: METERS.length - 1,
      seconds: rounded(filling / 1_000),
      eventsPerSecondAndMeter: Math.round(((METERS.length - 1) * events * 1_000) / filling),
    });
    for (const { key } of METERS) {
      const rolledUp = await medianMillis(() => read(key));
      const overEvents = await medianMillis(() => readEvents(key));
      print({
        bench: 'meters',
        what: key,
        events,
        millis: rounded(rolledUp),
        beforeRollUpMillis: rounded(before[key] ?? NaN),
        overEventsMillis: rounded(overEvents),
        timesTheFew: few[key] === undefined ? null : rounded(rolledUp / few[key]),
      });
      few[key] ??= rolledUp;
    }
  }
} finally {
  await app.close();
  await platform.stop();
}

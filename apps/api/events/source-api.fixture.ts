import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AccessService } from '@tare/access';
import { seedCatalogue } from '@tare/catalog';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import type { IngestResult } from '@tare/usage';
import { createApi } from '../app.ts';

/** An event as it was stored, with what its dimensions say. Counts that are 0 are null. */
export interface StoredEvent {
  readonly key: string;
  readonly customer: string;
  readonly type: string;
  /** UTC, to the microsecond. */
  readonly at: string;
  readonly provider: string | null;
  readonly model: string | null;
  readonly service_tier: string | null;
  readonly outcome: string;
  readonly cost_state: string;
  readonly uncached_input: string | null;
  readonly cache_read: string | null;
  readonly cache_write_5m: string | null;
  readonly cache_write_1h: string | null;
  readonly input_audio: string | null;
  readonly plain_output: string | null;
  readonly reasoning: string | null;
  readonly output_audio: string | null;
  readonly quantity: string | null;
  readonly cost: string | null;
  readonly reported_cost: string | null;
  readonly user: string | null;
  readonly trace_id: string | null;
  readonly duration_ms: number | null;
  readonly properties: Record<string, unknown> | null;
}

/** What a request was answered. */
export interface Answered {
  readonly status: number;
  readonly body: IngestResult & { readonly code?: string; readonly message?: string };
}

const STORED = `SELECT e.key, c.key AS customer, d.type, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') AS at, d.provider, d.model, d.service_tier,
  d.outcome, d.cost_state, e.uncached_input::text, e.cache_read::text, e.cache_write_5m::text, e.cache_write_1h::text, e.input_audio::text, e.plain_output::text,
  e.reasoning::text, e.output_audio::text, e.quantity::text, e.cost::text, e.reported_cost::text, e."user", e.trace_id, e.duration_ms, e.properties
  FROM usage_event e
  JOIN usage_dimension d ON d.tenant_id = e.tenant_id AND d.no = e.dimension_no
  JOIN customer_key c ON c.tenant_id = e.tenant_id AND c.no = e.customer_no
  WHERE e.tenant_id = $1 AND ($2::text IS NULL OR c.key = $2) ORDER BY e.at, e.key`;

/** The API on a database of its own, for contract tests of sources: one tenant, its key, and what was stored for it. */
export class SourceApi {
  private constructor(
    private readonly db: TestDatabase,
    readonly app: NestFastifyApplication,
    readonly key: string,
    private readonly tenantId: string,
  ) {}

  /** With the list prices of the catalogue. */
  static async open(): Promise<SourceApi> {
    const db = await createTestDatabase();
    await seedCatalogue(db.database);
    const key = (await new AccessService(db.database).bootstrap()) ?? '';
    const [tenant] = await db.database.withoutTenant((tx) => tx.query<{ id: string }>('SELECT id FROM tenant ORDER BY created_at LIMIT 1'));
    return new SourceApi(db, await createApi({ databaseUrl: db.url }), key, tenant?.id ?? '');
  }

  /** Posts bytes, text, or anything as JSON. */
  async post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    const payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const response = await this.app.inject({
      method: 'POST',
      url,
      headers: { authorization: `Bearer ${this.key}`, 'content-type': 'application/json', ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
    return { status: response.statusCode, body: response.json() };
  }

  /** All events of a customer, or of everyone, in the order of their time. */
  stored(customer: string | null = null): Promise<StoredEvent[]> {
    return this.db.database.withTenant(this.tenantId, (tx) => tx.query<StoredEvent>(STORED, [this.tenantId, customer]));
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.db.drop();
  }
}

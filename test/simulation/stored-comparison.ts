import type { Database, TenantTransaction } from '@tare/database';
import { eventIdentity, rowIdentity } from '@tare/usage';
import type { ChaosEvents } from './chaos-events.ts';
import { frozenCost, restatedCost } from './chaos-prices.ts';

/** What is stored and should not be, or the other way round. Each has to be 0. */
export interface StoredDifferences {
  /** Acknowledged events that are not there, or whose key is not. */
  readonly lost: number;
  /** Events that are there twice, or that nobody sent. */
  readonly doubled: number;
  /** Events whose contents are not what was sent. */
  readonly wrongContents: number;
  /** Events that count and were voided or amended, or the other way round; keys that name another event than the last; trails that do not say what was done. */
  readonly wrongCorrections: number;
  /** Cells of buckets that a recount of the events does not give. */
  readonly wrongBuckets: number;
  /** Events whose frozen or restated cost is not that of the rates. */
  readonly wrongCosts: number;
}

interface EventRow extends Record<string, unknown> {
  readonly row_id: string;
  readonly voided: boolean;
  readonly contents: string;
  readonly cost: string | null;
  readonly restated: string | null;
}

const FETCHED_ROWS = 20_000;
/** Revisions that an event can have. */
const REVISIONS = 3;

const EVENTS = `
SELECT replace(e.key_hash::text, '-', '') AS row_id, e.voided_seq IS NOT NULL AS voided,
  concat_ws(' ', k.key, d.type, d.provider, d.model, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    trim_scale(coalesce(e.uncached_input, 0)), trim_scale(coalesce(e.plain_output, 0)), trim_scale(coalesce(e.quantity, 0) * 10),
    trim_scale(coalesce(e.cache_read, 0) + coalesce(e.cache_write_5m, 0) + coalesce(e.cache_write_1h, 0) + coalesce(e.input_audio, 0)
      + coalesce(e.reasoning, 0) + coalesce(e.output_audio, 0) + coalesce(e.gpu_seconds, 0)), e."user", e.properties) AS contents,
  trim_scale(e.cost * 1000000)::text AS cost, trim_scale(adjusted.cost * 1000000)::text AS restated
FROM usage_event e
JOIN usage_dimension d ON d.tenant_id = e.tenant_id AND d.no = e.dimension_no
JOIN customer_key k ON k.tenant_id = e.tenant_id AND k.no = e.customer_no
LEFT JOIN (SELECT DISTINCT ON (key_hash) key_hash, cost FROM cost_adjustment WHERE tenant_id = $1 ORDER BY key_hash, seq DESC) AS adjusted
  ON adjusted.key_hash = e.key_hash
WHERE e.tenant_id = $1`;

const KEYS = `SELECT replace(key_hash::text, '-', '') AS row_id, revision, voided_seq IS NOT NULL AS voided FROM usage_event_key WHERE tenant_id = $1`;

const TRAILS = `
SELECT replace(key_hash::text, '-', '') AS row_id, string_agg(revision || ' ' || kind, ', ' ORDER BY revision, kind) AS trail
FROM usage_correction WHERE tenant_id = $1 GROUP BY key_hash`;

/** Every count of a cell, and that none is there which the events do not have. Cells whose rows cancel each other out are none. */
const WRONG_CELLS = `
WITH adjusted AS (
  SELECT DISTINCT ON (key_hash) key_hash, cost FROM cost_adjustment WHERE tenant_id = $1 ORDER BY key_hash, seq DESC
), counted AS (
  SELECT e.customer_no, e.dimension_no, date_bin('15 minutes', e.at, 'epoch') AS from_at, count(*)::numeric AS events,
    coalesce(sum(e.uncached_input), 0) AS input, coalesce(sum(e.plain_output), 0) AS output, coalesce(sum(e.quantity), 0) AS quantity,
    coalesce(sum(e.cost), 0) AS cost, coalesce(sum(coalesce(adjusted.cost, e.cost)), 0) AS restated, 0::numeric AS others
  FROM usage_event e LEFT JOIN adjusted ON adjusted.key_hash = e.key_hash
  WHERE e.tenant_id = $1 AND e.voided_seq IS NULL GROUP BY 1, 2, 3
), kept AS (
  SELECT * FROM (
    SELECT customer_no, dimension_no, from_at, sum(events)::numeric AS events, sum(uncached_input) AS input, sum(plain_output) AS output,
      sum(quantity) AS quantity, sum(cost) AS cost, sum(restated_cost) AS restated,
      sum(cache_read + cache_write_5m + cache_write_1h + input_audio + reasoning + output_audio + gpu_seconds)::numeric AS others
    FROM usage_bucket WHERE tenant_id = $1 GROUP BY 1, 2, 3
  ) AS cell WHERE (events, input, output, quantity, cost, restated, others) <> (0, 0, 0, 0, 0, 0, 0)
)
SELECT count(DISTINCT (customer_no, dimension_no, from_at))::int AS wrong
FROM ((TABLE counted EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE counted)) AS differing`;

/** Statistics may be older than what the run brought: all rows are read, so that looking up single ones is never worth it. */
const ALL_ROWS = `SELECT set_config('enable_nestloop', 'off', true), set_config('cursor_tuple_fraction', '1', true)`;

/** Compares every row that stands after a run with what was sent, by a seed: events, keys, trails, buckets, costs. */
export class StoredComparison {
  /** By the identity of a row: index * REVISIONS + revision. */
  private readonly places = new Map<string, number>();
  private readonly counts = { lost: 0, doubled: 0, wrongContents: 0, wrongCorrections: 0, wrongBuckets: 0, wrongCosts: 0 };

  /** @param tell hears of everything that is wrong, in a line */
  constructor(
    private readonly database: Database,
    private readonly tenantId: string,
    private readonly events: ChaosEvents,
    private readonly tell: (line: string) => void,
  ) {
    for (let index = 0; index < events.count; index += 1) {
      const identity = eventIdentity(events.at(index).key);
      for (let revision = 0; revision <= events.endOf(index).revision; revision += 1) {
        this.places.set(rowIdentity(identity, revision), index * REVISIONS + revision);
      }
    }
  }

  async differences(): Promise<StoredDifferences> {
    await this.compareEvents();
    await this.compareKeys();
    await this.compareTrails();
    await this.compareBuckets();
    return this.counts;
  }

  private async compareEvents(): Promise<void> {
    const seen = new Uint8Array(this.events.count * REVISIONS);
    await this.forEach<EventRow>(EVENTS, (row) => {
      const place = this.places.get(row.row_id);
      if (place === undefined) return this.count('doubled', `an event that nobody sent: ${row.contents}`);
      seen[place] = (seen[place] ?? 0) + 1;
      this.compareEvent(Math.floor(place / REVISIONS), place % REVISIONS, row);
    });
    for (const [identity, place] of this.places) {
      const [index, revision] = [Math.floor(place / REVISIONS), place % REVISIONS];
      const times = seen[place] ?? 0;
      const isLast = revision === this.events.endOf(index).revision;
      if (times > 1) this.count('doubled', `event ${index}/${revision} is there ${times} times (${identity})`);
      if (times === 0) this.count(isLast ? 'lost' : 'wrongCorrections', `event ${index}/${revision} is not there (${identity})`);
    }
  }

  private compareEvent(index: number, revision: number, { voided, contents, cost, restated }: EventRow): void {
    const event = this.events.at(index, revision);
    const end = this.events.endOf(index);
    const name = `event ${index}/${revision}`;
    const { customer, type, provider, model, at, tokens, quantity, user, properties } = event;
    const sent = [
      customer,
      type,
      provider,
      model,
      at.replace('Z', '000Z'),
      tokens.input,
      tokens.output,
      Number(quantity.replace('.', '')),
      0,
    ];
    const wanted = [...sent, user, `{"size": "${properties.size}"}`].join(' ');
    if (contents !== wanted) this.count('wrongContents', `${name} is ${contents} and should be ${wanted}`);
    const isCancelled = revision < end.revision || end.isVoided;
    if (voided !== isCancelled) this.count('wrongCorrections', `${name} ${voided ? 'does not count' : 'counts'}`);
    const frozen = textOf(frozenCost(event));
    const known = isCancelled ? [null, frozen] : [frozen];
    const wantedRestated = isCancelled ? null : textOf(restatedCost(event));
    if (!known.includes(cost) || restated !== wantedRestated) {
      this.count('wrongCosts', `${name} costs ${cost}, restated ${restated}, and should cost ${frozen}, restated ${wantedRestated}`);
    }
  }

  private async compareKeys(): Promise<void> {
    const missing = new Uint8Array(this.events.count).fill(1);
    await this.forEach<{ row_id: string; revision: number; voided: boolean }>(KEYS, ({ row_id: identity, revision, voided }) => {
      const place = this.places.get(identity) ?? NaN;
      const index = place / REVISIONS;
      if (!Number.isInteger(index)) return this.count('doubled', `a key that nobody sent: ${identity}`);
      missing[index] = 0;
      const end = this.events.endOf(index);
      if (revision === end.revision && voided === end.isVoided) return;
      this.count('wrongCorrections', `the key of event ${index} names its revision ${revision}, ${voided ? 'voided' : 'which counts'}`);
    });
    for (const [index, isMissing] of missing.entries()) if (isMissing === 1) this.count('lost', `the key of event ${index} is not there`);
  }

  private async compareTrails(): Promise<void> {
    const trails = new Map<string, string>();
    await this.forEach<{ row_id: string; trail: string }>(TRAILS, ({ row_id: identity, trail }) => void trails.set(identity, trail));
    for (let index = 0; index < this.events.count; index += 1) {
      const corrections = this.events.correctionsOf(index);
      const identity = eventIdentity(this.events.at(index).key);
      const wanted = corrections.map(({ kind }, revision) => `${revision} ${kind}`).join(', ');
      const trail = trails.get(identity) ?? '';
      trails.delete(identity);
      if (trail !== wanted) this.count('wrongCorrections', `the trail of event ${index} is "${trail}" and should be "${wanted}"`);
    }
    for (const [identity, trail] of trails) this.count('wrongCorrections', `a trail of what nobody corrected: ${identity} ${trail}`);
  }

  private async compareBuckets(): Promise<void> {
    const [row] = await this.database.withTenant(this.tenantId, async (tx) => {
      await tx.query(ALL_ROWS);
      return tx.query<{ wrong: number }>(WRONG_CELLS, [this.tenantId]);
    });
    this.counts.wrongBuckets = row?.wrong ?? NaN;
    if (this.counts.wrongBuckets !== 0) this.tell(`wrongBuckets: ${this.counts.wrongBuckets} cells are not what their events add up to`);
  }

  private count(figure: keyof StoredDifferences, line: string): void {
    this.counts[figure] += 1;
    this.tell(`${figure}: ${line}`);
  }

  /** Row by row, so that a million take no more memory than a few. */
  private async forEach<Row extends Record<string, unknown>>(sql: string, visit: (row: Row) => void): Promise<void> {
    await this.database.withTenant(this.tenantId, async (tx: TenantTransaction) => {
      await tx.query(ALL_ROWS);
      await tx.query(`DECLARE compared NO SCROLL CURSOR FOR ${sql.replaceAll('$1', `'${this.tenantId}'::uuid`)}`);
      for (;;) {
        const rows = await tx.query<Row>(`FETCH ${FETCHED_ROWS} FROM compared`);
        if (rows.length === 0) return;
        for (const row of rows) visit(row);
      }
    });
  }
}

const textOf = (millionths: number | null): string | null => (millionths === null ? null : String(millionths));

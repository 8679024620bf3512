import { scopeKeyOf, type Instant, type LineKind } from '@tare/core';
import { createTestDatabase, sqlInstant, type TestDatabase } from '@tare/database';
import fc from 'fast-check';
import { scopeKeySql } from './line-columns.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

interface Named {
  readonly kind: LineKind;
  readonly segmentId: string;
  readonly priceKey: string | null;
  readonly start: Instant;
  readonly group: string | null;
}

const named = fc.record<Named>({
  kind: fc.constantFrom('USAGE', 'FEE', 'COMMITMENT'),
  segmentId: fc.uuid(),
  priceKey: fc.option(fc.constantFrom('tokens', 'add-on/seats', 'a:b', '数')),
  start: fc.integer({ min: Date.parse('1800-01-01') * 1_000, max: Date.parse('2200-01-01') * 1_000 }),
  group: fc.option(fc.constantFrom('gpt-5, gpt-5-mini', 'o"3', '')),
});
const roundStart = (key: Named, unit: number): Named => ({ ...key, start: Math.floor(key.start / unit) * unit });

test('8.3 SQL names what a line bills as the core does, to the microsecond, and takes a name that is kept as it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(named, { minLength: 1, maxLength: 30 }), fc.constantFrom(1, 1_000, 1_000_000), async (keys, unit) => {
      const lines = keys.map((key) => roundStart(key, unit));
      const rows = await db.database.withoutTenant((tx) =>
        tx.query<{ key: string; kept: string }>(
          `SELECT ${scopeKeySql('l')} AS key, ${scopeKeySql('k')} AS kept
           FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[]) WITH ORDINALITY AS u (kind, segment_id, price_key, period_start, price_group, no),
             LATERAL (SELECT '' AS scope_key, u.*) AS l, LATERAL (SELECT 'another' AS scope_key, u.*) AS k ORDER BY u.no`,
          [
            lines.map(({ kind }) => kind),
            lines.map(({ segmentId }) => segmentId),
            lines.map(({ priceKey }) => priceKey),
            lines.map(({ start }) => sqlInstant(start)),
            lines.map(({ group }) => group),
          ],
        ),
      );
      expect(rows.map(({ key }) => key)).toEqual(
        lines.map((line) => scopeKeyOf(line.kind, line.segmentId, line.priceKey, line.start, line.group)),
      );
      expect(new Set(rows.map(({ kept }) => kept))).toEqual(new Set(['another']));
    }),
    { numRuns: 30 },
  );
});

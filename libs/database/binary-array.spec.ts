import { Decimal, formatInstant } from '@tare/core';
import fc from 'fast-check';
import { BinaryArray, type ArrayType } from './binary-array.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/** What Postgres reads in an array, each element as its text. */
async function readBack<Value>(type: ArrayType, values: readonly (Value | null)[], write: (value: Value, into: BinaryArray) => void) {
  const array = new BinaryArray(type, 1);
  for (const value of values) {
    if (value === null) array.null();
    else write(value, array);
  }
  const rows = await db.database.withoutTenant((tx) =>
    tx.query<{ text: string | null }>(`SELECT element::text AS text FROM unnest($1::${type}[]) AS element`, [array.finish()]),
  );
  return rows.map(({ text }) => text);
}

const decimals = fc
  .tuple(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.nat(30))
  .map(([units, scale]) => Decimal.fromUnits(units, scale));
const smallDecimals = fc
  .tuple(fc.integer({ min: -100_000, max: 100_000 }), fc.nat(9))
  .map(([units, scale]) => Decimal.fromUnits(BigInt(units), scale));
const RUNS = { numRuns: 60 };

describe('a column in binary is what Postgres reads', () => {
  test('1.1 decimals of any size and scale, to the last digit', async () => {
    const lists = fc.array(fc.option(fc.oneof(decimals, smallDecimals)), { minLength: 1, maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(lists, async (values) => {
        const read = await readBack('numeric', values, (value, into) => into.numeric(value));
        expect(read).toEqual(values.map((value) => value?.toString() ?? null));
      }),
      RUNS,
    );
  });

  test('decimals at the edges of their digits', async () => {
    const texts = [
      '0',
      '1',
      '9999',
      '10000',
      '10001',
      '99999999',
      '100000000',
      '0.1',
      '0.0001',
      '0.00001',
      '0.00010001',
      '12345.6789',
      '9007199254740991',
    ];
    texts.push('9007199254740992', '900719925474.0993', '1000000000000000000000000000000', '0.000000000000000001', '-0.5', '-10000.0001');
    const read = await readBack(
      'numeric',
      texts.map((text) => Decimal.parse(text)),
      (value, into) => into.numeric(value),
    );
    expect(read).toEqual(texts);
  });

  test('2.4 times to the microsecond, before and after 2000', async () => {
    const instants = fc.integer({ min: Date.parse('1800-01-01') * 1000, max: Date.parse('2200-01-01') * 1000 });
    await fc.assert(
      fc.asyncProperty(fc.array(instants, { minLength: 1, maxLength: 50 }), async (values) => {
        const array = new BinaryArray('timestamptz', values.length);
        for (const value of values) array.timestamptz(value);
        const rows = await db.database.withoutTenant((tx) =>
          tx.query<{ at: number }>('SELECT at FROM unnest($1::timestamptz[]) AS at', [array.finish()]),
        );
        expect(rows.map(({ at }) => formatInstant(at))).toEqual(values.map(formatInstant));
      }),
      RUNS,
    );
  });

  test('whole numbers, texts of any language, JSON and identities', async () => {
    const numbers = [0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    expect(await readBack('int8', numbers, (value, into) => into.int8(value))).toEqual(numbers.map(String));
    const small = [0, -1, 2 ** 31 - 1, -(2 ** 31)];
    expect(await readBack('int4', small, (value, into) => into.int4(value))).toEqual(small.map(String));
    const texts = ['', 'a', 'größer', '税', '😀'.repeat(100), '{"quoted", \\ NULL}', null, 'x'.repeat(10_000)];
    expect(await readBack('text', texts, (value, into) => into.text(value))).toEqual(texts);
    const documents = ['{"a": 1}', '[1, "ü"]', null];
    expect(await readBack('jsonb', documents, (value, into) => into.jsonb(value))).toEqual(documents);
    const uuid = '0190f5d2-7b3a-7cde-8f00-112233445566';
    expect(await readBack('uuid', [uuid, uuid.replaceAll('-', ''), null], (value, into) => into.uuid(value))).toEqual([uuid, uuid, null]);
  });
});

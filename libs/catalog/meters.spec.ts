import { createTestDatabase, type TestDatabase } from '@tare/database';
import { MeterStore } from './meter.store.ts';
import { MetersService, type MeterInput } from './meters.service.ts';

const tokens: MeterInput = {
  key: 'tokens',
  name: 'Tokens',
  eventType: 'llm.completion',
  aggregation: 'SUM',
  valueProperty: 'tokens.total',
  filters: [{ property: 'model', in: ['small', 'large'] }],
  groupBy: ['model'],
};

describe('meters', () => {
  let db: TestDatabase;
  let meters: MetersService;
  const store = new MeterStore();

  beforeAll(async () => {
    db = await createTestDatabase();
    meters = new MetersService(db.database, store);
  });
  afterAll(() => db.drop());

  test('a meter comes back as it was made', async () => {
    const tenantId = await db.createTenant();
    const made = await meters.create(tenantId, tokens);
    const [kept] = await db.database.withTenant(tenantId, (tx) => store.all(tx));
    expect(kept).toEqual(made);
    expect(kept).toMatchObject({ ...tokens, id: expect.any(String) });
  });

  test('making the same meter again answers the one that is there', async () => {
    const tenantId = await db.createTenant();
    const first = await meters.create(tenantId, tokens);
    expect(await meters.create(tenantId, { ...tokens })).toEqual(first);
  });

  test('a key that is taken by another meter is refused', async () => {
    const tenantId = await db.createTenant();
    await meters.create(tenantId, tokens);
    await expect(meters.create(tenantId, { ...tokens, valueProperty: 'tokens.input' })).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      path: 'key',
    });
  });

  test.each([
    [{ ...tokens, key: '' }, 'FIELD_MISSING', 'key'],
    [{ ...tokens, name: '' }, 'FIELD_MISSING', 'name'],
    [{ ...tokens, name: 'nul \0' }, 'INVALID_CHARACTER', 'name'],
    [{ ...tokens, valueProperty: 'tokens.dreams' }, 'UNKNOWN_PROPERTY', 'valueProperty'],
    [{ ...tokens, valueProperty: null }, 'VALUE_PROPERTY_MISSING', 'valueProperty'],
    [{ ...tokens, filters: [{ property: 'model', in: [] }] }, 'FILTER_EMPTY', 'filters[0].in'],
  ])('a meter that cannot be read is refused at its field (%#)', async (input: MeterInput, code, path) => {
    const tenantId = await db.createTenant();
    await expect(meters.create(tenantId, input)).rejects.toMatchObject({ code, path });
  });

  test('two tenants may use one key, and neither sees the other', async () => {
    const [mine, theirs] = [await db.createTenant(), await db.createTenant()];
    const own = await meters.create(mine, tokens);
    await meters.create(theirs, { ...tokens, name: 'Other tokens' });
    expect((await meters.page(mine, {})).rows).toEqual([own]);
  });

  test('a list is read in pages, each meter once', async () => {
    const tenantId = await db.createTenant();
    for (const key of ['a', 'b', 'c']) await meters.create(tenantId, { ...tokens, key });
    const first = await meters.page(tenantId, { first: 2 });
    expect(first.rows.map(({ key }) => key)).toEqual(['a', 'b']);
    expect(first.hasNextPage).toBe(true);
  });
});

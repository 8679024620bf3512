import { createTestDatabase, type TestDatabase } from '@tare/database';
import { CustomerStore } from './customer.store.ts';

describe('customer numbers', () => {
  let db: TestDatabase;
  const store = new CustomerStore();

  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db.drop());

  const numbersOf = (tenantId: string, keys: string[]) => db.database.withTenant(tenantId, (tx) => store.numbersOf(tx, keys));

  test('every key has one number, the same each time', async () => {
    const tenantId = await db.createTenant();
    const first = await numbersOf(tenantId, ['acme', 'globex', 'acme']);
    expect([...first.values()].sort()).toEqual([1, 2]);
    expect(await numbersOf(tenantId, ['globex', 'acme'])).toEqual(first);
  });

  test('keys that many see first at the same time get one number each', async () => {
    const tenantId = await db.createTenant();
    const keys = Array.from({ length: 20 }, (_, index) => `customer-${index}`);
    const seen = await Promise.all(
      Array.from({ length: 6 }, (_, shift) => numbersOf(tenantId, [...keys.slice(shift), ...keys.slice(0, shift)])),
    );
    const [first] = seen;
    expect(new Set(first?.values()).size).toBe(20);
    for (const numbers of seen) expect(new Map([...numbers].sort())).toEqual(new Map([...(first ?? [])].sort()));
  });

  test('3.7 a customer takes over the number that usage was kept under before it existed', async () => {
    const tenantId = await db.createTenant();
    const no = (await numbersOf(tenantId, ['early'])).get('early');
    const made = await db.database.withTenant(tenantId, (tx) =>
      store.insert(tx, { key: 'early', name: 'Early', email: null, currency: null, timeZone: 'UTC' }),
    );
    expect(made?.no).toBe(no);
  });

  test('a key that another transaction took back is free again', async () => {
    const tenantId = await db.createTenant();
    await expect(
      db.database.withTenant(tenantId, async (tx) => {
        await store.numbersOf(tx, ['never']);
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    expect(await numbersOf(tenantId, ['other'])).toEqual(new Map([['other', 1]]));
  });
});

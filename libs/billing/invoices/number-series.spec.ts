import { SettingsService } from '@tare/access';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { NumberSeries } from './number-series.store.ts';
import { TestWorld } from '../world.fixture.ts';

let database: TestDatabase;
let world: TestWorld;
const numbers = new NumberSeries();

beforeAll(async () => {
  database = await createTestDatabase();
  world = await TestWorld.open(database);
});
afterAll(async () => {
  await world.close();
  await database.drop();
});

const placesOf = (taken: readonly string[]): number[] => taken.map((number) => Number(/\d+$/.exec(number)?.[0])).sort((a, b) => a - b);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('numbers', () => {
  test('8.2 have no gap when transactions race, are rolled back, or are killed in the middle', async () => {
    const { tenantId } = await world.neighbour(database);
    const attempt = (index: number): Promise<string[]> =>
      database.database.withTenant(tenantId, async (tx) => {
        const taken = await numbers.take(tx, 'INVOICE', (index % 3) + 1);
        if (index % 4 === 1) throw new Error('rolled back');
        if (index % 4 === 2) {
          // The server ends this very session, as it would when its process is killed: what it took is not committed.
          await tx.query('RESET ROLE');
          await tx.query('SELECT pg_terminate_backend(pg_backend_pid())');
        }
        return taken;
      });
    const results = await Promise.allSettled(Array.from({ length: 40 }, (_, index) => attempt(index)));
    const taken = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(20);
    expect(placesOf(taken)).toEqual(upTo(taken.length));
    const after = await database.database.withTenant(tenantId, async (tx) => [
      await numbers.nextPlace(tx),
      ...(await numbers.take(tx, 'INVOICE')),
    ]);
    expect(after).toEqual([taken.length + 1, `TARE-${String(taken.length + 1).padStart(6, '0')}`]);
  });

  test('of invoices and of credit notes are two series, and each tenant has its own', async () => {
    const one = await world.neighbour(database);
    const other = await world.neighbour(database);
    const take = (of: TestWorld, series: 'INVOICE' | 'CREDIT_NOTE', count: number): Promise<string[]> =>
      database.database.withTenant(of.tenantId, (tx) => numbers.take(tx, series, count));
    expect(await take(one, 'INVOICE', 2)).toEqual(['TARE-000001', 'TARE-000002']);
    expect(await take(one, 'CREDIT_NOTE', 1)).toEqual(['TARE-CN-000001']);
    expect(await take(other, 'INVOICE', 1)).toEqual(['TARE-000001']);
    expect(await take(other, 'INVOICE', 0)).toEqual([]);
  });

  test('go on counting under a new prefix', async () => {
    const { tenantId } = await world.neighbour(database);
    const take = (): Promise<string[]> => database.database.withTenant(tenantId, (tx) => numbers.take(tx, 'INVOICE'));
    const prefix = (invoiceNumberPrefix: string) => world.get(SettingsService).update(tenantId, { invoiceNumberPrefix }, 'tester');
    expect(await take()).toEqual(['TARE-000001']);
    await prefix('ACME-2026');
    expect(await take()).toEqual(['ACME-2026-000002']);
    for (const bad of ['', 'acme', 'A B', '-A', 'A'.repeat(21), 'TARE-CN'])
      await expect(prefix(bad)).rejects.toMatchObject({ code: 'INVALID_PREFIX', path: 'invoiceNumberPrefix' });
  });
});

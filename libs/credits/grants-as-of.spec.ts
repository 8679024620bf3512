import { Decimal, parseInstant } from '@tare/core';
import { createTestDatabase, sqlInstant, type TestDatabase } from '@tare/database';
import { CreditStore } from './credit.store.ts';
import { PurchasesService } from './purchases.service.ts';
import { WalletWorld } from './wallet.fixture.ts';

let database: TestDatabase;
let world: WalletWorld;

beforeAll(async () => {
  database = await createTestDatabase();
  world = await WalletWorld.open(database);
});
afterAll(async () => {
  await world.close();
  await database.drop();
});

/** What grants held by the postings alone. */
const LEDGER = `
SELECT g.key, trim_scale(coalesce(sum(p.credits) FILTER (WHERE p.account = 'GRANT'), 0))::text AS remaining,
  trim_scale(coalesce(sum(p.credits) FILTER (WHERE p.account = 'RESERVED'), 0))::text AS reserved, trim_scale(coalesce(sum(p.revenue), 0))::text AS price_used
FROM credit_grant g LEFT JOIN credit_posting p ON p.grant_id = g.id AND p.at <= $2 AND (p.cause <> 'USAGE' OR p.at < $2)
WHERE g.customer_id = $1 GROUP BY g.id, g.key ORDER BY g.key`;

/** A wallet that usage, debits, a reservation and a reversal have moved. */
async function movedWallet(): Promise<string> {
  await world.burning('acme', { creditExhaustion: 'OVERDRAFT', overdraftLimit: '1000' });
  await world.grant('acme', 'pack', '100', { price: '30', until: '2026-02-10T00:00:00Z' });
  await world.grant('acme', 'later', '500', { price: '20', from: '2026-02-01T00:00:00Z' });
  for (const [day, quantity] of Object.entries({ '01-05': '7', '01-20': '11', '02-01': '13', '02-15': '17' })) {
    await world.use('acme', { at: `2026-${day}T08:00:00Z`, quantity });
  }
  await world.draw('acme');
  const debit = { customer: 'acme', key: 'one', credits: Decimal.of(19), at: parseInstant('2026-02-03T00:00:00Z') };
  await world.debits.debit(world.tenantId, debit);
  await world.debits.reverse(world.tenantId, { customer: 'acme', key: 'back', debit: 'one', credits: Decimal.of(4) });
  await world.debits.reserve(world.tenantId, { customer: 'acme', key: 'held', credits: Decimal.of(23), ttlSeconds: 600 });
  return world.idOf('acme');
}

test('7.1 what a wallet held at an instant is what its postings up to then say, by sums that are kept and what came later', async () => {
  const customerId = await movedWallet();
  const store = world.get(CreditStore);
  const held = (at: number): Promise<string[][]> =>
    world.database.withTenant(world.tenantId, async (tx) =>
      (await store.grants(tx, customerId, at, at))
        .map(({ key, remaining, reserved, priceUsed }) => [key, remaining.toString(), reserved.toString(), priceUsed.toString()])
        .sort(),
    );
  for (const text of ['2025-12-31', '2026-01-01', '2026-01-20', '2026-02-01', '2026-02-02', '2026-02-03', '2026-02-16', '2027-06-01']) {
    const at = parseInstant(`${text}T00:00:00Z`);
    const rows = await world.database.withTenant(world.tenantId, (tx) =>
      tx.query<{ key: string; remaining: string; reserved: string; price_used: string }>(LEDGER, [customerId, sqlInstant(at)]),
    );
    expect([text, await held(at)]).toEqual([text, rows.map((row) => [row.key, row.remaining, row.reserved, row.price_used])]);
  }
});

test('a purchase is found by its id, by its own tenant only', async () => {
  await world.customer('buyer');
  const price = { amount: Decimal.of(5), currency: 'USD' };
  const { id } = await world.purchases.purchase(world.tenantId, { customer: 'buyer', key: 'pack', credits: Decimal.of(10), price });
  expect((await world.get(PurchasesService).byId(world.tenantId, id))?.key).toBe('pack');
  const stranger = await world.neighbour(database);
  expect(await world.get(PurchasesService).byId(stranger.tenantId, id)).toBeNull();
});

import { AuditLog } from '@tare/access';
import { Decimal, parseInstant } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import type { CouponInput } from './coupon.ts';
import { CouponStore } from './coupon.store.ts';
import { Coupons } from './coupons.ts';
import { CouponsService } from './coupons.service.ts';

const NOW = parseInstant('2026-03-01T00:00:00Z');
const launch: CouponInput = { key: 'LAUNCH', percentOff: '20', periods: 3, prices: ['fee'], maxRedemptions: 2, redeemBy: NOW + 1 };

describe('coupons', () => {
  let db: TestDatabase;
  let tenantId: string;
  let service: CouponsService;
  const store = new CouponStore();
  const coupons = new Coupons(store);

  beforeAll(async () => {
    db = await createTestDatabase();
    service = new CouponsService(db.database, store, new AuditLog());
  });
  afterAll(() => db.drop());
  beforeEach(async () => {
    tenantId = await db.createTenant();
  });

  const redeem = (key: string, at = NOW): Promise<unknown> => db.database.withTenant(tenantId, (tx) => coupons.redeem(tx, key, at));

  test('a coupon gives the discount that it promises, under its key', async () => {
    await service.create(tenantId, {
      key: 'OFF',
      amountOff: { amount: '5.50', currency: 'EUR' },
      carriesOn: true,
      appliesTo: 'USAGE',
      addOns: ['sso'],
    });
    expect(await redeem('OFF')).toEqual({
      key: 'OFF',
      name: 'OFF',
      percentOff: null,
      amountOff: { amount: Decimal.parse('5.5'), currency: 'EUR' },
      prices: null,
      addOns: ['sso'],
      appliesTo: 'USAGE',
      periods: null,
      until: null,
      carriesOn: true,
    });
  });

  test('however many redeem it at once, it is redeemed as often as it may', async () => {
    await service.create(tenantId, launch);
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => redeem('LAUNCH')));
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as { code: string }).code] : []));
    expect(refused).toEqual(Array.from({ length: 6 }, () => 'COUPON_USED_UP'));
    expect((await service.byKey(tenantId, 'LAUNCH'))?.redemptions).toBe(2);
  });

  test('a transaction that fails has redeemed nothing', async () => {
    await service.create(tenantId, launch);
    const failing = db.database.withTenant(tenantId, async (tx) => {
      await coupons.redeem(tx, 'LAUNCH', NOW);
      throw new Error('the subscription was refused');
    });
    await expect(failing).rejects.toThrow('refused');
    expect((await service.byKey(tenantId, 'LAUNCH'))?.redemptions).toBe(0);
  });

  test('2.1 a coupon is redeemed before its redeemBy, and not at it; nor once it is archived', async () => {
    await service.create(tenantId, launch);
    await expect(redeem('LAUNCH', NOW + 1)).rejects.toMatchObject({ code: 'COUPON_EXPIRED', path: 'coupon' });
    await service.archive(tenantId, 'LAUNCH');
    await expect(redeem('LAUNCH')).rejects.toMatchObject({ code: 'COUPON_ARCHIVED' });
    await expect(redeem('NOTHING')).rejects.toMatchObject({ code: 'UNKNOWN_COUPON' });
  });

  test('what a coupon promises never changes: the same again answers it, another under its key is refused', async () => {
    const first = await service.create(tenantId, launch);
    expect(await service.create(tenantId, { ...launch, percentOff: '20.0' })).toEqual(first);
    await expect(service.create(tenantId, { ...launch, percentOff: '21' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS', path: 'key' });
    const rewrite = db.database.withTenant(tenantId, (tx) => tx.query('UPDATE coupon SET percent_off = 99'));
    await expect(rewrite).rejects.toThrow('permission denied');
  });

  test('archived coupons are a list of their own', async () => {
    await service.create(tenantId, launch);
    await service.create(tenantId, { key: 'OLD', percentOff: '5' });
    const archived = await service.archive(tenantId, 'OLD');
    expect((await service.archive(tenantId, 'OLD')).archivedAt).toBe(archived.archivedAt);
    const keys = async (isArchived: boolean): Promise<string[]> =>
      (await service.page(tenantId, {}, isArchived)).rows.map(({ key }) => key);
    expect([await keys(false), await keys(true)]).toEqual([['LAUNCH'], ['OLD']]);
    await expect(service.archive(tenantId, 'NOTHING')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test("another tenant's coupon looks like one that does not exist", async () => {
    await service.create(tenantId, launch);
    tenantId = await db.createTenant();
    await expect(redeem('LAUNCH')).rejects.toMatchObject({ code: 'UNKNOWN_COUPON' });
    expect(await service.byKey(tenantId, 'LAUNCH')).toBeNull();
  });

  test.each<[CouponInput, string, string]>([
    [{ key: 'a' }, 'DISCOUNT_FIELD_MISSING', 'percentOff'],
    [{ key: 'a', percentOff: '1', amountOff: { amount: '1', currency: 'USD' } }, 'DISCOUNT_FIELD_NOT_ALLOWED', 'amountOff'],
    [{ key: 'a', percentOff: '100.5' }, 'INVALID_PERCENT', 'percentOff'],
    [{ key: 'a', percentOff: '0' }, 'INVALID_PERCENT', 'percentOff'],
    [{ key: 'a', amountOff: { amount: '0', currency: 'USD' } }, 'NEGATIVE_PRICE', 'amountOff.amount'],
    [{ key: 'a', amountOff: { amount: '1', currency: 'XXX' } }, 'UNKNOWN_CURRENCY', 'amountOff.currency'],
    [{ key: 'a', percentOff: '1', carriesOn: true }, 'DISCOUNT_FIELD_NOT_ALLOWED', 'carriesOn'],
    [{ key: 'a', percentOff: '1', periods: 0 }, 'INVALID_COUNT', 'periods'],
    [{ key: 'a', percentOff: '1', maxRedemptions: 0 }, 'INVALID_COUNT', 'maxRedemptions'],
    [{ key: '', percentOff: '1' }, 'FIELD_MISSING', 'key'],
    [{ key: 'a', percentOff: '1', prices: ['fee', 'nul \0'] }, 'INVALID_CHARACTER', 'prices[1]'],
  ])('a coupon that promises nothing sensible is refused at its field (%#)', async (input, code, path) => {
    await expect((async () => service.create(tenantId, input))()).rejects.toMatchObject({ code, path });
  });
});

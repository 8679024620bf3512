import { TestApi } from '../test-api.ts';

const FIELDS =
  'key name percentOff amountOff { amount currency } prices appliesTo periods until carriesOn maxRedemptions redeemBy redemptions archivedAt';
const CREATE = `mutation ($input: CouponInput!) { createCoupon(input: $input) { ${FIELDS} } }`;
const COUPON = `query ($key: String!) { coupon(key: $key) { ${FIELDS} } }`;

describe('coupons over GraphQL', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await TestApi.open();
  });
  afterAll(() => api.close());

  test('a coupon is made, read back as it was made, and archived', async () => {
    const input = {
      key: 'SPRING',
      name: 'Spring',
      amountOff: { amount: '10.50', currency: 'USD' },
      periods: 1,
      maxRedemptions: 100,
      redeemBy: '2027-01-01T00:00:00.000Z',
    };
    const made = { ...input, amountOff: { amount: '10.5', currency: 'USD' } };
    const rest = { percentOff: null, prices: null, appliesTo: 'ALL', until: null, carriesOn: false, redemptions: 0, archivedAt: null };
    expect((await api.ask(CREATE, { input })).data).toEqual({ createCoupon: { ...made, ...rest } });
    expect((await api.ask(COUPON, { key: 'SPRING' })).data).toEqual({ coupon: { ...made, ...rest } });
    const { data } = await api.ask('mutation { archiveCoupon(key: "SPRING") { archivedAt } }');
    expect(data).toEqual({ archiveCoupon: { archivedAt: expect.any(String) } });
    const lists = await api.ask(
      '{ offered: coupons { edges { node { key } } } archived: coupons(archived: true) { edges { node { key } } } }',
    );
    expect(lists.data).toEqual({ offered: { edges: [] }, archived: { edges: [{ node: { key: 'SPRING' } }] } });
  });

  test('a coupon that takes off nothing, or more than everything, is refused at its field', async () => {
    expect(await api.refusal(CREATE, { input: { key: 'NONE' } })).toEqual({ code: 'DISCOUNT_FIELD_MISSING', field: 'percentOff' });
    expect(await api.refusal(CREATE, { input: { key: 'ALL', percentOff: '101' } })).toEqual({
      code: 'INVALID_PERCENT',
      field: 'percentOff',
    });
    expect((await api.ask(COUPON, { key: 'ALL' })).data).toEqual({ coupon: null });
  });

  test("another tenant's coupon looks like one that does not exist, and a key that reads makes none", async () => {
    await api.ask(CREATE, { input: { key: 'MINE', percentOff: '5' } });
    expect((await api.ask(COUPON, { key: 'MINE' }, await api.stranger())).data).toEqual({ coupon: null });
    const { data } = await api.ask('mutation { createApiKey(name: "reader", scopes: [READ]) { secret } }');
    const { secret } = (data as unknown as { createApiKey: { secret: string } }).createApiKey;
    expect(await api.refusal(CREATE, { input: { key: 'X', percentOff: '5' } }, secret)).toEqual({ code: 'FORBIDDEN', field: undefined });
  });
});

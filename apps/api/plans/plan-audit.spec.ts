import { AccessService } from '@tare/access';
import { TestApi } from '../test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.open();
});
afterAll(() => api.close());

test('who wrote a plan or a coupon stands in the audit log, once for each change, and nothing for what changed nothing', async () => {
  const secret = await api.stranger();
  const principal = await new AccessService(api.test.database).authenticate(secret);
  const fee = (amount: string) =>
    `{ key: "pro", name: "Pro", kind: SUBSCRIPTION, currency: "USD", interval: MONTH, prices: [{ key: "fee", model: FLAT, amount: "${amount}" }] }`;
  for (const mutation of [
    `createPlan(input: ${fee('10')}) { id }`,
    `createPlan(input: ${fee('10')}) { id }`,
    `draftPlan(input: ${fee('20')}) { id }`,
    'publishPlan(key: "pro") { id }',
    `draftPlan(input: ${fee('30')}) { id }`,
    'discardDraft(key: "pro") { id }',
    'archivePlan(key: "pro") { id }',
    'archivePlan(key: "pro") { id }',
    'unarchivePlan(key: "pro") { id }',
    'createCoupon(input: { key: "SPRING", name: "Spring", percentOff: "10" }) { id }',
    'createCoupon(input: { key: "SPRING", name: "Spring", percentOff: "10" }) { id }',
    'archiveCoupon(key: "SPRING") { id }',
    'archiveCoupon(key: "SPRING") { id }',
  ]) {
    expect(await api.ask(`mutation { ${mutation} }`, {}, secret)).not.toHaveProperty('errors');
  }
  // What is refused leaves nothing.
  await api.refusal('mutation { publishPlan(key: "pro") { id } }', {}, secret);
  const rows = await api.test.database.withTenant(principal?.tenantId ?? '', (tx) =>
    tx.query<{ actor: string; action: string; subject: string; version: string | null; amount: string | null }>(
      `SELECT actor, action, subject, detail ->> 'version' AS version, detail #>> '{terms,prices,0,amount}' AS amount
       FROM audit_entry WHERE action LIKE 'plan.%' OR action LIKE 'coupon.%' ORDER BY at`,
    ),
  );
  expect(new Set(rows.map(({ actor }) => actor))).toEqual(new Set([principal?.apiKeyId]));
  expect(rows.map(({ action, subject, version, amount }) => [action, subject, version, amount].filter(Boolean).join(' '))).toEqual([
    'plan.publish pro 1',
    'plan.draft pro 2 20',
    'plan.publish pro 2',
    'plan.draft pro 3 30',
    'plan.discard_draft pro 3',
    'plan.archive pro',
    'plan.unarchive pro',
    'coupon.create SPRING',
    'coupon.archive SPRING',
  ]);
});

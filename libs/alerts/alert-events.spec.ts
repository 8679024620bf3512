import { createTestDatabase, type TestDatabase } from '@tare/database';
import { AlertEvents, AlertEventStore, type NewAlertEvent } from './index.ts';

let db: TestDatabase;
let events: AlertEvents;
let tenantId: string;

beforeAll(async () => {
  db = await createTestDatabase();
  events = new AlertEvents(db.database, new AlertEventStore());
});
beforeEach(async () => {
  tenantId = await db.createTenant();
});
afterAll(() => db.drop());

const reached = (percent: number, subject = 'acme'): NewAlertEvent => ({
  type: 'cap.threshold_reached',
  subject,
  dedupeKey: `cap.threshold_reached/${subject}/${percent}`,
  payload: { percent },
});
const record = (event: NewAlertEvent): Promise<boolean> => db.database.withTenant(tenantId, (tx) => events.record(tx, event));
const listed = async (filter = {}): Promise<unknown[]> =>
  (await events.page(tenantId, filter, { beforeTime: null, beforeId: null, limit: 100 })).map(({ subject, payload }) => [
    subject,
    payload['percent'],
  ]);

test('what happened is recorded once, however often and by however many it is seen', async () => {
  const answers = await Promise.all(Array.from({ length: 5 }, () => record(reached(80))));
  expect(answers.filter(Boolean)).toHaveLength(1);
  expect(await record(reached(80))).toBe(false);
  expect(await listed()).toEqual([['acme', 80]]);
});

test('of many at once, only those that are new are answered', async () => {
  await record(reached(50));
  const recorded = await db.database.withTenant(tenantId, (tx) => events.recordAll(tx, [reached(50), reached(80), reached(80)]));
  expect(recorded.map(({ payload }) => payload['percent'])).toEqual([80]);
});

test('the list has the newest first and keeps to a subject and a type', async () => {
  await record(reached(50));
  await record(reached(80));
  await record(reached(80, 'globex'));
  expect(await listed()).toEqual([
    ['globex', 80],
    ['acme', 80],
    ['acme', 50],
  ]);
  expect(await listed({ subject: 'acme' })).toEqual([
    ['acme', 80],
    ['acme', 50],
  ]);
  expect(await listed({ type: 'credits.threshold_reached' })).toEqual([]);
});

test('what a transaction recorded is gone when it is rolled back', async () => {
  await expect(
    db.database.withTenant(tenantId, async (tx) => {
      await events.record(tx, reached(80));
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  expect(await listed()).toEqual([]);
});

test('a type that does not say what it is about and what became of it is a mistake', async () => {
  await expect(record({ ...reached(80), type: 'CapReached' })).rejects.toThrow('not the type of an alert event');
});

test('alert events of one tenant are not seen by another', async () => {
  await record(reached(80));
  tenantId = await db.createTenant();
  expect(await listed()).toEqual([]);
});

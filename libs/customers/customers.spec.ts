import { AuditLog } from '@tare/access';
import { cursorOf } from '@tare/catalog';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { CustomerStore } from './customer.store.ts';
import { CustomersService } from './customers.service.ts';

const acme = { key: 'acme', name: 'Acme', email: 'billing@acme.example', currency: 'EUR', timeZone: 'Asia/Kathmandu' };

describe('customers', () => {
  let db: TestDatabase;
  let customers: CustomersService;

  beforeAll(async () => {
    db = await createTestDatabase();
    customers = new CustomersService(db.database, new CustomerStore(), new AuditLog());
  });
  afterAll(() => db.drop());

  test('a customer comes back as it was made', async () => {
    const tenantId = await db.createTenant();
    const made = await customers.create(tenantId, acme);
    expect(made).toMatchObject(acme);
    expect(await customers.byKey(tenantId, 'acme')).toEqual(made);
  });

  test('name, email and address may change, and the audit log says by whom; what is not named stays', async () => {
    const tenantId = await db.createTenant();
    const made = await customers.create(tenantId, { ...acme, address: ' 1 Road \r\n Town' });
    expect(made.address).toBe('1 Road\nTown');
    await customers.update(tenantId, 'acme', { name: 'Acme Ltd', email: null }, 'ada');
    expect(await customers.byKey(tenantId, 'acme')).toEqual({ ...made, name: 'Acme Ltd', email: null });
    await customers.update(tenantId, 'acme', { address: '' });
    await customers.update(tenantId, 'acme', { name: 'Acme Ltd' }, 'changes nothing');
    expect(await customers.byKey(tenantId, 'acme')).toMatchObject({ name: 'Acme Ltd', address: null });
    const entries = await db.database.withTenant(tenantId, (tx) =>
      tx.query("SELECT actor FROM audit_entry WHERE action = 'customer.update' AND subject = $1 ORDER BY at", [made.id]),
    );
    expect(entries).toEqual([{ actor: 'ada' }, { actor: 'tare' }]);
  });

  test.each([
    ['nobody', {}, 'NOT_FOUND', 'customer'],
    ['acme', { name: '' }, 'FIELD_MISSING', 'name'],
    ['acme', { email: 'nope' }, 'INVALID_EMAIL', 'email'],
    ['acme', { address: 'line\n'.repeat(9) }, 'FIELD_TOO_LONG', 'address'],
    ['acme', { address: 'a\u0007b' }, 'INVALID_CHARACTER', 'address'],
  ])('a change of %s to %j is refused with %s', async (key, change, code, path) => {
    const tenantId = await db.createTenant();
    const made = await customers.create(tenantId, acme);
    await expect(customers.update(tenantId, key, change)).rejects.toMatchObject({ code, path });
    expect(await customers.byKey(tenantId, 'acme')).toEqual(made);
  });

  test('making the same customer again answers the one that is there', async () => {
    const tenantId = await db.createTenant();
    const made = await customers.create(tenantId, acme);
    expect(await customers.create(tenantId, acme)).toEqual(made);
  });

  test('the same customer made many times at once is one customer', async () => {
    const tenantId = await db.createTenant();
    const made = await Promise.all(Array.from({ length: 6 }, () => customers.create(tenantId, acme)));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  });

  test('a key that is taken by another customer is refused', async () => {
    const tenantId = await db.createTenant();
    await customers.create(tenantId, acme);
    await expect(customers.create(tenantId, { ...acme, name: 'Acme Ltd' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS', path: 'key' });
  });

  test.each([
    [{ ...acme, key: '' }, 'KEY_MISSING', 'key'],
    [{ ...acme, key: 'k'.repeat(256) }, 'KEY_TOO_LONG', 'key'],
    [{ ...acme, name: '' }, 'FIELD_MISSING', 'name'],
    [{ ...acme, email: 'nobody' }, 'INVALID_EMAIL', 'email'],
    [{ ...acme, currency: 'EURO' }, 'UNKNOWN_CURRENCY', 'currency'],
    [{ ...acme, timeZone: 'Mars/Olympus' }, 'UNKNOWN_TIME_ZONE', 'timeZone'],
  ])('a customer that cannot be billed is refused at its field (%#)', async (input, code, path) => {
    const tenantId = await db.createTenant();
    await expect(customers.create(tenantId, input)).rejects.toMatchObject({ code, path });
  });

  test("another tenant's customer looks like one that does not exist", async () => {
    const [mine, theirs] = [await db.createTenant(), await db.createTenant()];
    const { id } = await customers.create(theirs, acme);
    expect(await customers.byKey(mine, 'acme')).toBeNull();
    expect(await db.database.withTenant(mine, (tx) => customers.byIds(tx, [id]))).toEqual(new Map());
  });

  test('a list is read in pages, each customer once and in order', async () => {
    const tenantId = await db.createTenant();
    for (const key of ['a', 'b', 'c', 'd', 'e']) await customers.create(tenantId, { key, name: key });
    const read = [];
    for (let after: string | null = null, more = true; more;) {
      const page = await customers.page(tenantId, { first: 2, after });
      read.push(...page.rows.map(({ key }) => key));
      const last = page.rows.at(-1);
      after = last ? cursorOf(last) : null;
      more = page.hasNextPage;
    }
    expect(read).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test.each([
    [{ first: 0 }, 'INVALID_PAGE_SIZE', 'first'],
    [{ first: 501 }, 'INVALID_PAGE_SIZE', 'first'],
    [{ after: 'nonsense' }, 'INVALID_CURSOR', 'after'],
  ])('a page that cannot be is refused (%#)', async (request, code, path) => {
    const tenantId = await db.createTenant();
    await expect((async () => customers.page(tenantId, request))()).rejects.toMatchObject({ code, path });
  });
});

import { CodedError, Decimal, instantOfDate, MICROS_PER_SECOND } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { createHash } from 'node:crypto';
import { AccessService, AuditLog, SettingsService, TenantsService, type CreatedApiKey, type Principal } from './index.ts';
import { SettingsStore } from './settings.store.ts';
import { TenantStore } from './tenant.store.ts';

let db: TestDatabase;
let access: AccessService;
let settings: SettingsService;
let tenants: TenantsService;
let root: Principal;
const SECRET = 'tare_test_given_by_the_operator';

beforeAll(async () => {
  db = await createTestDatabase();
  access = new AccessService(db.database);
  settings = new SettingsService(db.database, new SettingsStore(), new AuditLog());
  tenants = new TenantsService(db.database, new TenantStore());
  expect(await access.bootstrap(SECRET)).toBeNull();
  root = await principalOf(SECRET);
});
afterAll(() => db.drop());

async function principalOf(secret: string, at?: number): Promise<Principal> {
  const principal = await access.authenticate(secret, at);
  if (principal === null) throw new Error('the key is nobody’s');
  return principal;
}

const now = (): number => instantOfDate(new Date());
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: unknown) => (error instanceof CodedError ? error.code : String(error)),
  );
const newTenant = async (live = false): Promise<Principal> => principalOf((await access.createTenant(root, 'A tenant', live)).secret);
const newKey = (principal: Principal, name = 'a key'): Promise<CreatedApiKey> => access.createApiKey(principal, { name, scopes: ['READ'] });
const lastUse = async (principal: Principal, id: string): Promise<number | null | undefined> =>
  (await access.apiKeys(principal.tenantId)).find((key) => key.id === id)?.lastUsedAt;

describe('the first tenant', () => {
  test('of an empty database is a test tenant, and its key is an admin key that makes tenants', async () => {
    expect(root).toMatchObject({ scopes: ['ADMIN'], live: false, bootstrap: true });
    expect(await tenants.list()).toMatchObject([{ id: root.tenantId, name: 'Default', live: false }]);
  });

  test('is made once: a second start changes nothing, also with another key', async () => {
    const before = await tenants.list();
    expect(await access.bootstrap('another_operators_key')).toBeNull();
    expect(await access.bootstrap()).toBeNull();
    expect(await tenants.list()).toEqual(before);
    expect(await access.authenticate('another_operators_key')).toBeNull();
  });

  test('gets a key that was made up where none was given, and two starts at once make one tenant', async () => {
    const empty = await createTestDatabase();
    const made = await Promise.all([1, 2].map(() => new AccessService(empty.database).bootstrap()));
    const [secret, ...more] = made.filter((one) => one !== null);
    expect(more).toEqual([]);
    expect(secret).toMatch(/^tare_test_[\w-]{43}$/);
    expect(await new AccessService(empty.database).authenticate(secret ?? '')).toMatchObject({ bootstrap: true });
    await empty.drop();
  });

  test('refuses a key that is short', async () => {
    expect(await codeOf(access.bootstrap('short'))).toBe('SECRET_TOO_SHORT');
  });
});

describe('tenants', () => {
  test('are made by the bootstrap key alone', async () => {
    const tenant = await newTenant();
    expect(tenant.bootstrap).toBe(false);
    expect(await codeOf(access.createTenant(tenant, 'x', true))).toBe('FORBIDDEN');
  });

  test('have keys that tell live from test', async () => {
    const { secret } = await access.createTenant(root, 'Live', true);
    expect(secret).toMatch(/^tare_live_/);
    const live = await principalOf(secret);
    expect(live.live).toBe(true);
    expect((await newKey(live)).secret).toMatch(/^tare_live_/);
    expect(await tenants.isLive(live.tenantId)).toBe(true);
  });
});

describe('a key', () => {
  test('is kept as a hash: its secret is nowhere in the database', async () => {
    const { secret, apiKey } = await newKey(root);
    const hash = createHash('sha256').update(secret).digest('hex');
    const stored = await db.database.withTenant(root.tenantId, async (tx) => ({
      lookup: await tx.query('SELECT encode(secret_hash, $2) AS hash, l::text AS row FROM api_key_lookup l WHERE api_key_id = $1', [
        apiKey.id,
        'hex',
      ]),
      key: await tx.query('SELECT k::text AS row FROM api_key k WHERE id = $1', [apiKey.id]),
      audit: await tx.query('SELECT a::text AS row FROM audit_entry a WHERE subject = $1', [apiKey.id]),
    }));
    expect(stored.lookup).toMatchObject([{ hash }]);
    expect(stored.audit).toHaveLength(1);
    expect(JSON.stringify(stored)).not.toContain(secret);
    expect(secret.startsWith(apiKey.prefix)).toBe(true);
  });

  test('that was revoked is refused at once, even where it was used a moment ago', async () => {
    const { secret, apiKey } = await newKey(root);
    await principalOf(secret);
    const first = await access.revokeApiKey(root, apiKey.id);
    expect(await access.authenticate(secret)).toBeNull();
    expect((await access.revokeApiKey(root, apiKey.id)).revokedAt).toBe(first.revokedAt);
  });

  test('that many requests bring at once is looked up once, and again only when it was revoked meanwhile', async () => {
    let looks = 0;
    const counting = Object.assign(Object.create(db.database) as typeof db.database, {
      withoutTenant: (work: Parameters<typeof db.database.withoutTenant>[0]) => {
        looks += 1;
        return db.database.withoutTenant(work);
      },
    });
    const many = new AccessService(counting);
    const { secret, apiKey } = await newKey(root);
    const ask = (): Promise<(Principal | null)[]> => Promise.all(Array.from({ length: 64 }, async () => many.authenticate(secret)));
    expect(new Set((await ask()).map((principal) => principal?.apiKeyId))).toEqual(new Set([apiKey.id]));
    expect(looks).toBe(1);
    await many.revokeApiKey(root, apiKey.id);
    expect(await ask()).toEqual(Array(64).fill(null));
    expect(looks).toBe(2);
  });

  test('that another process revoked is refused within two seconds', async () => {
    const { secret, apiKey } = await newKey(root);
    await principalOf(secret);
    await new AccessService(db.database).revokeApiKey(root, apiKey.id);
    expect(await access.authenticate(secret, now() + 2 * MICROS_PER_SECOND)).toBeNull();
  });

  test('ends when it expires', async () => {
    const expiresAt = now() + 3_600 * MICROS_PER_SECOND;
    const { secret } = await access.createApiKey(root, { name: 'an hour', scopes: ['READ'], expiresAt });
    expect(await access.authenticate(secret, expiresAt - 1)).not.toBeNull();
    expect(await access.authenticate(secret, expiresAt)).toBeNull();
    expect(await codeOf(access.createApiKey(root, { name: 'over', scopes: ['READ'], expiresAt: now() - 1 }))).toBe('EXPIRES_IN_PAST');
  });

  test('of another tenant looks like one that does not exist', async () => {
    const stranger = await newTenant();
    const { secret, apiKey } = await newKey(root);
    const refusals = await Promise.all(
      [apiKey.id, apiKey.id.replace(/^.{8}/, '00000000'), 'no uuid'].map(async (id) => {
        const error = await access.revokeApiKey(stranger, id).catch((thrown: unknown) => thrown as CodedError);
        return error instanceof CodedError ? [error.code, error.message.replace(id, 'ID')] : error;
      }),
    );
    expect(refusals).toEqual(Array(3).fill(['NOT_FOUND', 'There is no API key with id "ID".']));
    expect(await access.authenticate(secret)).not.toBeNull();
    expect((await access.apiKeys(stranger.tenantId)).map(({ id }) => id)).not.toContain(apiKey.id);
  });

  test('needs a scope, and may not take the name of the bootstrap key', async () => {
    expect(await codeOf(access.createApiKey(root, { name: 'none', scopes: [] }))).toBe('SCOPES_MISSING');
    expect(await codeOf(access.createApiKey(root, { name: 'bootstrap', scopes: ['ADMIN'] }))).toBe('NAME_RESERVED');
  });

  test('remembers its last use, written once a minute at most', async () => {
    const { secret, apiKey } = await newKey(root);
    const start = now();
    await access.authenticate(secret, start);
    await access.authenticate(secret, start + 59 * MICROS_PER_SECOND);
    expect(await lastUse(root, apiKey.id)).toBe(start);
    await access.authenticate(secret, start + 60 * MICROS_PER_SECOND);
    expect(await lastUse(root, apiKey.id)).toBe(start + 60 * MICROS_PER_SECOND);
  });

  test('that nobody has is nobody', async () => {
    expect(await access.authenticate('')).toBeNull();
    expect(await access.authenticate(SECRET.toUpperCase())).toBeNull();
  });
});

describe('settings', () => {
  test('begin with their defaults, change alone, and say who changed them', async () => {
    const tenant = await newTenant();
    expect(await settings.settings(tenant.tenantId)).toEqual({
      backdatingDays: 35,
      retentionDays: null,
      graceSeconds: 3600,
      reportingCurrency: 'USD',
      marginFloor: null,
      ingestEventsPerSecond: null,
      requestsPerSecond: null,
      invoiceNumberPrefix: 'TARE',
      creditNoteNumberPrefix: 'TARE-CN',
      seller: { name: null, address: null, taxId: null, email: null, note: null },
    });
    await settings.update(tenant.tenantId, { graceSeconds: 0, marginFloor: Decimal.parse('0.25') }, tenant.apiKeyId);
    const after = await settings.update(tenant.tenantId, { retentionDays: 400 }, tenant.apiKeyId);
    expect(after).toMatchObject({ graceSeconds: 0, retentionDays: 400, backdatingDays: 35 });
    expect(after.marginFloor?.toString()).toBe('0.25');
    const trail = await db.database.withTenant(tenant.tenantId, (tx) =>
      tx.query('SELECT actor, action FROM audit_entry WHERE action = $1', ['tenant_settings.update']),
    );
    expect(trail).toEqual(Array(2).fill({ actor: tenant.apiKeyId, action: 'tenant_settings.update' }));
  });

  test('3.1 keep events for 35 days at the least, and stay within their bounds', async () => {
    const { tenantId, apiKeyId } = await newTenant();
    const refused = (input: object): Promise<string> => codeOf(settings.update(tenantId, input, apiKeyId));
    expect(await refused({ retentionDays: 34 })).toBe('OUT_OF_RANGE');
    expect(await refused({ graceSeconds: -1 })).toBe('OUT_OF_RANGE');
    expect(await refused({ reportingCurrency: 'XXQ' })).toBe('UNKNOWN_CURRENCY');
    expect(await refused({ graceSeconds: null })).toBe('FIELD_MISSING');
    expect(await refused({ marginFloor: Decimal.ONE })).toBe('OUT_OF_RANGE');
    expect(await codeOf(settings.settings('00000000-0000-4000-8000-00000000abcd'))).toBe('NOT_FOUND');
  });
});

describe('the seller', () => {
  test('is what invoices say of the tenant: fields are set one by one, taken away by null, and what they were is kept', async () => {
    const { tenantId, apiKeyId } = await newTenant();
    const address = '1 Main Street\r\n  12345 Springfield  \n';
    await settings.update(tenantId, { seller: { name: ' Acme AI, Inc. ', address, taxId: 'US12-3456789' } }, apiKeyId);
    const after = await settings.update(tenantId, { seller: { taxId: null, email: 'billing@acme.test', note: 'Thank you.' } }, apiKeyId);
    expect(after.seller).toEqual({
      name: 'Acme AI, Inc.',
      address: '1 Main Street\n12345 Springfield',
      taxId: null,
      email: 'billing@acme.test',
      note: 'Thank you.',
    });
    expect((await settings.update(tenantId, { seller: null }, apiKeyId)).seller).toEqual(after.seller);
    const history = await db.database.withTenant(tenantId, (tx) =>
      tx.query(`SELECT party_id, details ->> 'seller_tax_id' AS tax_id FROM party_history ORDER BY until`),
    );
    expect(history).toEqual([
      { party_id: tenantId, tax_id: null },
      { party_id: tenantId, tax_id: 'US12-3456789' },
    ]);
  });

  test('is short enough for the head of a page, and has no character that a page cannot have', async () => {
    const { tenantId, apiKeyId } = await newTenant();
    const refused = (seller: object): Promise<string> => codeOf(settings.update(tenantId, { seller }, apiKeyId));
    expect(await refused({ name: 'x'.repeat(201) })).toBe('FIELD_TOO_LONG');
    expect(await refused({ address: Array(9).fill('line').join('\n') })).toBe('FIELD_TOO_LONG');
    expect(await refused({ name: 'two\nlines' })).toBe('INVALID_CHARACTER');
    expect(await refused({ note: 'a\u0007b' })).toBe('INVALID_CHARACTER');
    expect(await refused({ email: 'nobody' })).toBe('INVALID_EMAIL');
    expect((await settings.update(tenantId, { seller: { name: '  ' } }, apiKeyId)).seller.name).toBeNull();
  });
});

describe('agreed rates', () => {
  test('come with the key that asks: those of its tenant, and its own', async () => {
    const tenant = await newTenant();
    expect(tenant.limits).toEqual({ eventsPerSecond: null, requestsPerSecond: null, keyEventsPerSecond: null });
    await settings.update(tenant.tenantId, { ingestEventsPerSecond: 500, requestsPerSecond: 20 }, 'test');
    const { secret, apiKey } = await access.createApiKey(tenant, { name: 'slow', scopes: ['INGEST'], eventsPerSecond: 7 });
    expect(apiKey.eventsPerSecond).toBe(7);
    expect((await principalOf(secret)).limits).toEqual({ eventsPerSecond: 500, requestsPerSecond: 20, keyEventsPerSecond: 7 });
    expect(await settings.update(tenant.tenantId, { ingestEventsPerSecond: null }, 'test')).toMatchObject({
      ingestEventsPerSecond: null,
      requestsPerSecond: 20,
    });
  });

  test('are whole numbers from 1', async () => {
    for (const rate of [0, -1, 1.5]) {
      expect(await codeOf(settings.update(root.tenantId, { ingestEventsPerSecond: rate }, 'test'))).toBe('OUT_OF_RANGE');
      expect(await codeOf(settings.update(root.tenantId, { requestsPerSecond: rate }, 'test'))).toBe('OUT_OF_RANGE');
      expect(await codeOf(access.createApiKey(root, { name: 'k', scopes: ['INGEST'], eventsPerSecond: rate }))).toBe('OUT_OF_RANGE');
    }
  });
});

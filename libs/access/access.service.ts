import { Injectable } from '@nestjs/common';
import { CodedError, instantOfDate, requiredText, type Instant } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import { ApiKeyStore } from './api-key.store.ts';
import { BOOTSTRAP_KEY_NAME, hashOf, newSecret, prefixOf, textHashOf, type ApiKey, type CreatedApiKey } from './api-key.ts';
import { AuditLog } from './audit-log.store.ts';
import { PrincipalCache } from './principal-cache.ts';
import type { ApiKeyScope, Principal } from './principal.ts';
import { requireRate } from './rate.ts';
import { TenantStore } from './tenant.store.ts';

export interface NewApiKeyInput {
  readonly name: string;
  readonly scopes: readonly ApiKeyScope[];
  readonly expiresAt?: Instant | null | undefined;
  /** Events that the key may send in a second, in each process; null: as many as its tenant. */
  readonly eventsPerSecond?: number | null | undefined;
}

interface KeyToInsert {
  readonly scopes: readonly ApiKeyScope[];
  readonly secret: string;
  readonly expiresAt?: Instant | null;
  readonly eventsPerSecond?: number | null;
}

const FIRST_TENANT_NAME = 'Default';
const FIRST_KEY_NAME = 'admin';
const SHORTEST_CHOSEN_SECRET = 8;
const LONGEST_SECRET = 512;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const now = (): Instant => instantOfDate(new Date());

/** Who may come in: tenants and their keys. Needs nothing but the database, so that a start script can use it too. */
@Injectable()
export class AccessService {
  private readonly keys = new ApiKeyStore();
  private readonly tenants = new TenantStore();
  private readonly audit = new AuditLog();
  private readonly known = new PrincipalCache();
  private readonly loading = new Map<string, Promise<Principal | null>>();

  constructor(private readonly database: Database) {}

  /** Whose secret this is; null when it is nobody's, revoked or expired. At once for a key that was seen within the last second. */
  authenticate(secret: string, at: Instant = now()): Principal | null | Promise<Principal | null> {
    if (secret === '' || secret.length > LONGEST_SECRET) return null;
    const hash = textHashOf(secret);
    const known = this.known.get(hash, at);
    if (known === null) return this.loadOnce(hash, at);
    // Looked at again before it has to be, so that nobody waits for it who asks all the time.
    if (this.known.isAging(hash, at)) this.loadOnce(hash, at).catch(() => undefined);
    return known;
  }

  /**
   * On an empty database: makes the first tenant (a test tenant) with its admin key, the only key that makes tenants. Answers the secret when one was made
   * up here, null when the caller gave it or there is a tenant already. Safe to run at every start.
   * @throws CodedError SECRET_TOO_SHORT
   */
  async bootstrap(chosenSecret?: string): Promise<string | null> {
    if (chosenSecret && !isUsable(chosenSecret)) {
      throw new CodedError('SECRET_TOO_SHORT', `A key has ${SHORTEST_CHOSEN_SECRET} to ${LONGEST_SECRET} characters and no spaces.`);
    }
    const secret = chosenSecret || newSecret(false);
    const made = await this.database.withTenant(randomUUID(), async (tx) => {
      if (await this.tenants.anyWhileLocked(tx)) return false;
      await this.tenants.insert(tx, FIRST_TENANT_NAME, false);
      await this.insertKey(tx, BOOTSTRAP_KEY_NAME, { scopes: ['ADMIN'], secret }, BOOTSTRAP_KEY_NAME);
      return true;
    });
    return made && !chosenSecret ? secret : null;
  }

  /** Makes a tenant and its first admin key. @throws CodedError FORBIDDEN (only the bootstrap key makes tenants) | FIELD_MISSING | FIELD_TOO_LONG */
  async createTenant(principal: Principal, name: string, live: boolean): Promise<CreatedApiKey> {
    if (!principal.bootstrap) throw new CodedError('FORBIDDEN', 'Only the bootstrap key makes tenants.');
    const title = requiredText(name, 'name');
    const id = randomUUID();
    return this.database.withTenants([id, principal.tenantId], async (tx) => {
      const own: TenantTransaction = Object.assign(tx, { tenantId: id });
      await this.tenants.insert(own, title, live);
      const entry = { actor: principal.apiKeyId, action: 'tenant.create', subject: id, detail: { name: title, live } };
      await this.audit.record(own, entry);
      const created = await this.insertKey(own, FIRST_KEY_NAME, { scopes: ['ADMIN'], secret: newSecret(live) }, principal.apiKeyId);
      await this.audit.record(Object.assign(tx, { tenantId: principal.tenantId }), entry);
      return created;
    });
  }

  /** @throws CodedError SCOPES_MISSING | NAME_RESERVED | EXPIRES_IN_PAST | OUT_OF_RANGE | FIELD_MISSING | FIELD_TOO_LONG */
  async createApiKey(principal: Principal, input: NewApiKeyInput): Promise<CreatedApiKey> {
    const name = requiredText(input.name, 'name');
    const scopes = [...new Set(input.scopes)];
    const expiresAt = input.expiresAt ?? null;
    if (name === BOOTSTRAP_KEY_NAME)
      throw new CodedError('NAME_RESERVED', 'This name belongs to the first key. Choose another one.', 'name');
    if (scopes.length === 0) throw new CodedError('SCOPES_MISSING', 'A key needs at least one scope.', 'scopes');
    if (expiresAt !== null && expiresAt <= now())
      throw new CodedError('EXPIRES_IN_PAST', 'The key would have expired already.', 'expiresAt');
    const eventsPerSecond = requireRate(input.eventsPerSecond ?? null, 'eventsPerSecond');
    const secret = newSecret(principal.live);
    return this.database.withTenant(principal.tenantId, (tx) =>
      this.insertKey(tx, name, { scopes, secret, expiresAt, eventsPerSecond }, principal.apiKeyId),
    );
  }

  /** Ends a key at once; a second time changes nothing. @throws CodedError NOT_FOUND, also for another tenant's key */
  async revokeApiKey(principal: Principal, id: string): Promise<ApiKey> {
    const revoked = await this.database.withTenant(principal.tenantId, async (tx) => {
      const key = UUID.test(id) ? await this.keys.revoke(tx, id, now()) : null;
      if (key === null) throw new CodedError('NOT_FOUND', `There is no API key with id "${id.slice(0, 64)}".`, 'id');
      await this.audit.record(tx, { actor: principal.apiKeyId, action: 'api_key.revoke', subject: id, detail: { name: key.name } });
      return key;
    });
    this.known.forgetAll();
    this.loading.clear();
    return revoked;
  }

  /** Newest first, revoked ones included; never a secret. */
  apiKeys(tenantId: string): Promise<ApiKey[]> {
    return this.database.withTenant(tenantId, (tx) => this.keys.all(tx));
  }

  /** Those who ask at the same time share one look; not one that began before a key was revoked. */
  private loadOnce(hash: string, at: Instant): Promise<Principal | null> {
    const begun = this.loading.get(hash);
    if (begun !== undefined) return begun;
    const loading = this.load(hash, at).finally(() => {
      if (this.loading.get(hash) === loading) this.loading.delete(hash);
    });
    this.loading.set(hash, loading);
    return loading;
  }

  private async load(hash: string, at: Instant): Promise<Principal | null> {
    const { generation } = this.known;
    const found = await this.database.withoutTenant((tx) => this.keys.lookup(tx, Buffer.from(hash, 'base64')));
    if (found === null) return null;
    const principal = await this.database.withTenant(found.tenantId, async (tx) => {
      const loaded = await this.keys.principal(tx, found.apiKeyId, at);
      if (loaded !== null) await this.keys.markUsed(tx, found.apiKeyId, at);
      return loaded;
    });
    if (principal !== null) this.known.set(hash, principal, at, generation);
    return principal;
  }

  private async insertKey(
    tx: TenantTransaction,
    name: string,
    { scopes, secret, expiresAt = null, eventsPerSecond = null }: KeyToInsert,
    actor: string,
  ): Promise<CreatedApiKey> {
    const id = randomUUID();
    const kept = { id, name, scopes, expiresAt, eventsPerSecond, prefix: prefixOf(secret), secretHash: hashOf(secret) };
    const apiKey = await this.keys.insert(tx, kept);
    await this.audit.record(tx, { actor, action: 'api_key.create', subject: id, detail: { name, scopes } });
    return { apiKey, secret };
  }
}

const isUsable = (secret: string): boolean =>
  secret.length >= SHORTEST_CHOSEN_SECRET && secret.length <= LONGEST_SECRET && !/\s/.test(secret);

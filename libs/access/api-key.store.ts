import { Injectable } from '@nestjs/common';
import type { Instant } from '@tare/core';
import { sqlInstant, sqlInstantOrNull, type TenantTransaction, type Transaction } from '@tare/database';
import { BOOTSTRAP_KEY_NAME, type ApiKey } from './api-key.ts';
import type { ApiKeyScope, Principal, RateLimits } from './principal.ts';

export interface NewApiKey {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly secretHash: Buffer;
  readonly scopes: readonly ApiKeyScope[];
  readonly expiresAt: Instant | null;
  readonly eventsPerSecond: number | null;
}

interface ApiKeyRow {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: ApiKeyScope[];
  readonly created_at: Instant;
  readonly expires_at: Instant | null;
  readonly last_used_at: Instant | null;
  readonly revoked_at: Instant | null;
  readonly events_per_second: number | null;
}

interface PrincipalRow {
  readonly scopes: ApiKeyScope[];
  readonly name: string;
  readonly live: boolean;
  readonly expires_at: Instant | null;
  readonly events_per_second: number | null;
  readonly ingest_events_per_second: number | null;
  readonly requests_per_second: number | null;
}

const COLUMNS = 'id, name, prefix, scopes, created_at, expires_at, last_used_at, revoked_at, events_per_second';

/** SQL of API keys. A secret's hash stands in a global table, because it is what tells the tenant. */
@Injectable()
export class ApiKeyStore {
  async insert(tx: TenantTransaction, key: NewApiKey): Promise<ApiKey> {
    const [row] = await tx.query<ApiKeyRow>(
      `INSERT INTO api_key (tenant_id, id, name, prefix, scopes, expires_at, events_per_second)
       VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${COLUMNS}`,
      [tx.tenantId, key.id, key.name, key.prefix, key.scopes, sqlInstantOrNull(key.expiresAt), key.eventsPerSecond],
    );
    await tx.query('INSERT INTO api_key_lookup (secret_hash, tenant_id, api_key_id) VALUES ($1, $2, $3)', [
      key.secretHash,
      tx.tenantId,
      key.id,
    ]);
    if (!row) throw new Error('the key was not inserted');
    return apiKeyOfRow(row);
  }

  /** Whose key has this hash; null when none has. Revoked keys are not found. */
  async lookup(tx: Transaction, secretHash: Buffer): Promise<{ tenantId: string; apiKeyId: string } | null> {
    const [row] = await tx.query<{ tenant_id: string; api_key_id: string }>(
      'SELECT tenant_id, api_key_id FROM api_key_lookup WHERE secret_hash = $1',
      [secretHash],
    );
    return row ? { tenantId: row.tenant_id, apiKeyId: row.api_key_id } : null;
  }

  /** The principal of a key that may be used at `now`; null for one that is revoked or expired. */
  async principal(tx: TenantTransaction, apiKeyId: string, now: Instant): Promise<(Principal & { expiresAt: Instant | null }) | null> {
    const [row] = await tx.query<PrincipalRow>(
      `SELECT k.scopes, k.name, k.expires_at, k.events_per_second, t.live, s.ingest_events_per_second, s.requests_per_second
       FROM api_key k JOIN tenant t ON t.id = k.tenant_id LEFT JOIN tenant_settings s ON s.tenant_id = k.tenant_id
       WHERE k.tenant_id = $1 AND k.id = $2 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $3::timestamptz)`,
      [tx.tenantId, apiKeyId, sqlInstant(now)],
    );
    if (!row) return null;
    const { scopes, name, live, expires_at: expiresAt } = row;
    const limits: RateLimits = {
      eventsPerSecond: row.ingest_events_per_second,
      requestsPerSecond: row.requests_per_second,
      keyEventsPerSecond: row.events_per_second,
    };
    return { tenantId: tx.tenantId, apiKeyId, scopes, live, bootstrap: name === BOOTSTRAP_KEY_NAME, expiresAt, limits };
  }

  /** Remembers the use, at most once a minute: a busy key would otherwise be a row that everybody waits for. */
  async markUsed(tx: TenantTransaction, apiKeyId: string, now: Instant): Promise<void> {
    await tx.query(
      `UPDATE api_key SET last_used_at = $3::timestamptz
       WHERE tenant_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at <= $3::timestamptz - interval '1 minute')`,
      [tx.tenantId, apiKeyId, sqlInstant(now)],
    );
  }

  /** Null when the tenant has no such key. The time of an earlier revocation stays. */
  async revoke(tx: TenantTransaction, id: string, now: Instant): Promise<ApiKey | null> {
    const [row] = await tx.query<ApiKeyRow>(
      `UPDATE api_key SET revoked_at = coalesce(revoked_at, $3::timestamptz) WHERE tenant_id = $1 AND id = $2 RETURNING ${COLUMNS}`,
      [tx.tenantId, id, sqlInstant(now)],
    );
    await tx.query('DELETE FROM api_key_lookup WHERE tenant_id = $1 AND api_key_id = $2', [tx.tenantId, id]);
    return row ? apiKeyOfRow(row) : null;
  }

  /** Newest first, revoked ones included. */
  async all(tx: TenantTransaction): Promise<ApiKey[]> {
    const rows = await tx.query<ApiKeyRow>(`SELECT ${COLUMNS} FROM api_key WHERE tenant_id = $1 ORDER BY created_at DESC, id`, [
      tx.tenantId,
    ]);
    return rows.map(apiKeyOfRow);
  }
}

function apiKeyOfRow(row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
    eventsPerSecond: row.events_per_second,
  };
}

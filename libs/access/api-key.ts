import type { Instant } from '@tare/core';
import { createHash, hash, randomBytes } from 'node:crypto';
import type { ApiKeyScope } from './principal.ts';

/** A key as it is kept: without its secret. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  /** The secret's first characters, so that a person recognises it. */
  readonly prefix: string;
  readonly scopes: readonly ApiKeyScope[];
  readonly createdAt: Instant;
  readonly expiresAt: Instant | null;
  readonly lastUsedAt: Instant | null;
  readonly revokedAt: Instant | null;
  /** Events that the key may send in a second, in each process; null: as many as its tenant. */
  readonly eventsPerSecond: number | null;
}

/** A key at the moment it is made: the secret is shown this once and kept nowhere. */
export interface CreatedApiKey {
  readonly apiKey: ApiKey;
  readonly secret: string;
}

/** The key that makes tenants is known by this name, so no other key may have it. */
export const BOOTSTRAP_KEY_NAME = 'bootstrap';

const SECRET_BYTES = 32;
const LONGEST_PREFIX = 14;

/** `tare_live_...` or `tare_test_...` with 256 random bits. */
export function newSecret(live: boolean): string {
  return `tare_${live ? 'live' : 'test'}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
}

/** What is kept of a secret. It has 256 random bits, so a plain hash is as good as a slow one. */
export function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** The same in base64, at the least cost: every request asks for it. */
export function textHashOf(secret: string): string {
  return hash('sha256', secret, 'base64');
}

/** Never more than half of a secret that somebody chose. */
export function prefixOf(secret: string): string {
  return secret.slice(0, Math.min(LONGEST_PREFIX, Math.floor(secret.length / 2)));
}

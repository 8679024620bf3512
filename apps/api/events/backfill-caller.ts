import { allows, type Principal } from '@tare/access';
import { CodedError } from '@tare/core';
import type { IngestCaller } from '@tare/usage';

/**
 * Who sends events, with leave to send history when that is asked for: GraphQL's `backfill: true`, REST's `?backfill=true`. It lifts the window of
 * backdating, which keeps a sender's wrong clock out of closed periods; so it takes a key with the scope ADMIN (SEMANTICS 2.4).
 * @throws CodedError FORBIDDEN | INVALID_FIELD
 */
export function callerFor(principal: Principal, backfill: unknown): Principal & IngestCaller {
  if (backfill === undefined || backfill === null || backfill === false || backfill === 'false') return principal;
  if (backfill !== true && backfill !== 'true') throw new CodedError('INVALID_FIELD', 'Either "true" or "false" is expected.', 'backfill');
  if (allows(principal.scopes, 'ADMIN')) return { ...principal, isBackfill: true };
  throw new CodedError('FORBIDDEN', `A backfill needs a key with the scope ADMIN; this one has ${principal.scopes.join(', ')}.`);
}

import { CodedError } from '@tare/core';
import { turns } from '@tare/usage';
import { isDeeperThan } from '../json-depth.ts';

/** Parsing takes long enough from here on for one tenant to be in the way of another. */
const TURN_FROM_BYTES = 64 * 2 ** 10;

/** For routes that parse JSON themselves: resolves when it is the tenant's turn. @throws CodedError JSON_TOO_DEEP */
export async function awaitJsonTurn(tenantId: string, body: Buffer, maxDepth: number): Promise<void> {
  if (body.length >= TURN_FROM_BYTES) await turns.next(tenantId);
  if (isDeeperThan(body, maxDepth)) throw new CodedError('JSON_TOO_DEEP', `Arrays and objects may be nested ${maxDepth} deep.`);
}

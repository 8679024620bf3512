import { CodedError, formatInstant, parseInstant, type Instant } from '@tare/core';
import { sqlInstant } from '@tare/database';

/** Which part of a list is wanted: `first` rows (50 unless said, at most 500) after the row that the cursor names. */
export interface PageRequest {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** Rows of a list in the order in which they were made. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly hasNextPage: boolean;
}

export interface KeysetRow {
  readonly id: string;
  readonly createdAt: Instant;
}

const DEFAULT_ROWS = 50;
const MOST_ROWS = 500;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Names a row in lists that are ordered by (created_at, id). */
export function cursorOf({ createdAt, id }: KeysetRow): string {
  return Buffer.from(`${formatInstant(createdAt)} ${id}`).toString('base64url');
}

/**
 * What a keyset query needs: `afterTime` and `afterId` (both null at the start) and `limit`, one more than asked for, so that `pageOf` can tell whether
 * anything follows. @throws CodedError INVALID_PAGE_SIZE | INVALID_CURSOR
 */
export function keysetOf({ first, after }: PageRequest): { afterTime: string | null; afterId: string | null; limit: number } {
  const size = first ?? DEFAULT_ROWS;
  if (!Number.isInteger(size) || size < 1 || size > MOST_ROWS) {
    throw new CodedError('INVALID_PAGE_SIZE', `A page has 1 to ${MOST_ROWS} rows.`, 'first');
  }
  const cursor = after === null || after === undefined ? null : readCursor(after);
  return { afterTime: cursor && sqlInstant(cursor.createdAt), afterId: cursor && cursor.id, limit: size + 1 };
}

/** Cuts the one row too many that `keysetOf` asked for. */
export function pageOf<Row>(found: readonly Row[], limit: number): Page<Row> {
  return { rows: found.slice(0, limit - 1), hasNextPage: found.length === limit };
}

function readCursor(text: string): KeysetRow {
  const [time = '', id = ''] = Buffer.from(text, 'base64url').toString().split(' ');
  try {
    if (UUID.test(id)) return { createdAt: parseInstant(time), id };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
  throw new CodedError('INVALID_CURSOR', 'The cursor is not one that a list gave out.', 'after');
}

import { type Params } from './params.ts';
import { noSuch } from './stripe-error.ts';

export interface List<T> {
  object: 'list';
  data: T[];
  has_more: boolean;
  url: string;
}

export interface Page {
  limit: number;
  startingAfter: string | undefined;
  endingBefore: string | undefined;
}

export function readPage(params: Params): Page {
  return {
    limit: params.integer('limit', { min: 1, max: 100 }) ?? 10,
    startingAfter: params.text('starting_after') ?? undefined,
    endingBefore: params.text('ending_before') ?? undefined,
  };
}

/** One page of `rows`, which are in the list's order. A cursor names a row, as the API's cursors do. */
export function pageOf<T extends { id: string }>(rows: readonly T[], page: Page, url: string): List<T> {
  if (page.endingBefore !== undefined) {
    const end = indexOf(rows, page.endingBefore, 'ending_before');
    const start = Math.max(0, end - page.limit);
    return { object: 'list', data: rows.slice(start, end), has_more: start > 0, url };
  }
  const start = page.startingAfter === undefined ? 0 : indexOf(rows, page.startingAfter, 'starting_after') + 1;
  const end = start + page.limit;
  return { object: 'list', data: rows.slice(start, end), has_more: rows.length > end, url };
}

/** A filter on `created`: one second, or gt / gte / lt / lte. */
export function readCreatedFilter(params: Params): (row: { created: number }) => boolean {
  if (!params.has('created')) return () => true;
  const exact = params.isObject('created') ? undefined : params.integer('created');
  if (exact !== undefined) return (row) => row.created === exact;
  const range = params.object('created');
  const [gt, gte, lt, lte] = ['gt', 'gte', 'lt', 'lte'].map((bound) => range?.integer(bound));
  return ({ created }) =>
    created > (gt ?? -Infinity) && created >= (gte ?? -Infinity) && created < (lt ?? Infinity) && created <= (lte ?? Infinity);
}

function indexOf(rows: readonly { id: string }[], id: string, param: string): number {
  const index = rows.findIndex((row) => row.id === id);
  if (index === -1) throw noSuch('object', id, param, 400);
  return index;
}

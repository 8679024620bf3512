import { cursorOf, type KeysetRow, type Page } from '@tare/catalog';
import type { PageInfo } from './page-info.ts';

/** A page of a list, as Relay has it. */
export interface Connection<Node> {
  edges: { cursor: string; node: Node }[];
  pageInfo: PageInfo;
}

/** A page of rows that are listed by when they were made, as a connection of what `nodeOf` makes of them. */
export function connectionOf<Row extends KeysetRow, Node>({ rows, hasNextPage }: Page<Row>, nodeOf: (row: Row) => Node): Connection<Node> {
  const edges = rows.map((row) => ({ cursor: cursorOf(row), node: nodeOf(row) }));
  return { edges, pageInfo: { hasNextPage, endCursor: edges.at(-1)?.cursor ?? null } };
}

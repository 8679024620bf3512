import { type Call, type Handler } from './call.ts';
import { type Metadata } from './params.ts';
import { invalidParameter } from './stripe-error.ts';

interface Searchable {
  id: string;
  created: number;
  metadata: Metadata;
}

/**
 * `field:'value'` and `metadata['key']:'value'`, joined by AND. Rows younger than the search lag are not found,
 * so that code which reads its own writes through search fails here as it would at Stripe.
 */
export function searchHandler(url: string, rowsOf: (call: Call) => Searchable[]): Handler {
  return (call) => {
    const clauses = parseQuery(call.params.requiredText('query'));
    const limit = call.params.integer('limit', { min: 1, max: 100 }) ?? 10;
    const offset = Number(call.params.text('page') ?? '0');
    return () => {
      const visible = call.now - call.settings.searchLagMs / 1000;
      const found = rowsOf(call).filter((row) => row.created <= visible && clauses.every((matches) => matches(row)));
      const more = found.length > offset + limit;
      return {
        object: 'search_result',
        url,
        data: found.slice(offset, offset + limit),
        has_more: more,
        next_page: more ? String(offset + limit) : null,
      };
    };
  };
}

type Clause = (row: Searchable) => boolean;

function parseQuery(query: string): Clause[] {
  return query.split(/\s+AND\s+/i).map((clause) => {
    const match = /^(?:metadata\[(["'])(.+?)\1\]|([a-z_]+)):(["'])(.*)\4$/.exec(clause.trim());
    if (match === null) throw invalidParameter('query', `We were unable to parse your search query: ${clause}`);
    const [, , metadataKey, field = '', , value = ''] = match;
    if (metadataKey !== undefined) return (row) => row.metadata[metadataKey] === value;
    return (row) => Object.entries(row).some(([key, held]) => key === field && held === value);
  });
}

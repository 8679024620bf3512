import { CodedError } from '@tare/core';
import type { Row } from './column-mapping.ts';
import type { ExportedEvent, ExportFormat } from './export-format.ts';
import { bucketKey, countOf, estimate, given, listOf, optionalTimeOf, serviceTierOf, textOf, timeOf } from './usage-bucket.ts';

/**
 * Anthropic's usage: pages of `/v1/organizations/usage_report/messages` and the CSV that the console exports. A row is the sum of a bucket's requests for what
 * the export was grouped by; neither says how many requests these were.
 */
export const ANTHROPIC_USAGE: ExportFormat = {
  customerFields: new Map([
    ['api-key', ['api_key_id', 'api_key']],
    ['workspace', ['workspace_id', 'workspace']],
    ['account', ['account_id', 'service_account_id']],
  ]),
  defaultCustomerBy: [],
  rowsOf,
  eventOf,
};

function rowsOf(document: Row): readonly Row[] {
  if (Array.isArray(document['data'])) return listOf(document['data']).flatMap(rowsOf);
  if (!Array.isArray(document['results'])) return [document];
  const { starting_at, ending_at } = document;
  return listOf(document['results']).map((result) => ({ ...result, starting_at, ending_at }));
}

function eventOf(row: Row): ExportedEvent | null {
  const uncached = countOf(row, 'uncached_input_tokens', 'usage_input_tokens_no_cache');
  const output = countOf(row, 'output_tokens', 'usage_output_tokens');
  if (uncached === undefined && output === undefined) {
    throw new CodedError(
      'USAGE_NOT_RECOGNISED',
      'This row counts neither uncached input nor output: it is no row of a usage report of messages.',
    );
  }
  const written = objectOf(row['cache_creation']);
  const cacheWrite5m = countOf(written, 'ephemeral_5m_input_tokens') ?? countOf(row, 'usage_input_tokens_cache_write_5m') ?? 0;
  const cacheWrite1h = countOf(written, 'ephemeral_1h_input_tokens') ?? countOf(row, 'usage_input_tokens_cache_write_1h') ?? 0;
  const cacheRead = countOf(row, 'cache_read_input_tokens', 'usage_input_tokens_cache_read') ?? 0;
  const webSearches = countOf(objectOf(row['server_tool_use']), 'web_search_requests') ?? countOf(row, 'web_search_count');
  const input = (uncached ?? 0) + cacheRead + cacheWrite5m + cacheWrite1h;
  if (input + (output ?? 0) + (webSearches ?? 0) === 0) return null;
  const model = textOf(row, 'model', 'model_version');
  const serviceTier = serviceTierOf(textOf(row, 'service_tier', 'usage_type'));
  const contextWindow = textOf(row, 'context_window');
  return {
    key: bucketKey('anthropic-usage', row),
    type: 'llm.completion',
    at: timeOf(row, 'starting_at', 'usage_date_utc'),
    provider: 'anthropic',
    ...given({ model, serviceTier, region: regionOf(row) }),
    tokens: { input, output: output ?? 0, cacheRead, cacheWrite5m, cacheWrite1h },
    properties: estimate(missingOf(model, serviceTier), {
      webSearches,
      contextWindow,
      bucketStart: timeOf(row, 'starting_at', 'usage_date_utc'),
      bucketEnd: optionalTimeOf(row, 'ending_at'),
      workspaceId: textOf(row, 'workspace_id', 'workspace'),
      apiKeyId: textOf(row, 'api_key_id', 'api_key'),
      speed: textOf(row, 'speed'),
    }),
  };
}

const objectOf = (value: unknown): Row => (typeof value === 'object' && value !== null ? (value as Row) : {});

/** Where inference was bound to a place, which has prices of its own. */
function regionOf(row: Row): string | undefined {
  const geo = textOf(row, 'inference_geo');
  return geo === 'not_available' || geo === 'global' ? undefined : geo;
}

const missingOf = (model: string | undefined, serviceTier: string | undefined): string[] => [
  'promptSize',
  'requestTime',
  'requests',
  'reasoningTokens',
  ...(model === undefined ? ['model'] : []),
  ...(serviceTier === undefined ? ['serviceTier'] : []),
];

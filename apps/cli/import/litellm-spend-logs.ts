import { CodedError, parseInstant } from '@tare/core';
import { litellmDecoder } from '@tare/usage';
import { withZone, type Row } from './column-mapping.ts';
import type { ExportedEvent, ExportFormat, ExportOptions } from './export-format.ts';
import { listOf } from './usage-bucket.ts';

const CUSTOMER_FIELDS = new Map([
  ['end-user', ['end_user']],
  ['user', ['user']],
  ['team', ['team_id']],
  ['organization', ['organization_id', 'metadata.user_api_key_org_id']],
  ['api-key', ['api_key', 'metadata.user_api_key']],
  ['key-alias', ['metadata.user_api_key_alias']],
]);

/**
 * Rows of LiteLLM's table LiteLLM_SpendLogs, one per request. A row says what LiteLLM's callback would have posted for the request, so it is read by the same
 * decoder: the same key, model, tokens and type. A request that the callback sent already is never counted twice.
 */
export const LITELLM_SPEND_LOGS: ExportFormat = {
  customerFields: CUSTOMER_FIELDS,
  defaultCustomerBy: ['end-user', 'user', 'team', 'organization'],
  rowsOf: (document) => (Array.isArray(document['data']) ? listOf(document['data']) : [document]).map(withMetadata),
  eventOf,
};

/** CSV holds JSON columns as text. What cannot be read stays, and is refused with the row. */
function withMetadata(row: Row): Row {
  return { ...row, metadata: jsonOf(row['metadata']), request_tags: jsonOf(row['request_tags']) };
}

function jsonOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    const parsed: unknown = JSON.parse(value);
    // Some exporters write the text of a text.
    return typeof parsed === 'string' ? (JSON.parse(parsed) as unknown) : parsed;
  } catch {
    return value;
  }
}

function eventOf(row: Row, { isCostReported }: ExportOptions): ExportedEvent | null {
  const decoder = litellmDecoder({ customerPaths: ['customer'], isCostReported });
  // Who the customer is, the import says; the decoder only has to find somebody.
  const { customer: _customer, user: _user, ...event } = decoder.decode(payloadOf(row)) as unknown as ExportedEvent;
  const user = textOrNull(row['end_user']) ?? textOrNull(row['user']);
  const estimated = isWithoutParts(row) ? { estimated: true, missing: ['cacheTokens', 'reasoningTokens'] } : {};
  return { ...event, ...(user === null ? {} : { user }), properties: { ...event.properties, ...estimated } };
}

/** The row in the form of the payload that LiteLLM's callback posts. */
function payloadOf(row: Row): Row {
  const metadata = metadataOf(row);
  return {
    id: row['request_id'],
    customer: 'to be said',
    call_type: textOrNull(row['call_type']),
    status: textOrNull(row['status']) ?? textOrNull(metadata['status']),
    startTime: secondsOf(row['startTime'], 'startTime'),
    endTime: textOrNull(row['endTime']) === null ? null : secondsOf(row['endTime'], 'endTime'),
    model: row['model'],
    model_group: textOrNull(row['model_group']),
    custom_llm_provider: textOrNull(row['custom_llm_provider']),
    prompt_tokens: numberOf(row['prompt_tokens'], 'prompt_tokens'),
    completion_tokens: numberOf(row['completion_tokens'], 'completion_tokens'),
    total_tokens: numberOf(row['total_tokens'], 'total_tokens'),
    response_cost: numberOf(row['spend'], 'spend'),
    cache_hit: /^true$/i.test(String(row['cache_hit'])),
    request_tags: row['request_tags'],
    trace_id: textOrNull(row['session_id']),
    error_information: metadata['error_information'],
    metadata: {
      ...metadata,
      user_api_key_user_id: textOrNull(row['user']) ?? metadata['user_api_key_user_id'],
      user_api_key_team_id: textOrNull(row['team_id']) ?? metadata['user_api_key_team_id'],
      usage_object: usageOf(row, metadata),
    },
  };
}

/** LiteLLM keeps the provider's usage; before it did, it kept what of the cache it knew beside the columns. */
function usageOf(row: Row, metadata: Row): unknown {
  if (isObject(metadata['usage_object'])) return metadata['usage_object'];
  const more = metadata['additional_usage_values'];
  if (!isObject(more)) return undefined;
  const [prompt_tokens, completion_tokens, total_tokens] = ['prompt_tokens', 'completion_tokens', 'total_tokens'].map((name) =>
    numberOf(row[name], name),
  );
  return { ...more, prompt_tokens, completion_tokens, total_tokens };
}

/** Whether nothing tells how much of the tokens came from a cache or was reasoning. */
function isWithoutParts(row: Row): boolean {
  const metadata = metadataOf(row);
  return !isObject(metadata['usage_object']) && !isObject(metadata['additional_usage_values']) && Number(row['total_tokens']) > 0;
}

function metadataOf(row: Row): Row {
  const metadata = row['metadata'];
  if (metadata === undefined || metadata === null || metadata === '') return {};
  if (isObject(metadata)) return metadata;
  throw new CodedError('INVALID_FIELD', 'metadata: a JSON object is expected.', 'metadata');
}

/** A timestamp of the table has no zone and is UTC. The decoder reads seconds since 1970. */
function secondsOf(value: unknown, path: string): string {
  const text = textOrNull(value);
  if (text === null) throw new CodedError('FIELD_MISSING', `${path}: the row has no time.`, path);
  const micros = parseInstant(withZone(text), path);
  const seconds = Math.floor(micros / 1_000_000);
  return `${seconds}.${String(micros - seconds * 1_000_000).padStart(6, '0')}`;
}

/** @throws CodedError INVALID_FIELD */
function numberOf(value: unknown, path: string): number | null {
  if (value === undefined || value === null || value === '') return null;
  const number = typeof value === 'string' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw new CodedError('INVALID_FIELD', `${path}: a number is expected.`, path);
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const isObject = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value);

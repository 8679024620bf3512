import { CodedError, optionalText, requireObject, requiredText, type Instant, type WireObject } from '@tare/core';
import { cloudEventKey } from '../cloudevents/cloud-event-key.ts';
import type { Decoder, NativeEvent } from '../decoded-batch.ts';
import { MALFORMED_LINE } from './litellm-body.ts';
import { COST_OF_CACHED_ANSWER, litellmCost } from './litellm-cost.ts';
import { litellmUsers } from './litellm-customer.ts';
import { instantOfSeconds, isKeepable, millisecondsBetween, objectAt, textAt, timeText } from './litellm-fields.ts';
import type { LitellmOptions } from './litellm-options.ts';
import { litellmModel } from './litellm-provider.ts';
import { tokensOfLitellm, type LitellmTokens } from './litellm-tokens.ts';

/** The `source` of the CloudEvents that LiteLLM's openmeter callback posts: keys are made alike, so both callbacks together count a call once. */
export const LITELLM_SOURCE = 'litellm-proxy';

/** What a call is called here; others are `llm.` and LiteLLM's own word for them. */
const COMPLETIONS: ReadonlySet<string> = new Set(['completion', 'text_completion', 'responses', 'anthropic_messages', 'generate_content']);
const CALL_TYPE = /^_?(?:a_?)?([a-z][a-z0-9_]{0,63})$/;
/** Begin with an a that does not stand for async. */
const NOT_ASYNC: ReadonlySet<string> = new Set(['anthropic_messages', 'add_message']);
const MAX_TAGS = 32;
const SERVICE_TIERS: ReadonlyMap<string, string> = new Map([
  ['default', 'standard'],
  ['standard', 'standard'],
  ['flex', 'flex'],
  ['priority', 'priority'],
  ['batch', 'batch'],
]);

/** Turns what LiteLLM's generic_api callback posts (StandardLoggingPayload) into native events. */
export function litellmDecoder(options: LitellmOptions): Decoder {
  return { decode: (item) => eventOfLitellm(item, options), keyOf: keyOfLitellm };
}

/**
 * @throws CodedError INVALID_EVENT, KEY_MISSING, FIELD_MISSING, INVALID_FIELD, INVALID_TIME, TOKEN_PARTS_EXCEED_TOTAL, those of a count
 */
function eventOfLitellm(item: unknown, { customerPaths, isCostReported }: LitellmOptions): NativeEvent {
  if (item === MALFORMED_LINE) throw new CodedError('MALFORMED_JSON', 'This line is not JSON.');
  const payload = requireObject(item, 'event', 'INVALID_EVENT');
  const isFailed = readIsFailed(payload.status);
  const at = instantOfSeconds(payload.startTime, 'startTime');
  const key = keyOf(payload, isFailed, at);
  const isCached = payload.cache_hit === true;
  const cost = litellmCost(payload.response_cost, isCostReported && !isCached);
  return {
    key,
    ...litellmUsers(payload, customerPaths),
    type: typeOfCall(payload),
    at: timeText(at),
    ...litellmModel(optionalText(payload.custom_llm_provider, 'custom_llm_provider'), optionalText(payload.model, 'model')),
    serviceTier: serviceTier(payload),
    ...usageOf(payload, isFailed),
    reportedCost: isCached ? COST_OF_CACHED_ANSWER : cost.reportedCost,
    outcome: isFailed ? 'FAILED' : 'SUCCEEDED',
    durationMs: millisecondsBetween(at, payload.endTime),
    traceId: textAt(payload, 'trace_id'),
    properties: { ...propertiesOf(payload, isFailed), ...(isCached ? { cacheHit: true } : {}), ...cost.properties },
  };
}

/** LiteLLM knows success and failure; versions that say neither log successes only. */
function readIsFailed(status: unknown): boolean {
  if (status === undefined || status === null || status === '' || status === 'success') return false;
  if (status === 'failure') return true;
  throw new CodedError('INVALID_FIELD', 'The status is success or failure.', 'status');
}

/**
 * The id of the response (with LiteLLM's own suffix for a cached one), else that of the call. A call that fails has no response: its attempts share the id of
 * the call and are told apart by when they began.
 */
function keyOf(payload: WireObject, isFailed: boolean, at: Instant): string {
  const id = idOf(payload);
  return cloudEventKey(LITELLM_SOURCE, isFailed ? `${id}/failed/${timeText(at)}` : id);
}

function idOf(payload: WireObject): string {
  // LiteLLM writes None, Python's null, as text.
  const hasId = payload.id !== undefined && payload.id !== null && payload.id !== '' && payload.id !== 'None';
  const [name, id] = hasId ? ['id', payload.id] : ['litellm_call_id', payload.litellm_call_id];
  return requiredText(id, name, 'KEY_MISSING', 'KEY_TOO_LONG');
}

function keyOfLitellm(item: unknown): string | null {
  try {
    const payload = requireObject(item, 'event');
    return keyOf(payload, readIsFailed(payload.status), instantOfSeconds(payload.startTime, 'startTime'));
  } catch {
    return null;
  }
}

/** acompletion, completion -> llm.completion; aembedding -> llm.embedding: whether it was awaited is nobody's business. */
function typeOfCall(payload: WireObject): string {
  const callType = textAt(payload, 'call_type');
  if (callType === null) return 'llm.completion';
  const name = NOT_ASYNC.has(callType) ? callType : (CALL_TYPE.exec(callType)?.[1] ?? 'other');
  return COMPLETIONS.has(name) ? 'llm.completion' : `llm.${name}`;
}

/** As it was served, where the response says so, else as it was asked for. */
function serviceTier(payload: WireObject): string | null {
  const tier = textAt(objectAt(payload, 'response'), 'service_tier') ?? textAt(objectAt(payload, 'model_parameters'), 'service_tier');
  return tier === null ? null : (SERVICE_TIERS.get(tier) ?? null);
}

/**
 * LiteLLM's counts; for an answer that it passed through without reckoning, the provider's own usage body, which core reads. A call that failed before it cost a
 * token has none, rather than none of each kind.
 */
function usageOf(payload: WireObject, isFailed: boolean): NativeEvent {
  const usage = objectAt(objectAt(payload, 'metadata'), 'usage_object');
  const isReckoned = usage.prompt_tokens !== undefined || usage.completion_tokens !== undefined;
  const tokens = isReckoned ? tokensOfLitellm(usage, 'metadata.usage_object.') : tokensOfLitellm(countsOf(payload), '');
  if (tokens !== null && !isAllZero(tokens)) return { tokens };
  if (!isReckoned && (isCount(usage.input_tokens) || isCount(usage.output_tokens))) return { usage };
  return isFailed ? {} : { tokens };
}

const isAllZero = (tokens: LitellmTokens): boolean => Object.values(tokens).every((count) => count === '0');
const isCount = (value: unknown): boolean => typeof value === 'number' && value > 0;

function countsOf({ prompt_tokens, completion_tokens, total_tokens }: WireObject): WireObject {
  return { prompt_tokens, completion_tokens, total_tokens };
}

/** What meters filter and reports group by. Prompts, answers and keys never are among them. */
function propertiesOf(payload: WireObject, isFailed: boolean): NativeEvent {
  const metadata = objectAt(payload, 'metadata');
  const error = objectAt(payload, 'error_information');
  const texts = {
    callType: textAt(payload, 'call_type'),
    modelGroup: textAt(payload, 'model_group'),
    keyAlias: textAt(metadata, 'user_api_key_alias'),
    userId: textAt(metadata, 'user_api_key_user_id'),
    teamId: textAt(metadata, 'user_api_key_team_id'),
    teamAlias: textAt(metadata, 'user_api_key_team_alias'),
    organizationId: textAt(metadata, 'user_api_key_org_id'),
    projectId: textAt(metadata, 'user_api_key_project_id'),
    errorCode: isFailed ? textAt(error, 'error_code') : null,
    errorClass: isFailed ? textAt(error, 'error_class') : null,
  };
  const known = Object.entries(texts).filter(([, text]) => text !== null);
  return { source: 'litellm', ...Object.fromEntries(known), ...tagsOf(payload.request_tags) };
}

/** The first tags; how many more there were is said. */
function tagsOf(value: unknown): NativeEvent {
  if (!Array.isArray(value) || value.length === 0) return {};
  const tags = value.filter(isKeepable).slice(0, MAX_TAGS);
  const leftOut = value.length - tags.length;
  return leftOut === 0 ? { tags } : { tags, tagsLeftOut: leftOut };
}

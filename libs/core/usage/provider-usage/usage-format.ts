import type { WireObject } from '../wire-fields.ts';
import type { ProviderFamily } from './provider-family.ts';

export type UsageFormat =
  | 'chatCompletions'
  | 'responses'
  | 'anthropic'
  | 'gemini'
  | 'converse'
  | 'invocation'
  | 'llama'
  | 'vercel4'
  | 'vercel'
  | 'vercelModel'
  | 'vercelEmbedding'
  | 'cohere';

/**
 * Which format a body has, by the names of its fields: a gateway or an SDK may speak another format than the provider whose name stands beside the usage.
 * The name decides where the fields leave it open. null: none, or a mixture that would have to be guessed.
 */
export function usageFormat(body: WireObject, family: ProviderFamily): UsageFormat | null {
  if (isObject(body['inputTokens']) || isObject(body['outputTokens'])) return 'vercelModel';
  if (hasAny(body, CAMEL_TOTALS)) return converseOrVercel(body, family);
  if (hasAny(body, VERCEL_4)) return 'vercel4';
  if (body['generation_token_count'] !== undefined) return 'llama';
  if (hasAny(body, GEMINI)) return 'gemini';
  if (hasAny(body, INVOCATION)) return 'invocation';
  if (isObject(body['billed_units'])) return 'cohere';
  const hasInput = hasAny(body, SNAKE_TOTALS);
  // Gateways that serve both of OpenAI's APIs fill the fields of the other one with zeros.
  if (hasAny(body, CHAT) && !(hasInput && !saysAny(body, CHAT))) {
    return 'chatCompletions';
  }
  if (hasInput) return anthropicOrResponses(body, family);
  return body['tokens'] !== undefined && !isObject(body['tokens']) ? 'vercelEmbedding' : null;
}

const CAMEL_TOTALS = ['inputTokens', 'outputTokens'];
const SNAKE_TOTALS = ['input_tokens', 'output_tokens'];
const CHAT = ['prompt_tokens', 'completion_tokens'];
const VERCEL_4 = ['promptTokens', 'completionTokens'];
const INVOCATION = ['inputTokenCount', 'outputTokenCount'];
const GEMINI = ['promptTokenCount', 'candidatesTokenCount', 'responseTokenCount', 'thoughtsTokenCount'].flatMap((name) => [
  name,
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
]);
const VERCEL = ['inputTokenDetails', 'outputTokenDetails', 'cachedInputTokens', 'reasoningTokens'];
const CONVERSE = [
  'cacheReadInputTokens',
  'cacheReadInputTokenCount',
  'cacheWriteInputTokens',
  'cacheWriteInputTokenCount',
  'cacheCreationInputTokens',
  'cacheDetails',
];
const ANTHROPIC = ['cache_creation_input_tokens', 'cache_read_input_tokens', 'cache_creation', 'iterations'];
const RESPONSES = ['input_tokens_details', 'input_token_details', 'output_token_details'];

/** Two totals alone mean the same to both. */
function converseOrVercel(body: WireObject, family: ProviderFamily): UsageFormat | null {
  const isVercel = saysAny(body, VERCEL);
  const isConverse = saysAny(body, CONVERSE);
  if (isVercel && isConverse) return null;
  return isConverse || (!isVercel && family === 'bedrock') ? 'converse' : 'vercel';
}

/** Two totals alone mean the same to both. */
function anthropicOrResponses(body: WireObject, family: ProviderFamily): UsageFormat | null {
  const outputDetails = body['output_tokens_details'];
  const isThinking = isObject(outputDetails) && outputDetails['thinking_tokens'] !== undefined;
  const isAnthropic = isThinking || saysAny(body, ANTHROPIC);
  const isResponses = saysAny(body, RESPONSES) || (isObject(outputDetails) && !isThinking);
  if (isAnthropic && isResponses) return family === 'anthropic' ? 'anthropic' : null;
  return isAnthropic || (!isResponses && (family === 'anthropic' || family === 'bedrock')) ? 'anthropic' : 'responses';
}

const isObject = (value: unknown): value is WireObject => typeof value === 'object' && value !== null && !Array.isArray(value);

function hasAny(body: WireObject, names: readonly string[]): boolean {
  for (const name of names) if (body[name] !== undefined) return true;
  return false;
}

/** Whether any of the fields says something: nulls, zeros and empty lists change no count, so they tell no format either. */
function saysAny(body: WireObject, names: readonly string[]): boolean {
  for (const name of names) if (saysSomething(body[name])) return true;
  return false;
}

function saysSomething(value: unknown): boolean {
  if (value === undefined || value === null || value === 0) return false;
  return Array.isArray(value) ? value.length > 0 : !Number.isNaN(value);
}

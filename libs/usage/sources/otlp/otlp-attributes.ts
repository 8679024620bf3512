import type { IsWanted, OtlpAttributes, OtlpValue } from './otlp-span.ts';
import type { OtlpOptions } from './otlp-options.ts';

/**
 * Names under which instrumentations say the same thing, the convention of today first: OpenTelemetry GenAI (old and new), then what OpenLLMetry, OpenInference,
 * the Vercel AI SDK, Pydantic AI and Sentry write. Docs: docs/sources/opentelemetry.md.
 */
export const INPUT = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.prompt_tokens',
  'llm.usage.prompt_tokens',
  'llm.usage.input_tokens',
  'llm.token_count.prompt',
  'ai.usage.inputTokens',
  'ai.usage.promptTokens',
  'ai.usage.tokens',
] as const;
export const OUTPUT = [
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.completion_tokens',
  'llm.usage.completion_tokens',
  'llm.usage.output_tokens',
  'llm.token_count.completion',
  'ai.usage.outputTokens',
  'ai.usage.completionTokens',
] as const;
export const TOTAL = ['gen_ai.usage.total_tokens', 'llm.usage.total_tokens', 'llm.token_count.total', 'ai.usage.totalTokens'] as const;
export const CACHE_READ = [
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.cache_read_input_tokens',
  'gen_ai.usage.cache_read_tokens',
  'gen_ai.usage.cached_input_tokens',
  'gen_ai.usage.cached_tokens',
  'gen_ai.usage.input_tokens.cached',
  'gen_ai.usage.prompt_tokens_details.cached_tokens',
  'gen_ai.usage.input_tokens_details.cached_tokens',
  'gen_ai.usage.details.cache_read_tokens',
  'gen_ai.usage.details.cache_read_input_tokens',
  'gen_ai.usage.details.cached_tokens',
  'llm.usage.cache_read_input_tokens',
  'llm.token_count.prompt_details.cache_read',
  'ai.usage.inputTokenDetails.cacheReadTokens',
  'ai.usage.cachedInputTokens',
] as const;
export const CACHE_WRITE = [
  'gen_ai.usage.cache_creation.input_tokens',
  'gen_ai.usage.cache_creation_input_tokens',
  'gen_ai.usage.cache_creation_tokens',
  'gen_ai.usage.cache_write_tokens',
  'gen_ai.usage.input_tokens.cache_write',
  'gen_ai.usage.details.cache_write_tokens',
  'gen_ai.usage.details.cache_creation_input_tokens',
  'llm.usage.cache_creation_input_tokens',
  'llm.token_count.prompt_details.cache_write',
  'ai.usage.inputTokenDetails.cacheWriteTokens',
] as const;
/** The convention does not tell how long a cache write lives: this one of ours does. */
export const CACHE_WRITE_1H = ['tare.tokens.cache_write_1h'] as const;
export const REASONING = [
  'gen_ai.usage.reasoning.output_tokens',
  'gen_ai.usage.reasoning_tokens',
  'gen_ai.usage.output_tokens.reasoning',
  'gen_ai.usage.completion_tokens_details.reasoning_tokens',
  'gen_ai.usage.output_tokens_details.reasoning_tokens',
  'gen_ai.usage.details.reasoning_tokens',
  'llm.usage.reasoning_tokens',
  'llm.token_count.completion_details.reasoning',
  'ai.usage.outputTokenDetails.reasoningTokens',
  'ai.usage.reasoningTokens',
] as const;
export const INPUT_AUDIO = ['gen_ai.usage.details.input_audio_tokens', 'llm.token_count.prompt_details.audio'] as const;
export const OUTPUT_AUDIO = ['gen_ai.usage.details.output_audio_tokens', 'llm.token_count.completion_details.audio'] as const;

/** Any of these makes a span one that says something of usage. */
export const COUNTS: readonly string[] = [
  ...[INPUT, OUTPUT, TOTAL, CACHE_READ, CACHE_WRITE, CACHE_WRITE_1H, REASONING, INPUT_AUDIO, OUTPUT_AUDIO].flat(),
];

export const PROVIDER = ['gen_ai.provider.name', 'gen_ai.system', 'llm.provider', 'llm.system', 'ai.model.provider'] as const;
/** Who answered goes before who was asked: a price is of the model that ran. */
export const MODEL = [
  'gen_ai.response.model',
  'llm.response.model_name',
  'llm.response.model',
  'ai.response.model',
  'gen_ai.request.model',
  'llm.model_name',
  'llm.request.model_name',
  'llm.request.model',
  'embedding.model_name',
  'reranker.model_name',
  'ai.model.id',
] as const;
export const REQUEST_MODEL = ['gen_ai.request.model', 'llm.request.model_name', 'llm.request.model'] as const;

/** What says which operation a span is, the most exact first. */
export const OPERATION = [
  'gen_ai.operation.name',
  'openinference.span.kind',
  'traceloop.span.kind',
  'llm.request.type',
  'ai.operationId',
  'gen_ai.span.kind',
  'langsmith.span.kind',
  'langfuse.observation.type',
] as const;
/** A span without an operation that has one of these may stand for others. */
export const GROUPING = [
  'gen_ai.agent.name',
  'gen_ai.agent.id',
  'agent_name',
  'gen_ai.tool.name',
  'gen_ai.tool.call.id',
  'gen_ai.workflow.name',
  'gen_ai.task.name',
] as const;

export const SERVICE_TIER = [
  'openai.response.service_tier',
  'gen_ai.openai.response.service_tier',
  'openai.request.service_tier',
  'gen_ai.openai.request.service_tier',
] as const;
export const ERROR_TYPE = ['error.type'] as const;
export const USER = ['tare.user', 'enduser.id', 'user.id'] as const;
export const FEATURE = ['tare.feature'] as const;
export const SUBSCRIPTION = ['tare.subscription'] as const;
export const REGION = ['tare.region'] as const;
/** Each becomes a property of the event, named by what follows. */
export const PROPERTY_PREFIX = 'tare.properties.';
/** Attributes that become properties, by the name of the property. */
export const PROPERTIES = {
  agent: 'gen_ai.agent.name',
  conversation: 'gen_ai.conversation.id',
  responseId: 'gen_ai.response.id',
  workflow: 'traceloop.workflow.name',
  service: 'service.name',
} as const;

const NAMED: readonly string[] = [
  ...COUNTS,
  ...[PROVIDER, MODEL, REQUEST_MODEL, OPERATION, GROUPING, SERVICE_TIER, ERROR_TYPE, USER, FEATURE, SUBSCRIPTION, REGION].flat(),
  ...Object.values(PROPERTIES),
];

/** Which attributes are read, for a tenant's options. */
export function wantedAttributes({ customerAttributes }: OtlpOptions): IsWanted {
  const names = new Set([...NAMED, ...customerAttributes]);
  return (name) => names.has(name) || name.startsWith(PROPERTY_PREFIX);
}

/** The first of some attributes that is there; an empty text is not. */
export function firstValue(attributes: OtlpAttributes, names: readonly string[]): OtlpValue | null {
  for (const name of names) {
    const value = attributes.get(name);
    if (value !== undefined && value !== '') return value;
  }
  return null;
}

/** The first that is a text. */
export function firstText(attributes: OtlpAttributes, names: readonly string[]): string | null {
  for (const name of names) {
    const value = attributes.get(name);
    if (typeof value === 'string' && value !== '') return value;
  }
  return null;
}

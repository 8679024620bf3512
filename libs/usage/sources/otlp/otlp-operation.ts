import { CodedError } from '@tare/core';
import { COUNTS, GROUPING, MODEL, OPERATION, PROVIDER, firstText, firstValue } from './otlp-attributes.ts';
import type { OtlpOptions } from './otlp-options.ts';
import type { OtlpAttributes, OtlpSpan } from './otlp-span.ts';

/**
 * Which spans count. The usage of an agent, a workflow or a tool is that of the calls inside it, which have spans of their own: counted too, it would count
 * twice. Parents end after their children and come in a later request, or in an earlier one when a collector batches anew; so what a span is gets decided by its own
 * attributes alone, never by what else is in the request. That makes the sum the same for any order and any batching.
 */

/** Calls of a model, by the names that conventions and instrumentations give them. */
const CALLS: ReadonlyMap<string, string> = new Map([
  ...['chat', 'chat_completion', 'chat_completions', 'chat.completions', 'completion', 'completions', 'text_completion'].map(completion),
  ...['generate_content', 'message', 'messages', 'response', 'responses', 'llm', 'llm_request', 'generation'].map(completion),
  ['embeddings', 'llm.embedding'],
  ['embedding', 'llm.embedding'],
  ['rerank', 'llm.rerank'],
  ['reranker', 'llm.rerank'],
  ['transcription', 'llm.transcription'],
  ['speech', 'llm.speech'],
  ['image_generation', 'llm.image_generation'],
]);
/** What holds calls, or stands beside them. */
const GROUPS: ReadonlySet<string> = new Set([
  ...['agent', 'create_agent', 'invoke_agent', 'agent_step', 'task', 'execute_task', 'step', 'entry'],
  ...['workflow', 'invoke_workflow', 'chain', 'tool', 'execute_tool', 'plan', 'prompt', 'span', 'event', 'goto'],
  ...['retrieval', 'retrieve', 'retriever', 'vector_db_retrieve', 'guard', 'guardrail', 'guardrail.run', 'evaluate', 'evaluator'],
]);
/** Says nothing. */
const UNKNOWN: ReadonlySet<string> = new Set(['unknown', 'none', '']);
/** The AI SDK: `ai.generateText` goes around `ai.generateText.doGenerate`, which is the call. */
const AI_SDK_CALL = /^ai\.[a-z]+\.do[a-z]+$/;
const AI_SDK_EMBED = /^ai\.embed[a-z]*\.do[a-z]+$/;
const AI_SDK = /^ai\.[a-z]/;

function completion(name: string): readonly [string, string] {
  return [name, 'llm.completion'];
}

/** Whether a span has to be looked at: it says something of usage, and is no sum of others. */
export function isCandidate({ attributes, scope }: OtlpSpan, { operations, scopes }: OtlpOptions): boolean {
  if (scopes !== null && !scopes.has(scope)) return false;
  if (firstValue(attributes, COUNTS) === null) return false;
  const operation = operationOf(attributes);
  return operation === null || operations.has(operation) || !isGroup(operation);
}

/**
 * The type of the event that a candidate becomes: `llm.completion`, `llm.embedding`, ...
 * @throws CodedError OPERATION_UNKNOWN | OPERATION_MISSING: what it is cannot be told, and a wrong guess would count usage twice or not at all
 */
export function typeOfSpan(attributes: OtlpAttributes, operations: ReadonlySet<string>): string {
  const operation = operationOf(attributes);
  if (operation === null) {
    if (isPlainCall(attributes)) return 'llm.completion';
    throw new CodedError(
      'OPERATION_MISSING',
      'Is this a call of a model, or does it stand for the calls inside it? Set gen_ai.operation.name, such as chat or invoke_agent.',
    );
  }
  const type = CALLS.get(operation) ?? (AI_SDK_EMBED.test(operation) ? 'llm.embedding' : null);
  if (type !== null) return type;
  if (AI_SDK_CALL.test(operation) || operations.has(operation)) return 'llm.completion';
  throw new CodedError(
    'OPERATION_UNKNOWN',
    `Is "${operation.slice(0, 64)}" a call of a model, or does it stand for the calls inside it? For calls, add ?operation= to the address.`,
  );
}

/** In lower case, as the most exact of the attributes names it; null where none does. */
export function operationOf(attributes: OtlpAttributes): string | null {
  for (const name of OPERATION) {
    const operation = (firstText(attributes, [name]) ?? '').toLowerCase();
    if (!UNKNOWN.has(operation)) return operation;
  }
  return null;
}

function isGroup(operation: string): boolean {
  return GROUPS.has(operation) || (AI_SDK.test(operation) && !AI_SDK_CALL.test(operation));
}

/** Instrumentations from before there were operations name the provider and the model of a call; what stands for several names an agent, a tool or a workflow. */
function isPlainCall(attributes: OtlpAttributes): boolean {
  return firstText(attributes, PROVIDER) !== null && firstText(attributes, MODEL) !== null && firstValue(attributes, GROUPING) === null;
}

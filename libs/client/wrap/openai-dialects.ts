import { isObject, NO_FACTS, statedFacts, type Dialect, type ResponseFacts } from './response-facts.ts';
import type { JsonObject } from '../wire.ts';

/** Chat and legacy completions: usage in the body, or in the last chunk of a stream where the request asked for it. */
export const CHAT: Dialect = {
  type: 'llm.completion',
  readBody: (body) => ({ ...NO_FACTS, ...statedFacts(body), isComplete: true }),
  readChunk(facts, chunk) {
    const isComplete = facts.isComplete || hasFinished(chunk);
    // Most chunks repeat id and model and tell nothing else.
    if (facts.id !== undefined && isComplete === facts.isComplete && !isObject(chunk.usage) && !isNews(facts, chunk)) return facts;
    return { ...facts, ...statedFacts(chunk), isComplete, isLast: isComplete && isObject(chunk.usage) && hasNoChoices(chunk) };
  },
};

/** Responses: every event that holds the response as a whole may tell usage; the last one does. */
export const RESPONSES: Dialect = {
  type: 'llm.completion',
  readBody: (body) => responseFacts(NO_FACTS, body),
  readChunk: (facts, chunk) => (isObject(chunk.response) ? responseFacts(facts, chunk.response) : facts),
};

export const EMBEDDINGS: Dialect = { ...CHAT, type: 'llm.embedding' };

/** A tier that is told after the first chunk. */
const isNews = (facts: ResponseFacts, chunk: JsonObject): boolean =>
  facts.serviceTier === undefined && typeof chunk.service_tier === 'string';

const hasNoChoices = ({ choices }: JsonObject): boolean => Array.isArray(choices) && choices.length === 0;

const hasFinished = ({ choices }: JsonObject): boolean =>
  Array.isArray(choices) && choices.some((choice) => isObject(choice) && typeof choice.finish_reason === 'string');

const hasFailed = (status: unknown): boolean => status === 'failed' || status === 'cancelled';

function responseFacts(facts: ResponseFacts, response: JsonObject): ResponseFacts {
  const { status, background } = response;
  // Compatible providers leave the status out.
  const isComplete = status === undefined ? isObject(response.usage) : status === 'completed' || status === 'incomplete';
  return {
    ...facts,
    ...statedFacts(response),
    isComplete,
    isLast: isComplete || hasFailed(status),
    hasFailed: hasFailed(status),
    isPending: background === true && !isComplete && !hasFailed(status),
  };
}

import { isObject, NO_FACTS, statedFacts, type Dialect, type ResponseFacts } from './response-facts.ts';
import type { JsonObject } from '../wire.ts';

/** Messages: usage in the body; in a stream first in message_start, then in message_delta. */
export const MESSAGES: Dialect = {
  type: 'llm.completion',
  readBody: (body) => ({ ...NO_FACTS, ...messageFacts(body), isComplete: true }),
  readChunk(facts, chunk) {
    switch (chunk.type) {
      case 'message_start':
        return isObject(chunk.message) ? { ...facts, ...messageFacts(chunk.message) } : facts;
      case 'message_delta': {
        const hasStopped = isObject(chunk.delta) && typeof chunk.delta.stop_reason === 'string';
        return { ...facts, ...withUsage(cumulative(facts.usage, chunk.usage)), isComplete: facts.isComplete || hasStopped };
      }
      case 'message_stop':
        return { ...facts, isComplete: true, isLast: true };
      default:
        return facts;
    }
  },
};

/** The counts of a message_delta are those of the whole message until now: what it tells takes the place of what was told, and is never added. */
function cumulative(told: JsonObject | undefined, now: unknown): JsonObject | undefined {
  if (!isObject(now)) return told;
  return { ...told, ...Object.fromEntries(Object.entries(now).filter(([, value]) => value !== null && value !== undefined)) };
}

/** Anthropic tells the tier inside of usage. The counts are copied: the SDK's helpers go on writing into the message of message_start. */
function messageFacts(message: JsonObject): Partial<ResponseFacts> {
  const usage = isObject(message.usage) ? { ...message.usage } : undefined;
  return { ...statedFacts({ ...message, service_tier: usage?.service_tier }), ...withUsage(usage) };
}

const withUsage = (usage: JsonObject | undefined): Partial<ResponseFacts> => (usage ? { usage } : {});

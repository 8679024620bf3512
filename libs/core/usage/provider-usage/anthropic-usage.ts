import type { WireObject } from '../wire-fields.ts';
import { cacheWritesOf } from './cache-writes.ts';
import { addCounts, readCount, readDetails, readList } from './read-count.ts';
import { wireTokens } from './wire-tokens.ts';
import type { FoundTokens, WireTokens } from './wire-tokens.ts';

/**
 * `usage` of Anthropic's messages, also by way of Bedrock (InvokeModel), Vertex AI and Azure. Input tokens are those that no cache had to do with: reads and
 * writes of the cache are counted beside them. The totals of the body leave out what it took to compact a conversation, which is billed at the same rates
 * and stands in `iterations`. What another model did inside of the request (an advisor) is no part of these tokens: it has prices of its own.
 */
export function anthropicTokens(body: WireObject, path: string): WireTokens {
  let found = readMessage(body, path);
  readList(body, 'iterations', path).forEach((iteration, index) => {
    if (iteration['type'] === 'compaction') found = sumOf(found, readMessage(iteration, `${path}.iterations[${index}]`));
  });
  return wireTokens(found, path, { input: 'input_tokens', output: 'output_tokens' });
}

function readMessage(body: WireObject, path: string): Required<FoundTokens> {
  const split = readDetails(body, 'cache_creation', path);
  const cacheRead = readCount(body, 'cache_read_input_tokens', path);
  const written = readCount(body, 'cache_creation_input_tokens', path);
  const writes = cacheWritesOf(
    {
      total: written,
      fiveMinutes: readCount(split, 'ephemeral_5m_input_tokens', `${path}.cache_creation`),
      oneHour: readCount(split, 'ephemeral_1h_input_tokens', `${path}.cache_creation`),
    },
    `${path}.cache_creation_input_tokens`,
  );
  const outputDetails = readDetails(body, 'output_tokens_details', path);
  const isWritten = written !== null || writes.cacheWrite5m + writes.cacheWrite1h > 0;
  return {
    input: addCounts(readCount(body, 'input_tokens', path), cacheRead, isWritten ? writes.cacheWrite5m + writes.cacheWrite1h : null),
    output: readCount(body, 'output_tokens', path),
    cacheRead: cacheRead ?? 0,
    ...writes,
    inputAudio: 0,
    reasoning: readCount(outputDetails, 'thinking_tokens', `${path}.output_tokens_details`) ?? 0,
    outputAudio: 0,
  };
}

function sumOf(a: Required<FoundTokens>, b: Required<FoundTokens>): Required<FoundTokens> {
  return {
    input: addCounts(a.input, b.input),
    output: addCounts(a.output, b.output),
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite5m: a.cacheWrite5m + b.cacheWrite5m,
    cacheWrite1h: a.cacheWrite1h + b.cacheWrite1h,
    inputAudio: 0,
    reasoning: a.reasoning + b.reasoning,
    outputAudio: 0,
  };
}

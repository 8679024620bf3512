import { CodedError } from '../../coded-error.ts';
import type { WireObject } from '../wire-fields.ts';
import { cacheWritesOf } from './cache-writes.ts';
import type { FoundCacheWrites } from './cache-writes.ts';
import { addCounts, readCount, readCountOf, readList } from './read-count.ts';
import { wireTokens } from './wire-tokens.ts';
import type { WireTokens } from './wire-tokens.ts';

/** How the counts are called: the Converse API and the invocation metrics of InvokeModel count alike under different names. */
interface BedrockNames {
  readonly input: string;
  readonly output: string;
  readonly cacheRead: readonly string[];
  readonly cacheWrite: readonly string[];
}

const CONVERSE: BedrockNames = {
  input: 'inputTokens',
  output: 'outputTokens',
  cacheRead: ['cacheReadInputTokens', 'cacheReadInputTokenCount'],
  cacheWrite: ['cacheWriteInputTokens', 'cacheWriteInputTokenCount', 'cacheCreationInputTokens'],
};

const INVOCATION: BedrockNames = {
  input: 'inputTokenCount',
  output: 'outputTokenCount',
  cacheRead: ['cacheReadInputTokenCount'],
  cacheWrite: ['cacheWriteInputTokenCount'],
};

/** `usage` of Bedrock's Converse API. Reads and writes of the cache are counted beside the input tokens. */
export const converseTokens = (body: WireObject, path: string): WireTokens => readTokens(body, CONVERSE, path);

/** `amazon-bedrock-invocationMetrics` of Bedrock's InvokeModel, for models whose own body says less. */
export const invocationTokens = (body: WireObject, path: string): WireTokens => readTokens(body, INVOCATION, path);

/** Llama's body of InvokeModel: two counts and no cache. */
export function llamaTokens(body: WireObject, path: string): WireTokens {
  const found = { input: readCount(body, 'prompt_token_count', path), output: readCount(body, 'generation_token_count', path) };
  return wireTokens(found, path, { input: 'prompt_token_count', output: 'generation_token_count' });
}

function readTokens(body: WireObject, names: BedrockNames, path: string): WireTokens {
  const cacheRead = readCountOf(body, names.cacheRead, path);
  const found = readCacheWrites(body, names.cacheWrite, path);
  const writes = cacheWritesOf(found, `${path}.${names.cacheWrite[0] ?? ''}`);
  const written = found.total ?? addCounts(found.fiveMinutes, found.oneHour);
  return wireTokens(
    {
      input: addCounts(readCount(body, names.input, path), cacheRead, written),
      output: readCount(body, names.output, path),
      cacheRead: cacheRead ?? 0,
      ...writes,
    },
    path,
    names,
  );
}

/** `cacheDetails` splits the writes by how long they live. */
function readCacheWrites(body: WireObject, names: readonly string[], path: string): FoundCacheWrites {
  let fiveMinutes: number | null = null;
  let oneHour: number | null = null;
  readList(body, 'cacheDetails', path).forEach((entry, index) => {
    const entryPath = `${path}.cacheDetails[${index}]`;
    const count = readCount(entry, 'inputTokens', entryPath);
    if (entry['ttl'] === '1h') oneHour = addCounts(oneHour, count);
    else if (entry['ttl'] === '5m') fiveMinutes = addCounts(fiveMinutes, count);
    else throw new CodedError('INVALID_FIELD', 'Cache writes live for 5m or 1h.', `${entryPath}.ttl`);
  });
  return { total: readCountOf(body, names, path), fiveMinutes, oneHour };
}

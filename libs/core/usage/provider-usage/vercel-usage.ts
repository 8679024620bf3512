import type { WireObject } from '../wire-fields.ts';
import { outputWithReasoning } from './output-with-reasoning.ts';
import type { ProviderFamily } from './provider-family.ts';
import { addCounts, readCount, readCountOf, readDetails } from './read-count.ts';
import { wireTokens } from './wire-tokens.ts';
import type { WireTokens } from './wire-tokens.ts';

/** `usage` of the Vercel AI SDK 4: two totals without any part. NaN and null stand for unknown. */
export function vercel4Tokens(body: WireObject, path: string): WireTokens {
  const found = { input: readCount(body, 'promptTokens', path), output: readCount(body, 'completionTokens', path) };
  return wireTokens(found, path, { input: 'promptTokens', output: 'completionTokens' });
}

/** `usage` of an embedding in the Vercel AI SDK. */
export function vercelEmbeddingTokens(body: WireObject, path: string): WireTokens {
  return wireTokens({ input: readCount(body, 'tokens', path), output: null }, path, { input: 'tokens', output: 'tokens' });
}

/**
 * `usage` of the Vercel AI SDK 5 and 6. Version 6 gives inclusive totals with their details. Version 5 passes on what each provider calls its input: without
 * what was read from the cache for Anthropic and Bedrock, with it for the others; and reasoning where the provider counts it.
 */
export function vercelTokens(body: WireObject, family: ProviderFamily, path: string): WireTokens {
  const inputDetails = readDetails(body, 'inputTokenDetails', path);
  const outputDetails = readDetails(body, 'outputTokenDetails', path);
  const outputPath = `${path}.outputTokenDetails`;
  const isDetailed = body['inputTokenDetails'] !== undefined || body['outputTokenDetails'] !== undefined;
  const ownCached = readCount(body, 'cachedInputTokens', path);
  const input = readCount(body, 'inputTokens', path);
  const reasoning = readCount(outputDetails, 'reasoningTokens', outputPath) ?? readCount(body, 'reasoningTokens', path) ?? 0;
  const output = outputWithReasoning({
    input,
    output: readCount(body, 'outputTokens', path),
    reasoning,
    total: readCount(body, 'totalTokens', path),
    isOutsideByDefault: !isDetailed && (family === 'xai' || family === 'google'),
  });
  const isCacheOutside = !isDetailed && (family === 'anthropic' || family === 'bedrock');
  return wireTokens(
    {
      input: isCacheOutside ? addCounts(input, ownCached) : input,
      output,
      cacheRead: readCount(inputDetails, 'cacheReadTokens', `${path}.inputTokenDetails`) ?? ownCached ?? 0,
      ...writesByLife(readCount(inputDetails, 'cacheWriteTokens', `${path}.inputTokenDetails`) ?? 0, body, path),
      reasoning,
    },
    path,
    { input: 'inputTokens', output: 'outputTokens' },
  );
}

/** What a model of the AI SDK 6 answers before the SDK flattens it: `{ inputTokens: { total, noCache, cacheRead, cacheWrite }, outputTokens: { total, text, reasoning } }`. */
export function vercelModelTokens(body: WireObject, path: string): WireTokens {
  const input = readDetails(body, 'inputTokens', path);
  const output = readDetails(body, 'outputTokens', path);
  return wireTokens(
    {
      input: readCount(input, 'total', `${path}.inputTokens`),
      output: readCount(output, 'total', `${path}.outputTokens`),
      cacheRead: readCount(input, 'cacheRead', `${path}.inputTokens`) ?? 0,
      ...writesByLife(readCount(input, 'cacheWrite', `${path}.inputTokens`) ?? 0, body, path),
      reasoning: readCount(output, 'reasoning', `${path}.outputTokens`) ?? 0,
    },
    path,
    { input: 'inputTokens.total', output: 'outputTokens.total' },
  );
}

/** The SDK does not tell how long cache writes live; the provider's own body, which version 6 keeps as `raw`, may. */
function writesByLife(written: number, body: WireObject, path: string): { readonly cacheWrite5m: number; readonly cacheWrite1h: number } {
  const raw = body['raw'];
  if (written === 0 || typeof raw !== 'object' || raw === null) return { cacheWrite5m: written, cacheWrite1h: 0 };
  const split = readDetails(raw as WireObject, 'cache_creation', `${path}.raw`);
  const long = readCountOf(split, ['ephemeral_1h_input_tokens'], `${path}.raw.cache_creation`) ?? 0;
  // More than was written: the body of one step beside the sum of other ones. The split is not about these tokens then.
  return long > written ? { cacheWrite5m: written, cacheWrite1h: 0 } : { cacheWrite5m: written - long, cacheWrite1h: long };
}

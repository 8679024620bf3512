import type { WireObject } from '../wire-fields.ts';
import { cacheWritesOf } from './cache-writes.ts';
import type { CacheWrites } from './cache-writes.ts';
import { outputWithReasoning } from './output-with-reasoning.ts';
import type { ProviderFamily } from './provider-family.ts';
import { readCount, readCountOf, readDetails } from './read-count.ts';
import { partsExceed, wireTokens } from './wire-tokens.ts';
import type { WireTokens } from './wire-tokens.ts';

/**
 * `usage` of OpenAI's chat completions (and embeddings), and of everybody who speaks like it: Azure OpenAI, Groq, Mistral, DeepSeek, xAI, Together, Fireworks,
 * OpenRouter, Cerebras, LiteLLM. Prompt tokens include what was read from a cache or written to it, and audio.
 */
export function chatCompletionTokens(body: WireObject, family: ProviderFamily, path: string): WireTokens {
  const prompt = readDetails(body, 'prompt_tokens_details', path);
  const promptPath = `${path}.prompt_tokens_details`;
  const completion = readDetails(body, 'completion_tokens_details', path);
  const completionPath = `${path}.completion_tokens_details`;
  const input = readCount(body, 'prompt_tokens', path);
  const cached = readCount(prompt, 'cached_tokens', promptPath);
  const ownCached = readCountOf(body, ['prompt_cache_hit_tokens', 'num_cached_tokens', 'cached_tokens', 'cache_read_input_tokens'], path);
  const spoken = readSpokenOutput(body, family, input, path);
  return wireTokens(
    {
      input,
      ...spoken,
      cacheRead: cached !== null && cached > 0 ? cached : (ownCached ?? 0),
      ...chatCacheWrites(body, prompt, path, promptPath),
      inputAudio: uncachedAudio(prompt, promptPath),
      outputAudio: readCount(completion, 'audio_tokens', completionPath) ?? 0,
    },
    path,
    { input: 'prompt_tokens', output: 'completion_tokens' },
  );
}

/** Completion tokens and the reasoning among them. */
function readSpokenOutput(
  body: WireObject,
  family: ProviderFamily,
  input: number | null,
  path: string,
): { readonly output: number | null; readonly reasoning: number } {
  const details = readDetails(body, 'completion_tokens_details', path);
  const output = readCount(body, 'completion_tokens', path);
  const total = readCount(body, 'total_tokens', path);
  const own = readCount(body, 'reasoning_tokens', path);
  const detailed = readCount(details, 'reasoning_tokens', `${path}.completion_tokens_details`);
  const reasoning = detailed !== null && detailed > 0 ? detailed : (own ?? 0);
  // Google's endpoint that speaks OpenAI's language names its thoughts nowhere but in the sum.
  const unnamed = total === null ? 0 : total - (input ?? 0) - (output ?? 0);
  if (family === 'google' && reasoning === 0 && unnamed > 0) return { output: (output ?? 0) + unnamed, reasoning: unnamed };
  // Perplexity bills the reasoning of its deep research beside the completion and leaves it out of the sum, too.
  if (family === 'perplexity' && reasoning > 0 && reasoning === own) return { output: (output ?? 0) + own, reasoning: own };
  const isOutsideByDefault = family === 'xai' || family === 'google';
  return { output: outputWithReasoning({ input, output, reasoning, total, isOutsideByDefault }), reasoning };
}

/** OpenAI and OpenRouter name one count; LiteLLM gives Anthropic's split with it. */
function chatCacheWrites(body: WireObject, prompt: WireObject, path: string, promptPath: string): CacheWrites {
  const detailed = readCountOf(prompt, ['cache_write_tokens', 'cache_creation_tokens'], promptPath);
  const own = readCount(body, 'cache_creation_input_tokens', path);
  const split = readDetails(prompt, 'cache_creation_token_details', promptPath);
  const splitPath = `${promptPath}.cache_creation_token_details`;
  const isDetailed = detailed !== null && detailed > 0;
  return cacheWritesOf(
    {
      total: isDetailed ? detailed : (own ?? detailed),
      fiveMinutes: readCount(split, 'ephemeral_5m_input_tokens', splitPath),
      oneHour: readCount(split, 'ephemeral_1h_input_tokens', splitPath),
    },
    isDetailed ? promptPath : `${path}.cache_creation_input_tokens`,
  );
}

/**
 * `usage` of OpenAI's responses API, its realtime, transcription and image APIs, and of those who speak like it. As with chat completions, the totals include
 * every part.
 */
export function responsesTokens(body: WireObject, path: string): WireTokens {
  const [inputDetails, inputPath] = eitherDetails(body, ['input_tokens_details', 'input_token_details'], path);
  const [outputDetails, outputPath] = eitherDetails(body, ['output_tokens_details', 'output_token_details'], path);
  const input = readCount(body, 'input_tokens', path);
  const total = readCount(body, 'total_tokens', path);
  const reasoning = readCount(outputDetails, 'reasoning_tokens', outputPath);
  const written = readCountOf(inputDetails, ['cache_write_tokens', 'cache_creation_tokens'], inputPath);
  const output = outputWithReasoning({
    input,
    output: readCount(body, 'output_tokens', path),
    reasoning,
    total,
    isOutsideByDefault: false,
  });
  return wireTokens(
    {
      input,
      output,
      cacheRead: readCount(inputDetails, 'cached_tokens', inputPath) ?? 0,
      cacheWrite5m: written ?? 0,
      inputAudio: uncachedAudio(inputDetails, inputPath),
      reasoning: reasoning ?? 0,
      outputAudio: readCount(outputDetails, 'audio_tokens', outputPath) ?? 0,
    },
    path,
    { input: 'input_tokens', output: 'output_tokens' },
  );
}

/** Audio that was not read from the cache: one token is in one part only. */
function uncachedAudio(details: WireObject, path: string): number {
  const audio = readCount(details, 'audio_tokens', path) ?? 0;
  const cached = readDetails(details, 'cached_tokens_details', path);
  const cachedAudio = readCount(cached, 'audio_tokens', `${path}.cached_tokens_details`) ?? 0;
  if (cachedAudio > audio) throw partsExceed(`${path}.audio_tokens`);
  return audio - cachedAudio;
}

/** The realtime API writes `input_token_details` where the responses API writes `input_tokens_details`. */
function eitherDetails(body: WireObject, [usual, other]: readonly [string, string], path: string): readonly [WireObject, string] {
  const name = (body[usual] ?? null) !== null ? usual : other;
  return [readDetails(body, name, path), `${path}.${name}`];
}

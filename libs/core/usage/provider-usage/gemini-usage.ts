import type { WireObject } from '../wire-fields.ts';
import { outputWithReasoning } from './output-with-reasoning.ts';
import { addCounts, readCountOf, readList } from './read-count.ts';
import { partsExceed, wireTokens } from './wire-tokens.ts';
import type { WireTokens } from './wire-tokens.ts';

/**
 * `usageMetadata` of Gemini, by its own API, Vertex AI or the Live API, in camel case (REST, TypeScript) or snake case (Python). The prompt includes what came
 * from a cache; the prompts of Google's tools and the model's thoughts are counted beside prompt and candidates.
 */
export function geminiTokens(body: WireObject, path: string): WireTokens {
  const prompt = readCountOf(body, ['promptTokenCount', 'prompt_token_count'], path);
  const tools = readCountOf(body, ['toolUsePromptTokenCount', 'tool_use_prompt_token_count'], path);
  const input = addCounts(prompt, tools);
  const reasoning = readCountOf(body, ['thoughtsTokenCount', 'thoughts_token_count'], path);
  const output = outputWithReasoning({
    input,
    output: readCountOf(body, ['candidatesTokenCount', 'candidates_token_count', 'responseTokenCount', 'response_token_count'], path),
    reasoning,
    total: readCountOf(body, ['totalTokenCount', 'total_token_count'], path),
    isOutsideByDefault: true,
  });
  return wireTokens(
    {
      input,
      output,
      cacheRead: readCountOf(body, ['cachedContentTokenCount', 'cached_content_token_count'], path) ?? 0,
      inputAudio: uncachedAudio(body, path),
      reasoning: reasoning ?? 0,
      outputAudio: audioIn(
        body,
        ['candidatesTokensDetails', 'candidates_tokens_details', 'responseTokensDetails', 'response_tokens_details'],
        path,
      ),
    },
    path,
    { input: 'promptTokenCount', output: 'candidatesTokenCount' },
  );
}

/** Audio that was not read from the cache: one token is in one part only. */
function uncachedAudio(body: WireObject, path: string): number {
  const prompt = audioIn(body, ['promptTokensDetails', 'prompt_tokens_details'], path);
  const tools = audioIn(body, ['toolUsePromptTokensDetails', 'tool_use_prompt_tokens_details'], path);
  const cached = audioIn(body, ['cacheTokensDetails', 'cache_tokens_details'], path);
  if (cached > prompt + tools) throw partsExceed(`${path}.promptTokensDetails`);
  return prompt + tools - cached;
}

/** Audio among the modalities that the first of the lists names. */
function audioIn(body: WireObject, names: readonly string[], path: string): number {
  const name = names.find((candidate) => (body[candidate] ?? null) !== null);
  if (name === undefined) return 0;
  let audio = 0;
  readList(body, name, path).forEach((entry, index) => {
    const count = readCountOf(entry, ['tokenCount', 'token_count'], `${path}.${name}[${index}]`);
    if (typeof entry['modality'] === 'string' && entry['modality'].toUpperCase() === 'AUDIO') audio += count ?? 0;
  });
  return audio;
}

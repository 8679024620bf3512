import fc from 'fast-check';
import { tokensOfProviderUsage } from './tokens-of-provider-usage.ts';
import type { WireTokens } from './wire-tokens.ts';

/** Exclusive counts: any of them makes a request that can exist. */
interface Pools {
  readonly plain: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly inputAudio: number;
  readonly text: number;
  readonly reasoning: number;
  readonly outputAudio: number;
}
type Part = Exclude<keyof Pools, 'plain' | 'text'>;

/** How a provider would write these counts, and which parts its format can tell. */
interface Writer {
  readonly name: string;
  readonly provider: string | null;
  readonly parts: readonly Part[];
  readonly write: (pools: Pools, input: number, output: number) => object;
}

const WRITERS: readonly Writer[] = [
  {
    name: 'OpenAI chat completions',
    provider: 'openai',
    parts: ['cacheRead', 'cacheWrite5m', 'inputAudio', 'reasoning', 'outputAudio'],
    write: (pools, input, output) => ({
      prompt_tokens: input,
      completion_tokens: output,
      total_tokens: input + output,
      prompt_tokens_details: { cached_tokens: pools.cacheRead, cache_write_tokens: pools.cacheWrite5m, audio_tokens: pools.inputAudio },
      completion_tokens_details: { reasoning_tokens: pools.reasoning, audio_tokens: pools.outputAudio },
    }),
  },
  {
    name: 'xAI chat completions',
    provider: 'xai',
    parts: ['cacheRead', 'reasoning'],
    write: (pools, input, output) => ({
      prompt_tokens: input,
      completion_tokens: output - pools.reasoning,
      total_tokens: input + output,
      prompt_tokens_details: { cached_tokens: pools.cacheRead },
      completion_tokens_details: { reasoning_tokens: pools.reasoning },
    }),
  },
  {
    name: 'OpenAI responses',
    provider: null,
    parts: ['cacheRead', 'cacheWrite5m', 'reasoning'],
    write: (pools, input, output) => ({
      input_tokens: input,
      input_tokens_details: { cached_tokens: pools.cacheRead, cache_write_tokens: pools.cacheWrite5m },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: pools.reasoning },
      total_tokens: input + output,
    }),
  },
  {
    name: 'Anthropic messages',
    provider: 'anthropic',
    parts: ['cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'reasoning'],
    write: (pools, _, output) => ({
      input_tokens: pools.plain,
      cache_read_input_tokens: pools.cacheRead,
      cache_creation_input_tokens: pools.cacheWrite5m + pools.cacheWrite1h,
      cache_creation: { ephemeral_5m_input_tokens: pools.cacheWrite5m, ephemeral_1h_input_tokens: pools.cacheWrite1h },
      output_tokens: output,
      output_tokens_details: { thinking_tokens: pools.reasoning },
    }),
  },
  {
    name: 'Gemini',
    provider: 'google',
    parts: ['cacheRead', 'inputAudio', 'reasoning', 'outputAudio'],
    write: (pools, input, output) => ({
      promptTokenCount: input,
      cachedContentTokenCount: pools.cacheRead,
      candidatesTokenCount: output - pools.reasoning,
      thoughtsTokenCount: pools.reasoning,
      totalTokenCount: input + output,
      promptTokensDetails: [{ modality: 'AUDIO', tokenCount: pools.inputAudio }],
      candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: pools.outputAudio }],
    }),
  },
  {
    name: 'Bedrock Converse',
    provider: 'aws.bedrock',
    parts: ['cacheRead', 'cacheWrite5m', 'cacheWrite1h'],
    write: (pools, input, output) => ({
      inputTokens: pools.plain,
      outputTokens: output,
      totalTokens: input + output,
      cacheReadInputTokens: pools.cacheRead,
      cacheWriteInputTokens: pools.cacheWrite5m + pools.cacheWrite1h,
      cacheDetails: [{ ttl: '1h', inputTokens: pools.cacheWrite1h }],
    }),
  },
  {
    name: 'Vercel AI SDK 5',
    provider: 'openai',
    parts: ['cacheRead', 'reasoning'],
    write: (pools, input, output) => ({
      inputTokens: input,
      outputTokens: output,
      totalTokens: input + output,
      cachedInputTokens: pools.cacheRead,
      reasoningTokens: pools.reasoning,
    }),
  },
  {
    name: 'Vercel AI SDK 6',
    provider: 'anthropic',
    parts: ['cacheRead', 'cacheWrite5m', 'reasoning'],
    write: (pools, input, output) => ({
      inputTokens: input,
      inputTokenDetails: { noCacheTokens: pools.plain, cacheReadTokens: pools.cacheRead, cacheWriteTokens: pools.cacheWrite5m },
      outputTokens: output,
      outputTokenDetails: { textTokens: pools.text, reasoningTokens: pools.reasoning },
      totalTokens: input + output,
    }),
  },
];

const ALL: readonly Part[] = ['cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'inputAudio', 'reasoning', 'outputAudio'];
const count = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 10_000_000 }));
const anyPools: fc.Arbitrary<Pools> = fc.record({
  plain: count,
  cacheRead: count,
  cacheWrite5m: count,
  cacheWrite1h: count,
  inputAudio: count,
  text: count,
  reasoning: count,
  outputAudio: count,
});

/** The parts that a format cannot tell are none. */
const tellable = (pools: Pools, parts: readonly Part[]): Pools => ({
  ...pools,
  ...Object.fromEntries(ALL.filter((part) => !parts.includes(part)).map((part) => [part, 0])),
});

const inclusive = (pools: Pools): Required<WireTokens> => ({
  input: pools.plain + pools.cacheRead + pools.cacheWrite5m + pools.cacheWrite1h + pools.inputAudio,
  output: pools.text + pools.reasoning + pools.outputAudio,
  cacheRead: pools.cacheRead,
  cacheWrite5m: pools.cacheWrite5m,
  cacheWrite1h: pools.cacheWrite1h,
  inputAudio: pools.inputAudio,
  reasoning: pools.reasoning,
  outputAudio: pools.outputAudio,
});
const NONE = inclusive({ plain: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, inputAudio: 0, text: 0, reasoning: 0, outputAudio: 0 });

describe.each(WRITERS)('$name', ({ provider, parts, write }) => {
  test('3.4 what was used comes out inclusive and equal, whatever it was', () => {
    fc.assert(
      fc.property(anyPools, (any) => {
        const pools = tellable(any, parts);
        const expected = inclusive(pools);
        const read = tokensOfProviderUsage(provider, write(pools, expected.input, expected.output));
        expect({ ...NONE, ...read }).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('3.4 parts of 0 are left out, and counts of 0 are counts', () => {
    const zero = tellable(
      { plain: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, inputAudio: 0, text: 0, reasoning: 0, outputAudio: 0 },
      parts,
    );
    expect(tokensOfProviderUsage(provider, write(zero, 0, 0))).toEqual({ input: 0, output: 0 });
  });
});

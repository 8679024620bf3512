import { CodedError, inclusive, parseInstant, parseUsageEvent, contentText, tokensOfProviderUsage, type WireTokens } from '@tare/core';

/** Bodies in the shapes that the providers document, written for these tests. */
type Payload = readonly [name: string, provider: string | null, body: unknown, tokens: WireTokens];

const PAYLOADS: readonly Payload[] = [
  [
    'OpenAI chat completions: everything is inside of the totals',
    'openai',
    {
      prompt_tokens: 2006,
      completion_tokens: 300,
      total_tokens: 2306,
      prompt_tokens_details: { cached_tokens: 1920, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 192, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
    },
    { input: 2006, output: 300, cacheRead: 1920, reasoning: 192 },
  ],
  [
    'OpenAI chat completions with cache writes',
    'azure.ai.openai',
    {
      prompt_tokens: 2600,
      completion_tokens: 40,
      total_tokens: 2640,
      prompt_tokens_details: { cached_tokens: 2000, cache_write_tokens: 400, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
    },
    { input: 2600, output: 40, cacheRead: 2000, cacheWrite5m: 400 },
  ],
  [
    'OpenAI audio: spoken input and output',
    'openai',
    {
      prompt_tokens: 164,
      completion_tokens: 90,
      total_tokens: 254,
      prompt_tokens_details: { cached_tokens: 0, text_tokens: 20, audio_tokens: 144 },
      completion_tokens_details: { reasoning_tokens: 0, text_tokens: 30, audio_tokens: 60 },
    },
    { input: 164, output: 90, inputAudio: 144, outputAudio: 60 },
  ],
  ['OpenAI embeddings have no output', 'openai', { prompt_tokens: 12, total_tokens: 12 }, { input: 12 }],
  [
    'OpenAI responses API',
    'openai',
    {
      input_tokens: 320,
      input_tokens_details: { cached_tokens: 256 },
      output_tokens: 1810,
      output_tokens_details: { reasoning_tokens: 1408 },
      total_tokens: 2130,
    },
    { input: 320, output: 1810, cacheRead: 256, reasoning: 1408 },
  ],
  [
    'OpenAI realtime: cached audio is a cache read and no audio input',
    'openai',
    {
      total_tokens: 1230,
      input_tokens: 1000,
      output_tokens: 230,
      input_token_details: {
        text_tokens: 300,
        audio_tokens: 700,
        cached_tokens: 640,
        cached_tokens_details: { text_tokens: 192, audio_tokens: 448 },
      },
      output_token_details: { text_tokens: 30, audio_tokens: 200 },
    },
    { input: 1000, output: 230, cacheRead: 640, inputAudio: 252, outputAudio: 200 },
  ],
  [
    'Groq: times beside the tokens',
    'groq',
    {
      queue_time: 0.02,
      prompt_tokens: 717,
      prompt_time: 0.018,
      completion_tokens: 29,
      completion_time: 0.06,
      total_tokens: 746,
      total_time: 0.078,
      prompt_tokens_details: { cached_tokens: 512 },
    },
    { input: 717, output: 29, cacheRead: 512 },
  ],
  [
    'DeepSeek: cache hits under a name of its own',
    'deepseek',
    {
      prompt_tokens: 875,
      completion_tokens: 79,
      total_tokens: 954,
      prompt_cache_hit_tokens: 768,
      prompt_cache_miss_tokens: 107,
      completion_tokens_details: { reasoning_tokens: 26 },
    },
    { input: 875, output: 79, cacheRead: 768, reasoning: 26 },
  ],
  [
    'Mistral: cached tokens under a name of its own',
    'mistral',
    { prompt_tokens: 254, completion_tokens: 99, total_tokens: 353, num_cached_tokens: 48 },
    { input: 254, output: 99, cacheRead: 48 },
  ],
  [
    'xAI: reasoning stands outside of the completion, as its sum says',
    'xai',
    {
      prompt_tokens: 12,
      completion_tokens: 1,
      total_tokens: 399,
      prompt_tokens_details: { text_tokens: 12, audio_tokens: 0, image_tokens: 0, cached_tokens: 11 },
      completion_tokens_details: { reasoning_tokens: 386, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
      num_sources_used: 0,
    },
    { input: 12, output: 387, cacheRead: 11, reasoning: 386 },
  ],
  [
    'xAI without a sum: by its name',
    'x-ai',
    { prompt_tokens: 12, completion_tokens: 1, completion_tokens_details: { reasoning_tokens: 386 } },
    { input: 12, output: 387, reasoning: 386 },
  ],
  [
    "xAI's model by OpenRouter: reasoning stands inside, as the sum says",
    'openrouter',
    {
      prompt_tokens: 687,
      completion_tokens: 240,
      total_tokens: 927,
      cost: 0.004,
      is_byok: false,
      prompt_tokens_details: { cached_tokens: 640, cache_write_tokens: 0, audio_tokens: 0, video_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 165, image_tokens: 0, audio_tokens: 0 },
    },
    { input: 687, output: 240, cacheRead: 640, reasoning: 165 },
  ],
  [
    'Together, Fireworks and others: details that are null',
    'together',
    { prompt_tokens: 448, completion_tokens: 38, total_tokens: 486, prompt_tokens_details: null, completion_tokens_details: null },
    { input: 448, output: 38 },
  ],
  [
    'Cerebras',
    'cerebras',
    {
      prompt_tokens: 79,
      completion_tokens: 37,
      total_tokens: 116,
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 25, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
    },
    { input: 79, output: 37, reasoning: 25 },
  ],
  [
    "Google's endpoint that speaks OpenAI's language: thoughts are only in the sum",
    'gemini',
    { prompt_tokens: 20, completion_tokens: 198, total_tokens: 623 },
    { input: 20, output: 603, reasoning: 405 },
  ],
  [
    'Perplexity deep research: reasoning beside completion and sum',
    'perplexity',
    {
      prompt_tokens: 33,
      completion_tokens: 7163,
      total_tokens: 7196,
      citation_tokens: 20016,
      num_search_queries: 28,
      reasoning_tokens: 9000,
    },
    { input: 33, output: 16163, reasoning: 9000 },
  ],
  [
    'LiteLLM passes on a model of Anthropic: prompt tokens include the cache',
    'litellm',
    {
      prompt_tokens: 5100,
      completion_tokens: 60,
      total_tokens: 5160,
      cache_read_input_tokens: 3000,
      cache_creation_input_tokens: 2000,
      prompt_tokens_details: {
        cached_tokens: 3000,
        cache_creation_tokens: 2000,
        cache_creation_token_details: { ephemeral_5m_input_tokens: 500, ephemeral_1h_input_tokens: 1500 },
      },
    },
    { input: 5100, output: 60, cacheRead: 3000, cacheWrite5m: 500, cacheWrite1h: 1500 },
  ],
  [
    'Anthropic messages: the cache stands outside of the input, writes by how long they live',
    'anthropic',
    {
      input_tokens: 4,
      cache_creation_input_tokens: 926,
      cache_read_input_tokens: 14210,
      cache_creation: { ephemeral_5m_input_tokens: 426, ephemeral_1h_input_tokens: 500 },
      output_tokens: 290,
      output_tokens_details: { thinking_tokens: 15 },
      server_tool_use: { web_search_requests: 1 },
      service_tier: 'standard',
    },
    { input: 15140, output: 290, cacheRead: 14210, cacheWrite5m: 426, cacheWrite1h: 500, reasoning: 15 },
  ],
  [
    'Anthropic without a split: writes live five minutes',
    'anthropic',
    { input_tokens: 10, cache_creation_input_tokens: 100, cache_read_input_tokens: 0, output_tokens: 5 },
    { input: 110, output: 5, cacheWrite5m: 100 },
  ],
  [
    'Anthropic with a compaction: it was used too',
    'anthropic',
    {
      input_tokens: 23000,
      output_tokens: 1000,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 0,
      iterations: [
        { type: 'compaction', input_tokens: 180000, output_tokens: 3500, cache_read_input_tokens: 100, cache_creation_input_tokens: 0 },
        { type: 'message', input_tokens: 23000, output_tokens: 1000, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
        { type: 'advisor_message', model: 'another', input_tokens: 700, output_tokens: 70 },
      ],
    },
    { input: 203100, output: 4500, cacheRead: 100 },
  ],
  [
    "Anthropic's model on Vertex AI: read by its shape",
    'gcp.vertex_ai',
    { input_tokens: 21, cache_creation_input_tokens: 0, cache_read_input_tokens: 188, output_tokens: 393 },
    { input: 209, output: 393, cacheRead: 188 },
  ],
  [
    "Anthropic's model by Bedrock InvokeModel: read by its shape",
    'aws.bedrock',
    { input_tokens: 21, cache_creation_input_tokens: 40, cache_read_input_tokens: 188, output_tokens: 393 },
    { input: 249, output: 393, cacheRead: 188, cacheWrite5m: 40 },
  ],
  [
    'Gemini: thoughts and prompts of tools stand outside, cached content inside',
    'google',
    {
      promptTokenCount: 3297,
      cachedContentTokenCount: 2918,
      toolUsePromptTokenCount: 286,
      candidatesTokenCount: 55,
      thoughtsTokenCount: 95,
      totalTokenCount: 3733,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 83 },
        { modality: 'VIDEO', tokenCount: 2893 },
        { modality: 'AUDIO', tokenCount: 321 },
      ],
      cacheTokensDetails: [
        { modality: 'AUDIO', tokenCount: 284 },
        { modality: 'VIDEO', tokenCount: 2634 },
      ],
      trafficType: 'ON_DEMAND',
    },
    { input: 3583, output: 150, cacheRead: 2918, inputAudio: 37, reasoning: 95 },
  ],
  [
    'Gemini in snake case, as its Python client prints it',
    'gemini',
    {
      prompt_token_count: 20,
      candidates_token_count: 198,
      thoughts_token_count: 405,
      total_token_count: 623,
      cached_content_token_count: null,
      tool_use_prompt_token_count: null,
      prompt_tokens_details: [{ modality: 'TEXT', token_count: 20 }],
    },
    { input: 20, output: 603, reasoning: 405 },
  ],
  [
    'Gemini Live: what it says aloud',
    'google',
    {
      promptTokenCount: 50,
      responseTokenCount: 80,
      totalTokenCount: 130,
      promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 45 }],
      responseTokensDetails: [
        { modality: 'TEXT', tokenCount: 20 },
        { modality: 'AUDIO', tokenCount: 60 },
      ],
    },
    { input: 50, output: 80, inputAudio: 45, outputAudio: 60 },
  ],
  [
    'Bedrock Converse: the cache stands outside of the input, writes by how long they live',
    'bedrock',
    {
      inputTokens: 3,
      outputTokens: 61,
      totalTokens: 2735,
      cacheReadInputTokens: 2074,
      cacheReadInputTokenCount: 2074,
      cacheWriteInputTokens: 597,
      cacheWriteInputTokenCount: 597,
      cacheDetails: [
        { ttl: '1h', inputTokens: 300 },
        { ttl: '5m', inputTokens: 297 },
      ],
      serverToolUsage: {},
    },
    { input: 2674, output: 61, cacheRead: 2074, cacheWrite5m: 297, cacheWrite1h: 300 },
  ],
  [
    'Bedrock invocation metrics',
    'amazon-bedrock',
    { inputTokenCount: 9, outputTokenCount: 30, invocationLatency: 812, firstByteLatency: 340, cacheReadInputTokenCount: 100 },
    { input: 109, output: 30, cacheRead: 100 },
  ],
  ['Llama by Bedrock InvokeModel', 'bedrock', { prompt_token_count: 25, generation_token_count: 100 }, { input: 25, output: 100 }],
  ['Vercel AI SDK 4: NaN arrives as null', 'openai', { promptTokens: 787, completionTokens: null, totalTokens: null }, { input: 787 }],
  [
    'Vercel AI SDK 5 over OpenAI: read by its shape',
    'openai',
    { inputTokens: 1000, outputTokens: 300, totalTokens: 1300, reasoningTokens: 128, cachedInputTokens: 768 },
    { input: 1000, output: 300, cacheRead: 768, reasoning: 128 },
  ],
  [
    'Vercel AI SDK 5 over Anthropic: cached input stands outside',
    'anthropic.messages',
    { inputTokens: 12, outputTokens: 40, totalTokens: 52, cachedInputTokens: 6209 },
    { input: 6221, output: 40, cacheRead: 6209 },
  ],
  [
    'Vercel AI SDK 5 over xAI: reasoning stands outside, as the sum says',
    'xai.chat',
    { inputTokens: 555, outputTokens: 190, totalTokens: 1802, reasoningTokens: 1057, cachedInputTokens: 316 },
    { input: 555, output: 1247, cacheRead: 316, reasoning: 1057 },
  ],
  [
    'Vercel AI SDK 6 over Anthropic: all is inside, and the raw body knows how long writes live',
    'anthropic',
    {
      inputTokens: 4740,
      inputTokenDetails: { noCacheTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 4735 },
      outputTokens: 255,
      outputTokenDetails: { textTokens: 255 },
      totalTokens: 4995,
      raw: {
        input_tokens: 5,
        cache_creation_input_tokens: 4735,
        cache_creation: { ephemeral_5m_input_tokens: 735, ephemeral_1h_input_tokens: 4000 },
      },
      cachedInputTokens: 0,
    },
    { input: 4740, output: 255, cacheWrite5m: 735, cacheWrite1h: 4000 },
  ],
  [
    'a model of the Vercel AI SDK 6',
    null,
    { inputTokens: { total: 100, noCache: 20, cacheRead: 80, cacheWrite: 0 }, outputTokens: { total: 50, text: 10, reasoning: 40 } },
    { input: 100, output: 50, cacheRead: 80, reasoning: 40 },
  ],
  ['an embedding in the Vercel AI SDK', 'openai', { tokens: 7 }, { input: 7 }],
  [
    'Cohere: what it bills',
    'cohere',
    { billed_units: { input_tokens: 33, output_tokens: 22 }, tokens: { input_tokens: 1452, output_tokens: 33 }, cached_tokens: 144 },
    { input: 33, output: 22 },
  ],
  [
    'a gateway that fills the fields of the other API with zeros',
    null,
    { prompt_tokens: 0, completion_tokens: 0, total_tokens: 90, input_tokens: 60, output_tokens: 30, input_tokens_details: null },
    { input: 60, output: 30 },
  ],
];

const now = parseInstant('2026-11-20T12:00:00Z');
const event = { key: 'k', customer: 'acme', type: 'llm.completion', at: '2026-11-20T11:59:00Z', model: 'm' };
const parse = (fields: object) => parseUsageEvent({ ...event, ...fields }, { now, backdatingLimit: null });

function refusalOf(read: () => unknown): readonly [string, string | undefined] {
  try {
    return ['accepted', JSON.stringify(read())];
  } catch (error) {
    if (error instanceof CodedError) return [error.code, error.path];
    throw error;
  }
}
const refused = (body: unknown, provider: string | null = null) => refusalOf(() => tokensOfProviderUsage(provider, body));

describe("a provider's own usage", () => {
  test.each(PAYLOADS)('3.4 %s', (_, provider, body, tokens) => {
    expect(tokensOfProviderUsage(provider, body)).toEqual(tokens);
  });

  test.each(PAYLOADS)('3.1 is the same event as its tokens would be: %s', (_, provider, usage, tokens) => {
    const asBody = parse({ provider, usage });
    expect(contentText(asBody)).toBe(contentText(parse({ provider, tokens })));
    expect(asBody.hasTokens).toBe(true);
    expect(inclusive(asBody.tokens).total.toString()).toBe(String((tokens.input ?? 0) + (tokens.output ?? 0)));
  });

  test.each(PAYLOADS)('fields that are not known yet change nothing: %s', (_, provider, body, tokens) => {
    const later = { ...(body as object), a_new_field: 'x', another: { nested: [1, -2.5, null] }, cost_in_usd_ticks: 12.5 };
    expect(tokensOfProviderUsage(provider, later)).toEqual(tokens);
  });

  test('an alias of a provider reads as the provider does', () => {
    const beside = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 100 };
    for (const name of [
      'anthropic',
      'Anthropic',
      'anthropic.messages',
      'vertex.anthropic.messages',
      'bedrock',
      'aws.bedrock',
      'amazon-bedrock',
    ]) {
      expect(tokensOfProviderUsage(name, beside)).toEqual({ input: 110, output: 5, cacheRead: 100 });
    }
    const unsummed = { inputTokens: 10, outputTokens: 5, reasoningTokens: 7 };
    for (const name of [
      'google',
      'gemini',
      'gcp.gemini',
      'gcp.vertex_ai',
      'vertex_ai',
      'google.generative-ai',
      'xai',
      'x-ai',
      'x_ai',
      'xai.chat',
    ]) {
      expect(tokensOfProviderUsage(name, unsummed)).toEqual({ input: 10, output: 12, reasoning: 7 });
    }
    const inside = { inputTokens: 100, outputTokens: 50, cachedInputTokens: 10, reasoningTokens: 5 };
    for (const name of ['openai', 'azure', 'azure_openai', 'azure.ai.openai', 'groq', 'mistral', null]) {
      expect(tokensOfProviderUsage(name, inside)).toEqual({ input: 100, output: 50, cacheRead: 10, reasoning: 5 });
    }
  });
});

describe('a usage body that is refused', () => {
  test('3.4 parts larger than their total are never clamped', () => {
    expect(refused({ prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 11 } })).toEqual([
      'TOKEN_PARTS_EXCEED_TOTAL',
      'usage.prompt_tokens',
    ]);
    expect(refused({ input_tokens: 10, output_tokens: 5, output_tokens_details: { reasoning_tokens: 6 }, total_tokens: 15 })).toEqual([
      'TOKEN_PARTS_EXCEED_TOTAL',
      'usage.output_tokens',
    ]);
    expect(refused({ inputTokens: 10, outputTokens: 5, cachedInputTokens: 100 }, 'openai')[0]).toBe('TOKEN_PARTS_EXCEED_TOTAL');
    expect(
      refused({ input_tokens: 1, output_tokens: 1, cache_creation_input_tokens: 5, cache_creation: { ephemeral_1h_input_tokens: 6 } }),
    ).toEqual(['TOKEN_PARTS_EXCEED_TOTAL', 'usage.cache_creation_input_tokens']);
    expect(refused({ promptTokenCount: 5, cachedContentTokenCount: 6 })).toEqual(['TOKEN_PARTS_EXCEED_TOTAL', 'usage.promptTokenCount']);
  });

  test('a part without its total is refused', () => {
    expect(refused({ completion_tokens: 5, prompt_tokens_details: { cached_tokens: 6 } })).toEqual([
      'TOKEN_TOTAL_MISSING',
      'usage.prompt_tokens',
    ]);
  });

  test('counts are whole numbers that are not negative', () => {
    const cases: readonly (readonly [unknown, string])[] = [
      [-1, 'NEGATIVE_NUMBER'],
      [1.5, 'INVALID_FIELD'],
      ['12', 'INVALID_FIELD'],
      [true, 'INVALID_FIELD'],
      [[1], 'INVALID_FIELD'],
      [{ value: 1 }, 'INVALID_FIELD'],
      [Infinity, 'INVALID_FIELD'],
      [1e15, 'NUMBER_NOT_EXACT'],
    ];
    for (const [count, code] of cases) {
      expect(refused({ prompt_tokens: count, completion_tokens: 1 })).toEqual([code, 'usage.prompt_tokens']);
      expect(refused({ input_tokens: 1, output_tokens: 1, cache_read_input_tokens: count })).toEqual([
        code,
        'usage.cache_read_input_tokens',
      ]);
      expect(refused({ inputTokens: 1, outputTokens: 1, cacheWriteInputTokens: count })).toEqual([code, 'usage.cacheWriteInputTokens']);
      expect(refused({ promptTokenCount: 1, thoughtsTokenCount: count })).toEqual([code, 'usage.thoughtsTokenCount']);
      expect(refused({ promptTokens: 1, completionTokens: count })).toEqual([code, 'usage.completionTokens']);
    }
    expect(refused({ prompt_tokens: 1, prompt_tokens_details: 'none' })).toEqual(['INVALID_FIELD', 'usage.prompt_tokens_details']);
    expect(refused({ promptTokenCount: 1, promptTokensDetails: { AUDIO: 1 } })).toEqual(['INVALID_FIELD', 'usage.promptTokensDetails']);
    expect(refused({ promptTokenCount: 1, promptTokensDetails: [7] })).toEqual(['INVALID_FIELD', 'usage.promptTokensDetails[0]']);
    expect(refused({ inputTokens: 1, cacheDetails: [{ ttl: '24h', inputTokens: 1 }] })).toEqual([
      'INVALID_FIELD',
      'usage.cacheDetails[0].ttl',
    ]);
  });

  test('what no provider sends is refused with what to send instead', () => {
    const answer = { id: 'chatcmpl-1', usage: { prompt_tokens: 1, completion_tokens: 1 } };
    for (const body of [{}, { total_tokens: 5 }, { input: 5, output: 6 }, { type: 'duration', seconds: 12 }, answer]) {
      expect(refused(body)).toEqual(['USAGE_NOT_RECOGNISED', 'usage']);
    }
    expect(refused({ promptTokens: null, completionTokens: Number.NaN, totalTokens: null })).toEqual(['USAGE_NOT_RECOGNISED', 'usage']);
    expect(() => parse({ usage: {} })).toThrow(/^usage: .*Send the usage object of the provider's answer as it came/);
    for (const body of [null, undefined, 5, 'text', [1]]) expect(refused(body)).toEqual(['INVALID_FIELD', 'usage']);
  });

  test('a mixture that would have to be guessed is refused, unless the name of the provider settles it', () => {
    const mixed = { input_tokens: 100, output_tokens: 5, input_tokens_details: { cached_tokens: 10 }, cache_read_input_tokens: 10 };
    expect(refused(mixed)).toEqual(['USAGE_NOT_RECOGNISED', 'usage']);
    expect(tokensOfProviderUsage('anthropic', mixed)).toEqual({ input: 110, output: 5, cacheRead: 10 });
    expect(refused({ inputTokens: 5, outputTokens: 5, cachedInputTokens: 1, cacheReadInputTokens: 1 })[0]).toBe('USAGE_NOT_RECOGNISED');
  });

  test('usage and tokens in one event would count twice', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 1 };
    expect(refusalOf(() => parse({ usage, tokens: { input: 1 } }))).toEqual(['USAGE_AND_TOKENS', 'usage']);
    expect(refusalOf(() => parse({ usage, tokens: {} }))).toEqual(['USAGE_AND_TOKENS', 'usage']);
    expect(parse({ usage, tokens: null }).hasTokens).toBe(true);
    expect(parse({ usage: null, tokens: { input: 3 } }).tokens.uncachedInput.toString()).toBe('3');
  });

  test('only that event is refused, with the path of the field in its message', () => {
    expect(() => parse({ usage: { prompt_tokens: -3, completion_tokens: 1 } })).toThrow(/^usage\.prompt_tokens: /);
  });
});

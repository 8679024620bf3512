import { CodedError, tokensOfProviderUsage, type WireTokens } from '@tare/core';

/** Inputs for each decoder. Another seed: TARE_FUZZ_SEED. */
const RUNS = 100_000;
const SEED = Number(process.env['TARE_FUZZ_SEED'] ?? 20_261_121);
const CODES = new Set([
  'USAGE_NOT_RECOGNISED',
  'TOKEN_PARTS_EXCEED_TOTAL',
  'TOKEN_TOTAL_MISSING',
  'INVALID_FIELD',
  'NEGATIVE_NUMBER',
  'NUMBER_NOT_EXACT',
]);
const FIELDS = new Set(['input', 'output', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'inputAudio', 'reasoning', 'outputAudio']);
const PROVIDERS = [null, 'openai', 'anthropic', 'google', 'aws.bedrock', 'xai', 'perplexity', 'cohere', '', 'a provider of tomorrow'];

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** A body with every field that the decoder reads. */
const BODIES: Readonly<Record<string, Json>> = {
  'chat completions': {
    prompt_tokens: 5100,
    completion_tokens: 60,
    total_tokens: 5160,
    reasoning_tokens: 0,
    prompt_cache_hit_tokens: 0,
    num_cached_tokens: 0,
    cached_tokens: 0,
    cache_read_input_tokens: 3000,
    cache_creation_input_tokens: 2000,
    prompt_tokens_details: {
      cached_tokens: 3000,
      audio_tokens: 40,
      cached_tokens_details: { audio_tokens: 10 },
      cache_write_tokens: 2000,
      cache_creation_tokens: 2000,
      cache_creation_token_details: { ephemeral_5m_input_tokens: 500, ephemeral_1h_input_tokens: 1500 },
    },
    completion_tokens_details: { reasoning_tokens: 20, audio_tokens: 10 },
  },
  responses: {
    input_tokens: 1000,
    input_tokens_details: { cached_tokens: 640, cache_write_tokens: 10, audio_tokens: 200, cached_tokens_details: { audio_tokens: 100 } },
    output_tokens: 230,
    output_tokens_details: { reasoning_tokens: 30, audio_tokens: 200 },
    total_tokens: 1230,
  },
  anthropic: {
    input_tokens: 4,
    cache_creation_input_tokens: 926,
    cache_read_input_tokens: 14210,
    cache_creation: { ephemeral_5m_input_tokens: 426, ephemeral_1h_input_tokens: 500 },
    output_tokens: 290,
    output_tokens_details: { thinking_tokens: 15 },
    iterations: [{ type: 'compaction', input_tokens: 180, output_tokens: 35, cache_read_input_tokens: 10, cache_creation_input_tokens: 0 }],
  },
  gemini: {
    promptTokenCount: 3297,
    cachedContentTokenCount: 2918,
    toolUsePromptTokenCount: 286,
    candidatesTokenCount: 55,
    thoughtsTokenCount: 95,
    totalTokenCount: 3733,
    promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 321 }],
    toolUsePromptTokensDetails: [{ modality: 'TEXT', tokenCount: 286 }],
    cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 284 }],
    candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: 5 }],
  },
  'gemini in snake case': {
    prompt_token_count: 20,
    candidates_token_count: 198,
    thoughts_token_count: 405,
    total_token_count: 623,
    cached_content_token_count: 4,
    prompt_tokens_details: [{ modality: 'AUDIO', token_count: 12 }],
  },
  'bedrock converse': {
    inputTokens: 3,
    outputTokens: 61,
    totalTokens: 2735,
    cacheReadInputTokens: 2074,
    cacheWriteInputTokens: 597,
    cacheDetails: [
      { ttl: '1h', inputTokens: 300 },
      { ttl: '5m', inputTokens: 297 },
    ],
  },
  'bedrock invocation metrics': {
    inputTokenCount: 9,
    outputTokenCount: 30,
    cacheReadInputTokenCount: 100,
    cacheWriteInputTokenCount: 7,
  },
  llama: { prompt_token_count: 25, generation_token_count: 100 },
  'vercel 4': { promptTokens: 787, completionTokens: 60, totalTokens: 847 },
  'vercel 5': { inputTokens: 555, outputTokens: 190, totalTokens: 1802, reasoningTokens: 1057, cachedInputTokens: 316 },
  'vercel 6': {
    inputTokens: 4740,
    inputTokenDetails: { noCacheTokens: 5, cacheReadTokens: 10, cacheWriteTokens: 4725 },
    outputTokens: 255,
    outputTokenDetails: { textTokens: 200, reasoningTokens: 55 },
    totalTokens: 4995,
    raw: { cache_creation: { ephemeral_5m_input_tokens: 735, ephemeral_1h_input_tokens: 4000 } },
  },
  'vercel model': {
    inputTokens: { total: 100, noCache: 15, cacheRead: 80, cacheWrite: 5 },
    outputTokens: { total: 50, text: 10, reasoning: 40 },
    raw: { cache_creation: { ephemeral_1h_input_tokens: 2 } },
  },
  'vercel embedding': { tokens: 7 },
  cohere: { billed_units: { input_tokens: 33, output_tokens: 22 }, tokens: { input_tokens: 1452, output_tokens: 33 }, cached_tokens: 144 },
};

/** Small, fast and the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const ODD: readonly Json[] = [
  ...[null, true, false, 0, -0, -1, 1, 2, 1.5, 1e14, 1e15, 2 ** 53, 1e300, Infinity, Number.NaN, '', '12', 'AUDIO', '1h', 'compaction'],
  ...[[], {}, [1], [null], [[]], [{}], { tokenCount: 1 }, { total: -1 }],
];
const NAMES = Object.values(BODIES).flatMap((body) => namesIn(body));

function namesIn(value: Json): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(namesIn);
  return Object.entries(value).flatMap(([name, inner]) => [name, ...namesIn(inner)]);
}

/** Random JSON, in which known names turn up anywhere. */
function anyJson(random: () => number, depth: number): Json {
  const kind = random();
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  if (depth === 0 || kind < 0.5) return random() < 0.6 ? Math.floor(random() * 1000) : pick(ODD);
  if (kind < 0.65) return Array.from({ length: Math.floor(random() * 4) }, () => anyJson(random, depth - 1));
  const entries = Array.from({ length: Math.floor(random() * 6) }, () => [
    random() < 0.9 ? pick(NAMES) : pick(['__proto__', 'constructor', 'toString', 'length', '']),
    anyJson(random, depth - 1),
  ]);
  return Object.fromEntries(entries) as Json;
}

/** The body with some of its values changed, gone, or joined by others. */
function mutated(value: Json, random: () => number): Json {
  const roll = random();
  if (roll < 0.04) return anyJson(random, 2);
  if (typeof value === 'number') return roll < 0.25 ? Math.floor(random() * value * 2) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.flatMap((inner) => (random() < 0.1 ? [inner, mutated(inner, random)] : [mutated(inner, random)]));
  const changed: { [name: string]: Json } = {};
  for (const [name, inner] of Object.entries(value)) if (random() > 0.08) changed[name] = mutated(inner, random);
  if (random() < 0.1) changed[NAMES[Math.floor(random() * NAMES.length)] as string] = anyJson(random, 2);
  return changed;
}

/** Why a result would be wrong, or null. */
function flawOf(tokens: WireTokens): string | null {
  for (const [name, count] of Object.entries(tokens) as [string, number][]) {
    if (!FIELDS.has(name)) return `unknown field ${name}`;
    if (!Number.isSafeInteger(count) || count < 0 || Object.is(count, -0)) return `${name} is ${count}`;
  }
  const {
    input = 0,
    output = 0,
    cacheRead = 0,
    cacheWrite5m = 0,
    cacheWrite1h = 0,
    inputAudio = 0,
    reasoning = 0,
    outputAudio = 0,
  } = tokens;
  if (tokens.input === undefined && tokens.output === undefined) return 'no total';
  if (cacheRead + cacheWrite5m + cacheWrite1h + inputAudio > input) return 'parts of input above it';
  return reasoning + outputAudio > output ? 'parts of output above it' : null;
}

/** Reads the body; answers what is wrong with how that went, and whether it was accepted. */
function tryBody(provider: string | null, body: unknown): { readonly flaw: string | null; readonly isAccepted: boolean } {
  try {
    return { flaw: flawOf(tokensOfProviderUsage(provider, body)), isAccepted: true };
  } catch (error) {
    if (!(error instanceof CodedError)) return { flaw: `threw ${String(error)}`, isAccepted: false };
    const isKnown = CODES.has(error.code) && error.path?.startsWith('usage') === true;
    return { flaw: isKnown ? null : `refused with ${error.code} at ${error.path ?? ''}`, isAccepted: false };
  }
}

function fuzz(make: (random: () => number) => Json, seed: number): { readonly flaws: string[]; readonly accepted: number } {
  const random = randomOf(seed);
  const flaws: string[] = [];
  let accepted = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const provider = PROVIDERS[Math.floor(random() * PROVIDERS.length)] ?? null;
    const body = make(random);
    const { flaw, isAccepted } = tryBody(provider, body);
    if (isAccepted) accepted += 1;
    if (flaw !== null && flaws.length < 5)
      flaws.push(`seed ${seed}, run ${run}: ${flaw} for ${provider ?? 'null'} ${JSON.stringify(body)}`);
  }
  return { flaws, accepted };
}

// A million refusals: where each was thrown is of no use, and collecting it takes most of the time.
const { stackTraceLimit } = Error;
beforeAll(() => (Error.stackTraceLimit = 0));
afterAll(() => (Error.stackTraceLimit = stackTraceLimit));

test.each(Object.entries(BODIES))('3.4 100,000 mutations of %s give right tokens or a coded refusal', (name, body) => {
  const { flaws, accepted } = fuzz((random) => mutated(body, random), SEED + name.length);
  expect(flaws).toEqual([]);
  // Neither all is refused nor all accepted, or nothing would have been tried.
  expect(accepted).toBeGreaterThan(RUNS / 50);
  expect(accepted).toBeLessThan(RUNS);
});

test('3.4 100,000 pieces of random JSON give right tokens or a coded refusal', () => {
  const { flaws, accepted } = fuzz((random) => anyJson(random, 4), SEED);
  expect(flaws).toEqual([]);
  expect(accepted).toBeGreaterThan(RUNS / 1000);
});

test('a body of ten thousand details is read in no time', () => {
  const details = Array.from({ length: 10_000 }, () => ({ modality: 'AUDIO', tokenCount: 1 }));
  // Time of the processor: others who run beside it do not count.
  const began = process.cpuUsage();
  expect(tokensOfProviderUsage('google', { promptTokenCount: 10_000, promptTokensDetails: details })).toEqual({
    input: 10_000,
    inputAudio: 10_000,
  });
  expect(process.cpuUsage(began).user).toBeLessThan(500_000);
});

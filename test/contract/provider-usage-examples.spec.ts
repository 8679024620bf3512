import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { tokensOfProviderUsage, type WireTokens } from '@tare/core';

interface Example {
  readonly body: {
    readonly file: string;
    readonly usage?: Readonly<Record<string, unknown>>;
    readonly usageMetadata?: Readonly<Record<string, unknown>>;
    readonly meta?: Readonly<Record<string, unknown>>;
  };
  /** What different extractors make of the body; only one of them is the body's own. */
  readonly extracted: readonly {
    readonly extractors: readonly { readonly provider_id: string; readonly api_flavor: string }[];
    readonly usage: Readonly<Record<string, number>>;
  }[];
}

const COMPACTION =
  '3.4 totals are inclusive: what it took to compact the conversation was used and is billed, though the top-level counts leave it out';
const MISTRAL_CACHE = '3.4 cache reads are a pool of their own: num_cached_tokens is how Mistral names them, and it bills them at a tenth';
const CACHED_AUDIO = '3.4 nothing is counted twice: audio that was read from the cache is a cache read, so it is not audio input as well';

/** By position. Read otherwise here, with the rule. The list is exact: what is on it must differ, what is not must agree. */
const DECIDED_DIFFERENTLY: ReadonlyMap<number, string> = new Map([
  [69, COMPACTION],
  [83, MISTRAL_CACHE],
  [84, MISTRAL_CACHE],
  [86, MISTRAL_CACHE],
  [87, MISTRAL_CACHE],
  [88, MISTRAL_CACHE],
  [97, MISTRAL_CACHE],
  [111, MISTRAL_CACHE],
  [115, MISTRAL_CACHE],
  [117, MISTRAL_CACHE],
  [241, CACHED_AUDIO],
  [244, MISTRAL_CACHE],
  [249, MISTRAL_CACHE],
  [261, MISTRAL_CACHE],
  [280, MISTRAL_CACHE],
  [291, MISTRAL_CACHE],
  [306, CACHED_AUDIO],
  [310, MISTRAL_CACHE],
]);

const FILE = '../shared/data/examples/provider-usage.json.gz';
const isThere = existsSync(FILE);
const EXAMPLES = isThere ? (JSON.parse(gunzipSync(readFileSync(FILE)).toString('utf8')) as Example[]) : [];

const usageOf = ({ body }: Example): Readonly<Record<string, unknown>> => body.usage ?? body.usageMetadata ?? body.meta ?? {};

/** Provider and flavour of the extractor that is made for the body. Told by other marks than our own reader goes by. */
function ownExtractor(example: Example): readonly [string, string] {
  const usage = usageOf(example);
  if (example.body.usageMetadata !== undefined) return ['google', 'default'];
  if ('billed_units' in usage) return ['cohere', 'default'];
  if ('inputTokens' in usage) return ['aws', 'default'];
  if ('service_tier' in usage) return ['anthropic', 'default'];
  if ('input_tokens' in usage) return ['openai', 'responses'];
  return 'completion_tokens' in usage ? ['openai', 'chat'] : ['openai', 'embeddings'];
}

function expectedOf(example: Example): Required<WireTokens> | null {
  const [provider, flavor] = ownExtractor(example);
  const found = example.extracted.find(({ extractors }) =>
    extractors.some(({ provider_id, api_flavor }) => provider_id === provider && api_flavor === flavor),
  );
  // Embeddings of Cohere have a flavour of their own.
  const usage = found?.usage ?? (provider === 'cohere' ? example.extracted[0]?.usage : undefined);
  if (usage === undefined) return null;
  const written = usage['cache_write_tokens'] ?? 0;
  const long = usage['cache_write_1h_tokens'] ?? 0;
  return {
    input: usage['input_tokens'] ?? 0,
    output: usage['output_tokens'] ?? 0,
    cacheRead: usage['cache_read_tokens'] ?? 0,
    cacheWrite5m: written - long,
    cacheWrite1h: long,
    inputAudio: usage['input_audio_tokens'] ?? 0,
    reasoning: usage['output_reasoning_tokens'] ?? 0,
    outputAudio: usage['output_audio_tokens'] ?? 0,
  };
}

const NONE: Required<WireTokens> = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  inputAudio: 0,
  reasoning: 0,
  outputAudio: 0,
};
const read = (provider: string | null, example: Example): Required<WireTokens> => ({
  ...NONE,
  ...tokensOfProviderUsage(provider, usageOf(example)),
});

const isSame = (a: Required<WireTokens>, b: Required<WireTokens> | null): boolean => JSON.stringify(a) === JSON.stringify(b);

function cachedAudioOf(usage: Readonly<Record<string, unknown>>): number {
  const details = usage['cacheTokensDetails'] as readonly { readonly modality: string; readonly tokenCount: number }[] | undefined;
  return details?.find(({ modality }) => modality === 'AUDIO')?.tokenCount ?? 0;
}

(isThere ? describe : describe.skip)('real usage bodies with their counts', () => {
  test('every body has counts to compare with, of every format', () => {
    expect(EXAMPLES).toHaveLength(500);
    expect(EXAMPLES.filter((example) => expectedOf(example) === null)).toEqual([]);
    const formats = new Set(EXAMPLES.map((example) => ownExtractor(example).join(':')));
    expect([...formats].sort()).toEqual([
      'anthropic:default',
      'aws:default',
      'cohere:default',
      'google:default',
      'openai:chat',
      'openai:embeddings',
      'openai:responses',
    ]);
  });

  test('3.4 every count agrees, by the shape alone, but for the listed bodies', () => {
    const differing = EXAMPLES.flatMap((example, position) => (isSame(read(null, example), expectedOf(example)) ? [] : [position]));
    expect(differing).toEqual([...DECIDED_DIFFERENTLY.keys()]);
  });

  test('3.4 what is decided differently differs in what its rule says, and in nothing else', () => {
    for (const [position, rule] of DECIDED_DIFFERENTLY) {
      const example = EXAMPLES[position];
      const expected = example === undefined ? null : expectedOf(example);
      if (example === undefined || expected === null) throw new Error(`no body ${position}`);
      const usage = usageOf(example);
      const changes: Readonly<Record<string, Partial<WireTokens>>> = {
        [COMPACTION]: { input: 55196 + 220, output: 125 + 8 },
        [MISTRAL_CACHE]: { cacheRead: Number(usage['num_cached_tokens']) },
        [CACHED_AUDIO]: { inputAudio: expected.inputAudio - cachedAudioOf(usage) },
      };
      expect(read(null, example)).toEqual({ ...expected, ...changes[rule] });
    }
  });

  test('3.4 the counts are the same with the name of the provider beside the body', () => {
    const changed = EXAMPLES.flatMap((example, position) => {
      const [provider] = ownExtractor(example);
      return isSame(read(provider === 'aws' ? 'aws.bedrock' : provider, example), read(null, example)) ? [] : [position];
    });
    expect(changed).toEqual([]);
  });
});

if (!isThere) test.skip('the shared examples are not beside this repository', () => undefined);

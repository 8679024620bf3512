import { CodedError, parseInstant, parseUsageEvent } from '@tare/core';
import type { Row } from './column-mapping.ts';
import { EXPORT_FORMATS } from './export-formats.ts';

/** Rows for each format. Another seed: TARE_FUZZ_SEED. */
const RUNS = 100_000;
const SEED = Number(process.env['TARE_FUZZ_SEED'] ?? 20_261_121);
const NOW = parseInstant('2026-11-20T12:00:00Z');

const DOCUMENTS: Readonly<Record<string, Row>> = {
  'litellm-spend-logs': {
    request_id: 'chatcmpl-1',
    call_type: 'acompletion',
    spend: 0.0125,
    total_tokens: 5_160,
    prompt_tokens: 5_100,
    completion_tokens: '60',
    startTime: '2026-10-01T08:00:00.250000',
    endTime: '2026-10-01 08:00:01.5',
    model: 'openai/gpt-4o',
    custom_llm_provider: 'openai',
    user: 'u-1',
    end_user: 'acme',
    cache_hit: 'False',
    metadata: {
      status: 'success',
      usage_object: { prompt_tokens: 5_100, completion_tokens: 60, prompt_tokens_details: { cached_tokens: 3_000 } },
    },
    request_tags: ['prod'],
    status: 'success',
  },
  'openai-usage': {
    object: 'page',
    data: [
      {
        start_time: 1_790_812_800,
        end_time: 1_790_899_200,
        results: [
          {
            object: 'organization.usage.completions.result',
            input_tokens: 27_444,
            output_tokens: 1_810,
            input_cached_tokens: 8_448,
            input_cached_audio_tokens: 10,
            input_audio_tokens: 20,
            num_model_requests: 5,
            project_id: 'proj_a',
            model: 'gpt-5',
            batch: false,
            service_tier: 'default',
          },
        ],
      },
    ],
  },
  'anthropic-usage': {
    data: [
      {
        starting_at: '2026-10-01T00:00:00Z',
        ending_at: '2026-10-02T00:00:00Z',
        results: [
          {
            uncached_input_tokens: 1_500,
            cache_creation: { ephemeral_1h_input_tokens: 1_000, ephemeral_5m_input_tokens: 500 },
            cache_read_input_tokens: 200,
            output_tokens: 500,
            server_tool_use: { web_search_requests: 10 },
            workspace_id: 'wrkspc_1',
            model: 'claude-opus-4-5',
            service_tier: 'standard',
          },
        ],
      },
    ],
  },
};

const ODD: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1,
    1.5,
    2 ** 53,
    1e300,
    99_999_999_999,
    '99999999999',
    Infinity,
    Number.NaN,
    '',
    '12',
    '3.0',
    '1e5',
    '-4',
    'None',
    'x'.repeat(300),
  ],
  ...[
    'a\0b',
    '\ud800',
    '{',
    '{}',
    '[1]',
    '"{}"',
    '2026-02-30',
    '2026-10-01',
    '9999-12-31T23:59:59Z',
    '0000-00-00',
    'yesterday',
    [],
    {},
    [1],
    [null],
    { data: 1 },
  ],
];

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

function mutated(value: unknown, random: () => number): unknown {
  if (random() < 0.05) return ODD[Math.floor(random() * ODD.length)];
  if (Array.isArray(value)) return value.map((inner: unknown) => mutated(inner, random));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([name, inner]) => (random() < 0.05 ? [] : [[name, mutated(inner, random)]])));
}

// Refusals by the hundred thousand: where each was thrown is of no use.
const { stackTraceLimit } = Error;
beforeAll(() => (Error.stackTraceLimit = 0));
afterAll(() => (Error.stackTraceLimit = stackTraceLimit));

test.each(Object.entries(DOCUMENTS))(
  '100,000 mutations of %s become events that the API reads, or refusals with a code',
  (name, document) => {
    const format = EXPORT_FORMATS.get(name);
    if (format === undefined) throw new Error(name);
    const random = randomOf(SEED);
    const flaws: string[] = [];
    let read = 0;
    let refused = 0;
    const check = (row: Row): void => {
      const event = format.eventOf(row, { isCostReported: random() < 0.5 });
      if (event === null) return;
      read += 1;
      parseUsageEvent(JSON.parse(JSON.stringify({ ...event, customer: 'acme' })), { now: NOW, backdatingLimit: null });
    };
    for (let run = 0; run < RUNS; run += 1) {
      const mutation = mutated(document, random);
      const rows = typeof mutation === 'object' && mutation !== null && !Array.isArray(mutation) ? format.rowsOf(mutation as Row) : [];
      for (const row of rows) {
        try {
          check(row);
        } catch (error) {
          if (error instanceof CodedError) refused += 1;
          else if (flaws.length < 5) flaws.push(`seed ${SEED}, run ${run}: ${String(error)} for ${JSON.stringify(row)}`);
        }
      }
    }
    expect(flaws).toEqual([]);
    // Neither all is refused nor all accepted, or nothing would have been tried.
    expect(read).toBeGreaterThan(RUNS / 20);
    expect(refused).toBeGreaterThan(RUNS / 20);
  },
);

import { CodedError, Decimal, TOKEN_POOLS, inclusive, parseInstant, parseUsageEvent, type UsageEvent } from '@tare/core';
import {
  cloudEventDecoder,
  cloudEventKey,
  cloudEventOfHeaders,
  litellmDecoder,
  litellmOptions,
  openMeterDecoder,
  readLitellmBody,
  type Decoder,
} from '@tare/usage';
import fc from 'fast-check';

/** Inputs for each decoder; mutations of payloads in the documented shapes reach far more of a decoder than noise does. */
const RUNS = 100_000;
const CONTEXT = { now: parseInstant('2026-11-22T00:00:00Z'), backdatingLimit: null };
type Json = Record<string, unknown>;

const CLOUD_EVENT: Json = {
  specversion: '1.0',
  id: 'id-1',
  source: '/inference/eu-1',
  type: 'llm.completion',
  time: '2026-03-20T10:00:00.123456Z',
  subject: 'acme',
  datacontenttype: 'application/json',
  dataschema: 'https://example.com/usage.json',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  data: {
    provider: 'openai',
    model: 'gpt-4o',
    tokens: { input: '1200', output: 350, cacheRead: '800', reasoning: 20 },
    quantity: '1.5',
    outcome: 'SUCCEEDED',
    properties: { plan: 'pro' },
  },
};
const OPENMETER: Json = {
  specversion: '1.0',
  id: 'chatcmpl-1',
  source: 'litellm-proxy',
  type: 'litellm_tokens',
  time: '2026-03-20T10:00:00.123456+00:00',
  subject: 'acme',
  data: { model: 'gpt-4o', cost: 0.00475, prompt_tokens: 1200, completion_tokens: 175, total_tokens: 1375 },
};
const LITELLM: Json = {
  id: 'chatcmpl-1',
  litellm_call_id: 'call-1',
  trace_id: 'trace-1',
  call_type: 'acompletion',
  cache_hit: false,
  status: 'success',
  custom_llm_provider: 'anthropic',
  model: 'anthropic/claude-sonnet-4-5',
  startTime: 1774000800.123456,
  endTime: 1774000802.623456,
  response_cost: 0.00522,
  prompt_tokens: 10_000,
  completion_tokens: 350,
  total_tokens: 10_350,
  end_user: 'acme',
  request_tags: ['a', 'b'],
  model_group: 'claude',
  response: { service_tier: 'default' },
  error_information: { error_code: '429', error_class: 'RateLimitError' },
  metadata: {
    user_api_key_user_id: 'user',
    user_api_key_team_id: 'team',
    usage_object: {
      prompt_tokens: 10_000,
      completion_tokens: 350,
      total_tokens: 10_350,
      prompt_tokens_details: {
        cached_tokens: 6_000,
        audio_tokens: 0,
        cache_creation_tokens: 3_000,
        cache_creation_token_details: { ephemeral_5m_input_tokens: 1_000, ephemeral_1h_input_tokens: 2_000 },
      },
      completion_tokens_details: { reasoning_tokens: 64, audio_tokens: 0 },
    },
  },
};

const ODD_VALUES: readonly unknown[] = [
  null,
  '',
  ' ',
  0,
  -0,
  -1,
  1,
  2,
  0.5,
  1.5,
  1e-7,
  1e21,
  5e-324,
  1.7976931348623157e308,
  0.1 + 0.2,
  2 ** 53,
  2 ** 53 + 2,
  999_999_999_999_999,
  1774000800.1234567,
  true,
  false,
  [],
  {},
  [[]],
  [null],
  'NaN',
  'Infinity',
  '1e400',
  '1e-400',
  '-1',
  '+1',
  '0x10',
  '1,5',
  '٣',
  '9'.repeat(40),
  '9'.repeat(1_200),
  'None',
  '1.0',
  '0.3',
  'a\u0000b',
  'a\ud800',
  'a\u007f',
  'a\nb',
  'x'.repeat(255),
  'x'.repeat(256),
  '😀'.repeat(255),
  '😀'.repeat(256),
  'x'.repeat(70_000),
  '2026-02-30T00:00:00Z',
  '2026-03-20T10:00:00',
  '2026-03-20T10:00:60Z',
  '9999-12-31T23:59:59Z',
  '2026-03-20',
  'application/json',
  'application/xml',
  'e30=',
  'eyJxdWFudGl0eSI6IjEifQ==',
  '/w==',
  'failure',
  'success',
  'FAILED',
  'litellm-proxy',
  '__proto__',
  { __proto__: null, toString: 1 },
  JSON.parse('{"__proto__": {"customer": "x"}}'),
  { tokens: { input: 1 } },
  { amount: '1', currency: 'USD' },
  'a b',
  '%41',
  'azure/',
  '/',
  'azure/gpt-4o',
  'us.anthropic.claude',
  'claude-3@1',
];
const ODD_NAMES = [
  'data',
  'data_base64',
  'customer',
  'quantity',
  'tokens',
  'usage',
  'key',
  'at',
  'id',
  'subject',
  'time',
  'properties',
  'cost',
  'prompt_tokens',
  'input_tokens',
  'output_tokens',
  'cache_hit',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'reasoning_tokens',
  'reportedCost',
  'pool',
  'subscription',
  '__proto__',
  'constructor',
  'x y',
  'ext',
  '',
];

/** Changes of a payload: at which of its places, what is done there, with what. */
const mutation = fc.record({
  place: fc.nat(200),
  act: fc.constantFrom('set', 'set', 'set', 'remove', 'add', 'nest'),
  value: fc.oneof(
    fc.constantFrom(...ODD_VALUES),
    fc.integer({ min: -5, max: 20_000 }),
    fc.double(),
    fc.string({ unit: 'binary', maxLength: 20 }),
  ),
  name: fc.constantFrom(...ODD_NAMES),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;
const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });

function mutated(payload: string, changes: readonly Mutation[]): unknown {
  const root: Json = { payload: JSON.parse(payload) };
  for (const { place, act, value, name } of changes) {
    const places = placesOf(root);
    const [holder, key] = places[place % places.length] ?? ([root, 'payload'] as const);
    if (act === 'remove') Reflect.deleteProperty(holder, key);
    else if (act === 'add' && isHolder(holder[key])) define(holder[key], name, value);
    else if (act === 'nest') holder[key] = { [name]: holder[key] };
    else holder[key] = value;
  }
  return root.payload;
}

const isHolder = (value: unknown): value is Json => typeof value === 'object' && value !== null && Object.isExtensible(value);
/** As JSON.parse makes them: __proto__ is a name like any other, and arrays have no names. */
const define = (holder: Json, name: string, value: unknown): void => {
  if (Array.isArray(holder)) holder.push(value);
  else Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
};

function placesOf(holder: Json, found: [Json, string][] = []): [Json, string][] {
  for (const key of Object.keys(holder)) {
    found.push([holder, key]);
    if (found.length > 300) return found;
    const value = holder[key];
    if (isHolder(value) && !ODD_VALUES.includes(value)) placesOf(value, found);
  }
  return found;
}

/** The event that a decoder and then core make of an input; null for a refusal, which has to have a code and a message. */
function eventOf(decoder: Decoder, input: unknown): UsageEvent | null {
  const key = decoder.keyOf(input);
  try {
    const event = parseUsageEvent(decoder.decode(input), CONTEXT);
    check(key === event.key, 'the key of a rejection would not be the key of the event');
    return event;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    if (!/^[A-Z][A-Z0-9_]+$/.test(error.code) || error.message.length === 0 || error.message.length > 2_000) throw error;
    return null;
  }
}

/** What holds for every event that is accepted, whatever it came from. Thrown by hand: an `expect` for each of 100,000 is slow. */
function requireSound(event: UsageEvent): void {
  const isSound =
    event.key.length > 0 &&
    Array.from(event.key).length <= 255 &&
    event.customer.length > 0 &&
    event.type.length > 0 &&
    Number.isSafeInteger(event.at) &&
    event.at <= CONTEXT.now + 300_000_000 &&
    TOKEN_POOLS.every((pool) => !event.tokens[pool].isNegative()) &&
    !event.quantity.isNegative() &&
    (event.reportedCost === null || !event.reportedCost.amount.isNegative());
  if (!isSound) throw new Error(`not a sound event: ${event.key}`);
}

const decimal = (count: unknown): Decimal => Decimal.parse(String((count as string | number | null | undefined) ?? 0));

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** Runs a decoder on mutated payloads. Both ends have to be reached: a fuzz that never gets in, or always, proves nothing. */
function fuzz(
  payload: Json,
  decoder: Decoder,
  accepts: (event: UsageEvent, input: Json) => void,
  changes: fc.Arbitrary<Mutation[]> = mutations,
): void {
  const text = JSON.stringify(payload);
  let accepted = 0;
  fc.assert(
    fc.property(changes, (list) => {
      const input = mutated(text, list);
      const event = eventOf(decoder, input);
      if (event === null) return;
      accepted += 1;
      requireSound(event);
      accepts(event, input as Json);
    }),
    { numRuns: RUNS },
  );
  expect(accepted).toBeGreaterThan(RUNS / 20);
  expect(accepted).toBeLessThan(RUNS);
}

test('100,000 mutated CloudEvents are events as CloudEvents 1.0 and the rules allow them, or refusals with a code', () => {
  fuzz(CLOUD_EVENT, cloudEventDecoder('EVENT'), (event, input) => {
    check(input.specversion === '1.0', 'another version was taken');
    check(typeof input.source === 'string' && !/\s/.test(input.source), 'a source that is none was taken');
    check(event.key === cloudEventKey(input.source as string, input.id as string), 'the key is not that of source and id');
    check(event.at === parseInstant(input.time as string), 'the time is another');
    check(event.type === input.type, 'the type is another');
    check(
      input.data === undefined || input.data === null || input.data_base64 === undefined || input.data_base64 === null,
      'data was taken twice',
    );
    for (const name of ['tokens', 'usage', 'quantity', 'customer'])
      check(!Object.hasOwn(input, name), `${name} beside data was passed over`);
  });
});

test('100,000 binary events of any headers are events, or refusals with a code', () => {
  const names = fc.constantFrom(
    'ce-specversion',
    'ce-id',
    'ce-source',
    'ce-type',
    'ce-time',
    'ce-subject',
    'CE-Subject',
    'ce-data',
    'ce-',
    'ce-a-b',
    'ce-quantity',
    'host',
    'cé-x',
  );
  const text = fc.oneof(
    fc.constantFrom('1.0', 'id', '/s', '2026-03-20T10:00:00Z', '%C0%A0', '%', '"a\\"b"', '"', '%2525', '%00', 'a%20b', '%ED%A0%80'),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );
  const valid = [
    'ce-specversion',
    '1.0',
    'ce-id',
    'i',
    'ce-source',
    '/s',
    'ce-type',
    't',
    'ce-time',
    '2026-03-20T10:00:00Z',
    'ce-subject',
    'acme',
  ];
  const decoder = cloudEventDecoder('EVENT');
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(names, text, fc.nat(11)), { minLength: 1, maxLength: 3 }),
      fc.constantFrom(undefined, {}, { quantity: '1' }, [], 'x'),
      (odd, data) => {
        const headers = [...valid];
        for (const [name, value, place] of odd) {
          if (place % 2 === 0) headers.push(name, value);
          else headers[place] = value;
        }
        const subjects = headers.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'ce-subject');
        const event = eventOf({ decode: (input) => decoder.decode(read(input)), keyOf: (input) => keyOf(input) }, headers);
        if (event === null) return;
        accepted += 1;
        requireSound(event);
        check(subjects.length === 1, 'a repeated header was taken');
        check(data === undefined || typeof data === 'object', 'data that is no object was taken');

        function read(input: unknown): unknown {
          return cloudEventOfHeaders(input as string[], 'application/json', data);
        }
        function keyOf(input: unknown): string | null {
          try {
            return decoder.keyOf(read(input));
          } catch (error) {
            if (error instanceof CodedError) return null;
            throw error;
          }
        }
      },
    ),
    { numRuns: RUNS },
  );
  expect(accepted).toBeGreaterThan(RUNS / 50);
  expect(accepted).toBeLessThan(RUNS);
});

test("100,000 mutated payloads of LiteLLM's generic_api callback are events whose totals are LiteLLM's, or refusals with a code", () => {
  const usageOf = (input: Json): Json | null => {
    const { usage_object } = (input.metadata ?? {}) as Json;
    return isHolder(usage_object) && (usage_object.prompt_tokens !== undefined || usage_object.completion_tokens !== undefined)
      ? usage_object
      : null;
  };
  fuzz(LITELLM, litellmDecoder(litellmOptions({ cost: 'reported' })), (event, input) => {
    check(event.key.startsWith('litellm-proxy ') || event.key.startsWith('sha256:'), 'the key is none of LiteLLM');
    check((event.outcome === 'FAILED') === (input.status === 'failure'), 'the outcome is another');
    if (input.cache_hit === true) check(event.reportedCost?.amount.isZero() === true, 'a cached answer cost something');
    else if (event.reportedCost !== null) check(event.reportedCost.amount.equals(decimal(input.response_cost)), 'the cost is another');
    const usage = usageOf(input);
    if (usage === null || !event.hasTokens) return;
    const total = inclusive(event.tokens);
    check(total.input.equals(decimal(usage.prompt_tokens)), 'the input is not what LiteLLM counted');
    const completion = decimal(usage.completion_tokens);
    check(
      total.output.equals(completion) || total.output.equals(completion.plus(event.tokens.reasoning)),
      'the output is not what LiteLLM counted',
    );
  });
});

test("100,000 mutated events of LiteLLM's openmeter callback are events, or refusals with a code", () => {
  fuzz(OPENMETER, openMeterDecoder, (event, input) => {
    check(event.reportedCost === null, 'a cost was taken that nobody asked for');
    check(event.customer === input.subject, 'the customer is another');
    const data = input.source === 'litellm-proxy' && isHolder(input.data) ? input.data : null;
    if (data === null || !event.hasTokens) return;
    check(inclusive(event.tokens).input.equals(decimal(data.prompt_tokens)), 'the input is not what LiteLLM counted');
  });
});

test('100,000 broken bodies are payloads or a refusal with a code', () => {
  const [one, two] = [JSON.stringify(LITELLM), JSON.stringify(OPENMETER)];
  const bodies = [`[${one},${two}]`, `${one}\n${two}\r\n${one}\n`, two, `\uFEFF${one}`, '', '[', 'null', '{}\n{}'].map((text) =>
    Buffer.from(text),
  );
  const change = fc.record({ at: fc.nat(2_000), byte: fc.nat(255), act: fc.constantFrom('set', 'cut', 'insert') });
  const decoder = litellmDecoder(litellmOptions({}));
  fc.assert(
    fc.property(fc.constantFrom(...bodies), fc.array(change, { maxLength: 3 }), (body, changes) => {
      const broken = changes.reduce((bytes, { at, byte, act }) => {
        const place = bytes.length === 0 ? 0 : at % bytes.length;
        if (act === 'cut') return bytes.subarray(0, place);
        return Buffer.concat([bytes.subarray(0, place), Buffer.from([byte]), bytes.subarray(act === 'set' ? place + 1 : place)]);
      }, body);
      for (const item of itemsOf(broken)) eventOf(decoder, item);
    }),
    { numRuns: RUNS },
  );

  function itemsOf(body: Buffer): readonly unknown[] {
    try {
      return readLitellmBody(body);
    } catch (error) {
      if (error instanceof CodedError && error.code === 'MALFORMED_JSON') return [];
      throw error;
    }
  }
});

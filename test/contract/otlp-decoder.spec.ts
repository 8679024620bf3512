import { CodedError, parseUsageEvent } from '@tare/core';
import { decodeSpans, otlpOptions, type DecodedBatch, type NativeEvent, type OtlpRequest } from '@tare/usage';
import fc from 'fast-check';
import { call, requestOf, toJson, toProtobuf, type TestRequest, type TestSpan, type Value } from './otlp.fixture.ts';

/** Inputs for each decoder. Another seed: TARE_FUZZ_SEED. */
const RUNS = 100_000;
const SEED = Number(process.env['TARE_FUZZ_SEED'] ?? 20_261_121);
const OPTIONS = otlpOptions({});
const CONTEXT = { now: 1_780_000_000_000_000, backdatingLimit: null };
const REFUSED_WHOLE = new Set(['MALFORMED_PROTOBUF', 'MALFORMED_JSON', 'BATCH_TOO_LARGE']);

/** Numbers from a seed, for what has to be fast and the same again. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const NAMES = [
  'gen_ai.operation.name',
  'gen_ai.system',
  'gen_ai.request.model',
  'gen_ai.usage.prompt_tokens',
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.reasoning_tokens',
  'llm.usage.total_tokens',
  'openinference.span.kind',
  'traceloop.span.kind',
  'tare.customer',
  'tare.properties.x',
  'user.id',
  'error.type',
  'something.else',
];
const value = fc.oneof(
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  fc.bigInt(0n, 5_000n),
  fc.double(),
  fc.constantFrom<Value>('', 'chat', 'LLM', 'invoke_agent', 'embeddings', 'acme', '12', 'Zoë 😀', true, false),
);
const span: fc.Arbitrary<TestSpan> = fc.record({
  traceId: fc.constantFrom('5b8efff798038103d269b633813fc60c', '0'.repeat(32), 'abcd', ''),
  spanId: fc.bigInt(0n, 2n ** 64n - 1n).map((id) => id.toString(16).padStart(16, '0')),
  start: fc.bigInt(0n, 2n ** 64n - 1n),
  end: fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.constant(1_774_000_801_500_000_999n)),
  attributes: fc.dictionary(fc.constantFrom(...NAMES), value, { noNullPrototype: true }),
  isError: fc.boolean(),
});
const request: fc.Arbitrary<TestRequest> = fc.record({
  resource: fc.dictionary(fc.constantFrom('user.id', 'service.name', 'tare.customer'), value, { noNullPrototype: true }),
  scope: fc.string({ unit: 'binary' }),
  spans: fc.array(span, { maxLength: 4 }),
});

test('3.1 any request is the same events and the same refusals in protobuf and in JSON', () => {
  fc.assert(
    fc.property(request, (one) => {
      const json = JSON.parse(JSON.stringify(toJson(one))) as unknown;
      expect(decodeSpans({ protobuf: toProtobuf(one) }, OPTIONS)).toEqual(decodeSpans({ json }, OPTIONS));
    }),
    { numRuns: 3_000, seed: SEED },
  );
});

describe('parents that repeat the usage of their children', () => {
  interface Trace {
    readonly spans: readonly TestSpan[];
    readonly input: bigint;
  }
  const KINDS = ['invoke_agent', 'invoke_workflow', 'execute_tool', 'agent_step', 'chain'];

  /** A tree: calls are leaves, and every other span claims the usage of all below it, as frameworks do. */
  function traceOf(seed: number): Trace {
    const random = randomNumbers(seed);
    const traceId = (BigInt(seed) + 1n).toString(16).padStart(32, '7');
    const spans: TestSpan[] = [];
    let [ids, total] = [0, 0n];
    const grow = (depth: number, parentSpanId?: string): bigint => {
      const spanId = (ids += 1).toString(16).padStart(16, '0');
      const identity = { traceId, spanId, ...(parentSpanId === undefined ? {} : { parentSpanId }) };
      if (depth === 0 || (random(3) === 0 && parentSpanId !== undefined)) {
        const input = BigInt(1 + random(1_000));
        total += input;
        spans.push(call({ 'gen_ai.usage.input_tokens': input }, identity));
        return input;
      }
      const input = Array.from({ length: 1 + random(4) }, () => grow(depth - 1, spanId)).reduce((sum, one) => sum + one, 0n);
      spans.push(call({ 'gen_ai.usage.input_tokens': input, 'gen_ai.operation.name': KINDS[random(KINDS.length)] ?? '' }, identity));
      return input;
    };
    grow(1 + random(4));
    return { spans, input: total };
  }

  /** What is billed when the spans come in requests like these: each key once. */
  function billed(requests: readonly (readonly TestSpan[])[]): bigint {
    const byKey = new Map<string, bigint>();
    for (const spans of requests) {
      const { events, rejected } = decodeSpans({ protobuf: toProtobuf(requestOf(spans)) }, OPTIONS);
      expect(rejected).toEqual([]);
      for (const { key, tokens } of events) byKey.set(key as string, BigInt((tokens as { input: string }).input));
    }
    return [...byKey.values()].reduce((sum, one) => sum + one, 0n);
  }

  test('3.4 the usage of a trace is that of its calls, whatever the order and the batches in which its spans come, repeated or not', () => {
    let parents = 0;
    for (let seed = 0; seed < 500; seed += 1) {
      const { spans, input } = traceOf(seed);
      const random = randomNumbers(seed + SEED);
      const shuffled = [...spans, ...spans.filter(() => random(5) === 0)]
        .map((one) => ({ one, at: random(1_000_000) }))
        .sort((a, b) => a.at - b.at)
        .map(({ one }) => one);
      const requests: TestSpan[][] = [[]];
      for (const one of shuffled) {
        if (random(3) === 0) requests.push([]);
        requests.at(-1)?.push(one);
      }
      parents += spans.filter(({ attributes }) => attributes['gen_ai.operation.name'] !== 'chat').length;
      expect(billed([spans])).toBe(input);
      expect(billed(requests)).toBe(input);
      expect(billed(spans.map((one) => [one]))).toBe(input);
    }
    expect(parents).toBeGreaterThan(500);
  });
});

describe(`100,000 inputs from seed ${SEED}`, () => {
  const seeds = [
    requestOf([
      call(),
      call({ 'gen_ai.operation.name': 'invoke_agent' }),
      call({ 'gen_ai.usage.cache_read.input_tokens': 60n, 'tare.properties.a': 1.5 }),
    ]),
    requestOf([call({ 'openinference.span.kind': 'LLM', 'llm.token_count.prompt': 3n }, { isError: true })], {
      'user.id': 'acme',
      'service.name': 'bot',
    }),
  ];
  const counts = { whole: 0, events: 0, accepted: 0, refused: 0 };

  /** What may come of any input: a coded refusal of the whole, or events that are sound as far as they go. */
  function check(input: OtlpRequest): void {
    let decoded: DecodedBatch;
    try {
      decoded = decodeSpans(input, OPTIONS);
    } catch (error) {
      if (!(error instanceof CodedError) || !REFUSED_WHOLE.has(error.code)) throw error;
      counts.whole += 1;
      return;
    }
    counts.refused += decoded.rejected.length;
    for (const { code } of decoded.rejected) if (!/^[A-Z_]+$/.test(code)) throw new Error(`no code: ${code}`);
    for (const event of decoded.events) checkEvent(event);
  }

  function checkEvent(event: NativeEvent): void {
    counts.events += 1;
    if (!/^[0-9a-f]{32}-[0-9a-f]{16}$/.test(event['key'] as string)) throw new Error(`no key of a span: ${String(event['key'])}`);
    if (event['customer'] === '') throw new Error('nobody used it');
    try {
      const { tokens } = parseUsageEvent(event, CONTEXT);
      counts.accepted += 1;
      for (const count of Object.values(tokens)) if (count.isNegative()) throw new Error('negative tokens');
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
  }

  beforeEach(() => Object.assign(counts, { whole: 0, events: 0, accepted: 0, refused: 0 }));

  test('random bytes as protobuf: no crash, no hang, nothing taken', () => {
    const random = randomNumbers(SEED);
    for (let run = 0; run < RUNS; run += 1) check({ protobuf: Uint8Array.from({ length: random(60) }, () => random(256)) });
    expect(counts.whole).toBeGreaterThan(RUNS / 2);
    expect(counts.events).toBe(0);
  });

  test('protobuf with some bytes changed, cut out or doubled: no crash, no hang, nothing unsound', () => {
    const random = randomNumbers(SEED);
    const bodies = seeds.map(toProtobuf);
    for (let run = 0; run < RUNS; run += 1) {
      let body = Buffer.from(bodies[run % bodies.length] ?? Buffer.alloc(0));
      for (let change = random(4); change >= 0; change -= 1) {
        const at = random(body.length);
        if (random(4) > 0) body[at] = random(256);
        else body = Buffer.concat([body.subarray(0, at), body.subarray(Math.max(0, at + random(13) - 6))]);
        if (body.length === 0) break;
      }
      check({ protobuf: body });
    }
    expect(Math.min(counts.whole, counts.events, counts.accepted, counts.refused)).toBeGreaterThan(RUNS / 1_000);
  });

  test('JSON with some values replaced by others: no crash, no hang, nothing unsound', () => {
    const random = randomNumbers(SEED);
    const strange: unknown[] = [
      null,
      true,
      -1,
      0.1,
      1e308,
      '',
      'x',
      '-5',
      '99999999999999999999',
      [],
      {},
      [[]],
      { a: 1 },
      '\u0000',
      '\ud800',
      '5b8efff798038103d269b633813fc60c',
    ];
    const texts = seeds.map((one) => JSON.stringify(toJson(one)));
    for (let run = 0; run < RUNS; run += 1) {
      const json = JSON.parse(texts[run % texts.length] ?? '') as Record<string, unknown>;
      for (let change = random(3); change >= 0; change -= 1) {
        let holder: Record<string, unknown> = json;
        for (let depth = 1 + random(14); depth > 0; depth -= 1) {
          const names = Object.keys(holder);
          const name = names[random(Math.max(1, names.length))] ?? 'resourceSpans';
          const inner = holder[name];
          if (depth === 1 || typeof inner !== 'object' || inner === null) {
            if (random(6) === 0) holder[name === '__proto__' ? 'x' : name] = strange[random(strange.length)];
            else if (depth === 1 || random(2) === 0) holder[name] = strange[random(strange.length)];
            break;
          }
          holder = inner as Record<string, unknown>;
        }
      }
      check({ json });
    }
    expect(Math.min(counts.whole, counts.events, counts.accepted, counts.refused)).toBeGreaterThan(RUNS / 1_000);
  });

  test('1.1 an integer written as a JSON number of more digits than a double holds refuses its span alone, as a count and as an id', () => {
    const spanWith = (attributes: Readonly<Record<string, string>>): string =>
      JSON.stringify(toJson(requestOf([call({ 'tare.customer': 'acme', ...attributes })]))).replaceAll(
        /"stringValue":"#(\d+)"/g,
        '"intValue":$1',
      );
    const read = (attributes: Readonly<Record<string, string>>): unknown[] => {
      const { events, rejected } = decodeSpans({ json: JSON.parse(spanWith(attributes)) as unknown }, OPTIONS);
      const problems = events.map((event) => {
        try {
          const { customer, tokens } = parseUsageEvent(event, CONTEXT);
          return [customer, tokens.uncachedInput.toString()];
        } catch (error) {
          return (error as CodedError).code;
        }
      });
      return [...problems, ...rejected.map(({ code }) => code)];
    };
    expect(read({ 'gen_ai.usage.input_tokens': '#999999999999999' })).toEqual([['acme', '999999999999999']]);
    expect(read({ 'gen_ai.usage.input_tokens': '#9007199254740993' })).toEqual(['NUMBER_NOT_EXACT']);
    expect(read({ 'gen_ai.usage.input_tokens': '#1', 'tare.customer': '#9007199254740991' })).toEqual([['9007199254740991', '1']]);
    expect(read({ 'gen_ai.usage.input_tokens': '#1', 'tare.customer': '#9007199254740993' })).toEqual(['NUMBER_NOT_EXACT']);
  });

  test('any JSON at all: refused whole or empty', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => check({ json })),
      { numRuns: RUNS / 10, seed: SEED },
    );
    expect(counts.events).toBe(0);
  });

  test('deep and repeated messages end: groups in groups, and a million empty spans', () => {
    expect(() => decodeSpans({ protobuf: Buffer.alloc(1_000_000, 0x13) }, OPTIONS)).toThrow(/MALFORMED|protobuf/);
    const empty = Buffer.alloc(2_000_000);
    for (let at = 0; at < empty.length; at += 2) empty[at] = 0x12;
    const scope = Buffer.concat([Buffer.from([0x12]), varint(empty.length), empty]);
    expect(decodeSpans({ protobuf: Buffer.concat([Buffer.from([0x0a]), varint(scope.length), scope]) }, OPTIONS).events).toEqual([]);
  });
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

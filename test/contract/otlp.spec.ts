import { BinaryReader } from '@bufbuild/protobuf/wire';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { gzipSync } from 'node:zlib';
import { SourceApi } from '../../apps/api/events/source-api.fixture.ts';
import { call, requestOf, toJson, toProtobuf, type TestRequest, type TestSpan, type Value } from './otlp.fixture.ts';

const PROTOBUF = 'application/x-protobuf';
const RATE = { type: 'llm.completion', provider: 'openai', model: 'gpt-4o' };

let api: SourceApi;
beforeAll(async () => {
  api = await SourceApi.open();
});
afterAll(() => api.close());

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly retryAfter: string | undefined;
  readonly bytes: Buffer;
}

async function send(body: string | Buffer, headers: Record<string, string>, url = '/v1/traces'): Promise<Answer> {
  const response = await api.app.inject({
    method: 'POST',
    url,
    headers: { authorization: `Bearer ${api.key}`, ...headers },
    payload: body,
  });
  return {
    status: response.statusCode,
    type: response.headers['content-type'] as string | undefined,
    retryAfter: response.headers['retry-after'],
    bytes: response.rawPayload,
  };
}

/** Sends in JSON; the partial success, null where there is none. */
async function post(
  request: TestRequest,
  url = '/v1/traces',
  headers: Record<string, string> = {},
): Promise<{ rejectedSpans: string; errorMessage: string } | null> {
  const answer = await send(JSON.stringify(toJson(request)), { 'content-type': 'application/json', ...headers }, url);
  expect([answer.status, answer.type]).toEqual([200, 'application/json']);
  const { partialSuccess } = JSON.parse(answer.bytes.toString()) as { partialSuccess?: { rejectedSpans: string; errorMessage: string } };
  return partialSuccess ?? null;
}

const postProtobuf = (request: TestRequest, headers: Record<string, string> = {}): Promise<Answer> =>
  send(toProtobuf(request), { 'content-type': PROTOBUF, ...headers });

let customers = 0;
/** A customer of this test alone. */
const customer = (): string => `customer-${(customers += 1)}`;

/** The one event that a call with these attributes becomes. */
async function eventOf(attributes: Record<string, Value>, more: Partial<TestSpan> = {}, url?: string): Promise<Record<string, unknown>> {
  const acme = customer();
  expect(await post(requestOf([call({ 'tare.customer': acme, ...attributes }, more)]), url)).toBeNull();
  const [event, ...others] = await api.stored(acme);
  expect(others).toEqual([]);
  return { ...event };
}

/** A call without the counts and names that `call` has. */
const bare = (attributes: Record<string, Value>): Record<string, Value> => ({
  'gen_ai.operation.name': '',
  'gen_ai.provider.name': '',
  'gen_ai.response.model': '',
  'gen_ai.usage.input_tokens': '',
  'gen_ai.usage.output_tokens': '',
  ...attributes,
});

describe('the exporters of OpenTelemetry', () => {
  let url: string;
  beforeAll(async () => {
    await api.app.listen(0, '127.0.0.1');
    url = await api.app.getUrl();
  });

  /** Spans of an agent that makes two calls, ended in the order in which they really end. */
  function agentSpans(acme: string): ReadableSpan[] {
    const memory = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] });
    const tracer = provider.getTracer('my.instrumentation');
    const usage = (input: number, output: number): Record<string, number> => ({
      'gen_ai.usage.input_tokens': input,
      'gen_ai.usage.output_tokens': output,
    });
    const agent = tracer.startSpan('invoke_agent', { attributes: { 'gen_ai.operation.name': 'invoke_agent', 'user.id': acme } });
    const inside = trace.setSpan(context.active(), agent);
    for (const [input, output] of [
      [1_000, 20],
      [1_200, 400],
    ] as const) {
      const attributes = {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'gpt-4o',
        'user.id': acme,
        ...usage(input, output),
      };
      const span = tracer.startSpan('chat gpt-4o', { kind: SpanKind.CLIENT, attributes }, inside);
      if (output === 400) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    }
    agent.setAttributes(usage(2_200, 420)).end();
    return memory.getFinishedSpans();
  }

  const exported = (exporter: JsonExporter | ProtobufExporter, spans: ReadableSpan[]): Promise<unknown> =>
    new Promise((resolve) => exporter.export(spans, ({ code, error }) => resolve(error ?? code)));

  test('3.1 the same spans by protobuf, by JSON and compressed are the same events, and the sum of an agent is none', async () => {
    const acme = customer();
    const spans = agentSpans(acme);
    const headers = { authorization: `Bearer ${api.key}` };
    const options = { url: `${url}/v1/traces`, headers };
    expect(await exported(new ProtobufExporter(options), spans)).toBe(0);
    // Both may end in the same microsecond.
    const first = (await api.stored(acme)).sort((a, b) => Number(a.uncached_input) - Number(b.uncached_input));
    expect(first.map(({ uncached_input: input, plain_output: output, outcome }) => [input, output, outcome])).toEqual([
      ['1000', '20', 'SUCCEEDED'],
      ['1200', '400', 'FAILED'],
    ]);
    expect(first[0]).toMatchObject({
      ...RATE,
      cost_state: 'PRICED',
      properties: { source: 'otlp', scope: 'my.instrumentation', operation: 'chat' },
    });
    expect(first[0]?.key).toBe(`${spans[0]?.spanContext().traceId}-${spans[0]?.spanContext().spanId}`);
    for (const exporter of [new JsonExporter(options), new ProtobufExporter({ ...options, compression: 'gzip' as never })]) {
      expect(await exported(exporter, spans)).toBe(0);
      expect(await api.stored(acme)).toEqual(expect.arrayContaining(first));
      expect(await api.stored(acme)).toHaveLength(2);
    }
  });

  test('a wrong key is told as an error, and nothing is sent again', async () => {
    const error = await exported(
      new ProtobufExporter({ url: `${url}/v1/traces`, headers: { authorization: 'Bearer wrong' } }),
      agentSpans(customer()),
    );
    expect(error).toMatchObject({ code: 401 });
  });
});

describe('what a span becomes', () => {
  test('2.4, 3.1 key, time, duration, trace and outcome', async () => {
    const span = { traceId: '5b8efff798038103d269b633813fc60c', spanId: 'eee19b7ec3c1b174' };
    expect(await eventOf({}, { ...span, isError: true })).toMatchObject({
      key: `${span.traceId}-${span.spanId}`,
      at: '2026-03-20T10:00:01.500000',
      duration_ms: 1_500,
      trace_id: span.traceId,
      outcome: 'FAILED',
      ...RATE,
      uncached_input: '100',
      plain_output: '50',
    });
    expect(await eventOf({ 'error.type': 'timeout' })).toMatchObject({ outcome: 'FAILED', properties: { errorType: 'timeout' } });
    expect(await eventOf({}, { end: 1_774_000_801_123_456_999n, start: 1_774_000_802_000_000_000n })).toMatchObject({
      at: '2026-03-20T10:00:01.123456',
      duration_ms: null,
    });
  });

  test.each<[string, Record<string, Value>, Record<string, unknown>]>([
    [
      'OpenTelemetry GenAI today: cache and reasoning are parts of their totals',
      {
        'gen_ai.usage.cache_read.input_tokens': 60n,
        'gen_ai.usage.cache_creation.input_tokens': 10n,
        'gen_ai.usage.reasoning.output_tokens': 20n,
      },
      { uncached_input: '30', cache_read: '60', cache_write_5m: '10', plain_output: '30', reasoning: '20', model: 'gpt-4o' },
    ],
    [
      'OpenTelemetry GenAI before 1.27, and gen_ai.system',
      bare({
        'gen_ai.operation.name': 'chat',
        'gen_ai.system': 'az.ai.openai',
        'gen_ai.request.model': 'gpt-4o',
        'gen_ai.usage.prompt_tokens': 7n,
        'gen_ai.usage.completion_tokens': 3n,
      }),
      { provider: 'azure', model: 'gpt-4o', uncached_input: '7', plain_output: '3' },
    ],
    [
      'OpenLLMetry, with its older names of cache tokens and a total',
      bare({
        'gen_ai.system': 'Anthropic',
        'llm.request.type': 'chat',
        'gen_ai.request.model': 'claude-sonnet-4-5',
        'gen_ai.usage.prompt_tokens': 100n,
        'gen_ai.usage.completion_tokens': 3n,
        'gen_ai.usage.cache_read_input_tokens': 80n,
        'gen_ai.usage.cache_creation_input_tokens': 15n,
        'llm.usage.total_tokens': 103n,
        'traceloop.workflow.name': 'support',
        'traceloop.entity.path': 'agent',
      }),
      {
        provider: 'anthropic',
        uncached_input: '5',
        cache_read: '80',
        cache_write_5m: '15',
        properties: expect.objectContaining({ workflow: 'support' }),
      },
    ],
    [
      'OpenInference',
      bare({
        'openinference.span.kind': 'LLM',
        'llm.system': 'openai',
        'llm.provider': 'azure',
        'llm.model_name': 'gpt-4o',
        'llm.token_count.prompt': 100n,
        'llm.token_count.completion': 50n,
        'llm.token_count.total': 150n,
        'llm.token_count.prompt_details.cache_read': 40n,
        'llm.token_count.prompt_details.audio': 10n,
        'llm.token_count.completion_details.reasoning': 5n,
      }),
      { provider: 'azure', uncached_input: '50', cache_read: '40', input_audio: '10', plain_output: '45', reasoning: '5' },
    ],
    [
      'the Vercel AI SDK: the call inside generateText',
      bare({
        'ai.operationId': 'ai.generateText.doGenerate',
        'gen_ai.system': 'google.vertex.chat',
        'gen_ai.request.model': 'gemini-2.5-flash',
        'gen_ai.usage.input_tokens': 12n,
        'gen_ai.usage.output_tokens': 4n,
        'ai.usage.cachedInputTokens': 2n,
        'ai.usage.reasoningTokens': 1n,
      }),
      { provider: 'google', model: 'gemini-2.5-flash', uncached_input: '10', cache_read: '2', plain_output: '3', reasoning: '1' },
    ],
    [
      'Pydantic AI, with details',
      { 'gen_ai.usage.details.cache_read_tokens': 1n, 'gen_ai.usage.details.reasoning_tokens': 2n, 'gen_ai.agent.name': 'helper' },
      {
        uncached_input: '99',
        cache_read: '1',
        reasoning: '2',
        plain_output: '48',
        properties: expect.objectContaining({ agent: 'helper' }),
      },
    ],
    [
      'an embedding, whose tokens are all input, be it by a total alone',
      bare({
        'gen_ai.operation.name': 'embeddings',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'text-embedding-3-small',
        'llm.usage.total_tokens': 9n,
      }),
      { type: 'llm.embedding', uncached_input: '9', plain_output: null },
    ],
    [
      'an instrumentation without operations: provider and model say that it is a call',
      { 'gen_ai.operation.name': '', 'gen_ai.usage.input_tokens': 1n },
      { type: 'llm.completion', uncached_input: '1' },
    ],
    [
      'Gemini where the total says that reasoning stands beside output',
      { 'gen_ai.usage.reasoning_tokens': 500n, 'gen_ai.usage.total_tokens': 650n },
      { uncached_input: '100', plain_output: '50', reasoning: '500' },
    ],
    [
      'a total that says that the cache stands beside input',
      { 'gen_ai.usage.cache_read.input_tokens': 900n, 'gen_ai.usage.total_tokens': 1_050n },
      { uncached_input: '100', cache_read: '900', plain_output: '50' },
    ],
    [
      'a model that was asked for and another one that answered',
      { 'gen_ai.request.model': 'my-deployment', 'openai.response.service_tier': 'flex' },
      { model: 'gpt-4o', service_tier: 'flex', properties: expect.objectContaining({ requestModel: 'my-deployment' }) },
    ],
    [
      'a framework where the provider should stand: the name of the model says it',
      { 'gen_ai.provider.name': 'langchain', 'gen_ai.response.model': 'claude-sonnet-4-5' },
      { provider: 'anthropic' },
    ],
    [
      'counts as doubles and as texts, which some exporters write',
      { 'gen_ai.usage.input_tokens': 1_000, 'gen_ai.usage.output_tokens': '7' },
      { uncached_input: '1000', plain_output: '7' },
    ],
    [
      'our own attributes',
      {
        'tare.user': 'zoë',
        'tare.properties.seats': 5n,
        'tare.properties.paid': true,
        'tare.tokens.cache_write_1h': 4n,
        'gen_ai.usage.cache_creation.input_tokens': 10n,
      },
      {
        user: 'zoë',
        cache_write_5m: '6',
        cache_write_1h: '4',
        uncached_input: '90',
        properties: expect.objectContaining({ seats: 5, paid: true }),
      },
    ],
  ])('3.4 %s', async (_, attributes, expected) => {
    expect(await eventOf(attributes)).toMatchObject(expected);
  });

  test.each([
    ['gcp.gemini', 'google'],
    ['gcp.vertex_ai', 'google'],
    ['aws.bedrock', 'aws'],
    ['azure.ai.openai', 'azure'],
    ['mistral_ai', 'mistral'],
    ['x_ai', 'x-ai'],
    ['groq.chat', 'groq'],
    ['amazon-bedrock', 'aws'],
    ['ibm.watsonx.ai', 'ibm.watsonx.ai'],
    ['My-Own', 'my-own'],
  ])('provider %s is %s', async (name, provider) => {
    expect(await eventOf({ 'gen_ai.provider.name': name })).toMatchObject({ provider });
  });

  test('1.1 counts above 2^53 stay what they are', async () => {
    expect(await eventOf({ 'gen_ai.usage.input_tokens': 9_007_199_254_740_993n })).toMatchObject({ uncached_input: '9007199254740993' });
  });
});

describe('who used it', () => {
  test('the first attribute that names somebody, of the span before its resource', async () => {
    const names = customer();
    await post(
      requestOf([
        call({ 'tare.customer': '', 'customer.id': `${names}-a`, 'user.id': 'zoë' }),
        call({ 'tare.customer': '', 'enduser.id': `${names}-b` }),
      ]),
    );
    await post(
      requestOf([call({ 'tare.customer': '' }), call({ 'tare.customer': `${names}-d` })], {
        'tare.customer': `${names}-c`,
        'service.name': 'bot',
      }),
    );
    expect(await api.stored(`${names}-a`)).toEqual([expect.objectContaining({ user: 'zoë' })]);
    expect(await api.stored(`${names}-b`)).toEqual([expect.objectContaining({ user: null })]);
    expect(await api.stored(`${names}-c`)).toEqual([expect.objectContaining({ properties: expect.objectContaining({ service: 'bot' }) })]);
    expect(await api.stored(`${names}-d`)).toHaveLength(1);
  });

  test('the address or a header says where else to look; numbers are names too', async () => {
    const acme = customer();
    expect(await post(requestOf([call({ 'session.account': acme })]), '/v1/traces?customer=nobody,session.account')).toBeNull();
    expect(await post(requestOf([call({ 'session.account': acme })]), '/v1/traces', { 'tare-customer': 'session.account' })).toBeNull();
    expect(await api.stored(acme)).toHaveLength(2);
    expect(await post(requestOf([call({ 'account.no': 4_711n })]), '/v1/traces?customer=account.no')).toBeNull();
    expect(await api.stored('4711')).toHaveLength(1);
  });

  test('spans that name nobody are refused and counted, those without usage are passed over, and the rest stands', async () => {
    const acme = customer();
    const nobody = call({ 'tare.customer': '' });
    const spans = [nobody, call({ 'tare.customer': acme }), call(bare({ 'http.route': '/chat' })), call({ 'tare.customer': '' })];
    const partial = await post(requestOf(spans));
    expect(partial).toEqual({
      rejectedSpans: '2',
      errorMessage: expect.stringMatching(/^2 spans were refused. FIELD_MISSING x 2: .*tare\.customer/),
    });
    expect(partial?.errorMessage).toContain(`${nobody.traceId}-${nobody.spanId}`);
    expect(await api.stored(acme)).toHaveLength(1);
  });
});

describe('usage that stands for the usage of other spans', () => {
  const usage = { 'gen_ai.usage.input_tokens': 5n, 'gen_ai.usage.output_tokens': 5n };

  test.each<[string, Record<string, Value>]>([
    ['an agent', { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.request.model': 'gpt-4o' }],
    ['a workflow', { 'gen_ai.operation.name': 'invoke_workflow' }],
    ['a tool', { 'gen_ai.operation.name': 'execute_tool' }],
    ['a step of an agent', { 'gen_ai.operation.name': 'agent_step' }],
    ['an agent of OpenInference', { 'openinference.span.kind': 'AGENT' }],
    ['a chain of OpenInference', { 'openinference.span.kind': 'CHAIN', 'llm.token_count.prompt': 5n }],
    ['a workflow of OpenLLMetry', { 'traceloop.span.kind': 'workflow', 'llm.usage.total_tokens': 10n }],
    ['generateText of the AI SDK', { 'ai.operationId': 'ai.generateText', 'ai.usage.promptTokens': 5n }],
  ])('3.4 of %s never counts, and is no error', async (_, attributes) => {
    const acme = customer();
    expect(await post(requestOf([call({ ...bare({}), ...usage, 'tare.customer': acme, ...attributes })]))).toBeNull();
    expect(await api.stored(acme)).toEqual([]);
  });

  test.each<[string, Record<string, Value>, string]>([
    ['an operation that nobody knows', { 'gen_ai.operation.name': 'dream' }, 'OPERATION_UNKNOWN'],
    ['no operation, but an agent', { 'gen_ai.operation.name': '', 'gen_ai.agent.name': 'a' }, 'OPERATION_MISSING'],
    ['no operation and no model', { 'gen_ai.operation.name': '', 'gen_ai.response.model': '' }, 'OPERATION_MISSING'],
  ])('a span with %s is refused: a guess would count it twice or not at all', async (_, attributes, code) => {
    const acme = customer();
    expect(await post(requestOf([call({ 'tare.customer': acme, ...attributes })]))).toMatchObject({
      rejectedSpans: '1',
      errorMessage: expect.stringContaining(code),
    });
    expect(await api.stored(acme)).toEqual([]);
  });

  test('operations that count can be added, and instrumentations chosen', async () => {
    const agent = { ...usage, 'gen_ai.operation.name': 'invoke_agent' };
    expect(await eventOf(agent, {}, '/v1/traces?operation=invoke_agent,dream')).toMatchObject({ uncached_input: '5' });
    expect(await eventOf({ 'gen_ai.operation.name': 'Dream' }, {}, '/v1/traces?operation=DREAM')).toMatchObject({ uncached_input: '100' });
    const acme = customer();
    for (const scope of ['framework', 'sdk']) await post(requestOf([call({ 'tare.customer': acme })], {}, scope), '/v1/traces?scope=sdk');
    expect(await api.stored(acme)).toEqual([expect.objectContaining({ properties: expect.objectContaining({ scope: 'sdk' }) })]);
  });

  test('senders whose input leaves the cache out can say so', async () => {
    const attributes = {
      'gen_ai.usage.input_tokens': 3n,
      'gen_ai.usage.cache_read.input_tokens': 5_758n,
      'gen_ai.usage.cache_creation.input_tokens': 6_174n,
    };
    expect(await eventOf(attributes, {}, '/v1/traces?cache=excluded')).toMatchObject({
      uncached_input: '3',
      cache_read: '5758',
      cache_write_5m: '6174',
    });
    expect(await post(requestOf([call(attributes)]))).toMatchObject({
      rejectedSpans: '1',
      errorMessage: expect.stringContaining('TOKEN_PARTS_EXCEED_TOTAL'),
    });
  });
});

describe('what is refused', () => {
  test.each<[string, Record<string, Value>, Partial<TestSpan>, string]>([
    ['a trace id of zeros', {}, { traceId: '0'.repeat(32) }, 'INVALID_SPAN_ID'],
    ['a span id that is too short', {}, { spanId: 'abcd' }, 'INVALID_SPAN_ID'],
    ['no end', {}, { end: 0n }, 'INVALID_TIME'],
    ['an end after all instants', {}, { end: 2n ** 64n - 1n }, 'INVALID_TIME'],
    ['an end in the future', {}, { end: 7_000_000_000_000_000_000n }, 'AT_IN_FUTURE'],
    ['negative tokens', { 'gen_ai.usage.input_tokens': -1n }, {}, 'NEGATIVE_NUMBER'],
    ['tokens that are no number', { 'gen_ai.usage.input_tokens': 'many' }, {}, 'INVALID_DECIMAL'],
    ['more reasoning than output', { 'gen_ai.usage.reasoning.output_tokens': 51n }, {}, 'TOKEN_PARTS_EXCEED_TOTAL'],
    [
      'a part without its total',
      { 'gen_ai.usage.input_tokens': '', 'gen_ai.usage.cache_read.input_tokens': 1n },
      {},
      'TOKEN_TOTAL_MISSING',
    ],
    ['a total alone', bare({ 'gen_ai.operation.name': 'chat', 'llm.usage.total_tokens': 9n }), {}, 'TOKENS_NOT_SPLIT'],
    ['a customer of 256 characters', { 'tare.customer': 'c'.repeat(256) }, {}, 'FIELD_TOO_LONG'],
    ['a NUL in its model', { 'gen_ai.response.model': 'a\u0000' }, {}, 'INVALID_CHARACTER'],
  ])('3.2 a span with %s is refused alone, in both encodings', async (_, attributes, more, code) => {
    const bad = call(attributes, more);
    const good = (): TestSpan => call({ 'tare.customer': acme });
    const acme = customer();
    expect(await post(requestOf([good(), bad, good()]))).toMatchObject({ rejectedSpans: '1', errorMessage: expect.stringContaining(code) });
    const answer = await postProtobuf(requestOf([good(), bad, good()]));
    expect([answer.status, answer.type]).toEqual([200, PROTOBUF]);
    expect(partialSuccessOf(answer.bytes)).toEqual({ rejectedSpans: 1n, errorMessage: expect.stringContaining(code) });
    expect(await api.stored(acme)).toHaveLength(4);
  });

  test('3.1 the same span with other contents is refused, and the first one stays', async () => {
    const acme = customer();
    const span = call({ 'tare.customer': acme });
    expect(await post(requestOf([span]))).toBeNull();
    const changed = { ...span, attributes: { ...span.attributes, 'gen_ai.usage.input_tokens': 101n } };
    expect(await post(requestOf([changed, span]))).toMatchObject({
      rejectedSpans: '1',
      errorMessage: expect.stringContaining('KEY_REUSED'),
    });
    expect(await api.stored(acme)).toEqual([expect.objectContaining({ uncached_input: '100' })]);
  });

  test('an empty request is answered with success, in the encoding in which it came', async () => {
    expect(await send('{}', { 'content-type': 'application/json' })).toMatchObject({ status: 200, bytes: Buffer.from('{}') });
    expect(await send(Buffer.alloc(0), { 'content-type': PROTOBUF })).toMatchObject({
      status: 200,
      type: PROTOBUF,
      bytes: Buffer.alloc(0),
    });
  });

  test('fields and attributes that nobody knows are passed over', async () => {
    const acme = customer();
    const body = JSON.stringify({ later: 1, ...toJson(requestOf([call({ 'tare.customer': acme })])) }).replace(
      '"kind":3',
      '"kind":3,"soon":{"a":[1]},"droppedLinksCount":null',
    );
    expect(await send(body, { 'content-type': 'application/json; charset=utf-8' })).toMatchObject({ status: 200 });
    expect(await api.stored(acme)).toHaveLength(1);
  });

  test.each<[string, string | Buffer, Record<string, string>, number, RegExp]>([
    ['no JSON', '{"resourceSpans": ', { 'content-type': 'application/json' }, 400, /MALFORMED_JSON/],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), { 'content-type': 'application/json' }, 400, /MALFORMED_JSON/],
    ['JSON of another shape', '{"resourceSpans": {}}', { 'content-type': 'application/json' }, 400, /resourceSpans: a list/],
    ['JSON that is nested too deep', '['.repeat(300), { 'content-type': 'application/json' }, 400, /JSON_TOO_DEEP/],
    ['protobuf that is cut off', toProtobuf(requestOf([call()])).subarray(0, -9), { 'content-type': PROTOBUF }, 400, /MALFORMED_PROTOBUF/],
    ['no protobuf', Buffer.from('{"resourceSpans": []}'), { 'content-type': PROTOBUF }, 400, /MALFORMED_PROTOBUF/],
    ['no gzip', toProtobuf(requestOf([call()])), { 'content-type': PROTOBUF, 'content-encoding': 'gzip' }, 400, /MALFORMED_GZIP/],
    [
      'half a gzip',
      gzipSync(toProtobuf(requestOf([call()]))).subarray(0, 60),
      { 'content-type': PROTOBUF, 'content-encoding': 'gzip' },
      400,
      /MALFORMED_GZIP/,
    ],
    ['a zip bomb', gzipSync(Buffer.alloc(200 * 2 ** 20)), { 'content-type': PROTOBUF, 'content-encoding': 'gzip' }, 413, /BODY_TOO_LARGE/],
    ['another compression', 'x', { 'content-type': PROTOBUF, 'content-encoding': 'br' }, 415, /gzip/],
    ['another type', 'x', { 'content-type': 'application/grpc' }, 415, /x-protobuf/],
    ['another type that we read elsewhere', 'x', { 'content-type': 'application/x-ndjson' }, 415, /x-protobuf/],
    ['a wrong key', '{}', { 'content-type': 'application/json', authorization: 'Bearer wrong' }, 401, /UNAUTHENTICATED/],
  ])('%s is answered with a google.rpc.Status, in the encoding of the request', async (_, body, headers, status, message) => {
    const answer = await send(body, headers);
    const isProtobuf = headers['content-type'] === PROTOBUF;
    expect([answer.status, answer.type]).toEqual([status, isProtobuf ? PROTOBUF : 'application/json']);
    const told = isProtobuf ? statusOf(answer.bytes) : (JSON.parse(answer.bytes.toString()) as { code: number; message: string });
    expect(told).toEqual({ code: expect.any(Number), message: expect.stringMatching(message) });
    expect(told.code).toBeGreaterThan(0);
  });

  test('an address that says what cannot be is refused, and names the parameter', async () => {
    for (const query of ['customers=a', 'customer=', 'customer=a,,b', 'cache=yes', `scope=${'x'.repeat(200)}`]) {
      expect(await send('{}', { 'content-type': 'application/json' }, `/v1/traces?${query}`)).toMatchObject({ status: 400 });
    }
  });

  test('gzip is for traces only, and protobuf too', async () => {
    const gzip = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    expect((await send(gzipSync('[]'), gzip, '/v1/events')).status).toBe(415);
    expect((await send('x', { 'content-type': PROTOBUF }, '/v1/events')).status).toBe(415);
    const acme = customer();
    expect((await send(gzipSync(JSON.stringify(toJson(requestOf([call({ 'tare.customer': acme })])))), gzip)).status).toBe(200);
    expect(await api.stored(acme)).toHaveLength(1);
  });
});

/** An ExportTraceServiceResponse, read without our own code. */
function partialSuccessOf(bytes: Buffer): { rejectedSpans: bigint; errorMessage: string } {
  const outer = new BinaryReader(bytes);
  expect(outer.tag()[0]).toBe(1);
  const reader = new BinaryReader(outer.bytes());
  const partial = { rejectedSpans: 0n, errorMessage: '' };
  while (reader.pos < reader.len) {
    if (reader.tag()[0] === 1) partial.rejectedSpans = BigInt(reader.int64());
    else partial.errorMessage = reader.string();
  }
  return partial;
}

function statusOf(bytes: Buffer): { code: number; message: string } {
  const reader = new BinaryReader(bytes);
  const status = { code: 0, message: '' };
  while (reader.pos < reader.len) {
    if (reader.tag()[0] === 1) status.code = reader.int32();
    else status.message = reader.string();
  }
  return status;
}

import { jest } from '@jest/globals';
import OpenAI from 'openai';
import { asJson, asStream, startProvider, type ProviderServer } from './provider-server.fixture.ts';
import { collectingClient } from './recorded-events.fixture.ts';
import { wrapOpenAI } from './wrap-openai.ts';

let provider: ProviderServer;
let openai: OpenAI;

beforeEach(async () => {
  provider = await startProvider();
  openai = new OpenAI({ apiKey: 'sk-test', baseURL: `${provider.url}/v1`, maxRetries: 0 });
});
afterEach(() => provider.close());

const USAGE = {
  prompt_tokens: 12,
  completion_tokens: 3,
  total_tokens: 15,
  prompt_tokens_details: { cached_tokens: 8 },
  completion_tokens_details: { reasoning_tokens: 1 },
};
const COMPLETION = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_790_000_000,
  model: 'gpt-4o-2024-08-06',
  service_tier: 'default',
  choices: [{ index: 0, message: { role: 'assistant', content: '{"n":1}' }, finish_reason: 'stop', logprobs: null }],
  usage: USAGE,
};
const chunk = (delta: object | null, more: object = {}): object => ({
  id: 'chatcmpl-2',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'gpt-4o-2024-08-06',
  service_tier: 'flex',
  choices: delta ? [{ index: 0, delta, finish_reason: null }] : [],
  ...more,
});
const FINISH = chunk(null, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
const CHUNKS = [chunk({ role: 'assistant', content: 'Hel' }), chunk({ content: 'lo' }), FINISH, chunk(null, { usage: USAGE })];
const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  created_at: 1_790_000_000,
  status: 'completed',
  model: 'gpt-5-2026',
  service_tier: 'priority',
  background: false,
  output: [
    { type: 'message', id: 'm', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'hi', annotations: [] }] },
  ],
  usage: {
    input_tokens: 5,
    input_tokens_details: { cached_tokens: 2 },
    output_tokens: 4,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 9,
  },
};
const ASK = { model: 'gpt-4o', messages: [{ role: 'user' as const, content: 'hi' }] };
const STREAMED = { ...ASK, stream: true as const, stream_options: { include_usage: true } };

async function read<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe('answers in one piece', () => {
  test('a chat completion is recorded as the provider told it, under its id, and answered as it is', async () => {
    const { recorder, events } = collectingClient();
    provider.answer(asJson(COMPLETION), asJson(COMPLETION));
    const plain = await openai.chat.completions.create(ASK);
    expect(await wrapOpenAI(openai, recorder).chat.completions.create(ASK)).toEqual(plain);
    expect(await events()).toEqual([
      {
        key: 'openai:chatcmpl-1',
        customer: 'acme',
        type: 'llm.completion',
        at: expect.stringMatching(/^20.*Z$/),
        provider: 'openai',
        model: 'gpt-4o-2024-08-06',
        serviceTier: 'standard',
        outcome: 'SUCCEEDED',
        durationMs: expect.any(Number),
        usage: USAGE,
      },
    ]);
    expect(provider.requests[0]).toEqual(provider.requests[1]);
  });

  test('withResponse and asResponse, alone or together, are the SDK’s own; a raw response is left unread', async () => {
    const { recorder, events } = collectingClient();
    const wrapped = wrapOpenAI(openai, recorder);
    provider.answer(asJson(COMPLETION), asJson(COMPLETION), asJson(COMPLETION));
    const { data, response, request_id: requestId } = await wrapped.chat.completions.create(ASK).withResponse();
    expect([data.id, response.status, requestId]).toEqual(['chatcmpl-1', 200, 'req_1']);
    const call = wrapped.chat.completions.create(ASK);
    expect((await call).id).toBe((await call.withResponse()).data.id);
    const raw = await wrapped.chat.completions.create(ASK).asResponse();
    expect(raw.bodyUsed).toBe(false);
    expect(await raw.json()).toEqual(COMPLETION);
    expect(await events()).toHaveLength(2);
  });

  test('parse and other helpers that come back to create are recorded once', async () => {
    const { recorder, events, tare } = collectingClient();
    provider.answer(asJson(COMPLETION), asJson(RESPONSE), asJson(RESPONSE));
    const wrapped = wrapOpenAI(openai, recorder);
    const format = { type: 'json_schema' as const, json_schema: { name: 'n', schema: {} } };
    const parsed = await wrapped.chat.completions.parse({ ...ASK, response_format: format });
    expect(parsed.choices[0]?.message.content).toBe('{"n":1}');
    expect((await wrapped.responses.create({ model: 'gpt-5', input: 'hi' })).output_text).toBe('hi');
    expect((await wrapped.responses.parse({ model: 'gpt-5', input: 'hi' })).output_text).toBe('hi');
    expect((await events()).map(({ key, serviceTier, usage }) => [key, serviceTier, usage])).toEqual([
      ['openai:chatcmpl-1', 'standard', USAGE],
      ['openai:resp_1', 'priority', RESPONSE.usage],
      ['openai:resp_1', 'priority', RESPONSE.usage],
    ]);
    expect(tare.stats()).toMatchObject({ missingUsage: 0, wrapperFailures: 0 });
  });

  test('tools that run by themselves are recorded call by call', async () => {
    const { recorder, events } = collectingClient();
    const toolCall = { id: 'c1', type: 'function', function: { name: 'now', arguments: '{}' } };
    const message = { role: 'assistant', content: null, tool_calls: [toolCall] };
    provider.answer(
      asJson({ ...COMPLETION, id: 'chatcmpl-a', choices: [{ index: 0, message, finish_reason: 'tool_calls' }] }),
      asJson(COMPLETION),
    );
    const tool = { type: 'function' as const, function: { name: 'now', function: () => 'noon', parameters: {}, description: 'the time' } };
    const runner = wrapOpenAI(openai, recorder).chat.completions.runTools({ ...ASK, tools: [tool as never] });
    expect(await runner.finalContent()).toBe('{"n":1}');
    expect((await events()).map(({ key }) => key)).toEqual(['openai:chatcmpl-a', 'openai:chatcmpl-1']);
  });

  test('embeddings have no id: each answer gets a key of its own', async () => {
    const { recorder, events } = collectingClient();
    const body = {
      object: 'list',
      model: 'text-embedding-3-small',
      data: [{ object: 'embedding', index: 0, embedding: 'AACAPwAAAEA=' }],
      usage: { prompt_tokens: 4, total_tokens: 4 },
    };
    provider.answer(asJson(body), asJson(body));
    const wrapped = wrapOpenAI(openai, recorder);
    for (let i = 0; i < 2; i++) {
      expect((await wrapped.embeddings.create({ model: 'text-embedding-3-small', input: 'hi' })).data[0]?.embedding).toEqual([1, 2]);
    }
    const [first, second] = await events();
    expect(first).toMatchObject({ type: 'llm.embedding', model: 'text-embedding-3-small', usage: body.usage });
    expect(first?.key).not.toBe(second?.key);
  });

  test('errors are the SDK’s own, and record nothing; its retries inside of a call make one event', async () => {
    const { recorder, events, tare } = collectingClient();
    const wrapped = wrapOpenAI(openai, recorder);
    provider.answer(asJson({ error: { message: 'no such model', code: 'model_not_found' } }, 404));
    const failure = await wrapped.chat.completions.create(ASK).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OpenAI.NotFoundError);
    expect(failure).toMatchObject({ status: 404, code: 'model_not_found' });
    provider.answer(asJson({}, 500), asJson(COMPLETION));
    await wrapped.chat.completions.create(ASK, { maxRetries: 1 });
    expect(await events()).toHaveLength(1);
    expect(tare.stats()).toMatchObject({ missingUsage: 0, wrapperFailures: 0 });
  });

  test('a response in the background is recorded by the look that finds it ended, once', async () => {
    const { recorder, events, tare } = collectingClient();
    const queued = { ...RESPONSE, status: 'queued', background: true, usage: null };
    provider.answer(
      asJson(queued),
      asJson({ ...queued, status: 'in_progress' }),
      asJson({ ...RESPONSE, background: true }),
      asJson(RESPONSE),
    );
    await wrapOpenAI(openai, recorder, { attributes: { feature: 'report' } }).responses.create({
      model: 'gpt-5',
      input: 'hi',
      background: true,
    });
    // Another view of the same client may look.
    const other = wrapOpenAI(openai, recorder);
    for (let i = 0; i < 3; i++) await other.responses.retrieve('resp_1');
    expect(await events()).toMatchObject([{ key: 'openai:resp_1', feature: 'report', usage: RESPONSE.usage, outcome: 'SUCCEEDED' }]);
    expect(tare.stats().missingUsage).toBe(0);
  });
});

describe('streams', () => {
  test('a stream is recorded from its last chunk, and is the SDK’s own', async () => {
    const { recorder, events } = collectingClient();
    provider.answer(asStream(CHUNKS), asStream(CHUNKS));
    const plain = await openai.chat.completions.create(STREAMED);
    const stream = await wrapOpenAI(openai, recorder).chat.completions.create(STREAMED);
    expect(stream).toBeInstanceOf(plain.constructor);
    expect(Object.keys(stream)).toEqual(Object.keys(plain));
    expect(await read(stream)).toEqual(await read(plain));
    expect(await events()).toMatchObject([{ key: 'openai:chatcmpl-2', serviceTier: 'flex', usage: USAGE, outcome: 'SUCCEEDED' }]);
    await expect(read(stream)).rejects.toThrow('consumed stream');
  });

  test('a chunk is the application’s as soon as it came, and no chunk is read ahead of it', async () => {
    const { recorder, events } = collectingClient();
    let sendRest: () => void = () => undefined;
    provider.answer(asStream(CHUNKS, { afterFirst: new Promise((resolve) => (sendRest = resolve)) }));
    const stream = await wrapOpenAI(openai, recorder).chat.completions.create(STREAMED);
    const iterator = stream[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toMatchObject({ choices: [{ delta: { content: 'Hel' } }] });
    sendRest();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await events()).toEqual([]);
    for (let i = 0; i < 3; i++) await iterator.next();
    expect(await events()).toHaveLength(1);
  });

  test('a stream that is split, or turned into a ReadableStream, is recorded once', async () => {
    const { recorder, events } = collectingClient();
    const wrapped = wrapOpenAI(openai, recorder);
    provider.answer(asStream(CHUNKS), asStream(CHUNKS.map((one) => ({ ...one, id: 'chatcmpl-3' }))));
    const [left, right] = (await wrapped.chat.completions.create(STREAMED)).tee();
    const [first, second] = await Promise.all([read(left), read(right)]);
    expect(first).toEqual(CHUNKS);
    expect(second).toEqual(CHUNKS);
    const reader = (await wrapped.chat.completions.create(STREAMED)).toReadableStream();
    expect(await new Response(reader as unknown as ReadableStream).text()).toContain('"chatcmpl-3"');
    expect((await events()).map(({ key }) => key)).toEqual(['openai:chatcmpl-2', 'openai:chatcmpl-3']);
  });

  test('a stream that did not ask for usage is counted, not guessed at; the option asks for it', async () => {
    const { recorder, events, tare } = collectingClient();
    provider.answer(asStream(CHUNKS.slice(0, 3)), asStream(CHUNKS), asStream(CHUNKS.slice(0, 3)));
    await read(await wrapOpenAI(openai, recorder).chat.completions.create({ ...ASK, stream: true }));
    expect(await events()).toEqual([]);
    expect(tare.stats().missingUsage).toBe(1);
    const params = { ...ASK, stream: true as const };
    const asking = wrapOpenAI(openai, recorder, { includeUsage: true });
    await read(await asking.chat.completions.create(params));
    await read(await asking.chat.completions.create({ ...params, stream_options: { include_usage: false } }));
    expect(provider.requests.map(({ body }) => body.stream_options)).toEqual([
      undefined,
      { include_usage: true },
      { include_usage: false },
    ]);
    expect(params).toEqual({ ...ASK, stream: true });
    expect(await events()).toHaveLength(1);
    expect(tare.stats().missingUsage).toBe(2);
  });

  test('leaving or aborting a stream before its usage is counted; leaving it afterwards loses nothing', async () => {
    const { recorder, events, tare } = collectingClient();
    const wrapped = wrapOpenAI(openai, recorder);
    provider.answer(asStream(CHUNKS, { everyMs: 20 }), asStream(CHUNKS, { end: 'open' }), asStream(CHUNKS, { end: 'open' }));
    for await (const _ of await wrapped.chat.completions.create(STREAMED)) break;
    const aborted = await wrapped.chat.completions.create(STREAMED);
    aborted.controller.abort();
    expect(await events()).toEqual([]);
    expect(tare.stats().missingUsage).toBe(2);
    for await (const one of await wrapped.chat.completions.create(STREAMED)) if (one.usage) break;
    expect(await events()).toMatchObject([{ outcome: 'SUCCEEDED', usage: USAGE }]);
  });

  test('a provider that tells usage in every chunk is taken at its last word, FAILED where the stream broke', async () => {
    const { recorder, events } = collectingClient();
    const counted = [1, 2].map((n) => chunk({ content: 'x' }, { usage: { prompt_tokens: 9, completion_tokens: n, total_tokens: 9 + n } }));
    provider.answer(asStream(counted, { end: 'cut' }));
    const stream = await wrapOpenAI(openai, recorder, { provider: 'groq' }).chat.completions.create(STREAMED);
    await expect(read(stream)).rejects.toThrow();
    expect(await events()).toMatchObject([
      { key: 'groq:chatcmpl-2', provider: 'groq', outcome: 'FAILED', usage: { completion_tokens: 2 } },
    ]);
  });

  test('streaming helpers keep their events and are recorded once', async () => {
    const { recorder, events } = collectingClient();
    const wrapped = wrapOpenAI(openai, recorder);
    const response = {
      type: 'response.created',
      sequence_number: 0,
      response: { ...RESPONSE, status: 'in_progress', output: [], usage: null },
    };
    const completed = { type: 'response.completed', sequence_number: 1, response: RESPONSE };
    provider.answer(asStream(CHUNKS), asStream([response, completed]), asStream([response, completed]));
    const deltas: string[] = [];
    const runner = wrapped.chat.completions
      .stream({ ...ASK, stream_options: { include_usage: true } })
      .on('content', (delta) => deltas.push(delta));
    expect(await runner.finalContent()).toBe('Hello');
    expect(deltas).toEqual(['Hel', 'lo']);
    expect((await wrapped.responses.stream({ model: 'gpt-5', input: 'hi' }).finalResponse()).id).toBe('resp_1');
    expect(await read(await wrapped.responses.create({ model: 'gpt-5', input: 'hi', stream: true }))).toHaveLength(2);
    expect((await events()).map(({ key, usage }) => [key, usage])).toEqual([
      ['openai:chatcmpl-2', USAGE],
      ['openai:resp_1', RESPONSE.usage],
      ['openai:resp_1', RESPONSE.usage],
    ]);
  });

  test('a response that failed, or was cut short by its limit, is recorded with its usage and outcome', async () => {
    const { recorder, events } = collectingClient();
    const wrapped = wrapOpenAI(openai, recorder);
    const ends = ['failed', 'incomplete'].map((status) => ({
      type: `response.${status}`,
      sequence_number: 1,
      response: { ...RESPONSE, status },
    }));
    for (const end of ends) {
      provider.answer(asStream([end]));
      await read(await wrapped.responses.create({ model: 'gpt-5', input: 'hi', stream: true }));
    }
    expect((await events()).map(({ outcome }) => outcome)).toEqual(['FAILED', 'SUCCEEDED']);
  });
});

describe('the client', () => {
  test('is shown, not changed: its class, its private state and its other methods work', async () => {
    const { recorder, events } = collectingClient();
    const wrapped = wrapOpenAI(openai, recorder);
    expect(wrapped).toBeInstanceOf(OpenAI);
    expect(wrapped.constructor).toBe(OpenAI);
    expect(wrapped.baseURL).toBe(openai.baseURL);
    expect(Object.keys(openai.chat.completions)).toEqual(['_client', 'messages']);
    provider.answer(asJson({ object: 'list', data: [{ id: 'gpt-4o' }] }), asJson({ ok: true }), asJson(COMPLETION));
    expect((await wrapped.models.list()).data).toEqual([{ id: 'gpt-4o' }]);
    expect(await wrapped.post('/anything', { body: {} })).toEqual({ ok: true });
    await wrapped.withOptions({ timeout: 5_000 }).chat.completions.create(ASK);
    expect(await events()).toHaveLength(1);
  });

  test('wrapped twice is recorded once, by the last wrapper', async () => {
    const { recorder, events, tare } = collectingClient();
    provider.answer(asJson(COMPLETION));
    await wrapOpenAI(wrapOpenAI(openai, recorder), tare.with({ customer: 'globex' })).chat.completions.create(ASK);
    expect(await events()).toMatchObject([{ customer: 'globex' }]);
  });

  test('attributes are said per call; what they throw is counted and not thrown on', async () => {
    const { recorder, events, tare } = collectingClient();
    provider.answer(asJson(COMPLETION), asJson(COMPLETION), asJson(COMPLETION), asJson(COMPLETION));
    await wrapOpenAI(openai, tare, {
      attributes: ({ user }, options) => ({ customer: String(user), traceId: (options as { idempotencyKey: string }).idempotencyKey }),
    }).chat.completions.create({ ...ASK, user: 'globex' }, { idempotencyKey: 't-1' });
    const throwing = (): never => {
      throw new Error('mine');
    };
    await wrapOpenAI(openai, recorder, { attributes: throwing }).chat.completions.create(ASK);
    await wrapOpenAI(openai, recorder, { attributes: (() => Promise.reject(new Error('late'))) as never }).chat.completions.create(ASK);
    await wrapOpenAI(openai, recorder, { keys: 'GENERATED' }).chat.completions.create(ASK);
    const [first, second, third, fourth] = await events();
    expect(first).toMatchObject({ customer: 'globex', traceId: 't-1' });
    expect([second?.customer, third?.customer]).toEqual(['acme', 'acme']);
    expect(fourth?.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(tare.stats().wrapperFailures).toBe(2);
  });

  test('without a customer nothing is thrown; the event is dropped and counted', async () => {
    const { tare, events } = collectingClient();
    provider.answer(asJson(COMPLETION));
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect((await wrapOpenAI(openai, tare).chat.completions.create(ASK)).id).toBe('chatcmpl-1');
    warn.mockRestore();
    expect(await events()).toEqual([]);
    expect(tare.stats().dropped).toBe(1);
  });

  test('a recorder that throws does not reach the application', async () => {
    const { recorder } = collectingClient();
    provider.answer(asJson(COMPLETION), asStream(CHUNKS));
    const broken = {
      ...recorder,
      wrapperCounts: recorder.wrapperCounts,
      with: () => broken,
      record: (): never => {
        throw new Error('mine');
      },
    };
    const wrapped = wrapOpenAI(openai, broken);
    expect((await wrapped.chat.completions.create(ASK)).id).toBe('chatcmpl-1');
    expect(await read(await wrapped.chat.completions.create(STREAMED))).toHaveLength(4);
    expect(recorder.wrapperCounts.wrapperFailures).toBe(2);
  });
});

import Anthropic from '@anthropic-ai/sdk';
import { asJson, asStream, startProvider, type ProviderServer } from './provider-server.fixture.ts';
import { collectingClient } from './recorded-events.fixture.ts';
import { wrapAnthropic } from './wrap-anthropic.ts';

let provider: ProviderServer;
let anthropic: Anthropic;

beforeEach(async () => {
  provider = await startProvider();
  anthropic = new Anthropic({ apiKey: 'sk-ant-test', baseURL: provider.url, maxRetries: 0 });
});
afterEach(() => provider.close());

const START_USAGE = {
  input_tokens: 20,
  cache_creation_input_tokens: 100,
  cache_read_input_tokens: 50,
  cache_creation: { ephemeral_5m_input_tokens: 60, ephemeral_1h_input_tokens: 40 },
  output_tokens: 1,
  service_tier: 'priority',
};
const USAGE = { ...START_USAGE, output_tokens: 7 };
const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-5',
  content: [{ type: 'text', text: 'Hello' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: USAGE,
};
const START = { type: 'message_start', message: { ...MESSAGE, content: [], stop_reason: null, usage: START_USAGE } };
const TEXT = [
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'ping' },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello' } },
  { type: 'content_block_stop', index: 0 },
];
const delta = (usage: object): object => ({ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage });
const STOP = { type: 'message_stop' };
const EVENTS = [START, ...TEXT, delta({ output_tokens: 7, input_tokens: null }), STOP];
const ASK = { model: 'claude-sonnet-5', max_tokens: 100, messages: [{ role: 'user' as const, content: 'hi' }] };

async function read<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

test('a message is recorded as Anthropic told it, under its id, and answered as it is', async () => {
  const { recorder, events, tare } = collectingClient();
  const wrapped = wrapAnthropic(anthropic, recorder);
  provider.answer(asJson(MESSAGE), asJson(MESSAGE), asJson(MESSAGE), asJson({ ...MESSAGE, id: 'msg_beta' }));
  const plain = await anthropic.messages.create(ASK);
  expect(await wrapped.messages.create(ASK)).toEqual(plain);
  expect((await wrapped.messages.create(ASK).withResponse()).request_id).toBe('req_1');
  expect((await wrapped.beta.messages.create(ASK)).id).toBe('msg_beta');
  const recorded = await events();
  expect(recorded.map(({ key }) => key)).toEqual(['anthropic:msg_1', 'anthropic:msg_1', 'anthropic:msg_beta']);
  expect(recorded[0]).toEqual({
    key: 'anthropic:msg_1',
    customer: 'acme',
    type: 'llm.completion',
    at: expect.any(String),
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    serviceTier: 'priority',
    outcome: 'SUCCEEDED',
    durationMs: expect.any(Number),
    usage: USAGE,
  });
  expect(tare.stats()).toMatchObject({ missingUsage: 0, wrapperFailures: 0 });
});

test('parse is recorded once', async () => {
  const { recorder, events } = collectingClient();
  provider.answer(asJson(MESSAGE));
  expect((await wrapAnthropic(anthropic, recorder).messages.parse(ASK)).id).toBe('msg_1');
  expect(await events()).toHaveLength(1);
});

test('the counts of message_delta are cumulative: the last ones stand, and those left out stay', async () => {
  const { recorder, events } = collectingClient();
  const steps = [
    delta({ output_tokens: 3 }),
    delta({ output_tokens: 7, input_tokens: 25, cache_read_input_tokens: 55, server_tool_use: { web_search_requests: 1 } }),
  ];
  provider.answer(asStream([START, ...TEXT, ...steps, STOP]));
  const stream = await wrapAnthropic(anthropic, recorder).messages.create({ ...ASK, stream: true });
  await read(stream);
  expect(await events()).toMatchObject([
    {
      usage: { ...USAGE, input_tokens: 25, cache_read_input_tokens: 55, server_tool_use: { web_search_requests: 1 } },
      outcome: 'SUCCEEDED',
    },
  ]);
});

test('the message stream keeps its events, its snapshot and its final message', async () => {
  const { recorder, events } = collectingClient();
  provider.answer(asStream(EVENTS), asStream(EVENTS));
  const seen = async (client: Anthropic): Promise<unknown[]> => {
    const heard: unknown[] = [];
    const stream = client.messages.stream(ASK);
    stream.on('connect', () => heard.push('connect'));
    stream.on('text', (text, snapshot) => heard.push([text, snapshot]));
    stream.on('streamEvent', ({ type }) => heard.push(type));
    stream.on('end', () => heard.push('end'));
    return [await stream.finalMessage(), await stream.finalText(), (await stream.withResponse()).request_id, heard];
  };
  expect(JSON.stringify(await seen(wrapAnthropic(anthropic, recorder)))).toBe(JSON.stringify(await seen(anthropic)));
  expect(await events()).toMatchObject([{ key: 'anthropic:msg_1', usage: USAGE, outcome: 'SUCCEEDED' }]);
});

test('a split stream is recorded once, a slow reader gets every event', async () => {
  const { recorder, events } = collectingClient();
  provider.answer(asStream(EVENTS));
  const [left, right] = (await wrapAnthropic(anthropic, recorder).messages.create({ ...ASK, stream: true })).tee();
  const slowly = async (): Promise<number> => {
    let count = 0;
    for await (const _ of right) {
      count++;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return count;
  };
  expect(await Promise.all([read(left).then(({ length }) => length), slowly()])).toEqual([EVENTS.length - 1, EVENTS.length - 1]);
  expect(await events()).toHaveLength(1);
});

test('an aborted message is recorded with what is known, as FAILED', async () => {
  const { recorder, events, tare } = collectingClient();
  const wrapped = wrapAnthropic(anthropic, recorder);
  provider.answer(asStream([START, ...TEXT], { end: 'open' }), asStream([START, ...TEXT], { end: 'open' }), asStream([], { end: 'open' }));
  const stream = wrapped.messages.stream(ASK);
  stream.on('text', () => stream.abort());
  await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIUserAbortError);
  const raw = await wrapped.messages.create({ ...ASK, stream: true });
  for await (const event of raw) if (event.type === 'content_block_start') raw.controller.abort();
  expect(await events()).toMatchObject([
    { usage: START_USAGE, outcome: 'FAILED' },
    { usage: START_USAGE, outcome: 'FAILED' },
  ]);
  (await wrapped.messages.create({ ...ASK, stream: true })).controller.abort();
  expect(tare.stats().missingUsage).toBe(1);
});

test('an error in the midst of a stream is thrown as it is, and what was used before it is recorded as FAILED', async () => {
  const { recorder, events } = collectingClient();
  const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
  provider.answer(asStream([START, ...TEXT, error]), asStream([START, ...TEXT], { end: 'cut' }));
  const wrapped = wrapAnthropic(anthropic, recorder);
  const failure = await read(await wrapped.messages.create({ ...ASK, stream: true })).catch((thrown: unknown) => thrown);
  expect(failure).toBeInstanceOf(Anthropic.APIError);
  expect(failure).toMatchObject({ error });
  await expect(read(await wrapped.messages.create({ ...ASK, stream: true }))).rejects.toThrow();
  expect((await events()).map(({ outcome, usage }) => [outcome, usage])).toEqual([
    ['FAILED', START_USAGE],
    ['FAILED', START_USAGE],
  ]);
});

test('a refused request is the SDK’s own error and records nothing', async () => {
  const { recorder, events, tare } = collectingClient();
  provider.answer(asJson({ type: 'error', error: { type: 'rate_limit_error', message: 'slow down' } }, 429));
  await expect(wrapAnthropic(anthropic, recorder).messages.create(ASK)).rejects.toBeInstanceOf(Anthropic.RateLimitError);
  expect(await events()).toEqual([]);
  expect(tare.stats()).toMatchObject({ recorded: 0, missingUsage: 0 });
});

test('messages of a tool runner are recorded one by one', async () => {
  const { recorder, events } = collectingClient();
  const asking = { ...MESSAGE, id: 'msg_tool', content: [{ type: 'tool_use', id: 't', name: 'now', input: {} }], stop_reason: 'tool_use' };
  provider.answer(asJson(asking), asJson(MESSAGE));
  const tool = { name: 'now', input_schema: { type: 'object' as const }, run: () => 'noon', parse: (input: unknown) => input };
  const final = await wrapAnthropic(anthropic, recorder).beta.messages.toolRunner({ ...ASK, tools: [tool] });
  expect(final.id).toBe('msg_1');
  expect((await events()).map(({ key }) => key)).toEqual(['anthropic:msg_tool', 'anthropic:msg_1']);
});

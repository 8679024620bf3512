import { SourceApi, type Answered, type StoredEvent } from '../../apps/api/events/source-api.fixture.ts';

/** Payloads in the shapes that LiteLLM's callbacks post, written for these tests. */
type Payload = Record<string, unknown>;

let api: SourceApi;

beforeAll(async () => {
  api = await SourceApi.open();
});
afterAll(() => api.close());

const ACCEPTED = { accepted: 1, duplicates: 0, rejected: [] };
const DUPLICATE = { accepted: 0, duplicates: 1, rejected: [] };

let ids = 0;
const nextId = (): string => `chatcmpl-${(ids += 1)}`;
const usage = (more: Payload = {}): Payload => ({
  completion_tokens: 350,
  prompt_tokens: 1200,
  total_tokens: 1550,
  completion_tokens_details: {
    accepted_prediction_tokens: 0,
    audio_tokens: 0,
    reasoning_tokens: 64,
    rejected_prediction_tokens: 0,
    text_tokens: null,
  },
  prompt_tokens_details: { audio_tokens: 0, cached_tokens: 1024, text_tokens: null, image_tokens: null },
  ...more,
});
const metadata = (more: Payload = {}): Payload => ({
  user_api_key_hash: '88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b',
  user_api_key_alias: 'checkout',
  user_api_key_team_id: null,
  user_api_key_org_id: null,
  user_api_key_user_id: 'default_user_id',
  user_api_key_team_alias: null,
  user_api_key_end_user_id: null,
  spend_logs_metadata: null,
  requester_ip_address: '10.0.0.7',
  usage_object: usage(),
  ...more,
});
/** What the generic_api callback posts for a call of a customer: the fields that matter, and some of the many that do not. */
const payload = (more: Payload = {}): Payload => ({
  id: nextId(),
  litellm_call_id: '0193f4a2-0000-7000-8000-000000000001',
  trace_id: 'e2f9f7a0-trace',
  call_type: 'acompletion',
  cache_hit: false,
  stream: true,
  status: 'success',
  custom_llm_provider: 'openai',
  saved_cache_cost: 0.0,
  startTime: 1774000800.123456,
  endTime: 1774000802.623456,
  completionStartTime: 1774000801.1,
  response_time: 2.5,
  model: 'gpt-4o',
  metadata: metadata(),
  cache_key: null,
  response_cost: 0.00522,
  total_tokens: 1550,
  prompt_tokens: 1200,
  completion_tokens: 350,
  request_tags: ['checkout', 'User-Agent: OpenAI'],
  end_user: 'acme',
  api_base: 'https://api.openai.com',
  model_group: 'gpt-4o-eu',
  model_id: 'd3d5',
  messages: [{ role: 'user', content: 'a secret question' }],
  response: { id: 'x', choices: [{ message: { content: 'a secret answer' } }], service_tier: 'default' },
  model_parameters: { stream: true },
  hidden_params: { model_id: 'd3d5', response_cost: '0.00522', additional_headers: {} },
  model_map_information: { model_map_key: 'gpt-4o', model_map_value: null },
  error_str: null,
  error_information: { error_code: '', error_class: '', llm_provider: '', traceback: '', error_message: '' },
  guardrail_information: null,
  ...more,
});
const send = (body: unknown, query = ''): Promise<Answered> => api.post(`/v1/litellm${query}`, body);
/** Sends one payload for a customer of its own, and answers how it is stored. */
async function storedAs(more: Payload, query = ''): Promise<StoredEvent> {
  const customer = `customer of ${nextId()}`;
  expect((await send([payload({ end_user: customer, ...more })], query)).body).toEqual(ACCEPTED);
  const [event] = await api.stored(customer);
  if (event === undefined) throw new Error('the event was not stored');
  return event;
}

describe("LiteLLM's generic_api callback", () => {
  test('a call becomes an event with its tokens, its true cost and its time, once however often it comes', async () => {
    const one = payload({ id: 'chatcmpl-first', end_user: 'first' });
    expect(await send([one])).toEqual({ status: 200, body: ACCEPTED });
    expect(await send([one, one])).toEqual({ status: 200, body: { accepted: 0, duplicates: 2, rejected: [] } });
    expect(await api.stored('first')).toEqual([
      {
        key: 'litellm-proxy chatcmpl-first',
        customer: 'first',
        type: 'llm.completion',
        at: '2026-03-20T10:00:00.123456',
        provider: 'openai',
        model: 'gpt-4o',
        service_tier: 'standard',
        outcome: 'SUCCEEDED',
        cost_state: 'PRICED',
        uncached_input: '176',
        cache_read: '1024',
        cache_write_5m: null,
        cache_write_1h: null,
        input_audio: null,
        plain_output: '286',
        reasoning: '64',
        output_audio: null,
        quantity: null,
        // 176 x 2.5 + 1024 x 1.25 + 350 x 10, in millionths of a dollar
        cost: '0.00522',
        reported_cost: null,
        user: null,
        trace_id: 'e2f9f7a0-trace',
        duration_ms: 2500,
        properties: {
          source: 'litellm',
          callType: 'acompletion',
          modelGroup: 'gpt-4o-eu',
          keyAlias: 'checkout',
          userId: 'default_user_id',
          tags: ['checkout', 'User-Agent: OpenAI'],
          responseCost: '0.00522',
        },
      },
    ]);
  });

  test('its three formats are one: an array, a single object, and one object per line as application/json', async () => {
    const [a, b] = [payload(), payload()];
    expect((await send([a, b])).body).toEqual({ accepted: 2, duplicates: 0, rejected: [] });
    expect((await send(a)).body).toEqual(DUPLICATE);
    const lines = `${JSON.stringify(a)}\n${JSON.stringify(b)}`;
    expect((await send(lines)).body).toEqual({ accepted: 0, duplicates: 2, rejected: [] });
    expect(await api.post('/v1/litellm', lines, { 'content-type': 'application/x-ndjson' })).toMatchObject({
      status: 415,
      body: { code: 'UNSUPPORTED_MEDIA_TYPE', message: expect.stringMatching(/application\/json/) },
    });
  });

  test('3.2 what is wrong with one is rejected by its place, and the others are taken', async () => {
    const first = payload();
    const bad: Payload[] = [
      payload({ metadata: metadata({ usage_object: usage({ prompt_tokens: 10 }) }) }),
      payload({ id: first.id, prompt_tokens: 1, metadata: metadata({ usage_object: null }) }),
    ];
    const { status, body } = await send([null, first, ...bad, payload()]);
    expect(status).toBe(200);
    expect(body).toEqual({
      accepted: 2,
      duplicates: 0,
      rejected: [
        { index: 0, key: null, code: 'INVALID_EVENT', message: expect.stringMatching(/object/) },
        { index: 2, key: expect.stringMatching(/^litellm-proxy chatcmpl-/), code: 'TOKEN_PARTS_EXCEED_TOTAL', message: expect.any(String) },
        { index: 3, key: `litellm-proxy ${String(first.id)}`, code: 'KEY_REUSED', message: expect.any(String) },
      ],
    });
    const lines = [JSON.stringify(first), '{"id": ', JSON.stringify(payload())].join('\n');
    expect((await send(lines)).body).toMatchObject({ accepted: 1, duplicates: 1, rejected: [{ index: 1, code: 'MALFORMED_JSON' }] });
  });

  test('a body that is no JSON is refused whole', async () => {
    const deep = JSON.stringify(payload()).replace('"a secret question"', `${'['.repeat(300)}${']'.repeat(300)}`);
    expect(await send(deep)).toMatchObject({ status: 400, body: { code: 'JSON_TOO_DEEP' } });
    expect((await send(deep.replace('['.repeat(100), '').replace(']'.repeat(100), ''))).body).toEqual(ACCEPTED);
    for (const body of ['[{"id": ', '{"id": ', 'id=1', '[1]\n[2]', '', Buffer.from([0x22, 0xff, 0x22])]) {
      expect(await send(body)).toMatchObject({ status: 400, body: { code: 'MALFORMED_JSON', message: expect.any(String) } });
    }
    expect(await send(Array.from({ length: 10_001 }, () => null))).toMatchObject({ status: 413, body: { code: 'BATCH_TOO_LARGE' } });
    expect(await api.post('/v1/litellm', [payload()], { authorization: 'Bearer wrong' })).toMatchObject({ status: 401 });
  });

  test.each<[string, Payload, string, RegExp]>([
    ['has no id at all', { id: 'None', litellm_call_id: null }, 'KEY_MISSING', /^litellm_call_id: /],
    ['has an id that is a number', { id: 7 }, 'INVALID_FIELD', /^id: /],
    ['has no time', { startTime: null }, 'FIELD_MISSING', /^startTime: /],
    ['has its time as a date', { startTime: '2026-03-20 10:00:00.123456' }, 'INVALID_TIME', /^startTime: .*[Ss]econds/],
    ['has its time in milliseconds', { startTime: 1774000800123 }, 'INVALID_TIME', /^startTime: /],
    ['lies in the future', { startTime: 7000000000 }, 'AT_IN_FUTURE', /^at: /],
    ['is of an unknown status', { status: 'maybe' }, 'INVALID_FIELD', /^status: /],
    [
      'names nobody',
      { end_user: '', metadata: metadata({ user_api_key_user_id: null }) },
      'FIELD_MISSING',
      /^customer: .*end_user, metadata\./,
    ],
    ['has a model that is a number', { model: 4 }, 'INVALID_FIELD', /^model: /],
    [
      'has tokens that are negative',
      { metadata: metadata({ usage_object: usage({ prompt_tokens: -1 }) }) },
      'NEGATIVE_NUMBER',
      /^metadata\.usage_object\.prompt_tokens: /,
    ],
    [
      'has tokens that are no number',
      { metadata: metadata({ usage_object: usage({ completion_tokens: 'many' }) }) },
      'INVALID_DECIMAL',
      /completion_tokens: /,
    ],
  ])('a payload that %s is rejected alone', async (_, more, code, message) => {
    const { status, body } = await send([payload(), payload(more), payload()]);
    expect(status).toBe(200);
    expect(body).toMatchObject({ accepted: 2, duplicates: 0, rejected: [{ index: 1, code, message: expect.stringMatching(message) }] });
  });
});

describe('tokens of LiteLLM (SEMANTICS 3.4)', () => {
  test("3.4 Anthropic's cache reads and writes are inside of LiteLLM's prompt tokens, writes by how long they live", async () => {
    const usage_object = {
      prompt_tokens: 10_000,
      completion_tokens: 100,
      total_tokens: 10_100,
      prompt_tokens_details: {
        cached_tokens: 6_000,
        cache_creation_tokens: 3_000,
        cache_creation_token_details: { ephemeral_5m_input_tokens: 1_000, ephemeral_1h_input_tokens: 2_000 },
      },
      cache_read_input_tokens: 6_000,
      cache_creation_input_tokens: 3_000,
    };
    const event = await storedAs({
      custom_llm_provider: 'anthropic',
      model: 'claude-sonnet-4-5-20250929',
      metadata: metadata({ usage_object }),
    });
    expect(event).toMatchObject({
      provider: 'anthropic',
      uncached_input: '1000',
      cache_read: '6000',
      cache_write_5m: '1000',
      cache_write_1h: '2000',
      plain_output: '100',
      cost_state: 'PRICED',
      // 1000 x 3 + 6000 x 0.3 + 1000 x 3.75 + 2000 x 6 + 100 x 15
      cost: '0.02205',
    });
  });

  test('3.4 cache writes without a life are of five minutes; parts named at the top count once', async () => {
    const usage_object = {
      prompt_tokens: 500,
      completion_tokens: 5,
      total_tokens: 505,
      cache_read_input_tokens: 200,
      cache_creation_input_tokens: 100,
    };
    expect(
      await storedAs({ metadata: metadata({ usage_object: { ...usage_object, prompt_tokens_details: { cached_tokens: 0 } } }) }),
    ).toMatchObject({
      uncached_input: '200',
      cache_read: '200',
      cache_write_5m: '100',
      cache_write_1h: null,
    });
  });

  test('3.4 reasoning that a provider counts beside its completion is added, as the total tells', async () => {
    const beside = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 115, completion_tokens_details: { reasoning_tokens: 100 } };
    expect(await storedAs({ metadata: metadata({ usage_object: beside }) })).toMatchObject({ plain_output: '5', reasoning: '100' });
    const inside = { prompt_tokens: 10, completion_tokens: 105, total_tokens: 115, completion_tokens_details: { reasoning_tokens: 100 } };
    expect(await storedAs({ metadata: metadata({ usage_object: inside }) })).toMatchObject({ plain_output: '5', reasoning: '100' });
  });

  test('3.4 spoken tokens have pools of their own', async () => {
    const usage_object = usage({
      prompt_tokens_details: { audio_tokens: 144, cached_tokens: 0 },
      completion_tokens_details: { audio_tokens: 60, reasoning_tokens: 0 },
    });
    expect(await storedAs({ metadata: metadata({ usage_object }) })).toMatchObject({
      uncached_input: '1056',
      input_audio: '144',
      plain_output: '290',
      output_audio: '60',
    });
  });

  test('without a usage object the counts of the payload count; a passed-through body is read as its provider wrote it', async () => {
    expect(await storedAs({ metadata: metadata({ usage_object: null }) })).toMatchObject({ uncached_input: '1200', plain_output: '350' });
    const usage_object = { input_tokens: 100, cache_read_input_tokens: 900, output_tokens: 25 };
    const passed = {
      custom_llm_provider: 'anthropic',
      model: 'claude-sonnet-4-5',
      prompt_tokens: 0,
      completion_tokens: 0,
      total_tokens: 0,
    };
    expect(await storedAs({ ...passed, metadata: metadata({ usage_object }) })).toMatchObject({
      uncached_input: '100',
      cache_read: '900',
      plain_output: '25',
    });
  });
});

describe('who, what and how it ended', () => {
  test('the customer is the end user, else the user of the key, its team, its organisation', async () => {
    const keys = {
      user_api_key_end_user_id: 'end',
      user_api_key_user_id: 'user',
      user_api_key_team_id: 'team',
      user_api_key_org_id: 'org',
    };
    const customers: [Payload, string][] = [
      [{ end_user: 'top', metadata: metadata(keys) }, 'top'],
      [{ end_user: '', metadata: metadata(keys) }, 'end'],
      [{ end_user: '', metadata: metadata({ ...keys, user_api_key_end_user_id: null }) }, 'user'],
      [{ end_user: null, metadata: metadata({ user_api_key_user_id: null, user_api_key_team_id: 'team' }) }, 'team'],
      [{ end_user: null, metadata: metadata({ user_api_key_user_id: '', user_api_key_org_id: 'org' }) }, 'org'],
    ];
    for (const [more, customer] of customers) {
      expect((await send([payload(more)])).body).toEqual(ACCEPTED);
      expect(await api.stored(customer)).toHaveLength(1);
    }
  });

  test('the address says where else the customer stands, in what order; the end user is then the user inside of it', async () => {
    const query = '?customer=metadata.requester_metadata.tenant,metadata.user_api_key_team_id';
    const team = { user_api_key_team_id: 'team of the query' };
    expect(
      (await send([payload({ metadata: metadata({ ...team, requester_metadata: { tenant: 'tenant of the query' } }) })], query)).body,
    ).toEqual(ACCEPTED);
    expect((await send([payload({ metadata: metadata(team) })], query)).body).toEqual(ACCEPTED);
    expect(await api.stored('tenant of the query')).toEqual([expect.objectContaining({ user: 'acme' })]);
    expect(await api.stored('team of the query')).toEqual([expect.objectContaining({ user: 'acme' })]);
    expect((await send([payload()], query)).body).toMatchObject({
      rejected: [{ code: 'FIELD_MISSING', message: expect.stringMatching(/requester_metadata\.tenant/) }],
    });
  });

  test('a wrong parameter is refused before anything is taken', async () => {
    for (const query of ['?customer=', '?customer=a..b', '?customer=a&customer=b', '?cost=mine', '?custmer=end_user']) {
      expect(await send([payload()], query)).toMatchObject({ status: 400, body: { code: 'INVALID_PARAMETER' } });
    }
  });

  test.each<[string, string | null, string, string | null, string]>([
    ['OpenAI', 'openai', 'openai/gpt-4o', 'openai', 'gpt-4o'],
    ['Azure', 'azure', 'azure/gpt-4o', 'azure', 'gpt-4o'],
    ['Bedrock', 'bedrock', 'bedrock/us.anthropic.claude-sonnet-4-20250514-v1:0', 'aws', 'us.anthropic.claude-sonnet-4-20250514-v1:0'],
    ['Bedrock by its Converse route', 'bedrock', 'converse/amazon.nova-pro-v1:0', 'aws', 'amazon.nova-pro-v1:0'],
    ['Vertex AI', 'vertex_ai', 'claude-sonnet-4@20250514', 'google', 'claude-sonnet-4@20250514'],
    ['Gemini', 'gemini', 'gemini/gemini-2.0-flash', 'google', 'gemini-2.0-flash'],
    [
      'Together',
      'together_ai',
      'together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo',
      'together',
      'meta-llama/Llama-3.3-70B-Instruct-Turbo',
    ],
    ['xAI', 'xai', 'xai/grok-3', 'x-ai', 'grok-3'],
    ['OpenRouter, whose models keep their maker', 'openrouter', 'openrouter/openai/gpt-4o', 'openrouter', 'openai/gpt-4o'],
    ['a model whose name alone says where it runs', null, 'azure/gpt-4o', 'azure', 'gpt-4o'],
  ])('%s is called as in the price catalogue, and priced', async (_, custom_llm_provider, model, provider, plain) => {
    expect(await storedAs({ custom_llm_provider, model })).toMatchObject({ provider, model: plain, cost_state: 'PRICED' });
  });

  test("a provider that the catalogue does not know keeps LiteLLM's name, for own rates", async () => {
    expect(await storedAs({ custom_llm_provider: 'hosted_vllm', model: 'hosted_vllm/llama' })).toMatchObject({
      provider: 'hosted_vllm',
      model: 'llama',
      cost_state: 'UNPRICED',
    });
  });

  test.each([
    ['completion', 'llm.completion'],
    ['aresponses', 'llm.completion'],
    ['anthropic_messages', 'llm.completion'],
    ['aembedding', 'llm.embedding'],
    ['atranscription', 'llm.transcription'],
    ['_arealtime', 'llm.realtime'],
    ['', 'llm.completion'],
    ['What is this?', 'llm.other'],
  ])('a call of type "%s" is an event of type %s', async (call_type, type) => {
    expect(await storedAs({ call_type })).toMatchObject({ type });
  });

  test('a failed call is an event that failed; attempts that share the id of their call are told apart', async () => {
    const failed = payload({
      id: 'call-1',
      end_user: 'failing',
      status: 'failure',
      prompt_tokens: 0,
      completion_tokens: 0,
      total_tokens: 0,
      response_cost: 0,
      metadata: metadata({ usage_object: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }),
      response: {},
      error_information: { error_code: '429', error_class: 'RateLimitError', error_message: 'do not keep this' },
    });
    const again = { ...failed, startTime: 1774000803.5, endTime: 1774000803.75 };
    expect((await send([failed, again, failed])).body).toEqual({ accepted: 2, duplicates: 1, rejected: [] });
    const events = await api.stored('failing');
    expect(
      events.map(({ key, outcome, uncached_input, properties }) => [
        key,
        outcome,
        uncached_input,
        properties?.errorCode,
        properties?.errorClass,
      ]),
    ).toEqual([
      ['litellm-proxy call-1/failed/2026-03-20T10:00:00.123456Z', 'FAILED', null, '429', 'RateLimitError'],
      ['litellm-proxy call-1/failed/2026-03-20T10:00:03.500Z', 'FAILED', null, '429', 'RateLimitError'],
    ]);
    expect(JSON.stringify(events)).not.toMatch(/do not keep|secret/);
  });

  test("an answer from LiteLLM's own cache is usage that cost nothing", async () => {
    const event = await storedAs(
      { id: 'chatcmpl-7_cache_hit1774000800.5', cache_hit: true, response_cost: 0, saved_cache_cost: 0.00522 },
      '?cost=reported',
    );
    expect(event).toMatchObject({
      cost_state: 'REPORTED',
      cost: '0',
      reported_cost: '0',
      uncached_input: '176',
      properties: { cacheHit: true },
    });
  });

  test('times are cut to the microsecond of the shortest decimal, never through a product of doubles', async () => {
    const times: [unknown, string][] = [
      [1774000800.1, '2026-03-20T10:00:00.100000'],
      [1774000800.000001, '2026-03-20T10:00:00.000001'],
      [1774000800.9999995, '2026-03-20T10:00:00.999999'],
      [1774000800, '2026-03-20T10:00:00.000000'],
      ['1774000800.123456', '2026-03-20T10:00:00.123456'],
    ];
    for (const [startTime, at] of times) expect(await storedAs({ startTime })).toMatchObject({ at });
  });

  test('tags beyond the first are counted, not kept: an event is never too large for them', async () => {
    const event = await storedAs({ request_tags: [...Array.from({ length: 5_000 }, (_, i) => `tag-${i}`), 7, 'x'.repeat(300)] });
    expect(event.properties?.tags).toHaveLength(32);
    expect(event.properties?.tagsLeftOut).toBe(4_970);
  });
});

describe("LiteLLM's own cost (SEMANTICS 1.1, 9.1)", () => {
  test('it is kept beside the true cost, and is the cost only when that is asked for', async () => {
    expect(await storedAs({ response_cost: 1.2e-5 })).toMatchObject({
      cost_state: 'PRICED',
      reported_cost: null,
      properties: { responseCost: '0.000012' },
    });
    expect(await storedAs({ response_cost: 1.2e-5 }, '?cost=reported')).toMatchObject({
      cost_state: 'REPORTED',
      cost: '0.000012',
      reported_cost: '0.000012',
    });
    expect(await storedAs({ response_cost: 1.2e-5 }, '?cost=book')).toMatchObject({ cost_state: 'PRICED' });
  });

  test('1.1 a cost that carries the noise of doubles is no reported cost: the event stands, is priced by the book, and says why', async () => {
    const event = await storedAs({ response_cost: 0.1 + 0.2 }, '?cost=reported');
    expect(event).toMatchObject({ cost_state: 'PRICED', cost: '0.00522', reported_cost: null });
    expect(event.properties).toMatchObject({ responseCost: '0.30000000000000004', reportedCostLeftOut: 'NUMBER_NOT_EXACT' });
    const tiny = await storedAs({ response_cost: 1.23e-18 }, '?cost=reported');
    expect(tiny.properties).toMatchObject({ responseCost: '0.00000000000000000123', reportedCostLeftOut: 'TOO_PRECISE' });
  });

  test('a cost of 0 is a price that LiteLLM does not know, so the book says the cost', async () => {
    expect(await storedAs({ response_cost: 0 }, '?cost=reported')).toMatchObject({
      cost_state: 'PRICED',
      cost: '0.00522',
      reported_cost: null,
    });
  });
});

describe("LiteLLM's openmeter callback, which posts to /api/v1/events", () => {
  const TYPE = { 'content-type': 'application/cloudevents+json' };
  const posted = (more: Payload = {}, data: Payload = {}): Payload => ({
    specversion: '1.0',
    type: 'litellm_tokens',
    id: nextId(),
    time: '2026-03-20T10:00:00.123456+00:00',
    subject: 'acme',
    source: 'litellm-proxy',
    data: { model: 'gpt-4o', cost: 0.00475, prompt_tokens: 1200, completion_tokens: 175, total_tokens: 1375, ...data },
    ...more,
  });
  const drop = (body: unknown): Promise<Answered> => api.post('/api/v1/events', body, TYPE);

  test('with the address and a key of Tare alone, its calls are stored with their tokens and priced', async () => {
    const one = posted({ id: 'chatcmpl-drop-in', subject: 'drop-in' });
    expect(await drop(one)).toEqual({ status: 200, body: ACCEPTED });
    expect(await drop(one)).toEqual({ status: 200, body: DUPLICATE });
    expect(await api.stored('drop-in')).toEqual([
      expect.objectContaining({
        key: 'litellm-proxy chatcmpl-drop-in',
        type: 'litellm_tokens',
        at: '2026-03-20T10:00:00.123456',
        provider: 'openai',
        model: 'gpt-4o',
        uncached_input: '1200',
        plain_output: '175',
        cost_state: 'PRICED',
        cost: '0.00475',
        properties: { source: 'litellm', responseCost: '0.00475', providerFrom: 'model name' },
      }),
    ]);
  });

  test('a clock without a zone, as of older Pythons, is UTC', async () => {
    expect((await drop(posted({ subject: 'old python', time: '2026-03-20T10:00:00.5' }))).body).toEqual(ACCEPTED);
    expect((await drop(posted({ subject: 'old python', time: '2026-03-20T10:00:01' }))).body).toEqual(ACCEPTED);
    expect((await api.stored('old python')).map(({ at }) => at)).toEqual(['2026-03-20T10:00:00.500000', '2026-03-20T10:00:01.000000']);
  });

  test.each<[string, string | null, string]>([
    ['claude-sonnet-4-5-20250929', 'anthropic', 'claude-sonnet-4-5-20250929'],
    ['anthropic.claude-3-5-sonnet-20240620-v1:0', 'aws', 'anthropic.claude-3-5-sonnet-20240620-v1:0'],
    ['claude-sonnet-4@20250514', 'google', 'claude-sonnet-4@20250514'],
    ['gemini-2.0-flash', 'google', 'gemini-2.0-flash'],
    ['azure/gpt-4o', 'azure', 'gpt-4o'],
    ['my-deployment', null, 'my-deployment'],
    ['llama-3.3-70b-versatile', null, 'llama-3.3-70b-versatile'],
  ])('the callback names no provider: %s is of %s by its name alone', async (model, provider, plain) => {
    const subject = `user of ${model}`;
    expect((await drop(posted({ subject }, { model }))).body).toEqual(ACCEPTED);
    expect(await api.stored(subject)).toEqual([
      expect.objectContaining({ provider, model: plain, cost_state: provider === null ? 'UNPRICED' : 'PRICED' }),
    ]);
  });

  test('a call without tokens, such as a picture, and one without a cost are taken', async () => {
    expect((await drop(posted({ subject: 'pictures', data: { model: 'dall-e-3', cost: null } }))).body).toEqual(ACCEPTED);
    expect(await api.stored('pictures')).toEqual([
      expect.objectContaining({ uncached_input: null, properties: { source: 'litellm', providerFrom: 'model name' } }),
    ]);
  });

  test('its sender looks at the status alone: what is refused is a 400 that says why; a cached answer under the same id is not', async () => {
    const one = posted();
    expect(await drop({ ...one, subject: null })).toMatchObject({
      status: 400,
      body: { accepted: 0, rejected: [{ index: 0, code: 'FIELD_MISSING' }] },
    });
    expect(await drop(one)).toEqual({ status: 200, body: ACCEPTED });
    expect(await drop({ ...one, time: '2026-03-20T10:05:00+00:00' })).toMatchObject({
      status: 200,
      body: { rejected: [{ code: 'KEY_REUSED' }] },
    });
    expect(await api.post('/api/v1/events', one, { ...TYPE, authorization: 'Bearer wrong' })).toMatchObject({ status: 401 });
  });

  test('both callbacks together count a call once', async () => {
    const one = payload({ end_user: 'both' });
    expect((await drop(posted({ id: one.id, subject: 'both' }))).body).toEqual(ACCEPTED);
    expect((await send([one])).body).toMatchObject({ accepted: 0, rejected: [{ code: 'KEY_REUSED' }] });
    expect(await api.stored('both')).toHaveLength(1);
  });

  test('other clients of OpenMeter may post there too, in batches or one by one: their data becomes properties', async () => {
    const data = { tokens: '123', model: 'gpt-4', type: 'input' };
    const one = { ...posted({ subject: 'openmeter client', source: 'my-service', type: 'prompt' }), data };
    expect(
      (await api.post('/api/v1/events', [one, posted()], { 'content-type': 'application/cloudevents-batch+json' })).body,
    ).toMatchObject({ accepted: 2 });
    expect((await api.post('/api/v1/events', one)).body).toEqual(DUPLICATE);
    expect((await api.post('/api/v1/events', [one])).body).toEqual(DUPLICATE);
    expect(await api.stored('openmeter client')).toEqual([expect.objectContaining({ type: 'prompt', properties: data, provider: null })]);
  });
});

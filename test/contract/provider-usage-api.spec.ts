import { SourceApi } from '../../apps/api/events/source-api.fixture.ts';

let api: SourceApi;

beforeAll(async () => {
  api = await SourceApi.open();
});
afterAll(() => api.close());

const ACCEPTED = { accepted: 1, duplicates: 0, rejected: [] };
const DUPLICATE = { accepted: 0, duplicates: 1, rejected: [] };
const INGEST =
  'mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events) { accepted duplicates rejected { index code message } } }';

const event = { type: 'llm.completion', at: '2026-03-20T10:00:00Z', provider: 'anthropic', model: 'claude-sonnet-4-5' };
const usage = {
  input_tokens: 100,
  cache_creation_input_tokens: 3_000,
  cache_read_input_tokens: 20_000,
  cache_creation: { ephemeral_5m_input_tokens: 1_000, ephemeral_1h_input_tokens: 2_000 },
  output_tokens: 500,
  service_tier: 'standard',
};
const tokens = { input: 23_100, output: 500, cacheRead: 20_000, cacheWrite5m: 1_000, cacheWrite1h: 2_000 };

async function ingest(query: string, variables: object = {}): Promise<unknown> {
  const { body } = await api.post('/graphql', { query, variables });
  const answer = body as unknown as { readonly data?: { readonly ingestEvents?: unknown } };
  return answer.data?.ingestEvents ?? body;
}

describe('the usage of a provider in a native event', () => {
  test('3.4 is stored as pools that no token is in twice, and costs what the provider charges for each of them', async () => {
    expect(await api.post('/v1/events', [{ ...event, key: 'k-1', customer: 'acme', usage }])).toEqual({ status: 200, body: ACCEPTED });
    const [stored] = await api.stored('acme');
    expect(stored).toMatchObject({
      ...{ uncached_input: '100', cache_read: '20000', cache_write_5m: '1000', cache_write_1h: '2000', plain_output: '500' },
      ...{ input_audio: null, reasoning: null, output_audio: null, cost_state: 'PRICED' },
      // 100 x 3 + 20000 x 0.3 + 1000 x 3.75 + 2000 x 6 + 500 x 15, in millionths of a dollar
      cost: '0.02955',
    });
  });

  test('3.1 is the same event as its tokens, over REST, NDJSON and GraphQL', async () => {
    const keyed = { ...event, key: 'k-2', customer: 'globex' };
    expect((await api.post('/v1/events', [{ ...keyed, usage }])).body).toEqual(ACCEPTED);
    expect((await api.post('/v1/events', [{ ...keyed, tokens }])).body).toEqual(DUPLICATE);
    const ndjson = { 'content-type': 'application/x-ndjson' };
    const line = await api.post('/v1/events', `${JSON.stringify({ ...keyed, usage })}\n`, ndjson);
    expect(JSON.stringify(line.body)).toContain('"duplicates":1');
    expect(await ingest(INGEST, { events: [{ ...keyed, usage }] })).toEqual(DUPLICATE);
    expect(await ingest(INGEST, { events: [{ ...keyed, tokens }] })).toEqual(DUPLICATE);
    const literal = `mutation { ingestEvents(events: [{ key: "k-2", customer: "globex", type: "llm.completion", at: "2026-03-20T10:00:00Z",
      provider: "anthropic", model: "claude-sonnet-4-5", usage: { input_tokens: 100, cache_read_input_tokens: 20000, output_tokens: 500,
      cache_creation: { ephemeral_5m_input_tokens: 1000, ephemeral_1h_input_tokens: 2000 } } }]) { accepted duplicates rejected { code } } }`;
    expect(await ingest(literal)).toEqual(DUPLICATE);
    const other = { ...usage, output_tokens: 501 };
    expect((await api.post('/v1/events', [{ ...keyed, usage: other }])).body).toMatchObject({ rejected: [{ code: 'KEY_REUSED' }] });
  });

  test('3.2 what is wrong with one body rejects that event alone, with its path and what to send', async () => {
    const bodies: readonly object[] = [
      { usage: { ...usage, output_tokens: '500' } },
      { usage: { result: 'none' } },
      { usage, tokens },
      { usage: { prompt_tokens: 5, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 6 } } },
      { usage: 'many' },
      { usage },
    ];
    const events = bodies.map((body, index) => ({ ...event, key: `k-3-${index}`, customer: 'initech', ...body }));
    const expected = {
      accepted: 1,
      duplicates: 0,
      rejected: [
        { index: 0, code: 'INVALID_FIELD', message: expect.stringMatching(/^usage\.output_tokens: /) },
        { index: 1, code: 'USAGE_NOT_RECOGNISED', message: expect.stringMatching(/^usage: .*Send the usage object/) },
        { index: 2, code: 'USAGE_AND_TOKENS', message: expect.stringMatching(/^usage: /) },
        { index: 3, code: 'TOKEN_PARTS_EXCEED_TOTAL', message: expect.stringMatching(/^usage\.prompt_tokens: /) },
        { index: 4, code: 'INVALID_FIELD', message: expect.stringMatching(/^usage: /) },
      ],
    };
    expect((await api.post('/v1/events', events)).body).toMatchObject(expected);
    const overGraphql = events.map((one) => ({ ...one, key: `graphql ${one.key}` }));
    expect(await ingest(INGEST, { events: overGraphql })).toMatchObject(expected);
  });
});

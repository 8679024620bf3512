import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { IngestResult, UsageEvent as WireEvent } from '@tare/client';
import { inclusive, parseInstant, parseUsageEvent, type UsageEvent } from '@tare/core';
import { litellmDecoder } from '@tare/usage';
import { Checkpoint, type Progress } from './checkpoint.ts';
import { parseMapping } from './column-mapping.ts';
import { customerChoice, type CustomerOptions } from './customer-choice.ts';
import { eventOfExportRow } from './event-of-export-row.ts';
import { EXPORT_FORMATS } from './export-formats.ts';
import { importFile } from './import-file.ts';
import { readExport } from './read-export.ts';

/** Exports in the shapes that their sources document, written for these tests. */

const NOW = parseInstant('2026-11-20T12:00:00Z');

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'tare-export-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** An API that reads events as the real one does, and keeps what the identity rule says: a key counts once. */
class Ledger {
  readonly events = new Map<string, UsageEvent>();
  readonly sent = new Map<string, WireEvent>();

  send(events: readonly WireEvent[]): Promise<IngestResult> {
    let accepted = 0;
    const rejected: { index: number; key: string; code: string; message: string }[] = [];
    events.forEach((event, index) => {
      const known = this.sent.get(event.key);
      if (known !== undefined) {
        if (JSON.stringify(known) !== JSON.stringify(event))
          rejected.push({ index, key: event.key, code: 'KEY_REUSED', message: 'other contents' });
        return;
      }
      this.sent.set(event.key, event);
      this.events.set(event.key, parseUsageEvent(JSON.parse(JSON.stringify(event)), { now: NOW, backdatingLimit: null }));
      accepted += 1;
    });
    return Promise.resolve({ accepted, duplicates: events.length - accepted - rejected.length, rejected });
  }

  get wire(): readonly WireEvent[] {
    return [...this.sent.values()];
  }
}

interface Import extends CustomerOptions {
  readonly format: string;
  readonly name?: string;
  readonly content: string | Buffer;
  readonly isCostReported?: boolean;
  readonly set?: readonly string[];
  readonly batchSize?: number;
  readonly checkpoint?: string;
}

function writeContent({ name = 'export.json', content }: Import): string {
  const file = path.join(directory, name);
  writeFileSync(file, content);
  return file;
}

const rejectsFile = (): string => path.join(directory, 'rejects.jsonl');
const rejects = (): readonly { line: number; row: number; code: string; message: string }[] =>
  readFileSync(rejectsFile(), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { line: number; row: number; code: string; message: string });

let imports = 0;

async function run(given: Import, send: (events: readonly WireEvent[]) => Promise<IngestResult>): Promise<Progress> {
  const format = EXPORT_FORMATS.get(given.format);
  if (format === undefined) throw new Error(given.format);
  const customers = customerChoice(format, given.format, given);
  return importFile({
    rows: readExport(
      writeContent(given),
      (document) => format.rowsOf(document),
      () => undefined,
    ),
    eventOf: eventOfExportRow(format, { isCostReported: given.isCostReported === true }, customers, parseMapping([], given.set ?? [])),
    batchSize: given.batchSize ?? 100,
    concurrency: 2,
    checkpoint: new Checkpoint(directory, given.checkpoint ?? `import-${(imports += 1)}`),
    rejectsFile: rejectsFile(),
    send,
    onProgress: () => undefined,
  });
}

async function eventsOf(given: Import): Promise<readonly WireEvent[]> {
  const ledger = new Ledger();
  await run(given, (events) => ledger.send(events));
  return ledger.wire;
}

const DAY = 86_400;
const bucket = (day: number, results: readonly object[]) => ({
  object: 'bucket',
  start_time: 1_790_812_800 + day * DAY,
  end_time: 1_790_812_800 + (day + 1) * DAY,
  results,
});
const completion = (fields: object) => ({
  object: 'organization.usage.completions.result',
  input_tokens: 27_444,
  output_tokens: 1_810,
  input_cached_tokens: 8_448,
  input_audio_tokens: 0,
  output_audio_tokens: 0,
  num_model_requests: 5,
  project_id: 'proj_a',
  user_id: null,
  api_key_id: 'key_1',
  model: 'gpt-5-mini-2025-08-07',
  batch: false,
  service_tier: 'default',
  ...fields,
});
const page = (data: readonly object[], has_more = false) => ({ object: 'page', data, has_more, next_page: has_more ? 'page_2' : null });

describe("OpenAI's usage export", () => {
  const byProject = { format: 'openai-usage', customerBy: 'project' };

  test('3.4 a result of a bucket is one event, marked as an estimate that says what is missing', async () => {
    const content = JSON.stringify(page([bucket(0, [completion({ input_cache_write_tokens: 100 })])]));
    expect(await eventsOf({ ...byProject, content })).toEqual([
      {
        key: expect.stringMatching(/^openai-usage [0-9a-f]{64}$/),
        customer: 'proj_a',
        type: 'llm.completion',
        at: '2026-10-01T00:00:00.000Z',
        provider: 'openai',
        model: 'gpt-5-mini-2025-08-07',
        serviceTier: 'standard',
        tokens: { input: 27_444, output: 1_810, cacheRead: 8_448, cacheWrite5m: 100, inputAudio: 0, outputAudio: 0 },
        properties: {
          estimated: true,
          missing: ['promptSize', 'requestTime', 'reasoningTokens'],
          requests: 5,
          bucketStart: '2026-10-01T00:00:00.000Z',
          bucketEnd: '2026-10-02T00:00:00.000Z',
          projectId: 'proj_a',
          apiKeyId: 'key_1',
        },
      },
    ]);
  });

  test('3.1 the same export again is nothing but duplicates, in whatever pages, order or file', async () => {
    const results = [completion({}), completion({ api_key_id: 'key_2' }), completion({ model: 'gpt-5' }), completion({ batch: true })];
    const ledger = new Ledger();
    const first = await run({ ...byProject, content: JSON.stringify(page([bucket(0, results), bucket(1, results)])) }, (events) =>
      ledger.send(events),
    );
    expect(first).toMatchObject({ accepted: 8, duplicates: 0, rejected: 0 });
    const reordered = [page([bucket(1, [...results].reverse())], true), page([bucket(0, results)])];
    const again = { ...byProject, name: 'again.jsonl', content: reordered.map((one) => JSON.stringify(one)).join('\n') };
    expect(await run(again, (events) => ledger.send(events))).toMatchObject({ accepted: 0, duplicates: 8, rejected: 0 });
    const zipped = { ...byProject, name: 'again.json.gz', content: gzipSync(JSON.stringify(reordered)) };
    expect(await run(zipped, (events) => ledger.send(events))).toMatchObject({ accepted: 0, duplicates: 8, rejected: 0 });
  });

  test('3.1 a bucket that has grown since is refused, not counted twice', async () => {
    const ledger = new Ledger();
    await run({ ...byProject, content: JSON.stringify(page([bucket(0, [completion({})])])) }, (events) => ledger.send(events));
    const grown = JSON.stringify(page([bucket(0, [completion({ input_tokens: 30_000, num_model_requests: 6 })])]));
    expect(await run({ ...byProject, content: grown }, (events) => ledger.send(events))).toMatchObject({ accepted: 0, rejected: 1 });
    expect(rejects()).toMatchObject([{ row: 1, code: 'KEY_REUSED' }]);
  });

  test("the dashboard's CSV is the same usage: the same keys as from the API", async () => {
    const header =
      'start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,service_tier,' +
      'input_tokens,output_tokens,input_cached_tokens,input_audio_tokens,output_audio_tokens,project_name,user_email';
    const row =
      '1790812800,1790899200,2026-10-01T00:00:00+00:00,2026-10-02T00:00:00+00:00,proj_a,5.0,,key_1,gpt-5-mini-2025-08-07,false,default,' +
      '27444,1810,8448,0,0,Project A,';
    const empty = '1790899200,1790985600,2026-10-02T00:00:00+00:00,2026-10-03T00:00:00+00:00,,,,,,,,,,,,,,';
    const [fromCsv] = await eventsOf({ ...byProject, name: 'usage.csv', content: [header, row, empty].join('\n') });
    const [fromApi] = await eventsOf({ ...byProject, content: JSON.stringify(page([bucket(0, [completion({})])])) });
    expect(fromCsv).toEqual(fromApi);
  });

  test('the former activity export', async () => {
    const content = JSON.stringify({
      object: 'list',
      data: [
        {
          organization_id: 'org-1',
          aggregation_timestamp: 1_790_812_860,
          n_requests: 2,
          operation: 'completion',
          snapshot_id: 'gpt-4o-2024-08-06',
          n_context_tokens_total: 118,
          n_generated_tokens_total: 35,
          n_cached_context_tokens_total: 64,
          project_id: 'proj_a',
        },
      ],
      ft_data: [],
      dalle_api_data: [{ timestamp: 1_790_812_860, num_images: 1, num_requests: 1, model_id: 'dall-e-3' }],
    });
    const ledger = new Ledger();
    expect(await run({ ...byProject, content }, (events) => ledger.send(events))).toMatchObject({ accepted: 1, rejected: 1 });
    expect(ledger.wire).toMatchObject([
      {
        at: '2026-10-01T00:01:00.000Z',
        model: 'gpt-4o-2024-08-06',
        tokens: { input: 118, output: 35, cacheRead: 64 },
        properties: { requests: 2, missing: ['promptSize', 'requestTime', 'reasoningTokens', 'serviceTier'] },
      },
    ]);
    expect(rejects()).toMatchObject([{ row: 2, code: 'USAGE_NOT_RECOGNISED', message: expect.stringContaining('--map quantity') }]);
  });

  test('3.4 audio that came from the cache is a cache read, whichever way OpenAI counts audio', async () => {
    const audioOf = async (fields: object) => {
      const [event] = await eventsOf({ ...byProject, content: JSON.stringify(page([bucket(0, [completion(fields)])])) });
      return event?.tokens?.inputAudio;
    };
    const cached = { input_tokens: 1_000, input_cached_tokens: 640, input_cached_audio_tokens: 448 };
    expect(await audioOf({ ...cached, input_text_tokens: 300, input_audio_tokens: 700 })).toBe(252);
    expect(await audioOf({ ...cached, input_text_tokens: 108, input_audio_tokens: 252 })).toBe(252);
  });

  test('batch is a service tier, embeddings are no completions, and what was not grouped by is missing', async () => {
    const results = [
      completion({ batch: true, service_tier: null }),
      { object: 'organization.usage.embeddings.result', input_tokens: 10, num_model_requests: 1, project_id: 'proj_a', model: null },
    ];
    expect(await eventsOf({ ...byProject, content: JSON.stringify(page([bucket(0, results)])) })).toMatchObject([
      { serviceTier: 'batch' },
      { type: 'llm.embedding', properties: { missing: ['promptSize', 'requestTime', 'reasoningTokens', 'model', 'serviceTier'] } },
    ]);
  });

  test('pages that end before the export does are reported, not taken for all of it', async () => {
    const ledger = new Ledger();
    const content = JSON.stringify(page([bucket(0, [completion({})])], true));
    expect(await run({ ...byProject, content }, (events) => ledger.send(events))).toMatchObject({ accepted: 1, rejected: 1 });
    expect(rejects()).toMatchObject([{ row: 2, code: 'UNREADABLE_ROW', message: expect.stringContaining('next_page') }]);
  });

  test('3.4 bad rows are rejected by number, the others stand', async () => {
    const results = [completion({ input_tokens: -1 }), completion({ api_key_id: 'key_2' }), completion({ output_tokens: '12x' })];
    const ledger = new Ledger();
    const content = JSON.stringify(page([bucket(0, results)]));
    expect(await run({ ...byProject, content }, (events) => ledger.send(events))).toMatchObject({ row: 3, accepted: 1, rejected: 2 });
    expect(rejects()).toMatchObject([
      { row: 1, code: 'INVALID_FIELD', message: expect.stringContaining('input_tokens') },
      { row: 3, code: 'INVALID_FIELD', message: expect.stringContaining('output_tokens') },
    ]);
  });

  test('killed at any batch and started again, it neither loses nor doubles a row', async () => {
    const results = Array.from({ length: 5 }, (_, i) => completion({ api_key_id: `key_${i}` }));
    const content = JSON.stringify(
      page([bucket(0, results), bucket(1, [...results, completion({ num_model_requests: 0, input_tokens: 0, output_tokens: 0 })])]),
    );
    for (let killAfter = 1; killAfter <= 5; killAfter += 1) {
      const ledger = new Ledger();
      let calls = 0;
      const dying = async (events: readonly WireEvent[]): Promise<IngestResult> => {
        const result = await ledger.send(events);
        calls += 1;
        if (calls >= killAfter) throw new Error('killed');
        return result;
      };
      const given = { ...byProject, content, batchSize: 2, checkpoint: `kill-${killAfter}` };
      await expect(run(given, dying)).rejects.toThrow('killed');
      expect((await run(given, (events) => ledger.send(events))).row).toBe(11);
      expect(ledger.wire).toHaveLength(10);
      expect(ledger.wire.reduce((sum, event) => sum + Number(event.properties?.['requests']), 0)).toBe(50);
    }
  });
});

describe("Anthropic's usage export", () => {
  const result = {
    uncached_input_tokens: 1_500,
    cache_creation: { ephemeral_1h_input_tokens: 1_000, ephemeral_5m_input_tokens: 500 },
    cache_read_input_tokens: 200,
    output_tokens: 500,
    server_tool_use: { web_search_requests: 10 },
    api_key_id: 'apikey_1',
    workspace_id: 'wrkspc_1',
    model: 'claude-opus-4-5-20251101',
    service_tier: 'standard',
    context_window: '0-200k',
    inference_geo: 'global',
  };
  const content = JSON.stringify({
    data: [{ starting_at: '2026-10-01T00:00:00Z', ending_at: '2026-10-02T00:00:00Z', results: [result] }],
    has_more: false,
    next_page: null,
  });

  test('3.4 the cache stands outside of its input, and inside of ours', async () => {
    expect(await eventsOf({ format: 'anthropic-usage', customerBy: 'workspace', content })).toEqual([
      {
        key: expect.stringMatching(/^anthropic-usage [0-9a-f]{64}$/),
        customer: 'wrkspc_1',
        type: 'llm.completion',
        at: '2026-10-01T00:00:00.000Z',
        provider: 'anthropic',
        model: 'claude-opus-4-5-20251101',
        serviceTier: 'standard',
        tokens: { input: 3_200, output: 500, cacheRead: 200, cacheWrite5m: 500, cacheWrite1h: 1_000 },
        properties: {
          estimated: true,
          missing: ['promptSize', 'requestTime', 'requests', 'reasoningTokens'],
          webSearches: 10,
          contextWindow: '0-200k',
          bucketStart: '2026-10-01T00:00:00.000Z',
          bucketEnd: '2026-10-02T00:00:00.000Z',
          workspaceId: 'wrkspc_1',
          apiKeyId: 'apikey_1',
        },
      },
    ]);
  });

  test('3.1 the same export again is nothing but duplicates', async () => {
    const ledger = new Ledger();
    const given = { format: 'anthropic-usage', customerBy: 'api-key', content };
    expect(await run(given, (events) => ledger.send(events))).toMatchObject({ accepted: 1, duplicates: 0 });
    expect(await run(given, (events) => ledger.send(events))).toMatchObject({ accepted: 0, duplicates: 1, rejected: 0 });
  });

  test("the console's CSV: days without a zone are UTC, and every column that tells rows apart is in the key", async () => {
    const csv = [
      'usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,' +
        'usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,web_search_count,inference_geo,speed',
      '2026-10-01,claude-sonnet-4-5-20250929,my-key,Default,standard,≤ 200k,100000,500,20,3000,5000,10,not_available,',
      '2026-10-01,claude-sonnet-4-5-20250929,my-key,Default,batch,≤ 200k,100000,500,20,3000,5000,10,not_available,',
      '2026-10-01,claude-sonnet-4-5-20250929,my-key,Default,standard,> 200k,100000,500,20,3000,5000,10,us,fast',
      '2026-10-02,claude-sonnet-4-5-20250929,my-key,Default,standard,≤ 200k,0,0,0,0,0,0,not_available,',
    ].join('\n');
    const events = await eventsOf({ format: 'anthropic-usage', customerBy: 'api-key', name: 'claude.csv', content: csv });
    expect(events).toHaveLength(3);
    expect(events[0]).toMatchObject({
      customer: 'my-key',
      at: '2026-10-01T00:00:00.000Z',
      tokens: { input: 103_520, output: 5_000, cacheRead: 3_000, cacheWrite5m: 500, cacheWrite1h: 20 },
    });
    expect(events.map(({ serviceTier, region }) => [serviceTier, region])).toEqual([
      ['standard', undefined],
      ['batch', undefined],
      ['standard', 'us'],
    ]);
  });
});

describe("LiteLLM's table of spend logs", () => {
  const metadata = {
    user_api_key_alias: 'search',
    user_api_key_team_alias: 'Search team',
    status: 'success',
    usage_object: {
      prompt_tokens: 5_100,
      completion_tokens: 60,
      total_tokens: 5_160,
      prompt_tokens_details: {
        cached_tokens: 3_000,
        cache_creation_tokens: 2_000,
        cache_creation_token_details: { ephemeral_1h_input_tokens: 1_500 },
      },
      completion_tokens_details: { reasoning_tokens: 20 },
    },
  };
  const row = {
    request_id: 'chatcmpl-1',
    call_type: 'acompletion',
    api_key: '959e7c34',
    spend: 0.0125,
    total_tokens: 5_160,
    prompt_tokens: 5_100,
    completion_tokens: 60,
    startTime: '2026-10-01T08:00:00.250000',
    endTime: '2026-10-01T08:00:01.500000',
    model: 'bedrock/anthropic.claude-sonnet-4-5-v1:0',
    model_group: 'sonnet',
    custom_llm_provider: 'bedrock',
    user: 'u-1',
    team_id: 'team-1',
    end_user: 'acme',
    cache_hit: 'False',
    metadata,
    request_tags: ['prod'],
    session_id: 'trace-1',
    status: 'success',
  };
  const csvOf = (rows: readonly object[]): string => {
    const columns = Object.keys(row);
    const cell = (value: unknown): string => `"${(typeof value === 'string' ? value : JSON.stringify(value)).replaceAll('"', '""')}"`;
    return [
      columns.join(','),
      ...rows.map((one) => columns.map((name) => cell((one as Record<string, unknown>)[name] ?? '')).join(',')),
    ].join('\n');
  };
  const logs = { format: 'litellm-spend-logs', name: 'logs.jsonl' };
  const lines = (...rows: readonly object[]): string => rows.map((one) => JSON.stringify(one)).join('\n');

  test('3.4 a row is the request, exactly: no estimate where LiteLLM kept the usage', async () => {
    expect(await eventsOf({ ...logs, content: lines(row) })).toMatchObject([
      {
        key: 'litellm-proxy chatcmpl-1',
        customer: 'acme',
        type: 'llm.completion',
        at: '2026-10-01T08:00:00.250Z',
        provider: 'aws',
        model: 'anthropic.claude-sonnet-4-5-v1:0',
        outcome: 'SUCCEEDED',
        durationMs: 1_250,
        traceId: 'trace-1',
        tokens: { input: '5100', output: '60', cacheRead: '3000', cacheWrite5m: '500', cacheWrite1h: '1500', reasoning: '20' },
        properties: { source: 'litellm', keyAlias: 'search', teamId: 'team-1', tags: ['prod'], responseCost: '0.0125' },
      },
    ]);
    const [event] = await eventsOf({ ...logs, content: lines(row) });
    expect(event?.reportedCost ?? null).toBeNull();
    expect(event?.properties?.['estimated']).toBeUndefined();
    expect(event?.user).toBeUndefined();
  });

  test('CSV and JSON lines of the same rows are the same events', async () => {
    const failed = {
      ...row,
      request_id: 'call-2',
      status: 'failure',
      prompt_tokens: 0,
      completion_tokens: 0,
      total_tokens: 0,
      spend: 0,
      metadata: {},
    };
    const fromCsv = await eventsOf({ ...logs, name: 'logs.csv', content: csvOf([row, failed]) });
    expect(fromCsv).toEqual(await eventsOf({ ...logs, content: lines(row, failed) }));
    expect(fromCsv).toEqual(await eventsOf({ ...logs, name: 'logs.json', content: JSON.stringify([row, failed]) }));
    expect(fromCsv[1]).toMatchObject({ outcome: 'FAILED' });
    expect(fromCsv[1]?.tokens).toBeUndefined();
  });

  test('3.1 a request that the callback sent already has the same key, so it is never counted twice', async () => {
    const [imported] = await eventsOf({ ...logs, content: lines(row) });
    const posted = litellmDecoder({ customerPaths: ['end_user'], isCostReported: false }).decode({
      id: 'chatcmpl-1',
      call_type: 'acompletion',
      status: 'success',
      startTime: 1_790_841_600.25,
      endTime: 1_790_841_601.5,
      model: row.model,
      custom_llm_provider: 'bedrock',
      end_user: 'acme',
      response_cost: 0.0125,
      metadata: { usage_object: metadata.usage_object },
    });
    expect(imported).toMatchObject({
      ...Object.fromEntries(['key', 'at', 'type', 'provider', 'model', 'tokens'].map((name) => [name, posted[name]])),
    });
  });

  test('2.4 a timestamp without a zone is UTC, with one it is kept', async () => {
    const rows = ['2026-10-01 08:00:00.25', '2026-10-01T08:00:00.250Z', '2026-10-01 10:00:00.25+02:00'].map((startTime, i) => ({
      ...row,
      request_id: `r-${i}`,
      startTime,
      endTime: startTime,
    }));
    const events = await eventsOf({ ...logs, content: lines(...rows) });
    expect(events.map(({ at, durationMs }) => [at, durationMs])).toEqual([0, 1, 2].map(() => ['2026-10-01T08:00:00.250Z', 0]));
  });

  test('9.1 the spend is the reported cost only where that is asked for', async () => {
    const [event] = await eventsOf({ ...logs, content: lines(row), isCostReported: true });
    expect(event?.reportedCost).toEqual({ amount: '0.0125', currency: 'USD' });
    const noisy = { ...row, spend: 0.1 + 0.2 };
    const [inexact] = await eventsOf({ ...logs, content: lines(noisy), isCostReported: true });
    expect(inexact?.reportedCost ?? null).toBeNull();
    expect(inexact).toMatchObject({ properties: { responseCost: '0.30000000000000004', reportedCostLeftOut: 'NUMBER_NOT_EXACT' } });
  });

  test('an answer from the cache of LiteLLM cost nothing', async () => {
    const [event] = await eventsOf({ ...logs, content: lines({ ...row, cache_hit: 'True', spend: 0 }) });
    expect(event).toMatchObject({ reportedCost: { amount: '0', currency: 'USD' }, properties: { cacheHit: true } });
  });

  test('3.4 rows of older versions: with what of the cache is known, or marked as estimates', async () => {
    const older = { ...row, metadata: { additional_usage_values: { cache_read_input_tokens: 3_000, cache_creation_input_tokens: 0 } } };
    const oldest = { ...row, request_id: 'chatcmpl-2', metadata: '{}' };
    const excluded = {
      ...row,
      request_id: 'chatcmpl-3',
      prompt_tokens: 31,
      metadata: { additional_usage_values: { cache_creation_input_tokens: 1_253 } },
    };
    const ledger = new Ledger();
    await run({ ...logs, content: lines(older, oldest) }, (events) => ledger.send(events));
    expect(ledger.wire).toMatchObject([
      { tokens: { input: '5100', cacheRead: '3000' } },
      { tokens: { input: '5100', output: '60' }, properties: { estimated: true, missing: ['cacheTokens', 'reasoningTokens'] } },
    ]);
    expect(ledger.wire[0]?.properties?.['estimated']).toBeUndefined();
    // Versions that left the cache out of prompt_tokens: never clamped, refused by the API.
    await expect(run({ ...logs, content: lines(excluded) }, (events) => ledger.send(events))).rejects.toThrow(
      /TOKEN_PARTS_EXCEED_TOTAL|more than it/,
    );
  });

  test('bad rows are rejected by number and reason, the others stand', async () => {
    const rows = [
      { ...row, request_id: '' },
      row,
      { ...row, startTime: 'yesterday' },
      { ...row, metadata: 'no json' },
      { ...row, spend: 'free' },
    ];
    const ledger = new Ledger();
    expect(await run({ ...logs, content: lines(...rows) }, (events) => ledger.send(events))).toMatchObject({
      row: 5,
      accepted: 1,
      rejected: 4,
    });
    expect(rejects().map(({ row: number, code }) => [number, code])).toEqual([
      [1, 'KEY_MISSING'],
      [3, 'INVALID_TIME'],
      [4, 'INVALID_FIELD'],
      [5, 'INVALID_FIELD'],
    ]);
  });

  test('every event is one that the API accepts, with the tokens that the row says', async () => {
    const ledger = new Ledger();
    await run({ ...logs, content: lines(row) }, (events) => ledger.send(events));
    const [event] = [...ledger.events.values()];
    expect(event === undefined ? '' : inclusive(event.tokens).total.toString()).toBe('5160');
  });
});

describe('whose usage it is', () => {
  const openai = {
    format: 'openai-usage',
    content: JSON.stringify(page([bucket(0, [completion({}), completion({ project_id: null, api_key_id: 'key_9' })])])),
  };
  const customers = async (options: CustomerOptions) => (await eventsOf({ ...openai, ...options })).map(({ customer }) => customer);

  test('a fixed customer, what the row names, or a list of what belongs to whom', async () => {
    expect(await customers({ customer: 'acme' })).toEqual(['acme', 'acme']);
    expect(await customers({ customerBy: 'api-key' })).toEqual(['key_1', 'key_9']);
    expect(await customers({ customerBy: 'project', customer: 'others' })).toEqual(['proj_a', 'others']);
    const file = path.join(directory, 'customers.csv');
    writeFileSync(file, 'id,customer\nkey_1,acme\nkey_2,globex\n');
    expect(await customers({ customerBy: 'api-key', customers: file, customer: 'others' })).toEqual(['acme', 'others']);
  });

  test('a row that names nobody is rejected, not given to somebody', async () => {
    const ledger = new Ledger();
    expect(await run({ ...openai, customerBy: 'project' }, (events) => ledger.send(events))).toMatchObject({ accepted: 1, rejected: 1 });
    expect(rejects()).toMatchObject([{ row: 2, code: 'CUSTOMER_MISSING', message: expect.stringContaining('--customer') }]);
  });

  test('without a choice, or with one that the export does not have, nothing is imported', async () => {
    await expect(customers({})).rejects.toThrow(/--customer KEY or --customer-by api-key \| project \| user/);
    await expect(customers({ customerBy: 'workspace' })).rejects.toThrow(/rows of openai-usage have api-key/);
  });

  test('what --set says holds for every row', async () => {
    const events = await eventsOf({ ...openai, customer: 'acme', set: ['type=chat', 'feature=search', 'properties.batch=october'] });
    expect(events).toMatchObject([
      { type: 'chat', feature: 'search', properties: { estimated: true, batch: 'october' } },
      { type: 'chat' },
    ]);
  });

  test('a file whose name says nothing of its kind is refused', async () => {
    await expect(eventsOf({ ...openai, customer: 'acme', name: 'export.txt' })).rejects.toThrow(/\.csv, \.json or \.jsonl/);
  });

  test('a JSON file that is cut short is a row that cannot be read', async () => {
    const ledger = new Ledger();
    const content = openai.content.slice(0, -20);
    expect(await run({ ...openai, customer: 'acme', content }, (events) => ledger.send(events))).toMatchObject({
      accepted: 0,
      rejected: 1,
    });
  });
});

import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { SourceApi } from '../../apps/api/events/source-api.fixture.ts';
import { ApiProcess } from './api-process.fixture.ts';

const NDJSON = 'application/x-ndjson';
const MEBIBYTE = 2 ** 20;
/** More by hand: TARE_STREAM_MIB=1024. */
const STREAM_MIB = Number(process.env['TARE_STREAM_MIB'] ?? 64);
const LINE_BYTES = 256 * 2 ** 10;

interface Answer {
  readonly line: number;
  readonly status: string;
  readonly key: string | null;
  readonly code?: string;
}
interface Summary {
  readonly summary: { accepted: number; duplicates: number; rejected: number; error?: { code: string } };
}

let keys = 0;
const event = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  key: `line-${(keys += 1)}`,
  customer: 'acme',
  type: 'llm.completion',
  at: '2026-03-20T10:00:00Z',
  ...more,
});
const line = (more: Record<string, unknown> = {}): string => JSON.stringify(event(more));

describe('a stream of lines, whatever its length', () => {
  let api: SourceApi;
  beforeAll(async () => {
    api = await SourceApi.open();
  });
  afterAll(() => api.close());

  const post = async (body: string | Buffer, accept = 'application/json'): Promise<{ status: number; body: string }> => {
    const response = await api.app.inject({
      method: 'POST',
      url: '/v1/events',
      headers: { authorization: `Bearer ${api.key}`, 'content-type': NDJSON, accept },
      payload: body,
    });
    return { status: response.statusCode, body: response.body };
  };
  const total = async (body: string | Buffer): Promise<Record<string, unknown>> => {
    const answer = await post(body);
    expect(answer.status).toBe(200);
    return JSON.parse(answer.body) as Record<string, unknown>;
  };
  const each = async (body: string | Buffer): Promise<(Answer | Summary)[]> => {
    const answer = await post(body, NDJSON);
    expect(answer.status).toBe(200);
    return answer.body
      .trim()
      .split('\n')
      .map((one) => JSON.parse(one) as Answer | Summary);
  };

  test('more lines than a batch holds are taken, and a repeat of the stream counts as duplicates', async () => {
    const body = Array.from({ length: 10_001 }, () => line({ customer: 'long' })).join('\n');
    expect(await total(body)).toEqual({ accepted: 10_001, duplicates: 0, rejected: [] });
    expect(await total(body)).toEqual({ accepted: 0, duplicates: 10_001, rejected: [] });
    expect(await api.stored('long')).toHaveLength(10_001);
  });

  test('3.2 each line is answered by its number, in the order of the lines, and a summary comes last', async () => {
    const [first, second] = [event(), event()];
    const lines = [
      JSON.stringify(first),
      '',
      '{"key": ',
      JSON.stringify(first),
      JSON.stringify({ ...first, model: 'x' }),
      line({ at: 'now' }),
      '"text"',
    ];
    expect(await each(`${[...lines, JSON.stringify(second)].join('\r\n')}\r\n`)).toEqual([
      { line: 0, status: 'accepted', key: first['key'] },
      { line: 2, status: 'rejected', key: null, code: 'MALFORMED_JSON', message: expect.any(String) },
      { line: 3, status: 'duplicate', key: first['key'] },
      { line: 4, status: 'rejected', key: first['key'], code: 'KEY_REUSED', message: expect.any(String) },
      { line: 5, status: 'rejected', key: expect.any(String), code: 'INVALID_TIME', message: expect.stringMatching(/^at: /) },
      { line: 6, status: 'rejected', key: null, code: 'INVALID_EVENT', message: expect.any(String) },
      { line: 7, status: 'accepted', key: second['key'] },
      { summary: { accepted: 2, duplicates: 1, rejected: 4 } },
    ]);
  });

  test('a line that is too long rejects itself alone, wherever it stands, and one of just the length is taken', async () => {
    const short = line({ user: 'a' });
    const exact = `${short}${' '.repeat(LINE_BYTES - short.length)}`;
    const body = [line(), 'x'.repeat(3 * LINE_BYTES), exact, `${exact} `, line(), `{"key": "${'k'.repeat(LINE_BYTES)}"}`].join('\n');
    expect(await total(body)).toEqual({
      accepted: 3,
      duplicates: 0,
      rejected: [1, 3, 5].map((index) => ({ index, key: null, code: 'LINE_TOO_LONG', message: expect.stringMatching(/262144 bytes/) })),
    });
  });

  test('a line that is nested too deep rejects itself alone', async () => {
    const deep = line({ properties: { a: JSON.parse(`${'['.repeat(80)}${']'.repeat(80)}`) as unknown } });
    expect(await total([line(), deep, line()].join('\n'))).toMatchObject({ accepted: 2, rejected: [{ index: 1, code: 'JSON_TOO_DEEP' }] });
  });

  test('rejected lines are named up to 10,000, and the rest is counted', async () => {
    const body = `${'{\n'.repeat(10_003)}${line()}\n`;
    const answer = await total(body);
    expect(answer).toMatchObject({ accepted: 1, duplicates: 0, rejectedMore: 3 });
    expect((answer['rejected'] as { index: number }[]).map(({ index }) => index)).toEqual(
      Array.from({ length: 10_000 }, (_, index) => index),
    );
    const answers = await each(body);
    expect(answers).toHaveLength(10_005);
    expect(answers.at(-1)).toEqual({ summary: { accepted: 0, duplicates: 1, rejected: 10_003 } });
  });

  test('no lines are no events', async () => {
    for (const body of ['', '\n', '\r\n\n  \n', '\uFEFF\n'])
      expect(await total(body)).toEqual({ accepted: 0, duplicates: 0, rejected: [] });
    expect(await each('\n\n')).toEqual([{ summary: { accepted: 0, duplicates: 0, rejected: 0 } }]);
  });

  test('3.1 wherever a stream is cut into pieces on its way, the lines are the same', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => line({ user: `Zoë ${'😀'.repeat(i)}`, customer: 'cut' }));
    const body = Buffer.from(`\uFEFF${lines.join('\r\n')}`);
    for (const bytes of [1, 7, 4_096]) {
      const pieces = Array.from({ length: Math.ceil(body.length / bytes) }, (_, i) => body.subarray(i * bytes, (i + 1) * bytes));
      const response = await api.app.inject({
        method: 'POST',
        url: '/v1/events',
        headers: { authorization: `Bearer ${api.key}`, 'content-type': NDJSON },
        payload: Readable.from(pieces, { objectMode: false }),
      });
      expect(response.json()).toMatchObject({ rejected: [] });
    }
    expect((await api.stored('cut')).map(({ user }) => user).sort()).toEqual(
      lines.map((one) => (JSON.parse(one) as { user: string }).user).sort(),
    );
  });
});

describe('a stream over a socket', () => {
  let api: ApiProcess;
  beforeAll(async () => {
    api = await ApiProcess.start();
  });
  afterAll(() => api.stop());

  const open = (accept: string): { request: ClientRequest; response: Promise<IncomingMessage> } => {
    const headers = { authorization: `Bearer ${api.key}`, 'content-type': NDJSON, accept };
    const request = httpRequest(`${api.url}/v1/events`, { method: 'POST', headers });
    const response = new Promise<IncomingMessage>((resolve, reject) => request.once('response', resolve).once('error', reject));
    return { request, response };
  };

  test('lines are answered while the stream is still open', async () => {
    const { request, response } = open(NDJSON);
    request.write(`${line()}\n`);
    const answers = createInterface({ input: await response })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse((await answers.next()).value as string);
    expect(await next()).toMatchObject({ line: 0, status: 'accepted' });
    request.write(`${line()}\n${line()}\n`);
    expect(await next()).toMatchObject({ line: 1, status: 'accepted' });
    expect(await next()).toMatchObject({ line: 2, status: 'accepted' });
    request.end();
    expect(await next()).toEqual({ summary: { accepted: 3, duplicates: 0, rejected: 0 } });
    expect((await answers.next()).done).toBe(true);
  });

  test('3.3 when the sender goes away in the middle, what was answered stays, and the stream sent again counts nothing twice', async () => {
    const lines = Array.from({ length: 5_000 }, () => line());
    const before = await api.events();
    const { request, response } = open(NDJSON);
    request.on('error', () => undefined);
    request.write(`${lines.slice(0, 3_000).join('\n')}\n`);
    const incoming = await response;
    incoming.on('error', () => undefined);
    let answers = '';
    await new Promise<void>((resolve) =>
      incoming.setEncoding('utf8').on('data', (piece: string) => {
        answers += piece;
        if (answers.split('\n').length > 3_000) resolve();
      }),
    );
    const answered = answers
      .trim()
      .split('\n')
      .map((one) => JSON.parse(one) as Answer);
    expect(answered).toHaveLength(3_000);
    request.write(lines.slice(3_000).join('\n').slice(0, 10_000));
    request.destroy();
    expect(answered.every(({ status }) => status === 'accepted')).toBe(true);
    expect((await api.events()) - before).toBeGreaterThanOrEqual(3_000);
    const again = open('application/json');
    again.request.end(lines.join('\n'));
    const { accepted, duplicates, rejected } = JSON.parse(await text(await again.response)) as Record<string, number>;
    expect([Number(accepted) + Number(duplicates), rejected]).toEqual([5_000, []]);
    expect(Number(duplicates)).toBeGreaterThanOrEqual(3_000);
    expect((await api.events()) - before).toBe(5_000);
  });

  test(
    `${STREAM_MIB} MiB stream through in memory that does not grow`,
    async () => {
      const before = await api.events();
      let [sent, events] = [0, 0];
      function* lines(): Generator<string> {
        while (sent < STREAM_MIB * MEBIBYTE) {
          const piece = Array.from({ length: 200 }, () => {
            events += 1;
            const at = new Date(1_774_000_000_000 + events).toISOString();
            const properties = { session: `session-${events % 5_000}`, prompt: 'p'.repeat(120) };
            return line({
              at,
              customer: `c-${events % 500}`,
              provider: 'openai',
              model: 'gpt-4o',
              tokens: { input: 1_200, output: 350, cacheRead: 800 },
              properties,
            });
          });
          const bytes = `${piece.join('\n')}\n`;
          sent += bytes.length;
          yield bytes;
        }
      }
      const rss: number[] = [];
      const sampling = setInterval(() => rss.push(api.rssMiB() ?? NaN), 100);
      const began = performance.now();
      const { request, response } = open('application/json');
      await pipeline(Readable.from(lines(), { objectMode: false }), request);
      const answer = await response;
      expect(JSON.parse(await text(answer))).toEqual({ accepted: events, duplicates: 0, rejected: [] });
      clearInterval(sampling);
      const seconds = (performance.now() - began) / 1_000;
      const peak = Math.max(...rss);
      const rate = { mibPerSecond: Number((sent / MEBIBYTE / seconds).toFixed(1)), eventsPerSecond: Math.round(events / seconds) };
      process.stdout.write(
        `${JSON.stringify({ stream: 'ndjson', mib: Math.round(sent / MEBIBYTE), events, ...rate, peakRssMiB: peak })}\n`,
      );
      expect((await api.events()) - before).toBe(events);
      if (api.rssMiB() === null) return;
      // Independent of the length of the stream: the same holds for a gigabyte.
      expect(peak).toBeLessThan(512);
    },
    120_000 + STREAM_MIB * 1_000,
  );
});

describe('when the system is full', () => {
  let api: ApiProcess;
  beforeAll(async () => {
    // Room for one batch of a stream, where four are under way.
    api = await ApiProcess.start({
      TARE_QUEUE_EVENTS: '1000',
      TARE_TENANT_REQUESTS_PER_SECOND: '1',
      TARE_TENANT_EVENTS_PER_SECOND: '6000',
    });
  });
  afterAll(() => api.stop());
  const post = (path: string, type: string, body: string): Promise<Response> =>
    fetch(`${api.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${api.key}`, 'content-type': type }, body });

  test('a stream waits for room, and keeps to the agreed rate, instead of failing', async () => {
    const began = performance.now();
    const answer = await post('/v1/events', NDJSON, Array.from({ length: 20_000 }, () => line()).join('\n'));
    expect(await answer.json()).toEqual({ accepted: 20_000, duplicates: 0, rejected: [] });
    // 12,000 at once are two seconds' worth; what is above that has to wait.
    expect(performance.now() - began).toBeGreaterThan(900);
    expect(await api.events()).toBe(20_000);
  });

  test('an exporter of OpenTelemetry is told when to come again: 429, Retry-After, and why', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => post('/v1/traces', 'application/json', '{}')));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) {
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await answer.json()).toEqual({ code: 8, message: expect.stringMatching(/^RATE_LIMITED: /) });
    }
  });
});

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TareClient } from './tare-client.ts';
import { TareError } from './tare-error.ts';
import type { UsageEvent } from './wire.ts';

let server: Server;
let answers: ((body: unknown, response: ServerResponse) => void)[];
let bodies: unknown[];
let client: TareClient;

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (_body: unknown, response: ServerResponse) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const event = (key: string): UsageEvent => ({ key, customer: 'acme', type: 'llm.completion', at: '2026-10-01T00:00:00Z' });

beforeAll(async () => {
  server = createServer((request: IncomingMessage, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const body: unknown = JSON.parse(text);
      bodies.push(body);
      const answer = answers.shift();
      if (answer) answer(body, response);
      else response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  answers = [];
  bodies = [];
  const { port } = server.address() as AddressInfo;
  client = new TareClient({ url: `http://127.0.0.1:${port}/`, apiKey: 'tare_test_x', batchSize: 2, tries: 3, maxDelayMs: 5 });
});

test('events go in batches, and a rejected one keeps its place in what was given', async () => {
  answers.push(
    json(200, { accepted: 2, duplicates: 0, rejected: [] }),
    json(200, { accepted: 0, duplicates: 0, rejected: [{ index: 0, key: 'c', code: 'KEY_REUSED', message: 'm' }] }),
  );
  const result = await client.ingest([event('a'), event('b'), event('c')]);
  expect(result).toEqual({ accepted: 2, duplicates: 0, rejected: [{ index: 2, key: 'c', code: 'KEY_REUSED', message: 'm' }] });
  expect(bodies).toEqual([[event('a'), event('b')], [event('c')]]);
});

test('a batch whose answer was lost is sent again with the same keys', async () => {
  answers.push(
    (_body, response) => response.destroy(),
    json(429, { code: 'OVERLOADED', message: 'later' }, { 'retry-after': '0' }),
    json(200, { accepted: 0, duplicates: 1, rejected: [] }),
  );
  expect(await client.ingest([event('a')])).toMatchObject({ duplicates: 1 });
  expect(bodies).toEqual([[event('a')], [event('a')], [event('a')]]);
});

test('what cannot get better is not tried again', async () => {
  answers.push(json(401, { code: 'UNAUTHENTICATED', message: 'no key' }));
  await expect(client.ingest([event('a')])).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message: 'no key' });
  expect(bodies).toHaveLength(1);
});

test('tries end', async () => {
  await expect(client.ingest([event('a')])).rejects.toMatchObject({ code: 'UNREACHABLE' });
  expect(bodies).toHaveLength(3);
});

test('a GraphQL error becomes an exception with its code, whatever the status', async () => {
  const errors = [{ message: 'no meter', extensions: { code: 'NOT_FOUND' } }];
  answers.push(json(200, { data: null, errors }), json(400, { errors }));
  for (let i = 0; i < 2; i++) {
    const failure: unknown = await client.graphql('{ meters }').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TareError);
    expect(failure).toMatchObject({ code: 'NOT_FOUND', message: 'no meter' });
  }
});

test('data of a GraphQL operation is answered as it is', async () => {
  answers.push(json(200, { data: { tenant: { name: 'Acme' } } }));
  expect(await client.graphql('query($a: Int) { tenant }', { a: 1 })).toEqual({ tenant: { name: 'Acme' } });
  expect(bodies).toEqual([{ query: 'query($a: Int) { tenant }', variables: { a: 1 } }]);
});

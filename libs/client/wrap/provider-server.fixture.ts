import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A provider of a test: what it was sent, and how it answers next. */
export interface ProviderServer {
  readonly url: string;
  readonly requests: { readonly path: string; readonly body: Record<string, unknown> }[];
  answer(...answers: Answer[]): void;
  close(): Promise<void>;
}

export type Answer = (response: ServerResponse, request: IncomingMessage) => void | Promise<void>;

export async function startProvider(): Promise<ProviderServer> {
  const requests: ProviderServer['requests'] = [];
  let answers: Answer[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      requests.push({ path: request.url ?? '', body: text ? (JSON.parse(text) as Record<string, unknown>) : {} });
      const answer = answers.shift();
      if (answer) void answer(response, request);
      else response.writeHead(500).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (...more) => (answers = [...answers, ...more]),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

export const asJson =
  (body: unknown, status = 200): Answer =>
  (response) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req_1', 'request-id': 'req_1' })
      .end(JSON.stringify(body));

/** How events of a stream are sent. */
interface StreamTerms {
  /** `cut`: the connection breaks after them, `open`: nothing follows. */
  readonly end?: 'done' | 'cut' | 'open';
  readonly everyMs?: number;
  /** Nothing after the first of them is sent before it. */
  readonly afterFirst?: Promise<void>;
}

export const asStream =
  (events: readonly object[], { end = 'done', everyMs = 2, afterFirst }: StreamTerms = {}): Answer =>
  async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'req_1' }).flushHeaders();
    for (const event of events) {
      const { type } = event as { type?: string };
      response.write(`${type ? `event: ${type}\n` : ''}data: ${JSON.stringify(event)}\n\n`);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
      await afterFirst;
    }
    if (end === 'cut') response.destroy();
    else if (end === 'done')
      response.end((events[0] as { object?: string }).object === 'chat.completion.chunk' ? 'data: [DONE]\n\n' : undefined);
  };

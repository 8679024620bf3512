import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Event = Record<string, unknown> & { readonly key: string };
/** What the server does to a request: takes it, or fails in one of the ways in which servers and networks fail. */
export type Fault =
  'none' | 'refuse-429' | 'fail-500' | 'fail-503-after-commit' | 'reset' | 'reset-after-commit' | 'hang' | 'hang-after-commit' | 'page';

/** An API that counts each key once, as Tare does, and fails as it is told. */
export interface IngestServer {
  readonly url: string;
  /** How often each key was counted. */
  readonly counted: ReadonlyMap<string, number>;
  readonly batches: Event[][];
  readonly openAtOnce: () => number;
  /** For the next requests, one each. */
  fail(...faults: Fault[]): void;
  /** In place of the usual answer, until it answers false. */
  answerBy(answer: (batch: Event[], response: ServerResponse, text: string) => boolean): void;
  close(): Promise<void>;
}

export async function startIngestServer({ answerMs = 0 } = {}): Promise<IngestServer> {
  const counted = new Map<string, number>();
  const batches: Event[][] = [];
  const faults: Fault[] = [];
  let special: (batch: Event[], response: ServerResponse, text: string) => boolean = () => false;
  let open = 0;
  let mostOpen = 0;

  const commit = (batch: Event[]): { accepted: number; duplicates: number; rejected: [] } => {
    const fresh = batch.filter(({ key }) => !counted.has(key));
    for (const { key } of fresh) counted.set(key, (counted.get(key) ?? 0) + 1);
    return { accepted: fresh.length, duplicates: batch.length - fresh.length, rejected: [] };
  };
  const server = createServer((request, response) => {
    let text = '';
    mostOpen = Math.max(mostOpen, ++open);
    response.on('close', () => open--);
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const batch = JSON.parse(text) as Event[];
      batches.push(batch);
      if (special(batch, response, text)) return;
      const fault = faults.shift() ?? 'none';
      const result = fault === 'none' || fault.endsWith('after-commit') ? commit(batch) : undefined;
      setTimeout(() => answer(fault, result, response), answerMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counted,
    batches,
    openAtOnce: () => mostOpen,
    fail: (...more) => void faults.push(...more),
    answerBy: (answerOf) => (special = answerOf),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

export const jsonAnswer = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): true => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  return true;
};

function answer(fault: Fault, result: unknown, response: ServerResponse): void {
  switch (fault) {
    case 'none':
      return void jsonAnswer(response, 200, result);
    case 'refuse-429':
      return void jsonAnswer(response, 429, { code: 'OVERLOADED', message: 'later' }, { 'retry-after': '0' });
    case 'fail-500':
      return void jsonAnswer(response, 500, { code: 'INTERNAL', message: 'ours' });
    case 'fail-503-after-commit':
      return void jsonAnswer(response, 503, { code: 'OVERLOADED', message: 'later' });
    case 'page':
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>maintenance</html>');
    case 'hang':
    case 'hang-after-commit':
      return;
    case 'reset':
    case 'reset-after-commit':
      return void response.destroy();
  }
}

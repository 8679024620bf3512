import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { answerApiCall } from './answer-api-call.ts';
import { answerControl } from './control.ts';
import { EmulatorState } from './emulator-state.ts';
import { ConnectionReset, type HttpAnswer, type HttpRequest, jsonAnswer } from './http-exchange.ts';
import { invoiceListPage, invoicePage } from './invoice-pages.ts';

const HOST = '127.0.0.1';
const MAX_BODY_BYTES = 10_000_000;

export interface StripeEmulatorOptions {
  /** 0 (the default) takes any free port. */
  port?: number;
  /** A file of JSON lines that keeps the state over restarts, also after a kill; without it everything is in memory only. */
  dataFile?: string | null;
  /** Milliseconds since the epoch; the real clock by default. */
  clock?: () => number;
}

export interface StripeEmulator {
  /** Such as http://127.0.0.1:41234. */
  url: string;
  port: number;
  /** Moves the emulator's clock, as POST /emulator/clock does. */
  advanceClock: (ms: number) => void;
  /** Cuts open connections and closes the journal. */
  stop: () => Promise<void>;
}

/** Starts the emulator on the loopback interface; it never listens anywhere else. */
export async function startStripeEmulator(options: StripeEmulatorOptions = {}): Promise<StripeEmulator> {
  const state = new EmulatorState(options.dataFile ?? null, options.clock ?? Date.now);
  const server = createServer((request, response) => void serve(state, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, HOST, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${HOST}:${port}`,
    port,
    advanceClock: (ms) => state.advanceClock(ms),
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      state.stop();
    },
  };
}

async function serve(state: EmulatorState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const { status, headers, body } = await answer(state, await receive(request));
    response.writeHead(status, { 'Tare-Emulator': 'stripe', ...headers }).end(body);
  } catch (error) {
    if (error instanceof ConnectionReset) {
      request.socket.resetAndDestroy();
      return;
    }
    const message = error instanceof Error ? error.message : 'unknown';
    const { headers, body } = jsonAnswer(500, { error: { type: 'api_error', message: `The emulator itself failed: ${message}` } });
    response.writeHead(500, { 'Tare-Emulator': 'stripe', ...headers }).end(body);
  }
}

function answer(state: EmulatorState, request: HttpRequest): Promise<HttpAnswer> | HttpAnswer {
  const { method, path } = request;
  if (path.startsWith('/v1/') || path.startsWith('/v2/')) return answerApiCall(state, request);
  if (path === '/emulator' || path.startsWith('/emulator/')) return answerControl(state, request);
  if (method === 'GET' && path === '/') return invoiceListPage(state);
  if (method === 'GET' && path.startsWith('/invoices/')) return invoicePage(state, decodeURIComponent(path.slice('/invoices/'.length)));
  return jsonAnswer(404, { error: { type: 'invalid_request_error', message: `Unrecognized request URL (${method}: ${path}).` } });
}

async function receive(request: IncomingMessage): Promise<HttpRequest> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Error(`a body of more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  const [path = '/', query = ''] = (request.url ?? '/').split('?');
  const header = (name: string): string | null => {
    const value = request.headers[name];
    return Array.isArray(value) ? (value[0] ?? null) : (value ?? null);
  };
  const baseUrl = `http://${HOST}:${request.socket.localPort ?? 0}`;
  return { method: request.method ?? 'GET', path, query, header, body: Buffer.concat(chunks).toString('utf8'), baseUrl };
}

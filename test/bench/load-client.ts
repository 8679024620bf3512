import { connect, type Socket } from 'node:net';

/** What was answered to a request. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

const HEADER_END = Buffer.from('\r\n\r\n');

/** An HTTP request as bytes: made before the clock runs. */
export function requestBytes(url: URL, path: string, key: string, body: string, contentType = 'application/json'): Buffer {
  const payload = Buffer.from(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${url.host}`,
    `authorization: Bearer ${key}`,
    `content-type: ${contentType}`,
    `content-length: ${payload.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), payload]);
}

/** A request without a body. */
export function getBytes(url: URL, path: string, key: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nhost: ${url.host}\r\nauthorization: Bearer ${key}\r\n\r\n`);
}

/** One connection that sends a request at a time: as little work of its own as a client can have. */
export class LoadConnection {
  private received: Buffer = Buffer.alloc(0);
  private waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | null = null;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the connection was closed')));
  }

  static open(url: URL): Promise<LoadConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(url.port), url.hostname, () => resolve(new LoadConnection(socket)));
      socket.once('error', reject);
    });
  }

  send(request: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(request);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    const headEnd = this.received.indexOf(HEADER_END);
    if (headEnd === -1) return;
    const head = this.received.subarray(0, headEnd).toString('latin1');
    const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    const end = headEnd + HEADER_END.length + length;
    if (this.received.length < end) return;
    const body = this.received.subarray(headEnd + HEADER_END.length, end).toString('utf8');
    this.received = this.received.subarray(end);
    this.waiting?.resolve({ status: Number(head.slice(9, 12)), body });
    this.waiting = null;
  }

  private fail(error: Error): void {
    this.waiting?.reject(error);
    this.waiting = null;
  }
}

/** Sends all requests over so many connections, each its next one as soon as it is answered. Answers the milliseconds of each. */
export async function sendAll(
  url: URL,
  requests: readonly Buffer[],
  connections: number,
  check: (answer: Answer) => void,
): Promise<number[]> {
  const open = await Promise.all(Array.from({ length: connections }, () => LoadConnection.open(url)));
  const latencies: number[] = [];
  let next = 0;
  const drive = async (connection: LoadConnection): Promise<void> => {
    while (next < requests.length) {
      const request = requests[next] as Buffer;
      next += 1;
      const began = performance.now();
      check(await connection.send(request));
      latencies.push(performance.now() - began);
    }
  };
  await Promise.all(open.map(drive));
  for (const connection of open) connection.close();
  return latencies;
}

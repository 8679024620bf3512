/** A request as the emulator's parts see it, and their answer. */
export interface HttpRequest {
  method: string;
  path: string;
  /** The query string, without its question mark. */
  query: string;
  header: (name: string) => string | null;
  body: string;
  baseUrl: string;
}

export interface HttpAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Thrown in place of an answer: the connection is to be cut, without a word. */
export class ConnectionReset extends Error {}

export function jsonAnswer(status: number, body: unknown, headers: Record<string, string> = {}): HttpAnswer {
  return { status, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

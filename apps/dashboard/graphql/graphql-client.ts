import { ApiError } from './api-error.ts';
import type { QueryDocument } from './query-document.ts';

interface GraphqlBody {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message?: string; readonly extensions?: { readonly code?: string } }[];
}

/** Asks the API of the same origin. @throws ApiError, or the AbortError of the signal */
export async function ask<Answer, Variables>(
  apiKey: string,
  query: QueryDocument<Answer, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Answer> {
  const response = await send(apiKey, JSON.stringify({ query: query.text, variables }), signal);
  const body = await bodyOf(response);
  const error = body?.errors?.[0];
  if (response.status === 401) throw new ApiError('UNAUTHENTICATED', error?.message ?? 'not authenticated');
  if (error !== undefined) throw new ApiError(error.extensions?.code ?? 'UNREADABLE', error.message ?? 'an error without a message');
  if (body?.data == null) throw new ApiError('UNREADABLE', `the API answered with HTTP status ${response.status}`);
  return body.data as Answer;
}

async function send(apiKey: string, body: string, signal: AbortSignal | undefined): Promise<Response> {
  const headers = { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${apiKey}` };
  try {
    return await fetch('/graphql', { method: 'POST', headers, body, ...(signal ? { signal } : {}) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('UNREACHABLE', 'no answer from the API');
  }
}

async function bodyOf(response: Response): Promise<GraphqlBody | null> {
  try {
    const body: unknown = await response.json();
    return typeof body === 'object' ? body : null;
  } catch {
    return null;
  }
}

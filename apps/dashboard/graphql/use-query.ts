import { useCallback, useEffect, useState } from 'react';
import { useSession } from '../access/session.ts';
import { ApiError } from './api-error.ts';
import { ask } from './graphql-client.ts';
import type { QueryDocument } from './query-document.ts';

export type Asked<Answer> =
  | { readonly state: 'LOADING' }
  | { readonly state: 'ANSWERED'; readonly answer: Answer }
  | { readonly state: 'FAILED'; readonly error: ApiError; readonly retry: () => void };

/** Asks when it is first shown and again when the variables change. A key that is no longer good ends the session. */
export function useQuery<Answer, Variables>(query: QueryDocument<Answer, Variables>, variables: Variables): Asked<Answer> {
  const { apiKey, end } = useSession();
  const asked = JSON.stringify(variables);
  const [result, setResult] = useState<{ readonly of: string; readonly outcome: Answer | ApiError } | null>(null);
  const [attempt, setAttempt] = useState(0);
  const of = `${attempt} ${asked}`;
  const retry = useCallback(() => setAttempt((count) => count + 1), []);

  useEffect(() => {
    const abort = new AbortController();
    ask(apiKey, query, JSON.parse(asked) as Variables, abort.signal)
      .then((answer) => setResult({ of, outcome: answer }))
      .catch((thrown: unknown) => {
        if (abort.signal.aborted) return;
        const error = thrown instanceof ApiError ? thrown : new ApiError('UNREADABLE', String(thrown));
        if (error.code === 'UNAUTHENTICATED') end(error);
        else setResult({ of, outcome: error });
      });
    return () => abort.abort();
  }, [apiKey, query, asked, of, end]);

  if (result?.of !== of) return { state: 'LOADING' };
  if (result.outcome instanceof ApiError) return { state: 'FAILED', error: result.outcome, retry };
  return { state: 'ANSWERED', answer: result.outcome };
}

import { useState } from 'react';
import type { FormEvent } from 'react';
import { ApiError, sentenceOf } from '../graphql/api-error.ts';
import { ask } from '../graphql/graphql-client.ts';
import { queryDocument } from '../graphql/query-document.ts';
import { Wordmark } from '../layout/wordmark.tsx';
import text from './check-key.graphql?raw';

/** Any query that needs READ and costs little. */
const CHECK_KEY = queryDocument<unknown, Record<string, never>>(text);

/** Asks for an API key and lets in only one that may read. */
export function SignIn({ because, onKey }: { readonly because: ApiError | null; readonly onKey: (apiKey: string) => void }) {
  const [apiKey, setApiKey] = useState('');
  const [error, setError] = useState(because);
  const [isChecking, setChecking] = useState(false);

  const check = async (): Promise<void> => {
    setChecking(true);
    setError(null);
    try {
      await ask(apiKey.trim(), CHECK_KEY, {});
      onKey(apiKey.trim());
    } catch (thrown) {
      setError(thrown instanceof ApiError ? thrown : new ApiError('UNREADABLE', String(thrown)));
      setChecking(false);
    }
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void check();
  };

  return (
    <main className="sign-in">
      <form onSubmit={submit} className="card">
        <Wordmark />
        <h1>What was left over from each customer</h1>
        <label htmlFor="api-key">API key</label>
        <input
          id="api-key"
          type="password"
          autoComplete="off"
          spellCheck={false}
          autoFocus
          value={apiKey}
          aria-invalid={error !== null}
          aria-describedby="key-note"
          onChange={(event) => setApiKey(event.target.value)}
        />
        {error !== null && (
          <p role="alert" className="form-error">
            {sentenceOf(error)}
          </p>
        )}
        <button type="submit" className="primary" disabled={isChecking || apiKey.trim() === ''}>
          {isChecking ? 'Checking the key…' : 'Sign in'}
        </button>
        <p id="key-note" className="note">
          A key with the scope READ is enough. It is kept in this tab only and forgotten when you sign out or close it.
        </p>
      </form>
    </main>
  );
}

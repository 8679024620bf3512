import { createContext, useContext } from 'react';
import type { ApiError } from '../graphql/api-error.ts';

/** Who is signed in. The key lives in the tab's sessionStorage: it ends with the tab and no other tab sees it. */
export interface Session {
  readonly apiKey: string;
  /** Signs out; with the error when it is the API that no longer knows the key. */
  readonly end: (because?: ApiError) => void;
}

const STORED_AS = 'tare.apiKey';

export const storedKey = (): string | null => sessionStorage.getItem(STORED_AS);
export const storeKey = (apiKey: string): void => sessionStorage.setItem(STORED_AS, apiKey);
export const forgetKey = (): void => sessionStorage.removeItem(STORED_AS);

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('nobody is signed in');
  return session;
}

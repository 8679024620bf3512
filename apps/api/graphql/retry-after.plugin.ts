import type { ApolloServerPlugin } from '@apollo/server';

/** Says in the header Retry-After too what a refused field says in `extensions.retryAfterSeconds`, for proxies and clients that know HTTP only. */
export function retryAfterPlugin(): ApolloServerPlugin {
  return {
    requestDidStart: () =>
      Promise.resolve({
        willSendResponse({ response: { body, http } }) {
          if (body.kind === 'single' && body.singleResult.errors !== undefined) {
            const seconds = body.singleResult.errors.map(({ extensions }) => Number(extensions?.['retryAfterSeconds'] ?? 0));
            const longest = Math.max(...seconds);
            if (longest > 0) http.headers.set('retry-after', String(longest));
          }
          return Promise.resolve();
        },
      }),
  };
}

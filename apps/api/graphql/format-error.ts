import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { errorAnswer } from '../errors/error-answer.ts';

/**
 * What a GraphQL client is told: `extensions.code`, `extensions.field` where a field is to blame, `extensions.retryAfterSeconds` where waiting helps. Mistakes in the document keep the codes that Apollo gives
 * them (GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED, BAD_USER_INPUT).
 */
export function formatGraphqlError(error: unknown, byApollo?: GraphQLFormattedError): GraphQLFormattedError {
  const cause = unwrapResolverError(error);
  if (isAboutRequest(cause)) return shown(byApollo ?? cause.toJSON());
  const { code, message, field, retryAfterSeconds } = errorAnswer(cause);
  const { locations, path } = error instanceof GraphQLError ? error : {};
  return {
    message,
    ...(locations ? { locations: locations.map(({ line, column }) => ({ line, column })) } : {}),
    ...(path ? { path } : {}),
    extensions: { code, ...(field === undefined ? {} : { field }), ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) },
  };
}

/** Apollo's and our own refusals of a request carry a code that is not INTERNAL_SERVER_ERROR. */
const isAboutRequest = (cause: unknown): cause is GraphQLError =>
  cause instanceof GraphQLError && typeof cause.extensions['code'] === 'string' && cause.extensions['code'] !== 'INTERNAL_SERVER_ERROR';

/** What Apollo keeps for itself (HTTP status, stack) is not told. */
function shown({ extensions, ...error }: GraphQLFormattedError): GraphQLFormattedError {
  const { stacktrace: _stack, http: _http, ...rest } = extensions ?? {};
  return { ...error, extensions: rest };
}

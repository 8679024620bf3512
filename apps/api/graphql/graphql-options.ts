import { ApolloArmor } from '@escape.tech/graphql-armor';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import type { FastifyRequest } from 'fastify';
import { formatGraphqlError } from './format-error.ts';
import { jitPlugin } from './jit.plugin.ts';
import { GraphQLSchema } from 'graphql';
import { readArguments } from './read-arguments.ts';
import { retryAfterPlugin } from './retry-after.plugin.ts';
import { JsonScalar } from './scalars.ts';

/** Limits of one document. Events come as variables, which these do not count; the body has its own limit. */
const LIMITS = { tokens: 20_000, depth: 12, aliases: 50, directives: 50 } as const;

const armor = (): ReturnType<ApolloArmor['protect']> =>
  new ApolloArmor({
    maxDepth: { n: LIMITS.depth },
    maxAliases: { n: LIMITS.aliases },
    maxDirectives: { n: LIMITS.directives },
    costLimit: { enabled: false },
    // The parser's own limit below answers 400 where this one answers 500; and hints are taken out by hideSchemaDetails.
    maxTokens: { enabled: false },
    blockFieldSuggestion: { enabled: false },
  }).protect();

/** How GraphQL is served. */
export function graphqlOptions(): ApolloDriverConfig {
  const { plugins, validationRules } = armor();
  return {
    driver: ApolloDriver,
    path: '/graphql',
    autoSchemaFile: true,
    sortSchema: true,
    graphiql: false,
    introspection: true,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: true,
    parseOptions: { maxTokens: LIMITS.tokens },
    plugins: [...plugins, jitPlugin(formatGraphqlError), retryAfterPlugin()],
    validationRules,
    transformSchema: (schema) => readArguments(withJson(schema)),
    formatError: (formatted, error) => formatGraphqlError(error, formatted),
    context: (request: FastifyRequest) => ({ request }),
  };
}

/** The compiled executor declares variables as JSON, so that type has to be there even where no field uses it. */
function withJson(schema: GraphQLSchema): GraphQLSchema {
  if (schema.getType(JsonScalar.name)) return schema;
  const config = schema.toConfig();
  return new GraphQLSchema({ ...config, types: [...config.types, JsonScalar] });
}

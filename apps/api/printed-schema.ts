import { GraphQLSchemaHost } from '@nestjs/graphql';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { createApi } from './app.ts';

const HEADER = '# The schema that the API serves. Written by `npm run schema:print`; a test fails when it is stale.\n\n';

/** The schema as text, sorted. Needs no database: nothing is asked of it. */
export async function printedSchema(): Promise<string> {
  const app = await createApi({ databaseUrl: 'postgresql://127.0.0.1/none' });
  try {
    return `${HEADER}${printSchema(lexicographicSortSchema(app.get(GraphQLSchemaHost, { strict: false }).schema))}\n`;
  } finally {
    await app.close();
  }
}

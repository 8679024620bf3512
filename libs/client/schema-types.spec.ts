import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

test('the wire types are those of the checked-in schema (else: node tools/build-client-types.mjs)', async () => {
  const builder = (await import(pathToFileURL(path.resolve('tools/build-client-types.mjs')).href)) as {
    clientTypes(sdl: string): Promise<string>;
  };
  const types = await builder.clientTypes(readFileSync('apps/api/schema.graphql', 'utf8'));
  expect(readFileSync('libs/client/schema-types.ts', 'utf8')).toBe(types);
});

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { buildSchema, parse, validate } from 'graphql';

const root = path.resolve(import.meta.dirname, '../..');
const dashboard = path.join(root, 'apps/dashboard');
const schemaFile = path.join(root, 'apps/api/schema.graphql');

async function queries(): Promise<{ file: string; text: string }[]> {
  const files = (await readdir(dashboard, { recursive: true })).filter((file) => file.endsWith('.graphql')).sort();
  return Promise.all(files.map(async (file) => ({ file, text: await readFile(path.join(dashboard, file), 'utf8') })));
}

test('every screen of the dashboard brings its query, one operation a file', async () => {
  const found = await queries();
  expect(found.map(({ file }) => file)).toEqual(
    expect.arrayContaining([
      'customers/customers.graphql',
      'invoices/invoices.graphql',
      'overview/overview.graphql',
      'worklists/worklists.graphql',
    ]),
  );
  for (const { file, text } of found)
    expect([file, parse(text).definitions.map(({ kind }) => kind)]).toEqual([file, ['OperationDefinition']]);
});

(existsSync(schemaFile) ? test : test.skip)('the dashboard asks only for what the checked-in schema has', async () => {
  const schema = buildSchema(await readFile(schemaFile, 'utf8'));
  const mistakes = (await queries()).flatMap(({ file, text }) => validate(schema, parse(text)).map(({ message }) => `${file}: ${message}`));
  expect(mistakes).toEqual([]);
});

import { existsSync, readFileSync } from 'node:fs';
import { printedSchema } from './printed-schema.ts';

const FILE = 'apps/api/schema.graphql';

test('the checked-in schema is the one that the API serves (else: npm run schema:print)', async () => {
  const checkedIn = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
  expect(checkedIn).toBe(await printedSchema());
});

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { printedSchema } from './printed-schema.ts';

/** `npm run schema:print`: writes what the API serves now into the workspace. */
const target = path.resolve('apps/api/schema.graphql');
writeFileSync(target, await printedSchema());
process.stdout.write(`wrote ${path.relative('.', target)}\n`);

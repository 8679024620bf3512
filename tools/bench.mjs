// Runs a benchmark of test/bench on a PostgreSQL of its own: `npm run bench -- ingest`. Builds first; prints JSON lines.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const [name = ''] = process.argv.slice(2);
const names = readdirSync(path.join(root, 'test/bench'))
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.replace('.bench.ts', ''));

const run = (command, args) => {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

if (!names.includes(name)) {
  console.error(`There is no benchmark ${JSON.stringify(name)}. Run one of: ${names.map((one) => `npm run bench -- ${one}`).join(', ')}`);
  process.exit(1);
}
run(path.join(root, 'node_modules/.bin/nx'), ['run-many', '-t', 'build', '--output-style=static']);
run(process.execPath, ['tools/build.mjs', 'test/bench']);
run(process.execPath, [path.join('dist/test/bench', `${name}.bench.js`)]);

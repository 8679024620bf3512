// Sends a seed's events while API, worker and PostgreSQL are killed -9 at random: `npm run chaos -- ingest --seed 7`. Builds first.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const [name, ...options] = process.argv.slice(2);
const run = (command, args) => {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

if (name !== 'ingest') {
  console.error('Run: npm run chaos -- ingest [--seed n] [--events 1000000] [--kills 50] [--clients 4] [--apis 2]');
  process.exit(1);
}
run(path.join(root, 'node_modules/.bin/nx'), ['run-many', '-t', 'build', '--output-style=static']);
run(process.execPath, ['tools/build.mjs', 'test/simulation']);
run(process.execPath, ['dist/test/simulation/chaos.js', ...options]);

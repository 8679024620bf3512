// Everything that proves the project, in the order of what fails fastest: types, lint, build, schema drift, then one Jest for all, on a
// PostgreSQL of this run's own. Ends with a line `N passed, N failed`. Each check counts as one.
//   npm test                  all of it
//   npm test -- libs/core     only Jest, on these paths
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const only = process.argv.slice(2);
const bin = (name) => path.join(root, 'node_modules/.bin', name);
const counts = { passed: 0, failed: 0, skipped: 0 };

const run = (command, args, env = {}) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
    child.once('error', () => resolve(127));
    child.once('exit', (code, signal) => resolve(signal ? 1 : code));
  });

async function check(name, command, args) {
  const began = Date.now();
  const code = await run(command, args);
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  counts[code === 0 ? 'passed' : 'failed']++;
  return code === 0;
}

async function jest(postgresUrl, directory) {
  const result = path.join(directory, 'jest.json');
  const args = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    '-c',
    'test/jest.config.cjs',
  ];
  const code = await run(process.execPath, [...args, '--json', `--outputFile=${result}`, ...only], { TARE_TEST_POSTGRES_URL: postgresUrl });
  const report = JSON.parse(readFileSync(result, 'utf8'));
  counts.passed += report.numPassedTests;
  counts.failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
  counts.skipped += report.numPendingTests + report.numTodoTests;
  // Jest can also fail for what no test counts (a leak in teardown): that is a failure too.
  if (code !== 0 && report.numFailedTests + report.numRuntimeErrorTestSuites === 0) counts.failed++;
}

async function withPostgres(work) {
  const { startEmbeddedPostgres } = await import('../dist/libs/database/embedded-postgres.js');
  const directory = mkdtempSync(path.join(tmpdir(), 'tare-test-'));
  chmodSync(directory, 0o755);
  const settings = ['fsync=off', 'full_page_writes=off', 'max_connections=300', 'shared_buffers=256MB'].flatMap((setting) => [
    '-c',
    setting,
  ]);
  const postgres = await startEmbeddedPostgres({ directory: path.join(directory, 'postgres'), settings });
  try {
    await work(postgres.url, directory);
  } finally {
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

const nx = (target) => [bin('nx'), ['run-many', '-t', target, '--output-style=static']];
const built = await check('build', ...nx('build'));
if (only.length === 0) {
  await check('types', bin('tsc'), ['-p', 'tsconfig.json', '--noEmit']);
  await check('types of the dashboard', bin('tsc'), ['-p', 'apps/dashboard/tsconfig.json', '--noEmit']);
  await check('lint', bin('eslint'), ['--max-warnings', '0', 'apps', 'libs', 'test']);
  await check('format', bin('prettier'), ['--check', '--log-level', 'warn', '.']);
  if (built) await check('schema and migrations agree', process.execPath, ['tools/prisma-wasm.mjs', 'drift']);
}
if (built) await withPostgres(jest);
console.log(`${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`);
process.exitCode = counts.failed === 0 && built ? 0 : 1;

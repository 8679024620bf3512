import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { eventually, startTare } from './running-tare.ts';

const APPS = ['api', 'worker'];
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tare-giving-up-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What API and worker run before anything of theirs: each writes down who it is, and never comes up. */
const STUCK = `import { writeFileSync } from 'node:fs';
const app = /apps\\/(api|worker)\\/main\\.js$/.exec(process.argv[1] ?? '')?.[1];
if (app !== undefined) {
  writeFileSync(new URL(app, import.meta.url), String(process.pid));
  setInterval(() => undefined, 1_000);
  await new Promise(() => undefined);
}
`;

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('who gives up on a start leaves neither API nor worker running', async () => {
  const stuck = path.join(folder, 'stuck.mjs');
  writeFileSync(stuck, STUCK);
  const giveUp = new AbortController();
  const starting = startTare({ NODE_OPTIONS: `--import=${pathToFileURL(stuck).href}` }, giveUp.signal);
  const outcome = starting.then(
    () => 'it came up',
    (error: unknown) => (error instanceof Error ? error.message : ''),
  );
  const files = APPS.map((app) => path.join(folder, app));
  const areThere = await eventually(
    () => Promise.resolve(files.every((file) => existsSync(file) && readFileSync(file, 'utf8') !== '')),
    Boolean,
  );
  const pids = areThere ? files.map((file) => Number(readFileSync(file, 'utf8'))) : [];
  expect(pids.map(isRunning)).toEqual([true, true]);
  giveUp.abort();
  expect(await outcome).toContain('nothing has matched');
  expect(pids.map(isRunning)).toEqual([false, false]);
});

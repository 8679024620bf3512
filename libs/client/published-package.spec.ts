import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
let directory: string;
let server: Server;
let url: string;
let received: Record<string, unknown>[] = [];

/** Packs the client, installs it without a network in a folder of its own, and serves an API that takes everything. */
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'tare-client-'));
  const built = path.join(directory, 'built');
  await run(process.execPath, ['tools/build-client.mjs', built]);
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', directory], { cwd: built });
  await writeFile(path.join(directory, 'package.json'), JSON.stringify({ name: 'host', private: true, type: 'module' }));
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', path.join(directory, stdout.trim())], { cwd: directory });
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      if (request.url !== '/v1/events') return response.writeHead(400, { 'content-type': 'application/json' }).end('{}');
      const batch = JSON.parse(text) as Record<string, unknown>[];
      received.push(...batch);
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.end(JSON.stringify({ accepted: batch.length, duplicates: 0, rejected: [] }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(() => (received = []));

/** Runs a script of the host application; answers its output and how it ended. */
async function runScript(text: string): Promise<{ stdout: string; stderr: string; code: number | string | null }> {
  const file = path.join(directory, 'script.mjs');
  await writeFile(file, text);
  const options = { cwd: directory, env: { PATH: process.env.PATH, TARE_URL: url }, timeout: 30_000 };
  return run(process.execPath, [file], options).then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    (error: { stdout: string; stderr: string; code: number | null; signal: string | null }) => ({
      ...error,
      code: error.signal ?? error.code,
    }),
  );
}
const CLIENT = `import { TareClient, wrapOpenAI } from '@tare/client';
  const tare = new TareClient({ url: process.env.TARE_URL, apiKey: 'tare_test_x', flushOnSignals: ['SIGTERM'] });
  const event = { customer: 'acme', type: 'llm.completion', tokens: { input: 1 } };`;

test('the package has no dependency, ships declarations, and nothing of tests or of the folder it was built in', async () => {
  const folder = path.join(directory, 'node_modules/@tare/client');
  const manifest = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
  expect(Object.keys(manifest).filter((name) => /dependencies|scripts|private/i.test(name))).toEqual([]);
  expect(await readdir(path.join(directory, 'node_modules'))).toEqual(expect.arrayContaining(['@tare']));
  expect((await readdir(path.join(directory, 'node_modules'))).filter((name) => !name.startsWith('.'))).toEqual(['@tare']);
  const files = (await readdir(folder, { recursive: true })).filter((name) => /\.\w+$/.test(name));
  expect(files).toEqual(expect.arrayContaining(['README.md', 'index.js', 'index.d.ts', path.join('wrap', 'wrap-openai.js')]));
  expect(files.filter((name) => /spec|fixture|\.map$|(?<!\.d)\.ts$/.test(name))).toEqual([]);
  for (const name of files.filter((one) => /\.(js|d\.ts)$/.test(one))) {
    const text = await readFile(path.join(folder, name), 'utf8');
    expect(text).not.toContain(process.cwd());
    // A package that runs in browsers and at the edge: what it imports is its own.
    for (const [, target] of text.matchAll(/\b(?:from|import)\s*["']([^"']+)["']/g)) expect(target).toMatch(/^\.\.?\/.*\.js$/);
  }
});

/** What the TypeScript compiler says of files of the host application, at its strictest. */
async function typeErrors(files: readonly string[]): Promise<string> {
  const compilerOptions = {
    noEmit: true,
    strict: true,
    module: 'nodenext',
    target: 'es2022',
    lib: ['esnext', 'dom'],
    types: [],
    exactOptionalPropertyTypes: true,
  };
  await writeFile(path.join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const tsc = path.resolve('node_modules/typescript/bin/tsc');
  const { stdout } = await run(process.execPath, [tsc, '-p', directory]).catch((error: { stdout: string }) => error);
  return stdout;
}

test('declarations are all that a strict TypeScript project needs', async () => {
  await writeFile(
    path.join(directory, 'host.ts'),
    `import { TareClient, wrapOpenAI, type UsageEvent } from '@tare/client';
     await using tare = new TareClient({ url: 'http://127.0.0.1:1', apiKey: 'k', onDrop: ({ reason }) => void (reason satisfies string) });
     const event: UsageEvent = { key: 'k', customer: 'c', type: 't', at: '2026-01-01T00:00:00Z', tokens: { input: '1' } };
     const key: string | undefined = tare.with({ customer: 'acme' }).record({ ...event, at: new Date() });
     class Sdk { chat = { create: (n: number) => Promise.resolve(n) }; }
     const wrapped: Sdk = wrapOpenAI(new Sdk(), tare, { includeUsage: true, attributes: () => ({ feature: 'x' }) });
     // @ts-expect-error a customer is a text
     tare.record({ customer: 1 });
     export { key, wrapped };`,
  );
  expect(await typeErrors(['host.ts'])).toBe('');
});

test('the quick start of the README is right in a strict TypeScript project, and a missing key is told where the client is made', async () => {
  const snippet = /```ts\n([\s\S]*?)```/.exec(await readFile('libs/client/README.md', 'utf8'))?.[1] ?? '';
  const openai =
    "declare module 'openai' { export default class OpenAI { chat: { completions: { create(params: object): Promise<object> } } } }";
  await writeFile(path.join(directory, 'sdk.d.ts'), openai);
  await writeFile(path.join(directory, 'quick.ts'), `declare const process: { env: Record<string, string | undefined> };\n${snippet}`);
  expect(await typeErrors(['quick.ts', 'sdk.d.ts'])).toBe('');
  const { code, stderr } = await runScript(
    "import { TareClient } from '@tare/client'; new TareClient({ url: process.env.TARE_URL, apiKey: process.env.NO_SUCH_KEY });",
  );
  expect([code, stderr]).toEqual([1, expect.stringMatching(/INVALID_OPTION|apiKey: a key with the scope INGEST is expected/)]);
});

test('a process that only records ends by itself, and everything was sent', async () => {
  const { code, stderr } = await runScript(`${CLIENT} for (let i = 0; i < 2_500; i++) tare.record(event);`);
  expect([code, stderr]).toEqual([0, '']);
  expect(new Set(received.map(({ key }) => key)).size).toBe(2_500);
});

test('a process whose API does not answer ends in time, and says what was lost', async () => {
  const { code, stdout } = await runScript(`import { TareClient } from '@tare/client';
    const tare = new TareClient({ url: 'http://127.0.0.1:1', apiKey: 'k', exitTimeoutMs: 300, onError: () => {}, onDrop: ({ reason, key }) => console.log(reason, key) });
    tare.record({ key: 'k1', customer: 'acme', type: 't' });`);
  expect([code, stdout]).toEqual([0, 'CLOSED k1\n']);
});

test('a process that is told to end sends what waits first, and then ends by that signal', async () => {
  const { code } = await runScript(
    `${CLIENT} tare.record(event); setInterval(() => {}, 1_000); setTimeout(() => process.kill(process.pid, 'SIGTERM'), 50);`,
  );
  expect(code).toBe('SIGTERM');
  expect(received).toHaveLength(1);
});

test('an idle client does not keep the process alive, a flush that is waited for does', async () => {
  const { code, stdout } = await runScript(`${CLIENT}
    tare.record(event);
    await tare.flush();
    const down = new TareClient({ url: 'http://127.0.0.1:1', apiKey: 'k', onError: () => {}, onDrop: () => {} });
    down.record(event);
    console.log(await down.flush({ timeoutMs: 500 }));
    await down.close({ timeoutMs: 0 });`);
  expect([code, stdout]).toEqual([0, '1\n']);
});

test('calls of a wrapped SDK that fail and that nobody waits for are as unhandled as they would be without us, and nothing of ours is', async () => {
  const sdk = path.join(directory, 'node_modules/openai');
  await symlink(path.resolve('node_modules/openai'), sdk);
  const { stdout } = await runScript(`${CLIENT}
    import OpenAI from 'openai';
    let unhandled = 0;
    process.on('unhandledRejection', () => unhandled++);
    const openai = new OpenAI({ apiKey: 'k', baseURL: process.env.TARE_URL, maxRetries: 0 });
    for (const client of [openai, wrapOpenAI(openai, tare)]) {
      client.chat.completions.create({ model: 'm', messages: [] });
      client.chat.completions.create({ model: 'm', messages: [] }).then(() => {});
      client.chat.completions.create({ model: 'm', messages: [] }).catch(() => {});
      const before = unhandled;
      for (let i = 0; i < 500 && unhandled < before + 2; i++) await new Promise((resolve) => setTimeout(resolve, 20));
      await new Promise((resolve) => setTimeout(resolve, 100));
      console.log(unhandled);
    }`);
  await rm(sdk);
  expect(stdout).toBe('2\n4\n');
});

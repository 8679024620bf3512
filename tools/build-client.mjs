// Makes a folder of libs/client that can be published: JavaScript, declarations, package.json, README, licence.
// Usage: node tools/build-client.mjs [folder], dist/libs/client where none is given
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { transformFile } from '@swc/core';

const root = path.resolve(import.meta.dirname, '..');
const source = path.join(root, 'libs/client');
const target = path.resolve(process.argv[2] ?? path.join(root, 'dist/libs/client'));
const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
const withJsImports = (text) => text.replace(/((?:from|import)\s*\(?["']\.[^"']+)\.ts(["'])/g, '$1.js$2');

await rm(target, { recursive: true, force: true });
execFileSync(process.execPath, [tsc, '-p', path.join(source, 'tsconfig.build.json'), '--outDir', target], { cwd: root, stdio: 'inherit' });

// What has declarations belongs to the package: specs and fixtures have none. No source maps: the code stays readable, and maps would name folders.
for (const name of await readdir(target, { recursive: true })) {
  if (!name.endsWith('.d.ts')) continue;
  const declarations = path.join(target, name);
  await writeFile(declarations, withJsImports(await readFile(declarations, 'utf8')));
  const { code } = await transformFile(path.join(source, name.replace(/\.d\.ts$/, '.ts')), {
    swcrc: false,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022', keepClassNames: true },
    module: { type: 'es6' },
  });
  const file = declarations.replace(/\.d\.ts$/, '.js');
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, withJsImports(code));
}
await Promise.all(['package.json', 'README.md'].map((name) => copyFile(path.join(source, name), path.join(target, name))));
await copyFile(path.join(root, 'LICENSE'), path.join(target, 'LICENSE'));

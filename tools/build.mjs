// Compiles one project with swc: apps/x or libs/x -> dist/<same path>. Aliases become relative .js imports; decorator metadata is kept.
// Usage: node tools/build.mjs libs/core
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { transformFile } from '@swc/core';

const root = path.resolve(import.meta.dirname, '..');
const project = process.argv[2];
const { paths } = JSON.parse(await readFile(path.join(root, 'tsconfig.base.json'), 'utf8')).compilerOptions;

const entries = await readdir(path.join(root, project), { recursive: true, withFileTypes: true });
const isSource = (name) => name.endsWith('.ts') && !name.endsWith('.d.ts') && !/\.(spec|fixture)\.ts$/.test(name);
const sources = entries
  .filter((entry) => entry.isFile() && isSource(entry.name))
  .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
const assets = entries
  .filter((entry) => entry.isFile() && /\.(sql|json|graphql)$/.test(entry.name) && entry.name !== 'project.json')
  .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));

const target = (file, extension) => path.join(root, 'dist', path.relative(root, file)).replace(/\.ts$/, extension ?? '.ts');

await rm(path.join(root, 'dist', project), { recursive: true, force: true });
await Promise.all([
  ...sources.map(async (file) => {
    const { code, map } = await transformFile(file, {
      cwd: root,
      swcrc: false,
      sourceMaps: true,
      jsc: {
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
        target: 'es2022',
        keepClassNames: true,
        baseUrl: root,
        paths,
      },
      module: { type: 'es6', resolveFully: true },
    });
    const to = target(file, '.js');
    await mkdir(path.dirname(to), { recursive: true });
    const rewritten = code.replace(/((?:from|import)\s*\(?["']\.[^"']+)\.ts(["'])/g, '$1.js$2');
    await writeFile(to, `${rewritten}\n//# sourceMappingURL=${path.basename(to)}.map\n`);
    await writeFile(`${to}.map`, map);
  }),
  ...assets.map(async (file) => {
    const to = path.join(root, 'dist', path.relative(root, file));
    await mkdir(path.dirname(to), { recursive: true });
    await writeFile(to, await readFile(file));
  }),
]);

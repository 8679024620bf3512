import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { brokenRule, findCycle, importsOf, isJunkDrawer, type Import } from './import-rules.ts';

const files = ['apps', 'libs', 'test'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => path.posix.join(entry.parentPath, entry.name))
    .filter((file) => !/\/(generated|node_modules|dist)\//.test(file)),
);
const imports = files.flatMap((file) => importsOf(file, readFileSync(file, 'utf8')));

describe('the house', () => {
  test('has files and imports to look at', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(imports.length).toBeGreaterThan(300);
  });

  test('every import goes in an allowed direction', () => {
    expect(imports.map(brokenRule).filter((rule) => rule !== null)).toEqual([]);
  });

  test('no import goes round in a circle', () => {
    expect(findCycle(imports.filter((edge) => /^(apps|libs)\//.test(edge.to)))).toBeNull();
  });

  test('no file is a junk drawer', () => {
    expect(files.filter(isJunkDrawer)).toEqual([]);
  });

  test('every lib has a door, a README and its place in Nx', () => {
    const libs = readdirSync('libs');
    const missing = libs.flatMap((lib) =>
      ['index.ts', 'README.md', 'project.json']
        .filter((file) => !readdirSync(`libs/${lib}`).includes(file))
        .map((file) => `${lib}/${file}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('the check itself refuses', () => {
  const bad: [string, Import, RegExp][] = [
    ['a slice that reaches to its right', { from: 'libs/usage/a.service.ts', to: 'libs/billing/index.ts' }, /usage stands left of billing/],
    [
      'a slice that passes another one by its door',
      { from: 'libs/billing/a.service.ts', to: 'libs/usage/usage.store.ts' },
      /only the door of usage/,
    ],
    [
      'code that runs taking a fixture',
      { from: 'libs/simulations/a.service.ts', to: 'libs/margins/company.fixture.ts' },
      /only the door of margins/,
    ],
    ['the core importing a framework', { from: 'libs/core/money/decimal.ts', to: '@nestjs/common' }, /the core is pure/],
    ['the core importing node', { from: 'libs/core/time/instant.ts', to: 'node:fs' }, /the core is pure/],
    ['the core importing a slice', { from: 'libs/core/money/decimal.ts', to: 'libs/usage/index.ts' }, /core imports nothing of ours/],
    ['price seeing cost', { from: 'libs/core/pricing/price.ts', to: 'libs/core/cost/index.ts' }, /never meet/],
    ['cost seeing price', { from: 'libs/core/cost/cost-rate.ts', to: 'libs/core/pricing/index.ts' }, /never meet/],
    ['time seeing rating', { from: 'libs/core/time/period.ts', to: 'libs/core/rating/index.ts' }, /time stands left of rating/],
    ['the foundation importing a slice', { from: 'libs/database/database.ts', to: 'libs/access/index.ts' }, /database imports no slice/],
    ['the queue importing a slice', { from: 'libs/jobs/queues.ts', to: 'libs/billing/index.ts' }, /jobs imports no slice/],
    ['a lib importing an app', { from: 'libs/usage/a.ts', to: 'apps/api/app.ts' }, /imports an app/],
    ['an app importing another', { from: 'apps/cli/main.ts', to: 'apps/api/app.ts' }, /imports an app/],
    ['a lib importing the tests', { from: 'libs/usage/a.ts', to: 'test/scenarios/story.ts' }, /imports the tests/],
    ['the dashboard importing a lib', { from: 'apps/dashboard/src/main.tsx', to: 'libs/core/index.ts' }, /dashboard imports no lib/],
    ['the client importing the core', { from: 'libs/client/client.ts', to: 'libs/core/index.ts' }, /client stands alone/],
    ['the Stripe SDK outside its lib', { from: 'libs/billing/a.service.ts', to: 'stripe' }, /stripe stays in libs\/stripe/],
    ['BullMQ outside its lib', { from: 'apps/worker/main.ts', to: 'bullmq' }, /bullmq stays in libs\/jobs/],
    ['SQL outside a store', { from: 'libs/billing/runs/billing.service.ts', to: 'pg' }, /pg stays in libs\/database/],
  ];
  test.each(bad)('%s', (_name, edge, message) => {
    expect(brokenRule(edge)).toMatch(message);
  });

  test('and lets through what the architecture allows', () => {
    const good: Import[] = [
      { from: 'libs/billing/runs/billing.service.ts', to: 'libs/usage/index.ts' },
      { from: 'libs/core/cost/event-cost.ts', to: 'libs/core/usage/index.ts' },
      { from: 'libs/core/time/time-zone.ts', to: 'temporal-polyfill' },
      { from: 'libs/usage/ingest/usage-event.store.ts', to: 'pg' },
      { from: 'apps/api/main.ts', to: 'libs/billing/index.ts' },
      { from: 'libs/stripe/stripe-api.ts', to: 'stripe' },
      { from: 'libs/simulations/simulations.spec.ts', to: 'libs/margins/company.fixture.ts' },
    ];
    expect(good.map(brokenRule)).toEqual(good.map(() => null));
  });

  test('circles, also long ones', () => {
    const edge = (from: string, to: string): Import => ({ from, to });
    expect(findCycle([edge('a', 'b'), edge('b', 'c'), edge('c', 'a')])).toEqual(['a', 'b', 'c', 'a']);
    expect(findCycle([edge('a', 'b'), edge('b', 'c'), edge('a', 'c')])).toBeNull();
  });

  test('junk drawers', () => {
    expect(['libs/core/utils/x.ts', 'libs/a/helpers.ts', 'libs/common/index.ts'].map(isJunkDrawer)).toEqual([true, true, true]);
    expect(isJunkDrawer('libs/core/money/split-amount.ts')).toBe(false);
  });

  test('imports of every form are read', () => {
    const source = `import a from '@tare/core';\nimport {\n  b,\n} from './b.ts';\nexport * from '../c/index.ts';\nimport 'reflect-metadata';\nconst d = await import('stripe');`;
    expect(importsOf('libs/usage/x.ts', source).map((edge) => edge.to)).toEqual([
      'libs/core/index.ts',
      'libs/usage/b.ts',
      'libs/c/index.ts',
      'reflect-metadata',
      'stripe',
    ]);
  });
});

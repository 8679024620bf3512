import path from 'node:path';

/** An import, as paths from the workspace root (`libs/core/money/decimal.ts`) or a package's name. */
export interface Import {
  readonly from: string;
  /** A workspace path, or the name of a package. */
  readonly to: string;
}

/** The rooms of the core in the order that values flow; a room imports what stands to its left. */
const CORE_ORDER: readonly (readonly string[])[] = [
  ['money'],
  ['time'],
  ['usage', 'cost', 'pricing'],
  ['subscriptions'],
  ['rating'],
  ['credits'],
  ['invoicing'],
  ['margin'],
  ['simulation'],
];
/** Price reads usage's shapes; cost and price never meet, they meet in margin. */
const CORE_SAME_RANK_ALLOWED = new Set(['cost>usage', 'pricing>usage']);

const SLICE_ORDER = [
  'access',
  'alerts',
  'catalog',
  'customers',
  'usage',
  'costs',
  'credits',
  'billing',
  'entitlements',
  'stripe',
  'margins',
  'simulations',
];
const FOUNDATION = ['core', 'database', 'jobs'];
/** Which packages stay in which rooms. */
const PACKAGE_ROOMS: readonly { package: RegExp; rooms: (file: string) => boolean; where: string }[] = [
  { package: /^stripe$/, rooms: (file) => file.startsWith('libs/stripe/') || isSpec(file), where: 'libs/stripe' },
  { package: /^bullmq$|^ioredis$/, rooms: (file) => file.startsWith('libs/jobs/'), where: 'libs/jobs' },
  {
    package: /^pg$|^@prisma\//,
    rooms: (file) =>
      file.startsWith('libs/database/') ||
      file.startsWith('libs/jobs/') ||
      file.endsWith('.store.ts') ||
      isSpec(file) ||
      file.startsWith('test/'),
    where: 'libs/database and *.store.ts',
  },
];
const JUNK_DRAWERS = /(^|\/)(utils|helpers|common|misc|shared)(\/|\.ts$)/;

/** Specs and what only they import. */
const isSpec = (file: string): boolean => /\.(spec|fixture)\.ts$/.test(file);
const segment = (file: string, index: number): string => file.split('/')[index] ?? '';

/** What an import breaks, in a sentence; null when it is allowed (ARCHITECTURE.md, import directions). */
export function brokenRule({ from, to }: Import): string | null {
  if (!to.startsWith('libs/') && !to.startsWith('apps/') && !to.startsWith('test/')) return brokenPackageRule(from, to);
  if (from.startsWith('test/')) return null;
  if (to.startsWith('test/')) return `${from} imports the tests`;
  if (to.startsWith('apps/'))
    return segment(from, 0) === 'apps' && segment(from, 1) === segment(to, 1) ? null : `${from} imports an app: ${to}`;
  if (from.startsWith('apps/')) return brokenAppRule(from, to);
  return segment(from, 1) === segment(to, 1) ? brokenCoreRule(from, to) : brokenSliceRule(from, to);
}

function brokenPackageRule(from: string, to: string): string | null {
  if (/^libs\/core\//.test(from) && !isSpec(from) && !/^(temporal-polyfill)(\/|$)/.test(to))
    return `the core is pure: ${from} imports ${to}`;
  const room = PACKAGE_ROOMS.find((candidate) => candidate.package.test(to));
  return room && !room.rooms(from) ? `${to} stays in ${room.where}: ${from}` : null;
}

function brokenAppRule(from: string, to: string): string | null {
  if (segment(from, 1) === 'dashboard') return `the dashboard imports no lib: ${from} -> ${to}`;
  if (segment(from, 1) === 'stripe-emulator') return `the emulator imports no lib: ${from} -> ${to}`;
  return doorOnly(from, to);
}

function brokenSliceRule(from: string, to: string): string | null {
  const [mine, theirs] = [segment(from, 1), segment(to, 1)];
  if (mine === 'core') return `core imports nothing of ours: ${from} -> ${to}`;
  if (mine === 'client' || theirs === 'client') return `the client stands alone: ${from} -> ${to}`;
  if (mine === 'database' && theirs !== 'core') return `database imports no slice: ${from} -> ${to}`;
  if (mine === 'jobs' && theirs !== 'core' && theirs !== 'database') return `jobs imports no slice: ${from} -> ${to}`;
  if (!FOUNDATION.includes(theirs) && SLICE_ORDER.indexOf(theirs) > SLICE_ORDER.indexOf(mine)) {
    return `${mine} stands left of ${theirs}: ${from} -> ${to}`;
  }
  return doorOnly(from, to);
}

/** What only tests read stands in no door: a spec may take the fixture of a slice to its left. */
const doorOnly = (from: string, to: string): string | null =>
  to === `libs/${segment(to, 1)}/index.ts` || (isSpec(from) && to.endsWith('.fixture.ts'))
    ? null
    : `only the door of ${segment(to, 1)} is open: ${from} -> ${to}`;

function brokenCoreRule(from: string, to: string): string | null {
  if (segment(from, 1) !== 'core') return null;
  const [mine, theirs] = [segment(from, 2), segment(to, 2)];
  const isRoot = (name: string): boolean => name.endsWith('.ts');
  if (isRoot(mine) || theirs === 'coded-error.ts' || mine === theirs) return null;
  const rank = (room: string): number => CORE_ORDER.findIndex((rooms) => rooms.includes(room));
  if (rank(theirs) > rank(mine)) return `inside the core ${mine} stands left of ${theirs}: ${from} -> ${to}`;
  if (rank(theirs) === rank(mine) && !CORE_SAME_RANK_ALLOWED.has(`${mine}>${theirs}`))
    return `${mine} and ${theirs} never meet: ${from} -> ${to}`;
  return null;
}

/** A file whose name says nothing about what is in it. */
export const isJunkDrawer = (file: string): boolean => JUNK_DRAWERS.test(file);

/** The first import cycle found, as a list of files that ends where it began; null when there is none. */
export function findCycle(imports: readonly Import[]): string[] | null {
  const edges = new Map<string, string[]>();
  for (const { from, to } of imports) edges.set(from, [...(edges.get(from) ?? []), to]);
  const done = new Set<string>();
  const visit = (file: string, trail: string[]): string[] | null => {
    const at = trail.indexOf(file);
    if (at >= 0) return [...trail.slice(at), file];
    if (done.has(file)) return null;
    for (const next of edges.get(file) ?? []) {
      const cycle = visit(next, [...trail, file]);
      if (cycle) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const file of edges.keys()) {
    const cycle = visit(file, []);
    if (cycle) return cycle;
  }
  return null;
}

/** Every import, export-from and dynamic import in a source text. Type-only imports count: they are directions too. */
export function importsOf(file: string, source: string): Import[] {
  const specifiers = [
    ...source.matchAll(/(?:^|\n)\s*(?:import|export)\s(?:[^'";]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g),
  ];
  return specifiers.map((match) => ({ from: file, to: resolve(file, match[1] ?? match[2] ?? '') }));
}

function resolve(file: string, specifier: string): string {
  if (specifier.startsWith('@tare/')) return `libs/${specifier.slice('@tare/'.length)}/index.ts`;
  return specifier.startsWith('.') ? path.posix.join(path.posix.dirname(file), specifier) : specifier;
}

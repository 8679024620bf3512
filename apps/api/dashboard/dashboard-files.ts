import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface DashboardFile {
  readonly type: string;
  readonly body: Buffer;
  /** Files whose name holds their hash never change. */
  readonly isImmutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
/** Below these, an address that is not there is an error and not a page. */
const API_PREFIX = /^\/(graphql|v1|api|webhooks|healthz|readyz|metrics)(\/|$)/;

/** The built dashboard, read once: what a request names is only ever looked up among these files, so no address leads anywhere else. */
export class DashboardFiles {
  private constructor(private readonly files: ReadonlyMap<string, DashboardFile>) {}

  /** Null when the folder holds no built dashboard. */
  static read(directory: string): DashboardFiles | null {
    if (!existsSync(path.join(directory, 'index.html'))) return null;
    const files = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && path.extname(entry.name) in TYPES)
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [`/${path.relative(directory, file).split(path.sep).join('/')}`, dashboardFile(file)] as const);
    return new DashboardFiles(new Map(files));
  }

  /** The file at an address; for an address of the application's own (no file extension) its page. Null: there is none. */
  at(address: string): DashboardFile | null {
    const found = this.files.get(address);
    if (found !== undefined) return found;
    const isPage = path.posix.extname(address) === '' && !API_PREFIX.test(address);
    return isPage ? (this.files.get('/index.html') ?? null) : null;
  }
}

function dashboardFile(file: string): DashboardFile {
  const type = TYPES[path.extname(file)] ?? 'application/octet-stream';
  return { type, body: readFileSync(file), isImmutable: file.includes(`${path.sep}assets${path.sep}`) };
}

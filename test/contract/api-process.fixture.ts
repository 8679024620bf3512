import { AccessService } from '@tare/access';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** The built API as a process of its own, on a database of its own: to see what it takes of memory, and what real sockets do to it. */
export class ApiProcess {
  private constructor(
    private readonly test: TestDatabase,
    private readonly child: ChildProcess,
    readonly url: string,
    readonly key: string,
  ) {}

  static async start(env: Readonly<Record<string, string>> = {}): Promise<ApiProcess> {
    const test = await createTestDatabase();
    const key = (await new AccessService(test.database).bootstrap()) ?? '';
    const child = spawn(process.execPath, [path.resolve('dist/apps/api/main.js')], {
      env: { ...process.env, NODE_ENV: 'production', DATABASE_URL: test.url, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const url = await new Promise<string>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the API ended with ${code ?? 'a signal'} before it served`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.startsWith('{"listening"')) resolve((JSON.parse(line) as { listening: string }).listening);
      });
    });
    return new ApiProcess(test, child, url, key);
  }

  /** Memory of the process now, in MiB; null where the system does not tell. */
  rssMiB(): number | null {
    const status = `/proc/${this.child.pid ?? 0}/status`;
    if (!existsSync(status)) return null;
    return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(status, 'utf8'))?.[1] ?? NaN) / 1_024);
  }

  async events(): Promise<number> {
    const [row] = await this.test.database.withoutTenant((tx) =>
      tx.query<{ id: string }>('SELECT id FROM tenant ORDER BY created_at LIMIT 1'),
    );
    const id = row?.id ?? '';
    const [count] = await this.test.database.withTenant(id, (tx) =>
      tx.query<{ n: string }>('SELECT count(*)::text AS n FROM usage_event WHERE tenant_id = $1', [id]),
    );
    return Number(count?.n);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await ended;
    await this.test.drop();
  }
}

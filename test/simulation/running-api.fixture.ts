import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** The built API as a process of its own, so that it can be killed without being asked. */
export class RunningApi {
  private child: ChildProcess | null = null;
  private address: string | null = null;

  constructor(private readonly databaseUrl: string) {}

  /** Null while it is down. */
  get url(): string | null {
    return this.address;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [path.resolve('dist/apps/api/main.js')], {
      env: { ...process.env, NODE_ENV: 'production', DATABASE_URL: this.databaseUrl, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child = child;
    this.address = await new Promise<string>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the API ended with ${code ?? 'a signal'} before it served`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const listening = line.startsWith('{"listening"') ? (JSON.parse(line) as { listening: string }).listening : null;
        if (listening !== null) resolve(listening);
      });
    });
  }

  /** kill -9: whatever was under way is cut off. */
  async kill(): Promise<void> {
    this.address = null;
    await this.end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }
}

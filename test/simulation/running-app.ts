import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** Jobs and requests that are under way end within that. */
const STOP_MS = 60_000;

/** A built app as a process of its own, so that it can be killed without being asked. */
export class RunningApp {
  private child: ChildProcess | null = null;
  private address: string | null = null;
  private isExpectedToEnd = false;
  private endings = 0;

  constructor(
    private readonly name: 'api' | 'worker',
    private readonly databaseUrl: string,
  ) {}

  /** Where the API listens; null while it is down. */
  get url(): string | null {
    return this.address;
  }

  /** How often it ended without being told or killed, or did not end when it was told to. */
  get endedByItself(): number {
    return this.endings;
  }

  /** Resolves when it serves. */
  async start(): Promise<void> {
    this.isExpectedToEnd = false;
    const child = spawn(process.execPath, [path.resolve(`dist/apps/${this.name}/main.js`)], {
      env: { ...process.env, NODE_ENV: 'production', DATABASE_URL: this.databaseUrl, PORT: '0' },
      // A database that dies makes every job complain. TARE_CHAOS_LOG shows it.
      stdio: ['ignore', 'pipe', process.env['TARE_CHAOS_LOG'] ? 'inherit' : 'ignore'],
    });
    this.child = child;
    child.once('exit', () => {
      this.address = null;
      if (!this.isExpectedToEnd) this.endings += 1;
    });
    this.address = await new Promise<string>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the ${this.name} ended with ${code ?? 'a signal'} before it served`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.startsWith('{"listening"')) resolve((JSON.parse(line) as { listening: string }).listening);
        if (line.startsWith('{"ready"')) resolve('');
      });
    });
  }

  get isRunning(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
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
    this.isExpectedToEnd = true;
    if (child === null || !this.isRunning) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const patience = setTimeout(() => {
      this.endings += 1;
      child.kill('SIGKILL');
    }, STOP_MS);
    await ended;
    clearTimeout(patience);
  }
}

import { startEmbeddedPostgres } from '@tare/database';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A backend that is in the midst of a long statement notices only at its end that its server is gone. */
const START_ATTEMPTS = 600;
const SETTINGS = ['-c', 'max_connections=100', '-c', 'checkpoint_timeout=30s'];

/** A durable PostgreSQL (fsync on) that can be killed -9 and comes back on the same port with what it had committed. */
export class MortalPostgres {
  private readonly directory = mkdtempSync(path.join(tmpdir(), 'tare-chaos-'));
  private port = 0;
  private address = '';

  /** Answers its address, which stays the same over its lives. */
  async start(): Promise<string> {
    chmodSync(this.directory, 0o755);
    const postgres = await startEmbeddedPostgres({ directory: this.data, settings: SETTINGS });
    this.address = postgres.url;
    this.port = Number(new URL(postgres.url).port);
    return postgres.url;
  }

  /** kill -9 of the server: no checkpoint, no goodbye to its connections. */
  kill(): void {
    process.kill(this.pid(), 'SIGKILL');
  }

  /** Backends of the last life may hold on for a moment. */
  async startAgain(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await startEmbeddedPostgres({ directory: this.data, port: this.port, settings: SETTINGS });
        return;
      } catch (error) {
        if (attempt === START_ATTEMPTS) throw error;
        await sleep(100);
      }
    }
  }

  async remove(): Promise<void> {
    try {
      process.kill(this.pid(), 'SIGINT');
    } catch {
      // It is down already.
    }
    for (let attempt = 1; attempt <= START_ATTEMPTS && this.isUp(); attempt += 1) await sleep(100);
    rmSync(this.directory, { recursive: true, force: true });
  }

  get url(): string {
    return this.address;
  }

  private get data(): string {
    return path.join(this.directory, 'postgres');
  }

  private pid(): number {
    return Number(readFileSync(path.join(this.data, 'postmaster.pid'), 'utf8').split('\n')[0]);
  }

  private isUp(): boolean {
    try {
      return process.kill(this.pid(), 0);
    } catch {
      return false;
    }
  }
}

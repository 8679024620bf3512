import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type Stripe from 'stripe';

const SOURCES = 'apps/stripe-emulator';
const BUILT = 'dist/apps/stripe-emulator/main.js';

export type EmulatedInvoice = Omit<Stripe.Invoice, 'lines' | 'metadata'> & {
  readonly lines: readonly { readonly amount: number; readonly description: string; readonly metadata: Record<string, string> }[];
  readonly metadata: Record<string, string>;
};

export type EmulatedCreditNote = Omit<Stripe.CreditNote, 'metadata'> & { readonly metadata: Record<string, string> };

export interface EmulatedAccount {
  readonly customers: readonly (Omit<Stripe.Customer, 'metadata'> & { readonly metadata: Record<string, string> })[];
  readonly invoices: readonly EmulatedInvoice[];
  readonly creditNotes: readonly EmulatedCreditNote[];
  readonly events: readonly { readonly id: string; readonly type: string }[];
}

/** A rule of the emulator's faults (its README). */
export interface FaultRule {
  readonly fault: string;
  readonly next?: number;
  readonly skip?: number;
  readonly probability?: number;
  readonly seed?: number;
  readonly method?: string;
  readonly path?: string;
}

/** The Stripe emulator as a process of its own, spoken to over HTTP like Stripe. */
export class Emulator {
  private constructor(
    private readonly process: ChildProcess,
    readonly url: string,
  ) {}

  static async start(): Promise<Emulator> {
    buildIfStale();
    const child = spawn(process.execPath, [BUILT], { stdio: ['ignore', 'pipe', 'inherit'] });
    const url = await new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the emulator ended with ${code}`)));
      child.stdout.once('data', (line: Buffer) =>
        resolve((JSON.parse(line.toString('utf8').split('\n')[0] ?? '') as { listening: string }).listening),
      );
    });
    return new Emulator(child, url);
  }

  async control<Answer>(method: string, at: string, body?: unknown): Promise<Answer> {
    const response = await fetch(this.url + at, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return (await response.json()) as Answer;
  }

  async account(key: string): Promise<EmulatedAccount> {
    const { accounts } = await this.control<{ accounts: EmulatedAccount[] }>('GET', `/emulator/state?key=${key}`);
    return accounts[0] ?? { customers: [], invoices: [], creditNotes: [], events: [] };
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    await ended;
  }
}

function buildIfStale(): void {
  const newest = Math.max(
    ...readdirSync(SOURCES, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(path.join(entry.parentPath, entry.name)).mtimeMs),
  );
  if (existsSync(BUILT) && statSync(BUILT).mtimeMs > newest) return;
  execFileSync(process.execPath, ['tools/build.mjs', SOURCES], { stdio: 'inherit' });
}

import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What one request was about. Events are named by their index, from which a seed gives their contents. */
export interface LedgerEntry {
  readonly what: 'EVENTS' | 'VOID' | 'AMEND' | 'KILL';
  /** Events that were sent for the first time: from, and up to and without. */
  readonly fresh?: readonly [number, number];
  /** Events that had been sent before; of corrections, all: `index`, or `index/revision` of an amendment. */
  readonly others?: readonly (number | string)[];
  readonly answer: unknown;
}

/**
 * Every acknowledgement of a run, one line each, written down before anything else is done with it: what can be looked at when a run has found something. A line
 * is `{ at, n, what, fresh, others, answer }`; kills stand between them.
 */
export class AcknowledgementLedger {
  private readonly directory = mkdtempSync(path.join(tmpdir(), 'tare-chaos-ledger-'));
  private readonly file: number;
  private lines = 0;
  private isOpen = true;

  constructor(name: string) {
    this.path = path.join(this.directory, `${name}.ndjson`);
    this.file = openSync(this.path, 'a');
  }

  readonly path: string;

  write(entry: LedgerEntry): void {
    this.lines += 1;
    writeSync(this.file, `${JSON.stringify({ at: new Date().toISOString(), n: this.lines, ...entry })}\n`);
  }

  close(): void {
    if (this.isOpen) closeSync(this.file);
    this.isOpen = false;
  }

  /** After a run in which nothing is wrong. */
  remove(): void {
    this.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

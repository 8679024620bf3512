import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { Account, type Change } from './account.ts';

interface JournalLine {
  account: string;
  changes: Change[];
}

/**
 * Keeps what was committed in a file of JSON lines, one line per call, written before the call is answered.
 * The write reaches the operating system at once, so it outlives a kill -9 of this process (not a power cut: it is an emulator).
 */
export class Journal {
  private descriptor: number;

  constructor(private readonly file: string) {
    mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
    this.descriptor = openSync(file, 'a');
  }

  append(account: string, changes: readonly Change[]): void {
    if (changes.length > 0) writeSync(this.descriptor, `${JSON.stringify({ account, changes })}\n`);
  }

  /** Writes the file anew from what the accounts hold now, in one rename. */
  rewrite(accounts: Iterable<Account>): void {
    const next = `${this.file}.next`;
    const lines = [...accounts].map((account) => `${JSON.stringify({ account: account.id, changes: account.snapshot() })}\n`);
    writeFileSync(next, lines.join(''));
    closeSync(this.descriptor);
    renameSync(next, this.file);
    this.descriptor = openSync(this.file, 'a');
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** The accounts that a journal tells of. A last line that a kill cut off was never answered, and is left out. */
export function readJournal(file: string): Map<string, Account> {
  const accounts = new Map<string, Account>();
  if (!existsSync(file)) return accounts;
  const text = readFileSync(file, 'utf8');
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  for (const line of complete.split('\n')) {
    if (line === '') continue;
    const { account: id, changes } = JSON.parse(line) as JournalLine;
    const account = accounts.get(id) ?? new Account(id);
    accounts.set(id, account);
    account.apply(changes);
  }
  return accounts;
}

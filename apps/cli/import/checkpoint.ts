import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** How far an import got. Rows up to `row` are acknowledged or rejected; what came after may be sent again without harm. */
export interface Progress {
  readonly row: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
}

const NOTHING: Progress = { row: 0, accepted: 0, duplicates: 0, rejected: 0 };

/** Remembers an import on disk, so that a killed one goes on where it was. */
export class Checkpoint {
  private readonly file: string;

  constructor(directory: string, importId: string) {
    mkdirSync(directory, { recursive: true });
    this.file = path.join(directory, `${importId}.json`);
  }

  read(): Progress {
    try {
      return { ...NOTHING, ...(JSON.parse(readFileSync(this.file, 'utf8')) as Progress) };
    } catch {
      // None yet, or cut short by a kill: from the start then. Keys make that harmless.
      return NOTHING;
    }
  }

  /** Written aside and renamed: a kill leaves the old one or the new one. */
  write(progress: Progress): void {
    writeFileSync(`${this.file}.new`, JSON.stringify(progress));
    renameSync(`${this.file}.new`, this.file);
  }
}

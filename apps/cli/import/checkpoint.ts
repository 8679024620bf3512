import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** How far an import got. Rows up to `row` are acknowledged or rejected; what came after may be sent again without harm. */
export interface Progress {
  readonly row: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
}

/** What stands on disk. */
interface Stored extends Progress {
  /** The file was read to its end. */
  readonly isDone: boolean;
}

const NOTHING: Progress = { row: 0, accepted: 0, duplicates: 0, rejected: 0 };

/** Remembers an import on disk, so that a killed one goes on where it was. */
export class Checkpoint {
  private readonly file: string;

  constructor(directory: string, importId: string) {
    mkdirSync(directory, { recursive: true });
    this.file = path.join(directory, `${importId}.json`);
  }

  /** Where to go on: at the start again after an import that ended with rejected rows. What was in their way may be gone, and keys make the others harmless. */
  read(): Progress {
    const { row, accepted, duplicates, rejected } = this.isToRepeat ? NOTHING : this.stored;
    return { row, accepted, duplicates, rejected };
  }

  /** Whether the import came to its end before, and not every row was taken. */
  get isToRepeat(): boolean {
    const { isDone, rejected } = this.stored;
    return isDone && rejected > 0;
  }

  write(progress: Progress): void {
    this.store({ ...progress, isDone: false });
  }

  /** The file was read to its end. */
  finish(progress: Progress): void {
    this.store({ ...progress, isDone: true });
  }

  private get stored(): Stored {
    try {
      return { ...NOTHING, isDone: false, ...(JSON.parse(readFileSync(this.file, 'utf8')) as Partial<Stored>) };
    } catch {
      // None yet, or cut short by a kill: from the start then. Keys make that harmless.
      return { ...NOTHING, isDone: false };
    }
  }

  /** Written aside and renamed: a kill leaves the old one or the new one. */
  private store(stored: Stored): void {
    writeFileSync(`${this.file}.new`, JSON.stringify(stored));
    renameSync(`${this.file}.new`, this.file);
  }
}

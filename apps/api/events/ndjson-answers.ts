import type { IngestResult, RejectedEvent } from '@tare/usage';
import { PassThrough, type Readable } from 'node:stream';
import type { ErrorAnswer } from '../errors/error-answer.ts';
import type { LineAnswer } from './ndjson-batch.ts';

/** Rejected lines that an answer of one piece names; the others it counts. */
const MAX_REJECTED = 10_000;
const ANSWERS_BUFFERED_BYTES = 64 * 2 ** 10;
/** Longest time that somebody who asked for answers may leave them unread. */
const UNREAD_MS = 120_000;

/** What became of a stream as a whole: IngestResult, with line numbers for indexes, and bounded. */
export interface StreamResult extends IngestResult {
  /** How many more lines were rejected than are named; absent when all of them are. */
  readonly rejectedMore?: number;
}

/** Sums up, in memory that does not grow with the stream. */
export class StreamTotals {
  private accepted = 0;
  private duplicates = 0;
  private rejectedCount = 0;
  private readonly rejected: RejectedEvent[] = [];

  add(answers: readonly LineAnswer[]): void {
    for (const answer of answers) {
      if (answer.status === 'accepted') this.accepted += 1;
      else if (answer.status === 'duplicate') this.duplicates += 1;
      else this.reject(answer);
    }
  }

  get result(): StreamResult {
    const more = this.rejectedCount - this.rejected.length;
    const { accepted, duplicates, rejected } = this;
    return { accepted, duplicates, rejected, ...(more === 0 ? {} : { rejectedMore: more }) };
  }

  /** The last line of an answer line by line. With an error, the stream ended before its end. */
  summary(error: ErrorAnswer | null): object {
    const { accepted, duplicates, rejectedCount } = this;
    return { summary: { accepted, duplicates, rejected: rejectedCount, ...(error === null ? {} : { error }) } };
  }

  private reject({ line, key, code = '', message = '' }: LineAnswer): void {
    this.rejectedCount += 1;
    if (this.rejected.length < MAX_REJECTED) this.rejected.push({ index: line, key, code, message });
  }
}

/** A body that answers each line while the request is still being read. Who does not read the answers is not read either. */
export class StreamAnswers {
  private readonly out = new PassThrough({ highWaterMark: ANSWERS_BUFFERED_BYTES });

  get body(): Readable {
    return this.out;
  }

  /** @throws Error when the reader went away, or reads nothing */
  async write(lines: readonly object[]): Promise<void> {
    if (lines.length === 0) return;
    if (this.out.destroyed) throw new Error('Nobody reads the answers any more.');
    if (this.out.write(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)) return;
    await this.drained();
  }

  end(): void {
    this.out.end();
  }

  private drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        clearTimeout(unread);
        this.out.off('drain', onDrain).off('close', onClose);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onDrain = (): void => settle();
      const onClose = (): void => settle(new Error('Nobody reads the answers any more.'));
      const unread = setTimeout(() => {
        settle(new Error('The answers were not read.'));
        this.out.destroy();
      }, UNREAD_MS);
      this.out.once('drain', onDrain).once('close', onClose);
    });
  }
}

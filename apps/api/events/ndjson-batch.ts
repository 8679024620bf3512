import { CodedError } from '@tare/core';
import type { EventOutcomes, RejectedEvent } from '@tare/usage';
import { readLine, type NdjsonLine } from './ndjson-lines.ts';

/** What became of a line: one line of the answer, for who wants one for each. */
export interface LineAnswer {
  /** Line number, from 0; empty lines count and have no answer. */
  readonly line: number;
  readonly status: 'accepted' | 'duplicate' | 'rejected';
  readonly key: string | null;
  readonly code?: string;
  readonly message?: string;
}

export interface LineLimits {
  readonly lineBytes: number;
  readonly jsonDepth: number;
  readonly batchLines: number;
  readonly batchBytes: number;
}

/** Some lines of a stream, which go through ingest together. */
export class NdjsonBatch {
  readonly events: unknown[] = [];
  /** Line of each event. */
  private readonly lines: number[] = [];
  /** Lines that are no events. */
  private readonly refused: LineAnswer[] = [];
  private bytes = 0;

  constructor(private readonly limits: LineLimits) {}

  get isEmpty(): boolean {
    return this.events.length === 0 && this.refused.length === 0;
  }

  get isFull(): boolean {
    const { batchLines, batchBytes } = this.limits;
    return this.events.length + this.refused.length >= batchLines || this.bytes >= batchBytes;
  }

  /** What is wrong with a line rejects that one. */
  add({ index, bytes }: NdjsonLine): void {
    const { lineBytes, jsonDepth } = this.limits;
    try {
      if (bytes === null) throw new CodedError('LINE_TOO_LONG', `A line holds at most ${lineBytes} bytes.`);
      const event = readLine(bytes, jsonDepth);
      if (event === undefined) return;
      this.bytes += bytes.length;
      this.events.push(event);
      this.lines.push(index);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.refused.push({ line: index, status: 'rejected', key: null, code: error.code, message: error.message });
    }
  }

  /** Line by line, in their order. */
  answers({ outcomes, rejected }: EventOutcomes): LineAnswer[] {
    const reasons = new Map(rejected.map((event) => [event.index, event]));
    const answers = this.events.map((event, i) => this.answer(i, event, outcomes[i] ?? null, reasons.get(i)));
    if (this.refused.length === 0) return answers;
    return [...answers, ...this.refused].sort((a, b) => a.line - b.line);
  }

  private answer(i: number, event: unknown, outcome: EventOutcomes['outcomes'][number], reason: RejectedEvent | undefined): LineAnswer {
    const line = this.lines[i] ?? 0;
    if (outcome === 'ACCEPTED') return { line, status: 'accepted', key: (event as { key: string }).key };
    if (outcome === 'DUPLICATE') return { line, status: 'duplicate', key: (event as { key: string }).key };
    // Nothing is called accepted that was not said to be.
    if (reason === undefined) throw new Error(`No outcome for the event of line ${line}.`);
    return { line, status: 'rejected', key: reason.key, code: reason.code, message: reason.message };
  }
}

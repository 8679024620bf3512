import { appendFileSync, writeFileSync } from 'node:fs';
import type { IngestResult, UsageEvent } from '@tare/client';
import { CodedError } from '@tare/core';
import type { Checkpoint, Progress } from './checkpoint.ts';
import { eventOfRow, type ColumnMapping, type Row } from './column-mapping.ts';
import type { CustomerShares } from './customer-shares.ts';
import type { FoundRow } from './read-rows.ts';

/**
 * The event that a row means; null: none, as an empty bucket of an export. The same row gives the same event, whenever it is read.
 * @throws CodedError why this row cannot be one; it is rejected alone
 */
export type EventOfRow = (values: Row, row: number) => UsageEvent | null;

export interface ImportPlan {
  readonly rows: AsyncIterable<FoundRow>;
  readonly eventOf: EventOfRow;
  readonly batchSize: number;
  /** Batches under way at once. */
  readonly concurrency: number;
  readonly checkpoint: Checkpoint;
  /** JSON lines: { line, row, code, message }. */
  readonly rejectsFile: string;
  readonly send: (events: readonly UsageEvent[]) => Promise<IngestResult>;
  readonly onProgress: (progress: Progress) => void;
}

interface PendingEvent {
  readonly found: FoundRow;
  readonly event: UsageEvent;
}

interface Reject {
  readonly line: number;
  readonly row: number;
  readonly code: string;
  readonly message: string;
}

interface BatchOutcome {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejects: readonly Reject[];
}

/**
 * Rows by columns and constants. A row without a key gets one from the file's content and its number.
 * @param shares modelled tenancy; null: the rows name their customers
 */
export function eventOfMappedRow(mapping: ColumnMapping, contentHash: string, shares: CustomerShares | null): EventOfRow {
  return (values, row) =>
    eventOfRow(values, mapping, { key: `${contentHash}:${row}`, customer: shares?.customerOf(contentHash, row) ?? null });
}

/**
 * Sends a file's rows as events, in batches, and answers the counts. Killed and started again it goes on after the last batch that was
 * surely acknowledged; ended with rejected rows and started again, it sends all of them again. A row without a key gets one from the file's content and its number, so nothing is lost and nothing counts twice.
 */
export async function importFile(plan: ImportPlan): Promise<Progress> {
  let progress = plan.checkpoint.read();
  if (progress.row === 0) writeFileSync(plan.rejectsFile, '');
  const underWay: { lastRow: number; outcome: Promise<BatchOutcome> }[] = [];

  // Batches end in the order they began: the checkpoint never passes one that is still open.
  const settleOldest = async (): Promise<void> => {
    const oldest = underWay.shift();
    if (!oldest) return;
    const outcome = await oldest.outcome;
    for (const reject of outcome.rejects) appendFileSync(plan.rejectsFile, `${JSON.stringify(reject)}\n`);
    progress = advance(progress, oldest.lastRow, outcome);
    plan.checkpoint.write(progress);
    plan.onProgress(progress);
  };

  for await (const batch of batches(plan.rows, plan.batchSize, progress.row)) {
    if (underWay.length >= plan.concurrency) await settleOldest();
    const outcome = sendBatch(batch, plan);
    // Awaited in order, later: until then its failure is not unheard.
    outcome.catch(() => undefined);
    underWay.push({ lastRow: batch[batch.length - 1]?.row ?? progress.row, outcome });
  }
  while (underWay.length > 0) await settleOldest();
  plan.checkpoint.finish(progress);
  return progress;
}

async function* batches(rows: AsyncIterable<FoundRow>, size: number, afterRow: number): AsyncGenerator<FoundRow[]> {
  let batch: FoundRow[] = [];
  for await (const row of rows) {
    if (row.row <= afterRow) continue;
    batch.push(row);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function sendBatch(batch: readonly FoundRow[], plan: ImportPlan): Promise<BatchOutcome> {
  const pending: PendingEvent[] = [];
  const unreadable: Reject[] = [];
  for (const found of batch) {
    const read = readRow(found, plan.eventOf);
    if (read === null) continue;
    if ('event' in read) pending.push(read);
    else unreadable.push(read);
  }
  if (pending.length === 0) return { accepted: 0, duplicates: 0, rejects: unreadable };
  const result = await plan.send(pending.map(({ event }) => event));
  const refused = result.rejected.map(({ index, code, message }) => {
    const found = pending[index]?.found;
    return { line: found?.line ?? 0, row: found?.row ?? 0, code, message };
  });
  return { accepted: result.accepted, duplicates: result.duplicates, rejects: [...unreadable, ...refused] };
}

function readRow(found: FoundRow, eventOf: EventOfRow): PendingEvent | Reject | null {
  const { line, row, values } = found;
  if (values === null) return { line, row, code: 'UNREADABLE_ROW', message: found.problem ?? 'not readable' };
  try {
    const event = eventOf(values, row);
    return event === null ? null : { found, event };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { line, row, code: error.code, message: error.message };
  }
}

const advance = (progress: Progress, row: number, outcome: BatchOutcome): Progress => ({
  row,
  accepted: progress.accepted + outcome.accepted,
  duplicates: progress.duplicates + outcome.duplicates,
  rejected: progress.rejected + outcome.rejects.length,
});

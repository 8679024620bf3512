import { Injectable } from '@nestjs/common';
import { Decimal, type Instant } from '@tare/core';
import { plainArray, sqlInstant, type TenantTransaction, textArray, type Transaction } from '@tare/database';
import { NO_SUMS, negatedSums, type BucketSums } from '../buckets/bucket-cells.ts';
import { ADD_CORRECTIONS, CANCEL_EVENTS, EARLIER_CONTENTS, LAST_ADJUSTMENTS, LOCK_KEYS, SET_KEYS, TRAIL } from './correct-events.sql.ts';
import { rowIdentity } from './event-revision.ts';
import { keyOf, type CorrectionStep, type KeptEvent } from './plan-corrections.ts';
import { tokensOfRow, type TokenRow } from '../buckets/usage-rows.ts';

/** A key by its 16 bytes. */
interface KeyRef {
  readonly tenantId: string;
  readonly identity: string;
}

/** A step with the commit that makes it. */
export interface NumberedStep extends CorrectionStep {
  readonly seq: number;
}

/** What a cancelled event takes from the sums of one set of dimensions. */
export interface TakenSums extends BucketSums {
  readonly tenantId: string;
  readonly customerNo: number;
  readonly at: Instant;
  readonly dimensionNo: number;
  readonly seq: number;
}

/** What was done to an event, once. */
export interface EventCorrection {
  readonly kind: 'VOID' | 'AMEND';
  /** How often the event had been amended before. */
  readonly revision: number;
  readonly recordedAt: Instant;
  readonly actor: string;
  readonly reason: string | null;
  /** The customer and the time of the event that was cancelled. */
  readonly customer: string;
  readonly at: Instant;
}

interface KeyRow {
  readonly tenant_id: string;
  readonly key_hash: string;
  readonly content_hash: string;
  readonly customer_no: number;
  readonly at: Instant;
  readonly revision: number;
  readonly voided: boolean;
}

interface CancelledRow extends TokenRow {
  readonly tenant_id: string;
  readonly key_hash: string;
  readonly customer_no: number;
  readonly at: Instant;
  readonly dimension_no: number;
  readonly seq: number;
  readonly quantity: string;
  readonly gpu_seconds: string;
  readonly cost: string;
}

interface AdjustmentRow {
  readonly tenant_id: string;
  readonly key_hash: string;
  readonly cost: string;
  readonly dimension_no: number;
}

/** SQL of corrections: keys, cancelled events and the trail (SEMANTICS 3.5). */
@Injectable()
export class CorrectionStore {
  /** What stands under the keys, which are different ones, held until the transaction ends; by `keyOf`, keys that name no event left out. */
  async lockKeys(tx: Transaction, keys: readonly KeyRef[]): Promise<Map<string, KeptEvent>> {
    const inOrder = [...keys].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    const rows = await tx.query<KeyRow>(LOCK_KEYS, refColumns(inOrder));
    return new Map(rows.map((row) => [keyOf({ tenantId: row.tenant_id, identity: hexOf(row.key_hash) }), keptEventOf(row)]));
  }

  /** For each of the contents, whether they stood under their key before something else took their place (SEMANTICS 3.1). */
  async earlierContents(tx: Transaction, contents: readonly (KeyRef & { readonly fingerprint: string })[]): Promise<boolean[]> {
    if (contents.length === 0) return [];
    const fingerprints = plainArray(contents.map(({ fingerprint }) => fingerprint));
    const rows = await tx.query<{ position: number }>(EARLIER_CONTENTS, [...refColumns(contents), fingerprints]);
    const earlier = new Set(rows.map(({ position }) => position - 1));
    return contents.map((_, position) => earlier.has(position));
  }

  /** Cancels the events of the steps. Answers what that takes from the sums, and the steps whose event was not there. */
  async cancelEvents(tx: Transaction, steps: readonly NumberedStep[]): Promise<{ taken: TakenSums[]; missing: NumberedStep[] }> {
    const rowIds = steps.map(({ correction, cancelled }) => rowIdentity(correction.identity, cancelled.revision));
    const tenantIds = steps.map(({ correction }) => correction.tenantId);
    const rows = await tx.query<CancelledRow>(CANCEL_EVENTS, [
      plainArray(tenantIds),
      plainArray(steps.map(({ cancelled }) => cancelled.customerNo)),
      plainArray(steps.map(({ cancelled }) => sqlInstant(cancelled.at))),
      plainArray(rowIds),
      plainArray(steps.map(({ seq }) => seq)),
    ]);
    const adjustments = await lastAdjustments(tx, tenantIds, rowIds);
    const found = new Set(rows.map((row) => row.tenant_id + hexOf(row.key_hash)));
    const missing = steps.filter((_, i) => !found.has(`${tenantIds[i]}${rowIds[i]}`));
    const taken = rows.flatMap((row) => takenSumsOf(row, adjustments.get(row.tenant_id + row.key_hash) ?? null));
    return { taken, missing };
  }

  /** Writes down what was done, and what the keys name from now on. */
  async record(tx: Transaction, steps: readonly NumberedStep[]): Promise<void> {
    const refs = refColumns(steps.map(({ correction }) => correction));
    await tx.query(ADD_CORRECTIONS, [
      ...refs,
      plainArray(steps.map(({ cancelled }) => cancelled.revision)),
      plainArray(steps.map(({ seq }) => seq)),
      plainArray(steps.map(kindOf)),
      plainArray(steps.map(({ cancelled }) => cancelled.contents)),
      plainArray(steps.map(({ cancelled }) => cancelled.customerNo)),
      plainArray(steps.map(({ cancelled }) => sqlInstant(cancelled.at))),
      textArray(steps.map(({ correction }) => correction.author.actor)),
      textArray(steps.map(({ correction }) => correction.author.reason)),
    ]);
    const last = [...new Map(steps.map((step) => [keyOf(step.correction), step])).values()];
    const events = last.map(({ cancelled, replacement }) => replacement ?? cancelled);
    await tx.query(SET_KEYS, [
      ...refColumns(last.map(({ correction }) => correction)),
      plainArray(events.map(({ contents }) => contents)),
      plainArray(events.map(({ customerNo }) => customerNo)),
      plainArray(events.map(({ at }) => sqlInstant(at))),
      plainArray(events.map(({ revision }) => revision)),
      plainArray(last.map(({ replacement, seq }) => (replacement === null ? seq : null))),
    ]);
  }

  /** What was done to the event of a key, in order; none for a key that names no event. */
  async trailOf(tx: TenantTransaction, identity: string): Promise<EventCorrection[]> {
    type Row = Omit<EventCorrection, 'recordedAt'> & { readonly recorded_at: Instant };
    const rows = await tx.query<Row>(TRAIL, [tx.tenantId, identity]);
    return rows.map(({ recorded_at: recordedAt, ...row }) => ({ ...row, recordedAt }));
  }
}

export const kindOf = ({ replacement }: CorrectionStep): EventCorrection['kind'] => (replacement === null ? 'VOID' : 'AMEND');

const hexOf = (uuid: string): string => uuid.replaceAll('-', '');

const refColumns = (keys: readonly KeyRef[]): [string, string] => [
  plainArray(keys.map(({ tenantId }) => tenantId)),
  plainArray(keys.map(({ identity }) => identity)),
];

function keptEventOf(row: KeyRow): KeptEvent {
  const { customer_no: customerNo, at, revision, voided: isVoided } = row;
  return { contents: hexOf(row.content_hash), customerNo, at, revision, isVoided };
}

async function lastAdjustments(
  tx: Transaction,
  tenantIds: readonly string[],
  rowIds: readonly string[],
): Promise<ReadonlyMap<string, AdjustmentRow>> {
  const rows = await tx.query<AdjustmentRow>(LAST_ADJUSTMENTS, [plainArray([...new Set(tenantIds)]), plainArray(rowIds)]);
  return new Map(rows.map((row) => [row.tenant_id + row.key_hash, row]));
}

/** Once restated, the event's restated cost stands in the dimensions of the last restatement and nowhere else. */
function takenSumsOf(row: CancelledRow, adjustment: AdjustmentRow | null): TakenSums[] {
  const cell = { tenantId: row.tenant_id, customerNo: row.customer_no, at: row.at, seq: row.seq };
  const cost = Decimal.parse(row.cost);
  const counts: BucketSums = {
    events: 1,
    tokens: tokensOfRow(row),
    quantity: Decimal.parse(row.quantity),
    gpuSeconds: Decimal.parse(row.gpu_seconds),
    cost,
    restatedCost: adjustment === null ? cost : Decimal.ZERO,
  };
  const counted = { ...cell, dimensionNo: row.dimension_no, ...negatedSums(counts) };
  if (adjustment === null) return [counted];
  const restated = { ...NO_SUMS, restatedCost: Decimal.parse(adjustment.cost) };
  return [counted, { ...cell, dimensionNo: adjustment.dimension_no, ...negatedSums(restated) }];
}

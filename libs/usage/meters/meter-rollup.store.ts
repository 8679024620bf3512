import { Injectable } from '@nestjs/common';
import { Decimal, type Instant } from '@tare/core';
import { plainArray, sqlInstant, sqlInstantOrNull, type TenantTransaction, textArray } from '@tare/database';
import { createHash } from 'node:crypto';
import { slotEnd, type Slot } from './counted-slots.ts';
import {
  CELLS_OF_SLOTS,
  CHANGED_SLOTS,
  COUNT_SLOTS,
  DELETE_CELLS,
  DIVIDED_SLOTS,
  FIRST_SLOT,
  INSERT_CELLS,
  KNOWN_GROUPS,
  MINT_GROUPS,
  NEXT_SLOTS,
  NEXT_TARGET,
  SLOTS_TO_CUT,
  UNCOVERED_SLOTS,
} from './meter-rollup.sql.ts';
import { nullableArray, slotArrays } from './slot-events.store.ts';

/** A slot of a customer. */
export type CustomerSlot = Pick<Slot, 'customerNo' | 'from'>;

/** How far a meter's roll-up has come. */
export interface RollupState {
  readonly meterId: string;
  /** Covered cells say what stood after this commit. */
  readonly seq: number;
  readonly boundaryVersion: number;
  /** The last slot, by customer and time, that history is filled up to. */
  readonly filled: CustomerSlot;
  /** When history was complete; null: it is being filled. */
  readonly filledAt: Instant | null;
  readonly filledSlots: number;
  readonly totalSlots: number;
  /** Slots whose events were gone before the meter could count them. */
  readonly missedSlots: number;
}

/** A cell of a roll-up: what a meter counted of one group of usage in a piece of time that no boundary cuts. */
export interface RollupCell {
  readonly customerNo: number;
  readonly from: Instant;
  readonly to: Instant;
  readonly groupNo: number;
  readonly events: number;
  readonly inexact: number;
  readonly value: Decimal | null;
  readonly valueAt: Instant | null;
  /** UNIQUE_COUNT: events by the hash of the member; null for other meters. */
  readonly members: ReadonlyMap<string, number> | null;
}

interface StateRow {
  readonly meter_id: string;
  readonly seq: number;
  readonly boundary_version: number;
  readonly filled_customer_no: number;
  readonly filled_slot: Instant;
  readonly filled_at: Instant | null;
  readonly filled_slots: number;
  readonly total_slots: number;
  readonly missed_slots: number;
}

interface CellRow {
  readonly position: number;
  readonly from_at: Instant;
  readonly group_no: number;
  readonly to_at: Instant;
  readonly events: number;
  readonly inexact: number;
  readonly value: string | null;
  readonly value_at: Instant | null;
  readonly members: string | null;
  readonly member_events: string | null;
}

interface SlotRow {
  readonly customer_no: number;
  readonly slot: Instant;
}

const STATE = 'meter_id, seq, boundary_version, filled_customer_no, filled_slot, filled_at, filled_slots, total_slots, missed_slots';

/** 16 bytes of sha256 in the form of a uuid: what a member or a group of any length is known by. */
export function hashOf(text: string): string {
  const digits = createHash('sha256').update(text).digest('hex');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20, 32)}`;
}

/** SQL of roll-ups: their state, what changed, their cells and groups. */
@Injectable()
export class MeterRollupStore {
  async states(tx: TenantTransaction, meterIds: readonly string[]): Promise<Map<string, RollupState>> {
    const rows = await tx.query<StateRow>(`SELECT ${STATE} FROM meter_rollup WHERE tenant_id = $1 AND meter_id = ANY ($2::uuid[])`, [
      tx.tenantId,
      meterIds,
    ]);
    return new Map(rows.map((row) => [row.meter_id, stateOf(row)]));
  }

  /** Holds the meter's roll-up until the transaction ends; null while somebody else has it, or there is none yet. */
  async lock(tx: TenantTransaction, meterId: string): Promise<RollupState | null> {
    const [row] = await tx.query<StateRow>(
      `SELECT ${STATE} FROM meter_rollup WHERE tenant_id = $1 AND meter_id = $2 FOR UPDATE SKIP LOCKED`,
      [tx.tenantId, meterId],
    );
    return row ? stateOf(row) : null;
  }

  /** Begins a roll-up at the current commit with nothing filled. False: there is one already. */
  async begin(tx: TenantTransaction, meterId: string, totalSlots: number): Promise<boolean> {
    const rows = await tx.query(
      `INSERT INTO meter_rollup (tenant_id, meter_id, seq, boundary_version, total_slots)
       SELECT tenant_id, $2, seq, boundary_version, $3 FROM usage_clock WHERE tenant_id = $1 ON CONFLICT DO NOTHING RETURNING 1`,
      [tx.tenantId, meterId, totalSlots],
    );
    return rows.length > 0;
  }

  async save(tx: TenantTransaction, state: RollupState): Promise<void> {
    await tx.query(
      `UPDATE meter_rollup SET seq = $3, boundary_version = $4, filled_customer_no = $5, filled_slot = $6, filled_at = $7, filled_slots = $8,
         total_slots = $9, missed_slots = $10 WHERE tenant_id = $1 AND meter_id = $2`,
      [
        tx.tenantId,
        state.meterId,
        state.seq,
        state.boundaryVersion,
        state.filled.customerNo,
        sqlInstant(state.filled.from),
        sqlInstantOrNull(state.filledAt),
        state.filledSlots,
        state.totalSlots,
        state.missedSlots,
      ],
    );
  }

  /** The tenant's current commit and version of boundaries. */
  async clock(tx: TenantTransaction): Promise<{ seq: number; boundaryVersion: number }> {
    const [clock] = await tx.query<{ seq: number; boundary_version: number }>(
      'SELECT seq, boundary_version FROM usage_clock WHERE tenant_id = $1',
      [tx.tenantId],
    );
    return { seq: clock?.seq ?? 0, boundaryVersion: clock?.boundary_version ?? 0 };
  }

  /** The commit that a cursor at `seq` goes to next, so that about `rows` bucket rows changed at most. */
  async nextTarget(tx: TenantTransaction, seq: number, rows: number, current: number): Promise<number> {
    const [target] = await tx.query<{ seq: number }>(NEXT_TARGET, [tx.tenantId, seq, rows, current]);
    return target?.seq ?? current;
  }

  async countSlots(tx: TenantTransaction, dimensionNos: readonly number[] | null): Promise<number> {
    const [row] = await tx.query<{ slots: number }>(COUNT_SLOTS, [tx.tenantId, nullableArray(dimensionNos)]);
    return row?.slots ?? 0;
  }

  /** Covered slots that commits (state.seq, upToSeq] touched, of all or some customers, in all or a span of slots. */
  async changedSlots(
    tx: TenantTransaction,
    state: RollupState,
    upToSeq: number,
    dimensionNos: readonly number[] | null,
    within: { customerNos: readonly number[] | null; from: Instant | null; to: Instant | null },
  ): Promise<CustomerSlot[]> {
    const rows = await tx.query<SlotRow>(CHANGED_SLOTS, [
      tx.tenantId,
      state.seq,
      upToSeq,
      nullableArray(dimensionNos),
      nullableArray(within.customerNos),
      sqlInstantOrNull(within.from),
      sqlInstantOrNull(within.to),
      ...lastCovered(state),
    ]);
    return rows.map(slotOf);
  }

  /** Slots with usage that the roll-up does not cover. */
  async uncoveredSlots(
    tx: TenantTransaction,
    state: RollupState | null,
    upToSeq: number,
    dimensionNos: readonly number[] | null,
    within: { customerNos: readonly number[] | null; from: Instant; to: Instant },
  ): Promise<CustomerSlot[]> {
    if (state !== null && state.filledAt !== null) return [];
    const rows = await tx.query<SlotRow>(UNCOVERED_SLOTS, [
      tx.tenantId,
      upToSeq,
      nullableArray(dimensionNos),
      nullableArray(within.customerNos),
      sqlInstant(within.from),
      sqlInstant(within.to),
      state?.filled.customerNo ?? 0,
      sqlInstant(state?.filled.from ?? 0),
    ]);
    return rows.map(slotOf);
  }

  /** The next slots that history is to be filled with, by customer and time; none: it is complete. Looks at `rows` bucket rows at most. */
  async nextSlots(
    tx: TenantTransaction,
    state: RollupState,
    dimensionNos: readonly number[] | null,
    rows: number,
  ): Promise<CustomerSlot[]> {
    const found = await tx.query<SlotRow>(NEXT_SLOTS, [
      tx.tenantId,
      state.seq,
      nullableArray(dimensionNos),
      state.filled.customerNo,
      sqlInstant(slotEnd(state.filled)),
      rows,
    ]);
    const slots: CustomerSlot[] = [];
    for (const slot of found.map(slotOf)) {
      const last = slots.at(-1);
      if (last === undefined || last.customerNo !== slot.customerNo || last.from !== slot.from) slots.push(slot);
    }
    return slots;
  }

  /** Slots whose cells one of the instants divides. */
  async dividedSlots(
    tx: TenantTransaction,
    meterId: string,
    customerNos: readonly number[] | null,
    cuts: readonly Instant[],
  ): Promise<CustomerSlot[]> {
    if (cuts.length === 0) return [];
    const values = [tx.tenantId, meterId, nullableArray(customerNos), plainArray(cuts.map(sqlInstant))];
    return (await tx.query<SlotRow>(DIVIDED_SLOTS, values)).map(slotOf);
  }

  /** Slots with cells that a boundary divides. */
  async slotsToCut(tx: TenantTransaction, meterId: string): Promise<CustomerSlot[]> {
    return (await tx.query<SlotRow>(SLOTS_TO_CUT, [tx.tenantId, meterId])).map(slotOf);
  }

  /** Start of the earliest slot with usage; null where there is none. */
  async firstSlot(tx: TenantTransaction): Promise<Instant | null> {
    const [row] = await tx.query<{ slot: Instant | null }>(FIRST_SLOT, [tx.tenantId]);
    return row?.slot ?? null;
  }

  /** The cells of slots, by position of their slot. */
  async cellsOf(tx: TenantTransaction, meterId: string, slots: readonly CustomerSlot[]): Promise<Map<number, RollupCell[]>> {
    const cells = new Map<number, RollupCell[]>();
    if (slots.length === 0) return cells;
    for (const row of await tx.query<CellRow>(CELLS_OF_SLOTS, [tx.tenantId, meterId, ...slotArrays(slots)])) {
      const position = row.position - 1;
      const own = cells.get(position) ?? [];
      own.push(cellOf(row, slots[position]?.customerNo ?? NaN));
      cells.set(position, own);
    }
    return cells;
  }

  /** Replaces all cells of the slots. */
  async replaceCells(tx: TenantTransaction, meterId: string, slots: readonly CustomerSlot[], cells: readonly RollupCell[]): Promise<void> {
    if (slots.length > 0) await tx.query(DELETE_CELLS, [tx.tenantId, meterId, ...slotArrays(slots)]);
    if (cells.length === 0) return;
    await tx.query(INSERT_CELLS, [
      tx.tenantId,
      meterId,
      plainArray(cells.map(({ customerNo }) => customerNo)),
      plainArray(cells.map(({ from }) => sqlInstant(from))),
      plainArray(cells.map(({ groupNo }) => groupNo)),
      plainArray(cells.map(({ to }) => sqlInstant(to))),
      plainArray(cells.map(({ events }) => events)),
      plainArray(cells.map(({ inexact }) => inexact)),
      plainArray(cells.map(({ value }) => value?.toString() ?? null)),
      plainArray(cells.map(({ valueAt }) => sqlInstantOrNull(valueAt))),
      textArray(cells.map(({ members }) => members && plainArray([...members.keys()]))),
      textArray(cells.map(({ members }) => members && plainArray([...members.values()]))),
    ]);
  }

  /** The numbers of groups, by the hash of what they say; groups that were never seen get theirs now. Needs the meter's roll-up locked. */
  async groupNumbers(
    tx: TenantTransaction,
    meterId: string,
    groups: ReadonlyMap<string, Readonly<Record<string, string>>>,
  ): Promise<Map<string, number>> {
    type Row = { no: number; hash: string };
    if (groups.size === 0) return new Map();
    const known = await tx.query<Row>(KNOWN_GROUPS, [tx.tenantId, meterId, plainArray([...groups.keys()])]);
    const numbers = new Map(known.map(({ hash, no }) => [hash, no]));
    const missing = [...groups].filter(([hash]) => !numbers.has(hash));
    if (missing.length === 0) return numbers;
    const minted = await tx.query<Row>(MINT_GROUPS, [
      tx.tenantId,
      meterId,
      plainArray(missing.map(([hash]) => hash)),
      textArray(missing.map(([, properties]) => JSON.stringify(properties))),
    ]);
    for (const { hash, no } of minted) numbers.set(hash, no);
    return numbers;
  }
}

/** The last covered slot as two parameters; nulls when all are. */
export function lastCovered(state: RollupState): [number | null, string | null] {
  return state.filledAt === null ? [state.filled.customerNo, sqlInstant(state.filled.from)] : [null, null];
}

const slotOf = (row: SlotRow): CustomerSlot => ({ customerNo: row.customer_no, from: row.slot });

function stateOf(row: StateRow): RollupState {
  return {
    meterId: row.meter_id,
    seq: row.seq,
    boundaryVersion: row.boundary_version,
    filled: { customerNo: row.filled_customer_no, from: row.filled_slot },
    filledAt: row.filled_at,
    filledSlots: row.filled_slots,
    totalSlots: row.total_slots,
    missedSlots: row.missed_slots,
  };
}

function cellOf(row: CellRow, customerNo: number): RollupCell {
  const members = elementsOf(row.members);
  const events = elementsOf(row.member_events);
  return {
    customerNo,
    from: row.from_at,
    to: row.to_at,
    groupNo: row.group_no,
    events: row.events,
    inexact: row.inexact,
    value: row.value === null ? null : Decimal.parse(row.value),
    valueAt: row.value_at,
    members: members && new Map(members.map((member, i) => [member, Number(events?.[i] ?? 0)])),
  };
}

/** Elements of an array of uuids or numbers: none of them has quotes. */
function elementsOf(literal: string | null): string[] | null {
  if (literal === null) return null;
  return literal === '{}' ? [] : literal.slice(1, -1).split(',');
}

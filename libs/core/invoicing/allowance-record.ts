import { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import { quantityOfLots, withoutOldest } from '../rating/index.ts';
import type { AllowanceLot, CarriedAllowance } from '../rating/index.ts';

/**
 * What became of an allowance that rolls over in one closed service period. Recorded when the period is closed, and read back by whatever rates it again: an
 * opening is never computed from what is known later.
 */
export interface AllowanceRecord {
  readonly segmentId: string;
  readonly periodStart: Instant;
  readonly priceKey: string;
  readonly group: string | null;
  readonly meter: string;
  /** Carried into the period, oldest first. */
  readonly opening: readonly AllowanceLot[];
  /** The period's own allowance. */
  readonly included: Decimal;
  readonly used: Decimal;
  /** What usage as it is known now leaves of both. */
  readonly left: readonly AllowanceLot[];
  /** What goes on into the next period: `left`, less what corrections of this and earlier periods took of it since. */
  readonly carried: readonly AllowanceLot[];
}

/** How much more, or with a minus less, usage that came late takes of an allowance. */
export interface AllowanceTaken extends Pick<AllowanceRecord, 'priceKey' | 'group' | 'meter'> {
  readonly quantity: Decimal;
  /** How long the youngest rest of the period lives. */
  readonly expiresAt: Instant | null;
}

export function carriedOf(records: readonly AllowanceRecord[]): CarriedAllowance[] {
  return records.map(({ priceKey, group, meter, carried }) => ({ priceKey, group, meter, lots: carried }));
}

/** What rating a period again takes more of its allowances than is recorded. */
export function takenSince(recorded: readonly AllowanceRecord[], rated: readonly AllowanceRecord[]): AllowanceTaken[] {
  return rated.flatMap((record) => {
    const before = recorded.find((other) => isSameRecord(other, record));
    const quantity = quantityOfLots(before?.left ?? record.left).minus(quantityOfLots(record.left));
    const { priceKey, group, meter } = record;
    const expiresAt = record.left.at(-1)?.expiresAt ?? null;
    return quantity.isZero() ? [] : [{ priceKey, group, meter, quantity, expiresAt }];
  });
}

/**
 * Takes what corrections used from what is carried on now, oldest first: late usage is covered by the allowance of its own period, and what had been carried
 * out of that is used only once. What has been used in the meantime stays used, and is not charged again. A correction that gives back adds to it.
 */
export function withTaken(records: readonly AllowanceRecord[], taken: readonly AllowanceTaken[]): readonly AllowanceRecord[] {
  if (taken.length === 0) return records;
  return records.map((record) => {
    const own = taken.filter((other) => isSameAllowance(other, record));
    return own.length === 0 ? record : { ...record, carried: own.reduce(afterTaking, record.carried) };
  });
}

function afterTaking(lots: readonly AllowanceLot[], { quantity, expiresAt }: AllowanceTaken): readonly AllowanceLot[] {
  return quantity.isPositive() ? withoutOldest(lots, quantity) : [{ quantity: quantity.negated(), expiresAt }, ...lots];
}

/** Later records take the place of earlier ones of the same period and price. */
export function latestRecords(records: readonly AllowanceRecord[]): AllowanceRecord[] {
  const byKey = new Map(
    records.map((record) => [JSON.stringify([record.segmentId, record.periodStart, record.priceKey, record.group]), record]),
  );
  return [...byKey.values()];
}

export function isSameRecord(a: AllowanceRecord, b: AllowanceRecord): boolean {
  return a.segmentId === b.segmentId && a.periodStart === b.periodStart && isSameAllowance(a, b);
}

/** Whether both are of one price: what is recorded last of a price is what holds, whatever meter it had before. */
export function isOfSamePrice(a: PriceName, b: PriceName): boolean {
  return a.priceKey === b.priceKey && a.group === b.group;
}

type PriceName = Pick<AllowanceRecord, 'priceKey' | 'group'>;
type AllowanceName = Pick<AllowanceRecord, 'priceKey' | 'group' | 'meter'>;

function isSameAllowance(a: AllowanceName, b: AllowanceName): boolean {
  return a.priceKey === b.priceKey && a.group === b.group && a.meter === b.meter;
}

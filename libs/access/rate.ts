import { CodedError } from '@tare/core';

const HIGHEST = 1_000_000_000;

/** A whole number per second, or none. @throws CodedError OUT_OF_RANGE */
export function requireRate(perSecond: number | null, field: string): number | null {
  if (perSecond === null || (Number.isInteger(perSecond) && perSecond >= 1 && perSecond <= HIGHEST)) return perSecond;
  throw new CodedError('OUT_OF_RANGE', `A whole number from 1 to ${HIGHEST} is expected, or null for no limit.`, field);
}

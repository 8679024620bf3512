import { compare } from '../amounts/exact.ts';

/** A margin of which some cost is not known can only be smaller (SEMANTICS 10.3). */
export function isUpperBound({ coverage }: { readonly coverage: string | null }): boolean {
  return coverage !== null && compare(coverage, '1') < 0;
}

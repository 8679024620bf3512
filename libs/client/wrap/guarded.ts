import type { WrapperCounts } from '../usage-scope.ts';

/** Does work that must not reach the application when it fails; counts that it failed. */
export function guarded(counts: WrapperCounts, work: () => void): void {
  try {
    work();
  } catch {
    counts.wrapperFailures++;
  }
}

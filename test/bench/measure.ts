import { readdirSync, readFileSync } from 'node:fs';

/** One line of a benchmark's output. */
export type Figure = Readonly<Record<string, unknown>>;

export function print(figure: Figure): void {
  process.stdout.write(`${JSON.stringify(figure)}\n`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

export const rounded = (value: number, decimals = 2): number => Number(value.toFixed(decimals));

/** Events per second of a piece of work. */
export async function rateOf(events: number, work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (events * 1000) / (performance.now() - began);
}

const TICKS_PER_SECOND = 100;

/** CPU seconds that a process has used, children aside. Reads /proc: Linux only. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** CPU seconds of a process' living children and of those that it has waited for. */
export function cpuSecondsOfChildren(pid: number): number {
  const own = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const waitedFor = (Number(own[13]) + Number(own[14])) / TICKS_PER_SECOND;
  return childrenOf(pid).reduce((sum, child) => sum + cpuSecondsOf(child), waitedFor);
}

/** Highest resident memory of a process so far, in MiB. */
export function peakMemoryMiB(pid: number): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? NaN) / 1024;
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        return Number(/PPid:\t(\d+)/.exec(readFileSync(`/proc/${candidate}/status`, 'utf8'))?.[1]) === pid;
      } catch {
        return false;
      }
    });
}

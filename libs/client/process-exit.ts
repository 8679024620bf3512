/** What holds events that an ending process would lose. */
export interface Drainable {
  /** Delivers or drops everything; resolves within bounded time. */
  drain(timeoutMs?: number): Promise<void>;
}

/** The part of node:process (Bun and Deno have it too) that is used where it is there. */
interface ProcessLike {
  readonly pid: number;
  on(event: string, listener: () => void): unknown;
  removeListener(event: string, listener: () => void): unknown;
  listenerCount(event: string): number;
  kill(pid: number, signal: string): unknown;
}

const holding = new Set<Drainable>();
let isListening = false;

const host = (): ProcessLike | undefined => {
  const { process } = globalThis as { process?: Partial<ProcessLike> };
  return typeof process?.on === 'function' ? (process as ProcessLike) : undefined;
};

/** Has what it holds delivered before a process that has nothing else to do ends. */
export function drainBeforeExit(drainable: Drainable): void {
  holding.add(drainable);
  if (isListening) return;
  isListening = true;
  // One listener for all clients. What it starts keeps the process alive; it is called again when that is done.
  host()?.on('beforeExit', () => {
    for (const one of holding) void one.drain();
  });
}

/** It holds nothing any more. */
export function leaveToExit(drainable: Drainable): void {
  holding.delete(drainable);
}

/**
 * Drains when a signal comes, then lets it end the process as if nobody had listened; where the application listens too, ending is left to it.
 * Answers what takes the listeners away.
 */
export function drainOnSignals(signals: readonly string[], drainable: Drainable): () => void {
  const process = host();
  if (!process) return () => undefined;
  const listeners = signals.map((signal) => {
    const listener = (): void => {
      process.removeListener(signal, listener);
      void drainable.drain().then(() => {
        if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
      });
    };
    process.on(signal, listener);
    return () => process.removeListener(signal, listener);
  });
  return () => listeners.forEach((remove) => remove());
}

export interface Timer {
  stop(): void;
}

/** A timer that does not keep the process alive (where the platform knows that), unless it is told to. */
export function startTimer(callback: () => void, delayMs: number, keepsAlive = false): Timer {
  const timer: unknown = setTimeout(callback, Math.min(delayMs, 2 ** 31 - 1));
  if (!keepsAlive) (timer as { unref?: () => void }).unref?.();
  return { stop: () => clearTimeout(timer as Parameters<typeof clearTimeout>[0]) };
}

/** Waits; ends early when `stop` is aborted. Never rejects. */
export function pause(delayMs: number, stop?: AbortSignal, keepsAlive = false): Promise<void> {
  return new Promise((resolve) => {
    if (stop?.aborted) return resolve();
    const end = (): void => {
      timer.stop();
      stop?.removeEventListener('abort', end);
      resolve();
    };
    const timer = startTimer(end, delayMs, keepsAlive);
    stop?.addEventListener('abort', end);
  });
}

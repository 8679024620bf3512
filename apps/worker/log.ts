type Level = 'info' | 'warn' | 'error';

/** Writes one JSON line to standard error: standard output is for announcements. Never a secret or a payload's contents in `detail`. */
export function log(level: Level, message: string, detail: Readonly<Record<string, unknown>> = {}): void {
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), level, message, ...detail })}\n`);
}

import type { LoggerService } from '@nestjs/common';
import { log } from './log.ts';

/** NestJS's own warnings and errors as our log lines; its chatter is left out. */
export class NestLog implements LoggerService {
  log(): void {}

  error(message: unknown, ...detail: unknown[]): void {
    log('error', String(message), { detail: detail.map(String) });
  }

  warn(message: unknown, ...detail: unknown[]): void {
    log('warn', String(message), { detail: detail.map(String) });
  }
}

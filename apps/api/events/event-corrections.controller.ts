import { Body, Controller, HttpCode, Post, Query } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { CodedError } from '@tare/core';
import { CorrectionsService, type IngestResult } from '@tare/usage';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';

/** Corrections of events, by REST: the same as GraphQL's voidEvents and amendEvents. `?reason=` is for the trail. */
@Controller('v1/events')
export class EventCorrectionsController {
  constructor(private readonly corrections: CorrectionsService) {}

  /** A JSON array of keys. */
  @Post('void')
  @HttpCode(200)
  @RequireScope('INGEST')
  voidEvents(@CurrentPrincipal() principal: Principal, @Body() body: unknown, @Query('reason') reason?: unknown): Promise<IngestResult> {
    const keys = requireArray(body, 'Send a JSON array of the keys of events as application/json.');
    return this.corrections.voidEvents(principal, keys, { actor: principal.apiKeyId, reason: reasonOf(reason) });
  }

  /** A JSON array of events (UsageEventInput), each with the key of the event whose place it takes. */
  @Post('amend')
  @HttpCode(200)
  @RequireScope('INGEST')
  amendEvents(@CurrentPrincipal() principal: Principal, @Body() body: unknown, @Query('reason') reason?: unknown): Promise<IngestResult> {
    const events = requireArray(body, 'Send a JSON array of events as application/json.');
    return this.corrections.amendEvents(principal, events, { actor: principal.apiKeyId, reason: reasonOf(reason) });
  }
}

function requireArray(body: unknown, message: string): unknown[] {
  if (Array.isArray(body)) return body;
  throw new CodedError('ARRAY_EXPECTED', message);
}

/** Given twice it is a list. */
function reasonOf(given: unknown): string | null {
  if (given === undefined) return null;
  if (typeof given === 'string') return given;
  throw new CodedError('INVALID_FIELD', 'Give one reason.', 'reason');
}

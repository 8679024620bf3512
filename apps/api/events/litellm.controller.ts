import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { CodedError } from '@tare/core';
import { litellmDecoder, litellmOptions, readLitellmBody, type IngestResult } from '@tare/usage';
import type { FastifyRequest } from 'fastify';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { awaitJsonTurn } from './await-json-turn.ts';
import { CloudEvents } from './cloud-events.ts';

/** What LiteLLM logs holds prompts and answers, which nest as they like and are not read; LiteLLM itself cuts them at 100. */
const MAX_DEPTH = 256;
const JSON_TYPE = /^application\/json\s*(;|$)/i;

/** What LiteLLM's generic_api callback posts, always as application/json; it comes as bytes (see json-body.ts), since one format of it is no JSON. */
@Controller('v1/litellm')
export class LitellmController {
  constructor(private readonly events: CloudEvents) {}

  /** An array of StandardLoggingPayload, one of them, or one per line. `?customer=` says where the customer stands, `?cost=reported` whose cost counts. */
  @Post()
  @HttpCode(200)
  @RequireScope('INGEST')
  async take(@CurrentPrincipal() principal: Principal, @Req() { query, headers, body }: FastifyRequest): Promise<IngestResult> {
    const decoder = litellmDecoder(litellmOptions(query as Record<string, unknown>));
    if (!JSON_TYPE.test(headers['content-type'] ?? '') || !Buffer.isBuffer(body)) {
      throw new CodedError(
        'UNSUPPORTED_MEDIA_TYPE',
        'Send what LiteLLM logs as application/json, as its generic_api callback does in each of its formats.',
      );
    }
    await awaitJsonTurn(principal.tenantId, body, MAX_DEPTH);
    return this.events.takeAll(principal, readLitellmBody(body), decoder);
  }
}

import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { CodedError } from '@tare/core';
import { litellmDecoder, litellmOptions, readLitellmBody, type IngestResult } from '@tare/usage';
import type { FastifyRequest } from 'fastify';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { CloudEvents } from './cloud-events.ts';

/** What LiteLLM's generic_api callback posts. The body comes as bytes whatever its type says (see json-body.ts): one format of it is no JSON. */
@Controller('v1/litellm')
export class LitellmController {
  constructor(private readonly events: CloudEvents) {}

  /** An array of StandardLoggingPayload, one of them, or one per line. `?customer=` says where the customer stands, `?cost=reported` whose cost counts. */
  @Post()
  @HttpCode(200)
  @RequireScope('INGEST')
  async take(@CurrentPrincipal() principal: Principal, @Req() request: FastifyRequest): Promise<IngestResult> {
    const decoder = litellmDecoder(litellmOptions(request.query as Record<string, unknown>));
    if (!Buffer.isBuffer(request.body)) throw new CodedError('MALFORMED_JSON', 'Send what LiteLLM logged, as application/json.');
    return this.events.takeAll(principal.tenantId, readLitellmBody(request.body), decoder);
  }
}

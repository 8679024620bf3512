import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { openMeterDecoder, type IngestResult } from '@tare/usage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { CloudEvents, hasCloudEventsBody } from './cloud-events.ts';

const BAD_REQUEST = 400;

/** The address that OpenMeter's clients post to, such as LiteLLM's openmeter callback: OPENMETER_API_ENDPOINT is the address of Tare. */
@Controller('api/v1/events')
export class OpenMeterController {
  constructor(private readonly events: CloudEvents) {}

  /**
   * One CloudEvent or an array of them. These clients look at the status alone: one event that is refused answers 400, so that its sender hears of it. Used keys
   * don't: LiteLLM posts a cached answer under the id of the first.
   */
  @Post()
  @HttpCode(200)
  @RequireScope('INGEST')
  async take(
    @CurrentPrincipal() principal: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IngestResult> {
    const items = hasCloudEventsBody(request) ? await this.events.items(principal, request) : [request.body].flat();
    const result = await this.events.takeAll(principal, items, openMeterDecoder);
    if (items.length === 1 && result.rejected.some(({ code }) => code !== 'KEY_REUSED')) void reply.status(BAD_REQUEST);
    return result;
  }
}

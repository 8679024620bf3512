import { Module } from '@nestjs/common';
import { UsageModule } from '@tare/usage';
import { CloudEvents } from './cloud-events.ts';
import { EventBodies } from './event-bodies.ts';
import { EventCorrectionsController } from './event-corrections.controller.ts';
import { EventCorrectionsResolver } from './event-corrections.resolver.ts';
import { EventListResolver } from './event-list.resolver.ts';
import { EventsController } from './events.controller.ts';
import { EventsResolver } from './events.resolver.ts';
import { LitellmController } from './litellm.controller.ts';
import { NdjsonRequests } from './ndjson-requests.ts';
import { NdjsonStream } from './ndjson-stream.ts';
import { OtlpBodies } from './otlp-bodies.ts';
import { OtlpController } from './otlp.controller.ts';
import { OpenMeterController } from './openmeter.controller.ts';

@Module({
  imports: [UsageModule],
  controllers: [EventsController, EventCorrectionsController, LitellmController, OpenMeterController, OtlpController],
  providers: [
    CloudEvents,
    EventBodies,
    EventsResolver,
    EventListResolver,
    EventCorrectionsResolver,
    NdjsonRequests,
    NdjsonStream,
    OtlpBodies,
  ],
})
export class EventsApiModule {}

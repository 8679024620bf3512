import { Module } from '@nestjs/common';
import { UsageModule } from '@tare/usage';
import { CloudEvents } from './cloud-events.ts';
import { EventBodies } from './event-bodies.ts';
import { EventsController } from './events.controller.ts';
import { EventsResolver } from './events.resolver.ts';
import { LitellmController } from './litellm.controller.ts';
import { OpenMeterController } from './openmeter.controller.ts';

@Module({
  imports: [UsageModule],
  controllers: [EventsController, LitellmController, OpenMeterController],
  providers: [CloudEvents, EventBodies, EventsResolver],
})
export class EventsApiModule {}

import { Module } from '@nestjs/common';
import { UsageModule } from '@tare/usage';
import { EventBodies } from './event-bodies.ts';
import { EventsController } from './events.controller.ts';
import { EventsResolver } from './events.resolver.ts';

@Module({ imports: [UsageModule], controllers: [EventsController], providers: [EventBodies, EventsResolver] })
export class EventsApiModule {}

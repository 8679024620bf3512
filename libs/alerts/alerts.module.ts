import { Module } from '@nestjs/common';
import { AlertEventStore } from './alert-event.store.ts';
import { AlertEvents } from './alert-events.ts';
import { AlertStore } from './alert.store.ts';
import { AlertsService } from './alerts.service.ts';

/** What needs a person, and what happened that somebody wants to be told. */
@Module({ providers: [AlertsService, AlertStore, AlertEvents, AlertEventStore], exports: [AlertsService, AlertEvents] })
export class AlertsModule {}

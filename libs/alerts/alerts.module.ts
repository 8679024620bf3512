import { Module } from '@nestjs/common';
import { AlertEventStore } from './alert-event.store.ts';
import { AlertEvents } from './alert-events.ts';
import { AlertRuleStore } from './alert-rule.store.ts';
import { AlertRules } from './alert-rules.ts';
import { AlertStore } from './alert.store.ts';
import { AlertsService } from './alerts.service.ts';

const door = [AlertsService, AlertEvents, AlertRules];

/** What needs a person, and what happened that somebody wants to be told. */
@Module({ providers: [AlertStore, AlertEventStore, AlertRuleStore, ...door], exports: door })
export class AlertsModule {}

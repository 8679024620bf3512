import { Module } from '@nestjs/common';
import { AlertStore } from './alert.store.ts';
import { AlertsService } from './alerts.service.ts';

/** What needs a person. */
@Module({ providers: [AlertsService, AlertStore], exports: [AlertsService] })
export class AlertsModule {}

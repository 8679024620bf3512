import { Module } from '@nestjs/common';
import { AlertsModule } from '@tare/alerts';
import { AlertsResolver } from './alerts.resolver.ts';

@Module({ imports: [AlertsModule], providers: [AlertsResolver] })
export class AlertsApiModule {}

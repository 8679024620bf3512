export { AlertsModule } from './alerts.module.ts';
export { AlertsService } from './alerts.service.ts';
export { type Alert, type NewAlert } from './alert.store.ts';

export { AlertsModule } from './alerts.module.ts';
export { AlertsService } from './alerts.service.ts';
export { AlertEvents } from './alert-events.ts';
export {
  AlertEventStore,
  type AlertEvent,
  type AlertEventFilter,
  type AlertEventPosition,
  type NewAlertEvent,
} from './alert-event.store.ts';
export { type Alert, type NewAlert } from './alert.store.ts';

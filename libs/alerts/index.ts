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
export { ALERT_RULE_KINDS, AlertRuleStore, type AlertRule, type AlertRuleKind } from './alert-rule.store.ts';
export { AlertRules, checkedPercents } from './alert-rules.ts';

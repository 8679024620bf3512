export { type Cap, type CapEnforcement, type CapInput, type CapKind, type CapPeriod } from './cap.ts';
export { CapsService } from './caps.service.ts';
export { ENTITLEMENT_REASONS, type CapStanding, type Entitlement, type EntitlementReason, type EntitlementUnit } from './entitlement.ts';
export { EntitlementsModule } from './entitlements.module.ts';
export { EntitlementsService } from './entitlements.service.ts';
export { LimitAlerts } from './limit-alerts.service.ts';

export { EntitlementsModule } from './entitlements.module.ts';
export { EntitlementsService, type Entitlement } from './entitlements.service.ts';

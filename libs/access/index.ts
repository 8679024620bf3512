export { AccessModule } from './access.module.ts';
export { AccessService, type NewApiKeyInput } from './access.service.ts';
export { type ApiKey, type CreatedApiKey } from './api-key.ts';
export { AuditLog, type AuditRecord } from './audit-log.store.ts';
export { allows, API_KEY_SCOPES, type ApiKeyScope, type Principal, type RateLimits } from './principal.ts';
export { SettingsService, type TenantSettingsInput } from './settings.service.ts';
export { type TenantSettings } from './settings.store.ts';
export { TenantsService } from './tenants.service.ts';
export { type Tenant } from './tenant.store.ts';

import { Module } from '@nestjs/common';
import { AccessService } from './access.service.ts';
import { AuditLog } from './audit-log.store.ts';
import { SettingsService } from './settings.service.ts';
import { SettingsStore } from './settings.store.ts';
import { TenantStore } from './tenant.store.ts';
import { TenantsService } from './tenants.service.ts';

const services = [AccessService, TenantsService, SettingsService, AuditLog];

/** Who may come in, and what each tenant has chosen. */
@Module({ providers: [...services, TenantStore, SettingsStore], exports: services })
export class AccessModule {}

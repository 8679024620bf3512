import { Args, ID, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import { AccessService, SettingsService, TenantsService, type ApiKeyScope, type Principal } from '@tare/access';
import { IngestService } from '@tare/usage';
import type { Instant } from '@tare/core';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { DateTimeScalar } from '../graphql/scalars.ts';
import { ApiKeyScopeEnum, ApiKeyType, CreatedApiKeyType, TenantSettingsInput, TenantSettingsType, TenantType } from './access.types.ts';

/** Tenants, keys and settings. */
@Resolver()
export class AccessResolver {
  constructor(
    private readonly access: AccessService,
    private readonly tenants: TenantsService,
    private readonly settings: SettingsService,
    private readonly ingest: IngestService,
  ) {}

  @Query(() => TenantType, { description: 'The tenant that the key belongs to.' })
  @RequireScope('READ')
  tenant(@CurrentPrincipal() principal: Principal): Promise<TenantType> {
    return this.tenants.byId(principal.tenantId);
  }

  @Query(() => [ApiKeyType], { description: 'Newest first, revoked ones included.' })
  @RequireScope('ADMIN')
  apiKeys(@CurrentPrincipal() principal: Principal): Promise<ApiKeyType[]> {
    return this.access.apiKeys(principal.tenantId);
  }

  @Query(() => TenantSettingsType)
  @RequireScope('READ')
  tenantSettings(@CurrentPrincipal() principal: Principal): Promise<TenantSettingsType> {
    return this.settings.settings(principal.tenantId);
  }

  @Mutation(() => CreatedApiKeyType, { description: "Bootstrap key only. Answers with the new tenant's first admin key." })
  @RequireScope('ADMIN')
  createTenant(
    @CurrentPrincipal() principal: Principal,
    @Args('name') name: string,
    @Args('live') live: boolean,
  ): Promise<CreatedApiKeyType> {
    return this.access.createTenant(principal, name, live);
  }

  @Mutation(() => CreatedApiKeyType)
  @RequireScope('ADMIN')
  createApiKey(
    @CurrentPrincipal() principal: Principal,
    @Args('name') name: string,
    @Args('scopes', { type: () => [ApiKeyScopeEnum] }) scopes: ApiKeyScope[],
    @Args('expiresAt', { type: () => DateTimeScalar, nullable: true }) expiresAt?: Instant | null,
    @Args('eventsPerSecond', { type: () => Int, nullable: true }) eventsPerSecond?: number | null,
  ): Promise<CreatedApiKeyType> {
    return this.access.createApiKey(principal, { name, scopes, expiresAt, eventsPerSecond });
  }

  @Mutation(() => ApiKeyType, { description: 'Ends a key at once.' })
  @RequireScope('ADMIN')
  revokeApiKey(@CurrentPrincipal() principal: Principal, @Args('id', { type: () => ID }) id: string): Promise<ApiKeyType> {
    return this.access.revokeApiKey(principal, id);
  }

  @Mutation(() => TenantSettingsType)
  @RequireScope('ADMIN')
  async updateTenantSettings(
    @CurrentPrincipal() principal: Principal,
    @Args('input') input: TenantSettingsInput,
  ): Promise<TenantSettingsType> {
    const settings = await this.settings.update(principal.tenantId, input, principal.apiKeyId);
    this.ingest.limitsChanged(principal.tenantId);
    return settings;
  }
}

import { Args, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { MigrationPreviews } from '@tare/billing';
import type { Instant } from '@tare/core';
import { MigrationsService, type MigrationTiming } from '@tare/customers';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { DateTimeScalar } from '../graphql/scalars.ts';
import { MigrationInput, MigrationPage, MigrationPreview, MigrationTimings } from './migrations.types.ts';

/** Bringing subscriptions from one version of a plan to another. */
@Resolver()
export class MigrationsResolver {
  constructor(
    private readonly migrations: MigrationsService,
    private readonly previews: MigrationPreviews,
  ) {}

  @Mutation(() => MigrationPage, {
    description:
      'Migrates a page of subscriptions, each by itself: one that cannot be is listed with its reason. Asking again changes nothing of what is migrated. Prices ' +
      'agreed for what the other version does not have end.',
  })
  @RequireScope('WRITE')
  async migrateSubscriptions(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('input') input: MigrationInput,
    @Args('timing', { type: () => MigrationTimings }) timing: MigrationTiming,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'When it is asked for. None: now.' }) at: Instant | null,
    @Args('first', { type: () => Int, nullable: true, description: 'None: 100; at most 500.' }) first: number | null,
    @Args('after', { type: () => String, nullable: true }) after: string | null,
  ): Promise<MigrationPage> {
    const { hasNextPage, endCursor, ...done } = await this.migrations.migrate(tenantId, { ...input, timing, at, first, after }, apiKeyId);
    return { ...done, pageInfo: { hasNextPage, endCursor } };
  }

  @Query(() => MigrationPreview, {
    description:
      'Who would have paid what more or less under another version of a plan: the last closed billing period of each subscription, rated by what makes the ' +
      'bills. Nothing is stored.',
  })
  @RequireScope('READ')
  async previewMigration(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('input') input: MigrationInput,
    @Args('at', {
      type: () => DateTimeScalar,
      nullable: true,
      description: 'Subscriptions that run on the version then, or will. None: now.',
    })
    at: Instant | null,
    @Args('first', { type: () => Int, nullable: true, description: 'None: 100; at most 500.' }) first: number | null,
    @Args('after', { type: () => String, nullable: true }) after: string | null,
  ): Promise<MigrationPreview> {
    const { rows, hasNextPage, endCursor, ...counts } = await this.previews.preview(tenantId, { ...input, at, first, after });
    const edges = rows.map(({ subscriptionId, ...row }) => ({ cursor: endCursor ?? '', node: { ...row, subscription: subscriptionId } }));
    return { ...counts, edges, pageInfo: { hasNextPage, endCursor } };
  }
}

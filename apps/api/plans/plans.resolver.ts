import { Args, Context, Int, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { PlanReview } from '@tare/billing';
import { PlansService, type PlanListing, type PlanView } from '@tare/catalog';
import { instantOfDate, type Instant, type PlanWarning as Warning } from '@tare/core';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { connectionOf } from '../graphql/connection.ts';
import { DateTimeScalar } from '../graphql/scalars.ts';
import { ArchivedPlans } from './archived-plans.ts';
import { PlanStatuses, type PlanStatus } from './plan-enums.ts';
import { Plan, PlanConnection, PlanInput, PlanWarning } from './plans.types.ts';

const LISTINGS: Readonly<Record<PlanStatus, PlanListing>> = { DRAFT: 'DRAFT', PUBLISHED: 'CURRENT', ARCHIVED: 'ARCHIVED' };
const FIRST = { type: () => Int, nullable: true } as const;
const AFTER = { type: () => String, nullable: true } as const;

@Resolver(() => Plan)
export class PlansResolver {
  constructor(
    private readonly service: PlansService,
    private readonly review: PlanReview,
    private readonly archived: ArchivedPlans,
  ) {}

  @Mutation(() => Plan, {
    description:
      'Publishes a plan; with the key of an existing one its next version. Running subscriptions keep their version. The terms of the newest version again ' +
      'answer that version.',
  })
  @RequireScope('WRITE')
  async createPlan(@CurrentPrincipal() { tenantId, apiKeyId }: Principal, @Args('input') input: PlanInput): Promise<Plan> {
    return this.reviewed(tenantId, await this.service.create(tenantId, input, apiKeyId));
  }

  @Mutation(() => Plan, {
    description:
      "Makes or replaces the draft of a plan's next version. Nobody can subscribe to it until it is published; what createPlan refuses is refused.",
  })
  @RequireScope('WRITE')
  async draftPlan(@CurrentPrincipal() { tenantId, apiKeyId }: Principal, @Args('input') input: PlanInput): Promise<Plan> {
    return this.reviewed(tenantId, await this.service.draft(tenantId, input, apiKeyId));
  }

  @Mutation(() => Plan, { description: 'Publishes the draft of a plan as its next version.' })
  @RequireScope('WRITE')
  async publishPlan(@CurrentPrincipal() { tenantId, apiKeyId }: Principal, @Args('key') key: string): Promise<Plan> {
    return this.reviewed(tenantId, await this.service.publish(tenantId, key, apiKeyId));
  }

  @Mutation(() => Plan, {
    nullable: true,
    description: 'Takes the draft of a plan away. Answers the newest version; null where nothing was published, then the plan is gone too.',
  })
  @RequireScope('WRITE')
  discardDraft(@CurrentPrincipal() { tenantId, apiKeyId }: Principal, @Args('key') key: string): Promise<Plan | null> {
    return this.service.discard(tenantId, key, apiKeyId);
  }

  @Mutation(() => Plan, {
    description: 'A plan that is archived takes no new subscriptions and no new version; subscriptions that there are go on.',
  })
  @RequireScope('WRITE')
  archivePlan(@CurrentPrincipal() { tenantId, apiKeyId }: Principal, @Args('key') key: string): Promise<Plan> {
    return this.service.archive(tenantId, key, true, apiKeyId);
  }

  @Mutation(() => Plan, { description: 'The plan takes new subscriptions again.' })
  @RequireScope('WRITE')
  unarchivePlan(@CurrentPrincipal() { tenantId, apiKeyId }: Principal, @Args('key') key: string): Promise<Plan> {
    return this.service.archive(tenantId, key, false, apiKeyId);
  }

  @Query(() => Plan, {
    nullable: true,
    description: 'The newest version of a plan, or the one asked for; of a plan of which nothing is published yet, its draft.',
  })
  @RequireScope('READ')
  plan(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('key') key: string,
    @Args('version', { type: () => Int, nullable: true, description: 'None: the newest.' }) version: number | null,
  ): Promise<Plan | null> {
    return this.service.byKey(tenantId, key, version ?? null);
  }

  @Query(() => Plan, { nullable: true, description: "The draft of a plan's next version; null when there is none." })
  @RequireScope('READ')
  planDraft(@CurrentPrincipal() { tenantId }: Principal, @Args('key') key: string): Promise<Plan | null> {
    return this.service.draftByKey(tenantId, key);
  }

  @Query(() => PlanConnection, {
    description:
      'Plans in the order in which they were made, each as its newest version says, or its draft where nothing is published; 50 unless `first` says ' +
      'otherwise, at most 500.',
  })
  @RequireScope('READ')
  async plans(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('first', FIRST) first: number | null,
    @Args('after', AFTER) after: string | null,
    @Args('status', {
      type: () => PlanStatuses,
      nullable: true,
      description: 'DRAFT: those with a draft, as drafted. ARCHIVED: those that are archived. None, PUBLISHED: all that are not archived.',
    })
    status: PlanStatus | null,
  ): Promise<PlanConnection> {
    return connectionOf(await this.service.page(tenantId, { first, after }, LISTINGS[status ?? 'PUBLISHED']), (plan) => plan);
  }

  @Query(() => PlanConnection, {
    description: 'The published versions of a plan, the first one first; 50 unless `first` says otherwise, at most 500.',
  })
  @RequireScope('READ')
  async planVersions(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('key') key: string,
    @Args('first', FIRST) first: number | null,
    @Args('after', AFTER) after: string | null,
  ): Promise<PlanConnection> {
    return connectionOf(await this.service.versionsPage(tenantId, key, { first, after }), ({ plan }) => plan);
  }

  @Query(() => [PlanWarning], {
    description:
      'What would surprise somebody if this plan were published: steps in its amounts, bounds without effect, prices below what usage cost in the last month. ' +
      'Nothing is stored; what createPlan refuses is refused.',
  })
  @RequireScope('READ')
  reviewPlan(@CurrentPrincipal() { tenantId }: Principal, @Args('input') input: PlanInput): Promise<Warning[]> {
    return this.review.review(tenantId, input, presentInstant());
  }

  @ResolveField(() => PlanStatuses, { description: 'Where it stands now.' })
  async status(@CurrentPrincipal() { tenantId }: Principal, @Parent() plan: Plan, @Context() request: object): Promise<PlanStatus> {
    if (plan.publishedAt === null) return 'DRAFT';
    return (await this.archived.archivedAt(request, tenantId, plan)) === null ? 'PUBLISHED' : 'ARCHIVED';
  }

  @ResolveField(() => DateTimeScalar, { nullable: true, description: 'From then on it takes no new subscriptions; null: it does.' })
  archivedAt(@CurrentPrincipal() { tenantId }: Principal, @Parent() plan: Plan, @Context() request: object): Promise<Instant | null> {
    return this.archived.archivedAt(request, tenantId, plan);
  }

  private async reviewed(tenantId: string, plan: PlanView): Promise<Plan> {
    return { ...plan, warnings: await this.review.warningsOf(tenantId, plan.terms, presentInstant()) };
  }
}

const presentInstant = (): Instant => instantOfDate(new Date());

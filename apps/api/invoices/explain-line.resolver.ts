import { Args, ID, Int, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { LineExplanations, type LineEvent as BilledEvent, type LineExplanation as Explanation } from '@tare/billing';
import { cursorOf } from '@tare/catalog';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { LineEventConnection, LineExplanation, type LineEvent } from './explain-line.types.ts';

/** Every line can be explained (SEMANTICS 8.4). */
@Resolver(() => LineExplanation)
export class ExplainLineResolver {
  constructor(private readonly explanations: LineExplanations) {}

  @Query(() => LineExplanation, {
    nullable: true,
    description: 'Where a line of an invoice comes from: price version, quantity, walk, rounding, events.',
  })
  @RequireScope('READ')
  async explainLine(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('line', { type: () => ID }) line: string,
  ): Promise<LineExplanation | null> {
    const explanation = await this.explanations.explain(tenantId, line);
    return explanation && explanationView(explanation);
  }

  @ResolveField(() => LineEventConnection, {
    description:
      'The events behind the line as the invoice saw them, corrections included; 50 unless `first` says otherwise, at most 500. A page that looked at much and ' +
      'found little may be short: read on from `endCursor` while there is a next page.',
  })
  @RequireScope('READ')
  async events(
    @CurrentPrincipal() { tenantId }: Principal,
    @Parent() { line }: LineExplanation,
    @Args('first', { type: () => Int, nullable: true }) first: number | null,
    @Args('after', { type: () => String, nullable: true }) after: string | null,
  ): Promise<LineEventConnection> {
    const { events, hasNextPage, end } = await this.explanations.eventsOf(tenantId, line.id, { first, after });
    const edges = events.map(({ event, ...more }) => ({
      cursor: cursorOf({ createdAt: event.from, id: event.id }),
      node: eventView({ event, ...more }),
    }));
    return { edges, pageInfo: { hasNextPage, endCursor: end && cursorOf({ createdAt: end.at, id: end.id }) } };
  }

  @ResolveField(() => String, {
    nullable: true,
    description:
      'The hash of the same line, assembled again from its events now; null while the invoice is a draft, or if the line no longer comes about.',
  })
  @RequireScope('READ')
  recomputedHash(@CurrentPrincipal() { tenantId }: Principal, @Parent() { line }: LineExplanation): Promise<string | null> {
    return this.explanations.recomputedHash(tenantId, line.id);
  }
}

function explanationView({ invoice, line, plan, seats, price, meter, hash, eventsDroppedBefore }: Explanation): LineExplanation {
  return {
    line: { ...line, periodStart: line.period.start, periodEnd: line.period.end },
    invoice: invoice.id,
    invoiceNumber: invoice.number,
    currency: invoice.currency,
    plan: plan?.planKey ?? null,
    planVersion: plan?.version ?? null,
    planName: plan?.planName ?? null,
    seats,
    price,
    meter,
    hash,
    eventsDroppedBefore,
  };
}

function eventView({ event: { key, from, type, provider, model, feature }, state, quantity, member }: BilledEvent): LineEvent {
  return { key, at: from, type, provider, model, feature, state, quantity, member };
}

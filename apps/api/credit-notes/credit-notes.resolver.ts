import { Args, ID, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { CreditNotesService } from '@tare/billing';
import { CodedError } from '@tare/core';
import { StripeSync } from '@tare/stripe';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { connectionOf } from '../graphql/connection.ts';
import { CreditNoteViews } from './credit-note-views.ts';
import { CreditNote, CreditNoteConnection, CreditNoteInput } from './credit-notes.types.ts';

@Resolver(() => CreditNote)
export class CreditNotesResolver {
  constructor(
    private readonly notes: CreditNotesService,
    private readonly views: CreditNoteViews,
    private readonly sync: StripeSync,
  ) {}

  @Mutation(() => CreditNote, {
    description:
      'Credits a finalized, paid or written off invoice: never more than is left of it, its taxes in proportion. What the customer still owes is lowered first; ' +
      'an invoice of which nothing is owed any more is PAID. Usage that was wrong is voided or amended instead: the next invoice corrects it by itself.',
  })
  @RequireScope('WRITE')
  async creditNote(@CurrentPrincipal() { tenantId, apiKeyId }: Principal, @Args('input') input: CreditNoteInput): Promise<CreditNote> {
    return this.views.one(tenantId, await this.notes.create(tenantId, input, apiKeyId));
  }

  @Mutation(() => CreditNote, {
    description: 'Starts the sync of a credit note that FAILED again where it stopped, after somebody has looked at its `syncProblem`.',
  })
  @RequireScope('WRITE')
  async retryCreditNoteSync(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('creditNote', { type: () => ID }) id: string,
  ): Promise<CreditNote> {
    const note = await this.notes.byId(tenantId, id);
    if (note === null) throw new CodedError('NOT_FOUND', `There is no credit note with id "${id}".`, 'creditNote');
    await this.sync.retryCreditNote(tenantId, id);
    return this.views.one(tenantId, note);
  }

  @Query(() => CreditNote, { name: 'creditNote', nullable: true })
  @RequireScope('READ')
  async creditNoteById(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('id', { type: () => ID }) id: string,
  ): Promise<CreditNote | null> {
    const note = await this.notes.byId(tenantId, id);
    return note && this.views.one(tenantId, note);
  }

  @Query(() => CreditNoteConnection, {
    description: 'Credit notes in the order in which they were made; 50 unless `first` says otherwise, at most 500.',
  })
  @RequireScope('READ')
  async creditNotes(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('customer', { type: () => String, nullable: true, description: 'Your own key of a customer; none: of all.' })
    customer: string | null,
    @Args('invoice', { type: () => ID, nullable: true, description: 'Only those of one invoice.' }) invoice: string | null,
    @Args('first', { type: () => Int, nullable: true }) first: number | null,
    @Args('after', { type: () => String, nullable: true }) after: string | null,
  ): Promise<CreditNoteConnection> {
    const page = await this.notes.list(tenantId, { customer, invoice, first, after });
    const views = new Map((await this.views.of(tenantId, page.rows)).map((view) => [view.id, view]));
    return connectionOf(page, ({ id }) => views.get(id) as CreditNote);
  }
}

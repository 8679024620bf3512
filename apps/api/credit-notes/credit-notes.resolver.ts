import { Args, ID, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { CreditNotesService } from '@tare/billing';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { connectionOf } from '../graphql/connection.ts';
import { CreditNote, CreditNoteConnection, CreditNoteInput, creditNoteOf } from './credit-notes.types.ts';

@Resolver(() => CreditNote)
export class CreditNotesResolver {
  constructor(private readonly notes: CreditNotesService) {}

  @Mutation(() => CreditNote, {
    description:
      'Credits a finalized, paid or written off invoice: never more than is left of it, its taxes in proportion. What the customer still owes is lowered first; ' +
      'an invoice of which nothing is owed any more is PAID. Usage that was wrong is voided or amended instead: the next invoice corrects it by itself.',
  })
  @RequireScope('WRITE')
  async creditNote(@CurrentPrincipal() { tenantId, apiKeyId }: Principal, @Args('input') input: CreditNoteInput): Promise<CreditNote> {
    return creditNoteOf(await this.notes.create(tenantId, input, apiKeyId));
  }

  @Query(() => CreditNote, { name: 'creditNote', nullable: true })
  @RequireScope('READ')
  async creditNoteById(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('id', { type: () => ID }) id: string,
  ): Promise<CreditNote | null> {
    const note = await this.notes.byId(tenantId, id);
    return note && creditNoteOf(note);
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
    return connectionOf(await this.notes.list(tenantId, { customer, invoice, first, after }), creditNoteOf);
  }
}

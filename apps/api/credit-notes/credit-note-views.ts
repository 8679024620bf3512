import { Injectable } from '@nestjs/common';
import type { CreditNoteView } from '@tare/billing';
import { Database } from '@tare/database';
import { CreditNoteSync, type CreditNoteSyncView } from '@tare/stripe';
import type { CreditNote } from './credit-notes.types.ts';

const NOT_SYNCED: CreditNoteSyncView = { state: 'NOT_SYNCED', stripeCreditNoteId: null, problem: null };

/** Credit notes as the API shows them: billing's, with where Stripe stands. */
@Injectable()
export class CreditNoteViews {
  constructor(
    private readonly database: Database,
    private readonly sync: CreditNoteSync,
  ) {}

  /** In the order of `notes`. One query, however many there are. */
  async of(tenantId: string, notes: readonly CreditNoteView[]): Promise<CreditNote[]> {
    if (notes.length === 0) return [];
    const ids = notes.map(({ id }) => id);
    const views = await this.database.withTenant(tenantId, (tx) => this.sync.views(tx, ids));
    return notes.map((note) => creditNoteOf(note, views.get(note.id) ?? NOT_SYNCED));
  }

  async one(tenantId: string, note: CreditNoteView): Promise<CreditNote> {
    const [view] = await this.of(tenantId, [note]);
    return view ?? creditNoteOf(note, NOT_SYNCED);
  }
}

function creditNoteOf(note: CreditNoteView, { state, stripeCreditNoteId, problem }: CreditNoteSyncView): CreditNote {
  return { ...note, sync: state, stripeCreditNoteId, syncProblem: problem };
}

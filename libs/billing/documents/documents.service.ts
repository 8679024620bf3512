import { Inject, Injectable } from '@nestjs/common';
import { CodedError } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import type { CreditNote } from '../credit-notes/credit-note.ts';
import { CreditNoteStore } from '../credit-notes/credit-note.store.ts';
import { LineExplanations } from '../explain/explain-line.ts';
import { InvoiceStore } from '../invoices/invoice.store.ts';
import type { InvoiceWithLines } from '../invoices/invoice.ts';
import { creditNoteDocument } from './credit-note-document.ts';
import { creditNoteLinesCsv } from './credit-note-lines-csv.ts';
import { documentPdf } from './document-pdf.ts';
import { invoiceDocument } from './invoice-document.ts';
import { linesCsv } from './lines-csv.ts';
import { PartyStore } from './party.store.ts';
import type { PdfFonts } from './pdf-fonts.ts';
import { usageCsv } from './usage-csv.ts';

export const PDF_FONTS = Symbol('fonts of documents');

/** A file to hand out. */
export interface DocumentFile<Content> {
  /** Without what a file's name should not have. */
  readonly name: string;
  readonly content: Content;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Invoices and credit notes as files: pages for a person, rows for a spreadsheet. */
@Injectable()
export class DocumentsService {
  constructor(
    private readonly database: Database,
    private readonly invoices: InvoiceStore,
    private readonly creditNotes: CreditNoteStore,
    private readonly parties: PartyStore,
    private readonly explanations: LineExplanations,
    @Inject(PDF_FONTS) private readonly fonts: PdfFonts,
  ) {}

  /** The same invoice, in the same state, has the same bytes. @throws CodedError NOT_FOUND */
  async invoicePdf(tenantId: string, invoiceId: string): Promise<DocumentFile<Buffer>> {
    const { invoice, document } = await this.database.withTenant(tenantId, async (tx) => {
      const found = await this.found(tx, invoiceId);
      const context = {
        parties: await this.parties.partiesOf(tx, found),
        numbers: await this.numbersOf(tx, found),
        creditNotes: await this.creditNotes.ofInvoices(tx, [found.id]),
      };
      return { invoice: found, document: invoiceDocument(found, context) };
    });
    return { name: `${nameOf(invoice)}.pdf`, content: await documentPdf(document, this.fonts) };
  }

  /** @throws CodedError NOT_FOUND */
  async linesCsv(tenantId: string, invoiceId: string): Promise<DocumentFile<string>> {
    const invoice = await this.database.withTenant(tenantId, (tx) => this.found(tx, invoiceId));
    return { name: `${nameOf(invoice)}-lines.csv`, content: linesCsv(invoice) };
  }

  /** A credit note never changes: neither do its bytes. @throws CodedError NOT_FOUND */
  async creditNotePdf(tenantId: string, creditNoteId: string): Promise<DocumentFile<Buffer>> {
    const { note, document } = await this.database.withTenant(tenantId, async (tx) => {
      const found = await this.foundCreditNote(tx, creditNoteId);
      const { id, customerId, finalizedAt: billingAt } = found;
      const parties = await this.parties.partiesOf(tx, { id, customerId, billingAt });
      return { note: found, document: creditNoteDocument(found, await this.found(tx, found.invoiceId), parties) };
    });
    return { name: `${nameOf(note)}.pdf`, content: await documentPdf(document, this.fonts) };
  }

  /** @throws CodedError NOT_FOUND */
  async creditNoteLinesCsv(tenantId: string, creditNoteId: string): Promise<DocumentFile<string>> {
    return this.database.withTenant(tenantId, async (tx) => {
      const note = await this.foundCreditNote(tx, creditNoteId);
      const { number } = await this.found(tx, note.invoiceId);
      return { name: `${nameOf(note)}-lines.csv`, content: creditNoteLinesCsv(note, number) };
    });
  }

  /** @throws CodedError NOT_FOUND, before the first piece */
  async usageCsv(tenantId: string, invoiceId: string): Promise<DocumentFile<AsyncIterable<string>>> {
    const invoice = await this.database.withTenant(tenantId, (tx) => this.found(tx, invoiceId));
    const content = usageCsv(invoice, (line) => this.explanations.everyEvent(tenantId, invoice, line));
    return { name: `${nameOf(invoice)}-usage.csv`, content };
  }

  private async found(tx: TenantTransaction, id: string): Promise<InvoiceWithLines> {
    const invoice = UUID.test(id) ? await this.invoices.byId(tx, id) : null;
    if (invoice === null) throw new CodedError('NOT_FOUND', `There is no invoice with id "${id}".`);
    const lines = await this.invoices.linesOf(tx, [invoice.id]);
    return { ...invoice, lines: lines.get(invoice.id) ?? [] };
  }

  private async foundCreditNote(tx: TenantTransaction, id: string): Promise<CreditNote> {
    const [note] = UUID.test(id) ? await this.creditNotes.byIds(tx, [id]) : [];
    if (note === undefined) throw new CodedError('NOT_FOUND', `There is no credit note with id "${id}".`);
    return note;
  }

  /** The numbers of the invoices that this one corrects. */
  private async numbersOf(tx: TenantTransaction, { adjusts, lines }: InvoiceWithLines): Promise<Map<string, string>> {
    const ids = [...new Set([adjusts, ...lines.map((line) => line.adjusts)])].filter((id) => id !== null);
    const invoices = ids.length === 0 ? [] : [...(await this.invoices.byIds(tx, ids)).values()];
    return new Map(invoices.flatMap(({ id, number }) => (number === null ? [] : [[id, number] as const])));
  }
}

function nameOf({ number, id }: Pick<InvoiceWithLines, 'number' | 'id'>): string {
  return (number ?? `draft-${id}`).replace(/[^A-Za-z0-9._-]+/g, '-');
}

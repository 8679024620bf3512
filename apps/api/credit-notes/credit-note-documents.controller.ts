import { Controller, Param } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { DocumentsService, type DocumentFile } from '@tare/billing';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { DocumentRoute } from '../invoices/document-reply.ts';

/** Credit notes as files. */
@Controller('v1/credit-notes/:id')
export class CreditNoteDocumentsController {
  constructor(private readonly documents: DocumentsService) {}

  /** The credit note on A4; always the same bytes. */
  @DocumentRoute('credit-note.pdf')
  creditNotePdf(@CurrentPrincipal() { tenantId }: Principal, @Param('id') id: string): Promise<DocumentFile<Buffer>> {
    return this.documents.creditNotePdf(tenantId, id);
  }

  /** A row for each line. */
  @DocumentRoute('lines.csv')
  linesCsv(@CurrentPrincipal() { tenantId }: Principal, @Param('id') id: string): Promise<DocumentFile<string>> {
    return this.documents.creditNoteLinesCsv(tenantId, id);
  }
}

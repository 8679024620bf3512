import { Controller, Param } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { DocumentsService, type DocumentFile } from '@tare/billing';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { DocumentRoute } from './document-reply.ts';

/** Invoices as files. */
@Controller('v1/invoices/:id')
export class DocumentsController {
  constructor(private readonly documents: DocumentsService) {}

  /** The invoice on A4; of the same invoice in the same state always the same bytes. */
  @DocumentRoute('invoice.pdf')
  invoicePdf(@CurrentPrincipal() { tenantId }: Principal, @Param('id') id: string): Promise<DocumentFile<Buffer>> {
    return this.documents.invoicePdf(tenantId, id);
  }

  /** A row for each line. */
  @DocumentRoute('lines.csv')
  linesCsv(@CurrentPrincipal() { tenantId }: Principal, @Param('id') id: string): Promise<DocumentFile<string>> {
    return this.documents.linesCsv(tenantId, id);
  }

  /** A row for each event behind each line, as it is read. */
  @DocumentRoute('usage.csv')
  usageCsv(@CurrentPrincipal() { tenantId }: Principal, @Param('id') id: string): Promise<DocumentFile<AsyncIterable<string>>> {
    return this.documents.usageCsv(tenantId, id);
  }
}

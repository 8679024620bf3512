import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { DocumentsService } from '@tare/billing';
import type { FastifyReply } from 'fastify';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { headed, markFor } from '../invoices/document-reply.ts';

/** Credit notes as files. */
@Controller('v1/credit-notes/:id')
export class CreditNoteDocumentsController {
  constructor(private readonly documents: DocumentsService) {}

  /** The credit note on A4; always the same bytes. */
  @Get('credit-note.pdf')
  @RequireScope('READ')
  async creditNotePdf(
    @CurrentPrincipal() { tenantId }: Principal,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Buffer> {
    const file = await this.documents.creditNotePdf(tenantId, id);
    return headed(reply, 'application/pdf', 'inline', file).content;
  }

  /** A row for each line. `?excel=true` begins the file with a byte order mark. */
  @Get('lines.csv')
  @RequireScope('READ')
  async linesCsv(
    @CurrentPrincipal() { tenantId }: Principal,
    @Param('id') id: string,
    @Query('excel') excel: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const file = await this.documents.creditNoteLinesCsv(tenantId, id);
    return markFor(excel) + headed(reply, 'text/csv; charset=utf-8', 'attachment', file).content;
  }
}

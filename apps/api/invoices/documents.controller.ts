import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { DocumentsService } from '@tare/billing';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { headed, markFor } from './document-reply.ts';

/** Invoices as files. */
@Controller('v1/invoices/:id')
export class DocumentsController {
  constructor(private readonly documents: DocumentsService) {}

  /** The invoice on A4; of the same invoice in the same state always the same bytes. */
  @Get('invoice.pdf')
  @RequireScope('READ')
  async invoicePdf(
    @CurrentPrincipal() { tenantId }: Principal,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Buffer> {
    const file = await this.documents.invoicePdf(tenantId, id);
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
    const file = await this.documents.linesCsv(tenantId, id);
    return markFor(excel) + headed(reply, 'text/csv; charset=utf-8', 'attachment', file).content;
  }

  /** A row for each event behind each line, as it is read. `?excel=true` begins the file with a byte order mark. */
  @Get('usage.csv')
  @RequireScope('READ')
  async usageCsv(
    @CurrentPrincipal() { tenantId }: Principal,
    @Param('id') id: string,
    @Query('excel') excel: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readable> {
    const file = await this.documents.usageCsv(tenantId, id);
    return Readable.from(marked(markFor(excel), headed(reply, 'text/csv; charset=utf-8', 'attachment', file).content), {
      objectMode: false,
    });
  }
}

async function* marked(mark: string, pieces: AsyncIterable<string>): AsyncGenerator<string> {
  if (mark !== '') yield mark;
  yield* pieces;
}

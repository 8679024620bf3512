import {
  applyDecorators,
  Get,
  Injectable,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { DocumentFile } from '@tare/billing';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { map, type Observable } from 'rxjs';
import { RequireScope } from '../auth/require-scope.ts';

/** What a route of files answers: pages whole, rows whole or as they are read. */
type AnyFile = DocumentFile<Buffer | string | AsyncIterable<string>>;

/** Tells old spreadsheets that a file is UTF-8. */
const BYTE_ORDER_MARK = '\ufeff';

/** How a file is handed out, by the ending of its name. */
const KINDS = {
  pdf: { type: 'application/pdf', disposition: 'inline' },
  csv: { type: 'text/csv; charset=utf-8', disposition: 'attachment' },
} as const;

/** Hands out what a route answers as a file: what it is, how it is called, and what is in it. `?excel=true` begins rows with a byte order mark. */
@Injectable()
class DocumentReply implements NestInterceptor<AnyFile, Buffer | string | Readable> {
  intercept(context: ExecutionContext, next: CallHandler<AnyFile>): Observable<Buffer | string | Readable> {
    const http = context.switchToHttp();
    const { excel } = http.getRequest<FastifyRequest<{ Querystring: { excel?: string } }>>().query;
    return next.handle().pipe(map((file) => handedOut(http.getResponse<FastifyReply>(), file, excel === 'true' ? BYTE_ORDER_MARK : '')));
  }
}

/** A route below the controller's that answers a file: "lines.csv". */
export function DocumentRoute(path: `${string}.${keyof typeof KINDS}`): MethodDecorator {
  return applyDecorators(Get(path), RequireScope('READ'), UseInterceptors(DocumentReply));
}

function handedOut(reply: FastifyReply, { name, content }: AnyFile, mark: string): Buffer | string | Readable {
  const { type, disposition } = name.endsWith('.pdf') ? KINDS.pdf : KINDS.csv;
  void reply.headers({
    'content-type': type,
    'content-disposition': `${disposition}; filename="${name}"`,
    'cache-control': 'private, no-cache',
  });
  if (Buffer.isBuffer(content)) return content;
  return typeof content === 'string' ? mark + content : Readable.from(marked(mark, content), { objectMode: false });
}

async function* marked(mark: string, pieces: AsyncIterable<string>): AsyncGenerator<string> {
  if (mark !== '') yield mark;
  yield* pieces;
}

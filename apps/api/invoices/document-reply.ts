import type { DocumentFile } from '@tare/billing';
import type { FastifyReply } from 'fastify';

/** Tells old spreadsheets that a file is UTF-8. */
const BYTE_ORDER_MARK = '\ufeff';

/** Says what a file is and how it is called; answers the file. */
export function headed<File extends DocumentFile<unknown>>(reply: FastifyReply, type: string, disposition: string, file: File): File {
  void reply.headers({
    'content-type': type,
    'content-disposition': `${disposition}; filename="${file.name}"`,
    'cache-control': 'private, no-cache',
  });
  return file;
}

/** What a CSV begins with: nothing, or what `?excel=true` asks for. */
export const markFor = (excel: string | undefined): string => (excel === 'true' ? BYTE_ORDER_MARK : '');

import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { errorAnswer, statusOf } from './error-answer.ts';

/** REST errors are JSON {code, message, field}. GraphQL has its own format: there the error goes on as it is. */
@Catch()
export class RestErrorFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): unknown {
    if (host.getType<string>() === 'graphql') return error;
    const answer = errorAnswer(error);
    return host.switchToHttp().getResponse<FastifyReply>().status(statusOf(answer)).send(answer);
  }
}

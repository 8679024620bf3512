import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorAnswer, graphqlErrorBody, retryAfterHeaders, statusOf } from './error-answer.ts';

/** REST errors are JSON {code, message, field}. GraphQL has its own format: there the error goes on as it is, or, for a body that never got so far, is told in it. */
@Catch()
export class RestErrorFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): unknown {
    if (host.getType<string>() === 'graphql') return error;
    const answer = errorAnswer(error);
    const http = host.switchToHttp();
    const isGraphql = http.getRequest<FastifyRequest>().routeOptions.url === '/graphql';
    const body = isGraphql ? graphqlErrorBody(answer) : answer;
    return http.getResponse<FastifyReply>().status(statusOf(answer)).headers(retryAfterHeaders(answer)).send(body);
  }
}

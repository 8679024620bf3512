import type { FastifyReply } from 'fastify';
import { errorAnswer, retryAfterHeaders, statusOf } from './error-answer.ts';

/** Answers an error of a REST route: JSON {code, message, field}. */
export function answerError(reply: FastifyReply, error: unknown): void {
  const answer = errorAnswer(error);
  void reply.status(statusOf(answer)).headers(retryAfterHeaders(answer)).send(answer);
}

import { Injectable } from '@nestjs/common';
import type { Principal } from '@tare/access';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PassThrough, type Readable } from 'node:stream';
import { errorAnswer } from '../errors/error-answer.ts';
import { NDJSON } from './event-bodies.ts';
import { StreamAnswers, StreamTotals, type StreamResult } from './ndjson-answers.ts';
import { NdjsonStream } from './ndjson-stream.ts';

/** Requests whose body is a stream of events: answered once at the end, or line by line. */
@Injectable()
export class NdjsonRequests {
  constructor(private readonly stream: NdjsonStream) {}

  /** @throws those of NdjsonStream, where the answer is one; line by line, an error stands in the last line */
  async take(principal: Principal, request: FastifyRequest, reply: FastifyReply): Promise<StreamResult | Readable> {
    // A request without a body is a stream of no lines.
    const body = (request.body as Readable | undefined) ?? new PassThrough().end();
    if ((request.headers.accept ?? '').toLowerCase().includes(NDJSON)) return this.answerLines(principal, body, reply);
    const totals = new StreamTotals();
    try {
      await this.stream.take(principal, body, (answers) => totals.add(answers));
    } catch (error) {
      // What is left of the body is not read.
      void reply.header('connection', 'close');
      throw error;
    }
    return totals.result;
  }

  private answerLines(principal: Principal, body: Readable, reply: FastifyReply): Readable {
    // Closed at the end: with lines still coming after an error, the connection cannot be used again.
    void reply.headers({ 'content-type': NDJSON, connection: 'close' });
    const answers = new StreamAnswers();
    void this.takeAnswering(principal, body, answers);
    return answers.body;
  }

  /** Never fails: the status of the answer is out already. */
  private async takeAnswering(principal: Principal, body: Readable, answers: StreamAnswers): Promise<void> {
    const totals = new StreamTotals();
    try {
      await this.stream.take(principal, body, async (lines) => {
        await answers.write(lines);
        totals.add(lines);
      });
      await answers.write([totals.summary(null)]);
    } catch (error) {
      if (!answers.body.destroyed) await answers.write([totals.summary(errorAnswer(error))]).catch(() => undefined);
    } finally {
      answers.end();
    }
  }
}

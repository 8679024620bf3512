import type { AdmittedBody } from '@tare/usage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';

/** Longest silence in the middle of a body. A sender that has lost its network closes nothing, and would hold its room for good. */
const IDLE_MS = 120_000;

/** Bodies whose requests have not ended, by the connection they came on: one listener for all of them, however many are pipelined. */
const bodiesOf = new WeakMap<Socket, Set<AdmittedBody>>();

/**
 * Gives a body's room back when its request is answered or its connection is gone, whichever comes first. The answer alone does not tell: one that never had its
 * turn on a connection (requests were pipelined, the one before closed it) is never closed, and one that was closed before we listened (the sender went away while
 * its key was looked up) does not say so again. A connection on which no more of the body comes is closed.
 */
export function releaseWhenOver(body: AdmittedBody, { raw: request }: FastifyRequest, { raw: response }: FastifyReply): void {
  const { socket } = request;
  if (socket.destroyed || response.closed) return body.release();
  // Requests that are injected come on none.
  if (socket instanceof Socket) closeWhenIdle(request);
  const bodies = bodiesOf.get(socket) ?? listenTo(socket);
  bodies.add(body);
  response.once('close', () => {
    bodies.delete(body);
    body.release();
  });
}

function listenTo(socket: Socket): Set<AdmittedBody> {
  const bodies = new Set<AdmittedBody>();
  bodiesOf.set(socket, bodies);
  socket.once('close', () => {
    for (const body of bodies) body.release();
    bodies.clear();
  });
  return bodies;
}

/** Node closes a silent connection by itself. Once the body is here, answering it may take as long as it takes. */
function closeWhenIdle(request: IncomingMessage): void {
  const { socket } = request;
  socket.setTimeout(IDLE_MS);
  request.once('end', () => socket.setTimeout(0));
}

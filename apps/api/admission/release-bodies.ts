import type { AdmittedBody } from '@tare/usage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';

/** Bodies whose requests have not ended, by the connection they came on: one listener for all of them, however many are pipelined. */
const bodiesOf = new WeakMap<Socket, Set<AdmittedBody>>();

/**
 * Gives a body's room back when its request is answered or its connection is gone, whichever comes first. The answer alone does not tell: one that never had its
 * turn on a connection (requests were pipelined, the one before closed it) is never closed, and one that was closed before we listened (the sender went away while
 * its key was looked up) does not say so again.
 */
export function releaseWhenOver(body: AdmittedBody, { raw: { socket } }: FastifyRequest, { raw: response }: FastifyReply): void {
  if (socket.destroyed || response.closed) return body.release();
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

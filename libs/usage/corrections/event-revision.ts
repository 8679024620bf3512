import { hash } from 'node:crypto';

const MOST_BITS_OF_FIRST_DIGIT = 7;
const MARK = 4;
const LOW_BITS = 3;

/**
 * The 16 bytes of an event's row in its key's history, as 32 hexadecimal digits: the identity itself for the first event, bytes of its own for what an
 * amendment put in its place. Those begin with bit 0 and have the bits 01 where a UUID has 10 and a hash 11, so they are nobody's identity
 * (docs/decisions/0015).
 */
export function rowIdentity(identity: string, revision: number): string {
  if (revision === 0) return identity;
  const digest = hash('sha256', `${identity} ${revision}`, 'hex');
  return digit(digest, 0, MOST_BITS_OF_FIRST_DIGIT, 0) + digest.slice(1, 16) + digit(digest, 16, LOW_BITS, MARK) + digest.slice(17, 32);
}

function digit(digest: string, position: number, mask: number, mark: number): string {
  return ((parseInt(digest.charAt(position), 16) & mask) | mark).toString(16);
}

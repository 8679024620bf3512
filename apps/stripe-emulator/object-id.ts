import { randomBytes } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** An id such as in_4fK...: random, so that an emulator that lost its state never gives an old id to another object. */
export function objectId(prefix: string): string {
  return `${prefix}_${randomText(24, ALPHABET)}`;
}

/** Eight capitals before an invoice's sequence number. */
export function invoicePrefix(): string {
  return randomText(8, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ');
}

function randomText(length: number, alphabet: string): string {
  return [...randomBytes(length)].map((byte) => alphabet[byte % alphabet.length]).join('');
}

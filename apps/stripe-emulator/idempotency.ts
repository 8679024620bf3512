import { createHash } from 'node:crypto';
import { type Account } from './account.ts';
import { canonicalForm, type FormBranch } from './form-decoding.ts';
import { type StoredResponse } from './objects/stored-response.ts';
import { StripeError } from './stripe-error.ts';

const DAY_MS = 86_400_000;
const KEY_MAX_LENGTH = 255;

/** Equal for requests that may share an idempotency key: same endpoint, same parameters. */
export function fingerprintOf(method: string, path: string, params: FormBranch): string {
  return createHash('sha256')
    .update(`${method} ${path} ${canonicalForm(params)}`)
    .digest('hex');
}

/** Idempotency keys of POST requests; elsewhere they have no effect. Results are kept for 24 hours by the emulator's clock. */
export class Idempotency {
  private readonly inUse = new Set<string>();

  constructor(private readonly clock: () => number) {}

  /**
   * The stored response to send again, or null when the request is to be executed.
   * Throws 409 idempotency_key_in_use, and 400 idempotency_error when the key was used for another request.
   */
  replay(account: Account, key: string, fingerprint: string): StoredResponse | null {
    if (key.length > KEY_MAX_LENGTH) {
      throw new StripeError(400, 'invalid_request_error', null, `Idempotency keys can have at most ${KEY_MAX_LENGTH} characters.`);
    }
    if (this.inUse.has(`${account.id} ${key}`)) throw idempotencyKeyInUse(key);
    const stored = account.table('responses').get(key);
    if (stored === undefined || this.clock() - stored.storedAt >= DAY_MS) return null;
    if (stored.fingerprint !== fingerprint) {
      throw new StripeError(
        400,
        'idempotency_error',
        null,
        `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
      );
    }
    return stored;
  }

  /** Holds the key while `work` runs; others that bring it meanwhile get 409. */
  async holding<T>(account: Account, key: string | null, work: () => Promise<T>): Promise<T> {
    if (key === null) return work();
    const held = `${account.id} ${key}`;
    this.inUse.add(held);
    try {
      return await work();
    } finally {
      this.inUse.delete(held);
    }
  }
}

export function idempotencyKeyInUse(key: string): StripeError {
  const message = `There is currently another in-progress request using this Idempotency Key ${key} (that probably means you submitted twice, and the other request is still going through): please try again later.`;
  return new StripeError(409, 'idempotency_error', 'idempotency_key_in_use', message);
}

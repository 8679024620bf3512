/** What the first request under an idempotency key was answered. */
export interface StoredResponse {
  /** The idempotency key. */
  id: string;
  fingerprint: string;
  requestId: string;
  /** Milliseconds by the emulator's clock. */
  storedAt: number;
  status: number;
  body: string;
}

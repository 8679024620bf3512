import type { UsageRecorder } from '../usage-scope.ts';
import { TareClient } from '../tare-client.ts';
import type { UsageEvent } from '../wire.ts';

export interface CollectingClient {
  readonly tare: TareClient;
  /** Of the customer acme. */
  readonly recorder: UsageRecorder;
  /** What was recorded until now. */
  readonly events: () => Promise<UsageEvent[]>;
}

/** A client that keeps what is recorded, as it would stand on the wire. */
export function collectingClient(): CollectingClient {
  const events: UsageEvent[] = [];
  const tare = new TareClient({
    url: 'http://tare.invalid',
    apiKey: 'tare_test_x',
    fetch: (_url, { body }) => {
      const batch = JSON.parse(body) as UsageEvent[];
      events.push(...batch);
      const text = JSON.stringify({ accepted: batch.length, duplicates: 0, rejected: [] });
      return Promise.resolve({ ok: true, status: 200, headers: { get: () => null }, text: () => Promise.resolve(text) });
    },
  });
  return {
    tare,
    recorder: tare.with({ customer: 'acme' }),
    events: async () => {
      await tare.flush();
      return events;
    },
  };
}

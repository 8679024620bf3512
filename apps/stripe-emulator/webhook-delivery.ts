import { createHmac } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type Account, type Change } from './account.ts';
import { type Counters } from './counters.ts';
import { type StripeEvent } from './objects/event.ts';
import { type WebhookEndpoint } from './objects/webhook-endpoint.ts';
import { seededRandom, shuffled } from './seeded-random.ts';
import { type Settings } from './settings.ts';
import { wantsEvent } from './webhook-endpoints.ts';

const ANSWER_TIMEOUT_MS = 10_000;
/** How long a group that is to be reordered waits for its last members. */
const GATHERING_MS = 250;

interface Queue {
  account: Account;
  endpointId: string;
  random: () => number;
  gathered: StripeEvent[];
  gatherTimer: NodeJS.Timeout | null;
  ready: StripeEvent[];
  running: boolean;
}

/** Told of an event that needs no further delivery, so that it can be journaled. */
type Settle = (account: Account, changes: Change[]) => void;

/**
 * Signed deliveries of events to webhook endpoints, by each endpoint's own queue. An answer other than 2xx is tried again after
 * the configured waits, while later events go ahead; so order is not guaranteed, as it is not at Stripe.
 */
export class WebhookDelivery {
  private readonly queues = new Map<string, Queue>();
  private readonly stopping = new AbortController();
  private pending = 0;
  private idleWaiters: (() => void)[] = [];

  constructor(
    private readonly settings: () => Settings,
    private readonly counters: Counters,
    private readonly settle: Settle,
  ) {}

  /** Queues an event for every endpoint that wants it. */
  announce(account: Account, event: StripeEvent): void {
    for (const endpoint of account.table('webhookEndpoints').values()) {
      if (wantsEvent(endpoint, event.type)) this.queue(account, endpoint, event);
    }
  }

  /** Queues what an earlier process committed and had not yet delivered. */
  resume(account: Account): void {
    for (const event of account.table('events').values()) {
      for (const endpoint of account.table('webhookEndpoints').values()) {
        const open = !account.table('deliveries').has(`${endpoint.id}/${event.id}`);
        if (open && event.created >= endpoint.created && wantsEvent(endpoint, event.type)) this.queue(account, endpoint, event);
      }
    }
  }

  /** Sends one event again to every endpoint that wants it, delivered or not. */
  resend(account: Account, event: StripeEvent): void {
    this.announce(account, event);
  }

  /** Resolves when nothing is left to deliver or retry. */
  async idle(): Promise<void> {
    if (this.pending === 0) return;
    await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
  }

  /** Forgets all queues; what is on its way may still arrive. */
  clear(): void {
    for (const queue of this.queues.values()) {
      if (queue.gatherTimer !== null) clearTimeout(queue.gatherTimer);
      this.done(queue.gathered.length + queue.ready.length);
      queue.gathered = [];
      queue.ready = [];
    }
    this.queues.clear();
  }

  stop(): void {
    this.stopping.abort();
    this.clear();
  }

  private queue(account: Account, endpoint: WebhookEndpoint, event: StripeEvent): void {
    const queue = this.queueOf(account, endpoint);
    const { drop, duplicate, reorder } = endpoint.trouble;
    if (drop > 0 && queue.random() < drop) {
      this.counters.count('webhook dropped');
      this.settled(queue, event);
      return;
    }
    const copies = duplicate > 0 && queue.random() < duplicate ? [event, event] : [event];
    if (copies.length > 1) this.counters.count('webhook duplicated');
    this.pending += copies.length;
    if (reorder > 1) this.gather(queue, copies, reorder);
    else this.release(queue, copies);
  }

  private queueOf(account: Account, endpoint: WebhookEndpoint): Queue {
    const existing = this.queues.get(endpoint.id);
    if (existing !== undefined) return existing;
    const random = seededRandom(endpoint.trouble.seed);
    const queue: Queue = { account, endpointId: endpoint.id, random, gathered: [], gatherTimer: null, ready: [], running: false };
    this.queues.set(endpoint.id, queue);
    return queue;
  }

  private gather(queue: Queue, events: StripeEvent[], size: number): void {
    queue.gathered.push(...events);
    const releaseAll = (): void => {
      if (queue.gatherTimer !== null) clearTimeout(queue.gatherTimer);
      queue.gatherTimer = null;
      this.release(queue, shuffled(queue.gathered.splice(0), queue.random));
    };
    if (queue.gathered.length >= size) releaseAll();
    else queue.gatherTimer ??= setTimeout(releaseAll, GATHERING_MS);
  }

  private release(queue: Queue, events: StripeEvent[]): void {
    queue.ready.push(...events);
    if (queue.running) return;
    queue.running = true;
    void this.run(queue).finally(() => (queue.running = false));
  }

  private async run(queue: Queue): Promise<void> {
    // A turn of the loop later, so that the call that made the event is answered first.
    await wait(0);
    for (let event = queue.ready.shift(); event !== undefined; event = queue.ready.shift()) {
      if (await this.attempt(queue, event)) this.finish(queue, event);
      else void this.retry(queue, event);
    }
  }

  private async retry(queue: Queue, event: StripeEvent): Promise<void> {
    for (const delayMs of this.settings().webhookRetryDelaysMs) {
      await wait(delayMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      if (this.stopping.signal.aborted || this.queues.get(queue.endpointId) !== queue) return this.done(1);
      this.counters.count('webhook retried');
      if (await this.attempt(queue, event)) return this.finish(queue, event);
    }
    this.counters.count('webhook given up');
    this.finish(queue, event);
  }

  /** One signed POST; true when there is nothing more to do. */
  private async attempt(queue: Queue, event: StripeEvent): Promise<boolean> {
    const endpoint = queue.account.table('webhookEndpoints').get(queue.endpointId);
    if (endpoint === undefined) return true;
    const body = JSON.stringify(event, null, 2);
    try {
      const response = await fetch(endpoint.url, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json; charset=utf-8',
          'Stripe-Signature': signatureHeader(body, endpoint.secret),
          'User-Agent': 'Stripe/1.0 (emulated by Tare)',
          'Tare-Emulator': 'stripe',
        },
        body,
        redirect: 'manual',
        signal: AbortSignal.any([this.stopping.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
      });
      await response.arrayBuffer();
      this.counters.count(response.ok ? 'webhook delivered' : 'webhook refused');
      return response.ok;
    } catch {
      this.counters.count('webhook unreachable');
      return false;
    }
  }

  private finish(queue: Queue, event: StripeEvent): void {
    this.settled(queue, event);
    this.done(1);
  }

  private settled(queue: Queue, event: StripeEvent): void {
    if (this.stopping.signal.aborted || this.queues.get(queue.endpointId) !== queue) return;
    const id = `${queue.endpointId}/${event.id}`;
    this.settle(queue.account, [{ table: 'deliveries', id, row: { id } }]);
  }

  private done(count: number): void {
    this.pending -= count;
    if (this.pending > 0) return;
    for (const resolve of this.idleWaiters.splice(0)) resolve();
  }
}

/** Signed with the time of the real clock, whatever the emulator's clock says: receivers compare it with theirs. */
export function signatureHeader(body: string, secret: string, timestamp = Math.floor(Date.now() / 1000)): string {
  return `t=${timestamp},v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
}

import type { Principal } from '@tare/access';
import { RetryLater } from '@tare/core';
import type { IngestBounds } from './ingest-bounds.ts';
import { TokenBucket } from './token-bucket.ts';

/** Seconds of unused rate that are kept. */
const BURST_SECONDS = 2;
/** Buckets of whoever was quiet for a while are as good as new ones: they are dropped when there are this many. */
const CAPACITY = 10_000;

/** Who sends events: a tenant, by one of its keys. */
export type IngestCaller = Pick<Principal, 'tenantId' | 'apiKeyId' | 'limits'> & {
  /** Brings in history: the window of backdating does not hold, retention does. */
  readonly isBackfill?: boolean;
};

/**
 * Agreed rates of tenants and of keys, in this process: with several processes each grants the whole rate. None is set unless somebody sets it. A tenant's rate
 * is the lower of its own setting and the operator's.
 */
export class IngestRates {
  private readonly buckets = new Map<string, TokenBucket>();
  /** Requests refused so far. */
  refused = 0;

  constructor(
    private readonly bounds: Pick<IngestBounds, 'eventsPerSecond' | 'requestsPerSecond'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Counts a request. @throws RetryLater RATE_LIMITED */
  takeRequest({ tenantId, limits }: IngestCaller): void {
    const rate = lower(limits.requestsPerSecond, this.bounds.requestsPerSecond);
    this.takeOf([this.bucket(`requests ${tenantId}`, rate)], 1, 'requests');
  }

  /** Whether events would be refused now, for callers who want to know before they read them. @throws RetryLater RATE_LIMITED */
  requireRoom(caller: IngestCaller): void {
    this.takeOf(this.eventBuckets(caller), 0, 'events');
  }

  /** Counts events before anything is done with them: when they are refused, nothing is taken. @throws RetryLater RATE_LIMITED */
  takeEvents(caller: IngestCaller, count: number): void {
    if (count > 0) this.takeOf(this.eventBuckets(caller), count, 'events');
  }

  private eventBuckets({ tenantId, apiKeyId, limits }: IngestCaller): (TokenBucket | null)[] {
    return [
      this.bucket(`events ${tenantId}`, lower(limits.eventsPerSecond, this.bounds.eventsPerSecond)),
      this.bucket(`key ${apiKeyId}`, limits.keyEventsPerSecond),
    ];
  }

  private takeOf(buckets: readonly (TokenBucket | null)[], count: number, what: string): void {
    const given = buckets.filter((bucket) => bucket !== null);
    const now = this.now();
    const wait = Math.max(0, ...given.map((bucket) => bucket.secondsUntilOpen(now)));
    if (wait > 0) {
      this.refused += 1;
      const seconds = Math.max(1, Math.ceil(wait));
      throw new RetryLater(
        'RATE_LIMITED',
        `More ${what} than were agreed for each second. Nothing was taken: send it again in ${seconds} s.`,
        seconds,
      );
    }
    for (const bucket of given) bucket.take(count, now);
  }

  private bucket(name: string, perSecond: number | null): TokenBucket | null {
    if (perSecond === null) return null;
    const now = this.now();
    const known = this.buckets.get(name);
    if (known !== undefined) {
      known.changeRate(perSecond, now);
      return known;
    }
    if (this.buckets.size >= CAPACITY) this.dropFull(now);
    const bucket = new TokenBucket(perSecond, BURST_SECONDS, now);
    this.buckets.set(name, bucket);
    return bucket;
  }

  private dropFull(now: number): void {
    for (const [name, bucket] of this.buckets) if (bucket.isFull(now)) this.buckets.delete(name);
  }
}

const lower = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.min(a, b));

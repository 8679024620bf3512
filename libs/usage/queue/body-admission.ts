import { RetryLater } from '@tare/core';
import { ActiveGroups } from './active-groups.ts';
import { FairCapacity } from './fair-capacity.ts';

const SECONDS = 1;

/** Bytes of request bodies that are in memory at once, shared fairly by tenants: decided before a body is read, so that refusing costs next to nothing. */
export class BodyAdmission {
  private readonly bytes: FairCapacity;
  private readonly active = new ActiveGroups();
  /** Requests refused so far. */
  refused = 0;

  constructor(
    capacityBytes: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.bytes = new FairCapacity(capacityBytes);
  }

  get heldBytes(): number {
    return this.bytes.held;
  }

  /**
   * Sets room aside for a body of a known length, or of 0 bytes for one that is counted as it comes. Whoever admits it releases it.
   * @throws RetryLater OVERLOADED
   */
  admit(tenantId: string, bytes: number): AdmittedBody {
    this.active.see(tenantId, this.now());
    const body = new AdmittedBody(
      (more) => this.take(tenantId, more),
      (held) => this.bytes.giveBack(tenantId, held),
    );
    body.grow(bytes);
    return body;
  }

  private take(tenantId: string, bytes: number): void {
    if (!this.bytes.fits(tenantId, bytes, this.active.countWith(tenantId, this.now()) > 1)) throw this.refusal();
    this.bytes.take(tenantId, bytes);
  }

  private refusal(): RetryLater {
    this.refused += 1;
    return new RetryLater('OVERLOADED', `Too much is being sent at once. Nothing was taken: send it again in a second.`, SECONDS);
  }
}

/** Room of one body. */
export class AdmittedBody {
  private held = 0;
  private isReleased = false;

  constructor(
    private readonly take: (bytes: number) => void,
    private readonly giveBack: (bytes: number) => void,
  ) {}

  /** None while nothing is set aside: its bytes are counted as they come. */
  get heldBytes(): number {
    return this.held;
  }

  /** @throws RetryLater OVERLOADED */
  grow(bytes: number): void {
    if (bytes === 0 || this.isReleased) return;
    this.take(bytes);
    this.held += bytes;
  }

  /** A second time changes nothing. */
  release(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    this.giveBack(this.held);
  }
}

import type { Instant } from '@tare/core';
import type { Principal } from './principal.ts';

interface Entry {
  readonly principal: Principal & { readonly expiresAt: Instant | null };
  readonly freshUntil: Instant;
}

/** A key is looked up again after a second: what another process revoked ends by then. */
const FRESH_MICROS = 1_000_000;
/** With so much of that left it may be looked up again in the background. */
const AGING_MICROS = 400_000;
const CAPACITY = 10_000;

/** Keys seen in the last second, by the hash of their secret. What this process revokes is forgotten at once. */
export class PrincipalCache {
  private readonly entries = new Map<string, Entry>();
  private revocations = 0;

  get(hash: string, now: Instant): Principal | null {
    const entry = this.entries.get(hash);
    if (entry === undefined || entry.freshUntil <= now) return null;
    const { expiresAt } = entry.principal;
    return expiresAt === null || expiresAt > now ? entry.principal : null;
  }

  /** What `get` answers will soon not be answered any more. */
  isAging(hash: string, now: Instant): boolean {
    const entry = this.entries.get(hash);
    return entry !== undefined && entry.freshUntil - now < AGING_MICROS;
  }

  /** Taken before a key is loaded: what was loaded while a key was revoked is not kept. */
  get generation(): number {
    return this.revocations;
  }

  set(hash: string, principal: Entry['principal'], now: Instant, generation: number): void {
    if (generation !== this.revocations) return;
    if (this.entries.size >= CAPACITY) this.entries.clear();
    this.entries.set(hash, { principal, freshUntil: now + FRESH_MICROS });
  }

  forgetAll(): void {
    this.revocations += 1;
    this.entries.clear();
  }
}

/**
 * Turns on the event loop: one piece of work for each round of it, tenant by tenant, so that who has fifty pieces waiting is no more in the way of another than
 * who has one, and sockets are served in between. When nobody else is at it, a turn comes at once.
 */
export class FairTurns {
  /** Who waits, in the order of their turns. */
  private readonly waiting = new Map<string, (() => void)[]>();
  private isTaken = false;

  /** Resolves when it is the turn of this tenant. What is done then until the next wait should take a few milliseconds. */
  next(tenantId: string): Promise<void> {
    if (!this.isTaken) {
      this.isTaken = true;
      setImmediate(() => this.pass());
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const own = this.waiting.get(tenantId);
      if (own === undefined) this.waiting.set(tenantId, [resolve]);
      else own.push(resolve);
    });
  }

  private pass(): void {
    const { value: first } = this.waiting.entries().next();
    if (first === undefined) {
      this.isTaken = false;
      return;
    }
    const [tenantId, own] = first;
    const resolve = own.shift();
    this.waiting.delete(tenantId);
    if (own.length > 0) this.waiting.set(tenantId, own);
    resolve?.();
    setImmediate(() => this.pass());
  }
}

/** There is one event loop. */
export const turns = new FairTurns();

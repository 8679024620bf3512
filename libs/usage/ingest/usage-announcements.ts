import { Injectable } from '@nestjs/common';

/** Hears which customers' usage a commit of this process moved. A hint: the tables are the truth, and other processes commit too. */
export type CommitListener = (tenantId: string, customerNos: readonly number[]) => void;

@Injectable()
export class UsageAnnouncements {
  private readonly listeners = new Set<CommitListener>();

  /** Answers a function that takes the listener away again. */
  onCommitted(listener: CommitListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  announce(tenantId: string, customerNos: readonly number[]): void {
    for (const listener of this.listeners) {
      try {
        listener(tenantId, customerNos);
      } catch {
        // What is committed stands, whatever a listener makes of it; it has its cursor to catch up with.
      }
    }
  }
}
